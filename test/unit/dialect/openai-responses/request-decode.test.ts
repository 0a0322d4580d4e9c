import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../internal/fault/app-error.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { decode } from './fixtures.ts';

/** Code and place of the refusal. */
function refusal(body: object): unknown {
  try {
    decode(body);
  } catch (error) {
    return error instanceof AppError ? [error.code, error.fields['param']] : error;
  }
  return undefined;
}

describe('what a client asks', () => {
  it('is read member by member', () => {
    expect(decode({
      instructions: 'Be brief.', max_output_tokens: 100, temperature: 0.5, top_p: 0.9, parallel_tool_calls: false, store: false, metadata: { a: 'b' }, safety_identifier: 'u', service_tier: 'flex',
      prompt_cache_key: 'k', prompt_cache_retention: '24h', text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: 'auto' }, include: ['reasoning.encrypted_content', 'message.output_text.logprobs'], top_logprobs: 3,
    }, true)).toEqual({
      turns: [{ role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] }, { role: 'user', parts: [{ kind: 'text', text: 'hi' }] }],
      places: [[undefined], ['input[0]']], tools: [], isStream: true, maxTokens: 100, temperature: 0.5, topP: 0.9, parallelToolCalls: false, store: false, metadata: { a: 'b' }, userId: 'u', serviceTier: 'flex',
      promptCacheKey: 'k', promptCacheRetention: '24h', responseFormat: { kind: 'schema', schema: { type: 'object' }, name: 'n', strict: true }, verbosity: 'low',
      reasoning: { effort: 'high', show: 'auto' }, logprobs: { top: 3 },
    });
  });

  it('null is as good as absent', () => {
    const nulls = Object.fromEntries(['instructions', 'tools', 'tool_choice', 'temperature', 'text', 'reasoning', 'metadata', 'store', 'include', 'background', 'prompt', 'truncation', 'conversation', 'previous_response_id'].map((name) => [name, null]));
    expect(decode(nulls)).toEqual({ turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], places: [['input[0]']], tools: [], isStream: false });
  });

  it('members without a place ride along, each under its own name', () => {
    const { extras } = decode({ truncation: 'auto', max_tool_calls: 2, reasoning: { effort: 'low', context: 'all_turns' }, include: ['web_search_call.action.sources', 'reasoning.encrypted_content'], previous_response_id: 'resp_1', conversation: 'c', background: false });
    expect(extras).toEqual({ dialect: 'openai-responses', members: { truncation: 'auto', max_tool_calls: 2, 'reasoning.context': 'all_turns', include: ['web_search_call.action.sources'] } });
  });

  it('every part is known by its place in the input, however many items a turn is made of', () => {
    const { places } = decode({
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'a' }, { type: 'input_file', file_id: 'file_1' }] },
        { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'x' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_file', file_id: 'file_2' }] },
        { role: 'user', content: 'b' },
      ],
    });
    expect(places).toEqual([[undefined], ['input[0].content[0]', 'input[0].content[1]'], ['input[1]', 'input[2]', 'input[3]'], ['input[4]', 'input[5]'], ['input[6]']]);
  });

  it('a later update of the configuration counts', () => {
    const { reasoning, responseFormat } = decode({ reasoning: { effort: 'low', summary: 'auto' }, input: [{ role: 'user', content: 'x' }, { type: 'configuration_update', reasoning: { effort: 'max' }, text: { format: { type: 'json_object' } } }] });
    expect([reasoning, responseFormat]).toEqual([{ effort: 'max', show: 'auto' }, { kind: 'json' }]);
  });

  it.each([
    [{ background: true }, ['unsupported_parameter', 'background']],
    [{ prompt: { id: 'pmpt_1' } }, ['unsupported_parameter', 'prompt']],
    [{ input: [{ role: 'user', content: 'x' }, { id: 'msg_9' }] }, ['unsupported_parameter', 'input[1]']],
    [{ input: [{ type: 'item_reference', id: 'msg_9' }] }, ['unsupported_parameter', 'input[0]']],
    [{ input: [{ type: 'compaction', encrypted_content: 'gAAA' }] }, ['unsupported_parameter', 'input[0]']],
    [{ input: [{ type: 'agent_message', author: 'a', content: [{ type: 'encrypted_content', encrypted_content: 'gAAA' }] }] }, ['invalid_request', 'input[0].content[0].type']],
    [{ temperature: '1' }, ['invalid_request', 'temperature']],
    [{ text: { format: { type: 'xml' } } }, ['invalid_request', 'text.format.type']],
    [{ reasoning: { effort: 'huge' } }, ['invalid_request', 'reasoning.effort']],
    [{ tools: [{ type: 'function' }] }, ['invalid_request', 'tools[0].name']],
    [{ tools: {} }, ['invalid_request', 'tools']],
    [{ tool_choice: 7 }, ['invalid_request', 'tool_choice']],
    [{ input: 7 }, ['invalid_request', 'input']],
    [{ input: [{ type: 'message', role: 'wizard', content: 'x' }] }, ['invalid_request', 'input[0].role']],
    [{ input: [{ role: 'user', content: [{ type: 'input_smell' }] }] }, ['invalid_request', 'input[0].content[0].type']],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, ['invalid_request', 'input[0].content[0]']],
    [{ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }, ['invalid_request', 'input[0].call_id']],
    [{ input: [{}] }, ['invalid_request', 'input[0].type']],
  ])('%j is refused by name', (body, expected) => {
    expect(refusal(body)).toEqual(expected);
  });
});

describe('items of the input', () => {
  const turns = (...input: readonly object[]): unknown => decode({ input }).turns;

  it('messages are turns in their order, in the easy form and the full one', () => {
    expect(turns({ role: 'developer', content: 'd' }, { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'u' }] }, { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'a', annotations: [], logprobs: [] }, { type: 'refusal', refusal: 'no' }] }, { role: 'system', content: 's' })).toEqual([
      { role: 'developer', parts: [{ kind: 'text', text: 'd' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'u' }] },
      { role: 'assistant', parts: [{ kind: 'text', text: 'a' }, { kind: 'refusal', text: 'no' }] },
      { role: 'system', parts: [{ kind: 'text', text: 's' }] },
    ]);
  });

  it('pictures, files and sound keep where they come from', () => {
    expect(turns({ role: 'user', content: [
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' }, { type: 'input_image', image_url: 'https://x.test/a.png' }, { type: 'input_image', file_id: 'file-1' },
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,BBBB' }, { type: 'input_file', filename: 'a.csv', file_data: 'CCCC' }, { type: 'input_file', filename: 'a.constructor', file_data: 'EEEE' }, { type: 'input_file', file_url: 'https://x.test/a.pdf' }, { type: 'input_file', file_id: 'file-2' },
      { type: 'input_audio', input_audio: { data: 'DDDD', format: 'mp3' } },
    ] })).toEqual([{ role: 'user', parts: [
      { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' }, detail: 'low' }, { kind: 'image', source: { kind: 'url', url: 'https://x.test/a.png' } }, { kind: 'image', source: { kind: 'id', id: 'file-1', dialect: 'openai-responses' } },
      { kind: 'file', source: { kind: 'base64', mime: 'application/pdf', data: 'BBBB' }, name: 'a.pdf' }, { kind: 'file', source: { kind: 'base64', mime: 'text/csv', data: 'CCCC' }, name: 'a.csv' }, { kind: 'file', source: { kind: 'base64', mime: 'application/pdf', data: 'EEEE' }, name: 'a.constructor' }, { kind: 'file', source: { kind: 'url', url: 'https://x.test/a.pdf' } }, { kind: 'file', source: { kind: 'id', id: 'file-2', dialect: 'openai-responses' } },
      { kind: 'audio', source: { kind: 'base64', mime: 'audio/mpeg', data: 'DDDD' } },
    ] }]);
  });

  it('reasoning, calls and results are gathered into the turns they belong to', () => {
    expect(turns(
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'a' }, { type: 'summary_text', text: 'b' }], encrypted_content: 'gAAA' },
      { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{"x":1}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'patch', input: '*** Begin' },
      { type: 'function_call_output', call_id: 'c1', output: 'ok' },
      { type: 'custom_tool_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'done' }, { type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] },
    )).toEqual([
      { role: 'assistant', parts: [
        { kind: 'thinking', text: 'a\n\nb', isSummary: true, id: 'rs_1', signature: { vendor: 'openai', account: undefined, value: 'gAAA' } },
        { kind: 'tool_call', id: 'c1', name: 'f', input: '{"x":1}' },
        { kind: 'tool_call', id: 'c2', name: 'patch', input: '*** Begin', isCustom: true },
      ] },
      { role: 'tool', parts: [
        { kind: 'tool_result', callId: 'c1', parts: [{ kind: 'text', text: 'ok' }] },
        { kind: 'tool_result', callId: 'c2', isCustom: true, parts: [{ kind: 'text', text: 'done' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } }] },
      ] },
    ]);
  });

  it('the reasoning itself comes before its summary', () => {
    expect(turns({ type: 'reasoning', summary: [{ type: 'summary_text', text: 's' }], content: [{ type: 'reasoning_text', text: 'all of it' }] })).toEqual([{ role: 'assistant', parts: [{ kind: 'thinking', text: 'all of it' }] }]);
  });

  it('a signature that an answer put before a call goes back onto it', () => {
    const google = { vendor: 'google', account: 'g', value: 'AbC=' };
    const tag = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: tagSignature(google) };
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' };
    expect(turns(tag, call, call)).toEqual([{ role: 'assistant', parts: [{ kind: 'tool_call', id: 'c1', name: 'f', input: '{}', signature: google }, { kind: 'tool_call', id: 'c1', name: 'f', input: '{}' }] }]);
    expect(turns(tag, tag, { role: 'assistant', content: 'x' })).toEqual([{ role: 'assistant', parts: [{ kind: 'thinking', text: '', id: 'rs_1', signature: google }, { kind: 'text', text: 'x', signature: google }] }]);
    expect(turns(call, tag)).toEqual([{ role: 'assistant', parts: [{ kind: 'tool_call', id: 'c1', name: 'f', input: '{}' }, { kind: 'thinking', text: '', id: 'rs_1', signature: google }] }]);
  });

  it('reasoning that Anthropic signed stays reasoning, shown or not', () => {
    const anthropics = { vendor: 'anthropic', account: 'a', value: 'EqQ' };
    expect(turns({ type: 'reasoning', summary: [], encrypted_content: tagSignature(anthropics) }, { role: 'assistant', content: 'x' })).toEqual([{ role: 'assistant', parts: [{ kind: 'thinking', text: '', signature: anthropics }, { kind: 'text', text: 'x' }] }]);
  });

  it('what only this dialect knows stays whole', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } };
    const shown = { type: 'computer_call_output', call_id: 'c', output: { type: 'computer_screenshot', image_url: 'data:image/png;base64,AAAA' } };
    const raw = (item: object): object => ({ kind: 'raw', dialect: 'openai-responses', item });
    expect(turns(search, shown)).toEqual([{ role: 'assistant', parts: [raw(search)] }, { role: 'tool', parts: [raw(shown)] }]);
  });

  it('what another agent says is said to the model', () => {
    expect(turns({ type: 'agent_message', author: 'a', recipient: 'b', content: [{ type: 'input_text', text: 'x' }] })).toEqual([{ role: 'user', parts: [{ kind: 'text', text: 'x' }] }]);
  });

  it('a cache breakpoint is a marker', () => {
    expect(turns({ role: 'user', content: [{ type: 'input_text', text: 'x', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } }] })).toEqual([{ role: 'user', parts: [{ kind: 'text', text: 'x', cache: { ttl: '12h' } }] }]);
  });

  it('an empty message is no turn', () => {
    expect(turns({ role: 'assistant', content: '' }, { role: 'user', content: 'x' })).toEqual([{ role: 'user', parts: [{ kind: 'text', text: 'x' }] }]);
  });
});
