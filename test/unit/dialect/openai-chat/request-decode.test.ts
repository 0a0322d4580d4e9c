import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../internal/fault/app-error.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { decode } from './fixtures.ts';

const turnsOf = (...messages: readonly object[]): unknown => plain(decode({ messages }).turns);

function refusalOf(body: object): unknown {
  try {
    decode(body);
  } catch (thrown) {
    if (thrown instanceof AppError) return { code: thrown.code, ...thrown.fields };
    throw thrown;
  }
  return undefined;
}

describe('messages of a client', () => {
  it('each message is one turn, in order, instructions in the middle included', () => {
    expect(turnsOf({ role: 'system', content: 'a' }, { role: 'user', content: 'b', name: 'ann' }, { role: 'developer', content: [{ type: 'text', text: 'c' }] })).toEqual([
      { role: 'system', parts: [{ kind: 'text', text: 'a' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'b' }], name: 'ann' },
      { role: 'developer', parts: [{ kind: 'text', text: 'c' }] },
    ]);
  });

  it('pictures, sounds, files and videos keep their bytes, addresses and names', () => {
    const content = [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
      { type: 'file', file: { filename: 'a.csv', file_data: 'DDDD' } },
      { type: 'file', file: { file_id: 'file-1' } },
      { type: 'video_url', video_url: { url: 'https://example.com/a.webm?x=1' } },
    ];
    expect(turnsOf({ role: 'user', content })).toEqual([
      {
        role: 'user',
        parts: [
          { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' }, detail: 'low' },
          { kind: 'image', source: { kind: 'url', url: 'https://example.com/a.png' } },
          { kind: 'audio', source: { kind: 'base64', mime: 'audio/mpeg', data: 'BBBB' } },
          { kind: 'file', source: { kind: 'base64', mime: 'application/pdf', data: 'CCCC' }, name: 'a.pdf' },
          { kind: 'file', source: { kind: 'base64', mime: 'text/csv', data: 'DDDD' }, name: 'a.csv' },
          { kind: 'file', source: { kind: 'id', id: 'file-1', dialect: 'openai-chat' } },
          { kind: 'file', source: { kind: 'url', url: 'https://example.com/a.webm?x=1', mime: 'video/webm' } },
        ],
      },
    ]);
  });

  it('calls of functions and of free-form tools come with their results', () => {
    expect(
      turnsOf(
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }, { id: 'call_2', type: 'custom', custom: { name: 'patch', input: 'x' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'one' }] },
        { role: 'tool', tool_call_id: 'call_2', content: 'two' },
      ),
    ).toEqual([
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'call_1', name: 'f', input: '{"a":1}' }, { kind: 'tool_call', id: 'call_2', name: 'patch', input: 'x', isCustom: true }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_1', parts: [{ kind: 'text', text: 'one' }] }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_2', parts: [{ kind: 'text', text: 'two' }], isCustom: true }] },
    ]);
  });

  it('calls in the form before tools find their results by name', () => {
    const messages = [
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: 'one' },
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: 'two' },
    ];
    const parts = decode({ messages }).turns.flatMap((turn) => turn.parts);
    const calls = parts.flatMap((part) => (part.kind === 'tool_call' ? [part.id] : []));
    expect(new Set(calls).size).toBe(2);
    expect(parts.flatMap((part) => (part.kind === 'tool_result' ? [part.callId] : []))).toEqual(calls);
    expect(decode({ functions: [{ name: 'f' }], function_call: { name: 'f' } })).toMatchObject({ tools: [{ kind: 'function', name: 'f' }], toolChoice: { mode: 'named', name: 'f' }, hasLegacyFunctions: true });
  });

  it('reasoning that comes back under two names is read once', () => {
    expect(turnsOf({ role: 'assistant', content: 'b', reasoning_content: 'a', reasoning: 'a' })).toEqual([{ role: 'assistant', parts: [{ kind: 'thinking', text: 'a' }, { kind: 'text', text: 'b' }] }]);
  });

  it('a refusal and an earlier sound stay with their turn', () => {
    expect(turnsOf({ role: 'assistant', content: null, refusal: 'no', audio: { id: 'audio_1' } })).toEqual([
      { role: 'assistant', parts: [{ kind: 'refusal', text: 'no' }, { kind: 'raw', dialect: 'openai-chat', item: { type: 'audio', audio: { id: 'audio_1' } } }] },
    ]);
  });

  it('cache breakpoints are read in both spellings', () => {
    const content = [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } }, { type: 'text', text: 'b', cache_control: { type: 'ephemeral' } }];
    expect(turnsOf({ role: 'user', content })).toEqual([{ role: 'user', parts: [{ kind: 'text', text: 'a', cache: { ttl: '30m' } }, { kind: 'text', text: 'b', cache: {} }] }]);
  });

  it("a call's signature is whose tag it bears, or Google's own", () => {
    const call = (signature: string): object => ({ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: signature } } });
    const tagged = tagSignature({ vendor: 'google', account: 'acc-4', value: 'sig' });
    expect(turnsOf({ role: 'assistant', tool_calls: [call(tagged), call('untagged')] })).toMatchObject([{ parts: [{ signature: { vendor: 'google', account: 'acc-4', value: 'sig' } }, { signature: { vendor: 'google', value: 'untagged' } }] }]);
  });
});

describe('members of a request', () => {
  it('bounds, sampling and bookkeeping find their places', () => {
    const request = decode({
      max_tokens: 5, max_completion_tokens: 7, temperature: 0.5, top_p: 0.9, top_k: 3, frequency_penalty: 0.1, presence_penalty: 0.2, seed: 1, stop: 'END', n: 2, logprobs: true, top_logprobs: 4, logit_bias: { 1: 2 },
      reasoning_effort: 'high', verbosity: 'low', modalities: ['TEXT', 'audio'], metadata: { a: 'b' }, user: 'u', service_tier: 'flex', prompt_cache_key: 'k', prompt_cache_retention: '24h', store: true, parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } }, stream_options: { include_usage: true },
    }, true);
    expect(plain(request)).toEqual({
      turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], maxTokens: 7, temperature: 0.5, topP: 0.9, topK: 3, frequencyPenalty: 0.1, presencePenalty: 0.2, seed: 1, stop: ['END'], n: 2, logprobs: { top: 4 }, logitBias: { 1: 2 },
      reasoning: { effort: 'high' }, verbosity: 'low', modalities: ['text', 'audio'], metadata: { a: 'b' }, userId: 'u', serviceTier: 'flex', promptCacheKey: 'k', promptCacheRetention: '24h', store: true, parallelToolCalls: false,
      responseFormat: { kind: 'schema', name: 's', schema: { type: 'object' }, strict: true }, isStream: true, includeUsage: true,
    });
  });

  it('null says nothing, and unknown members ride along', () => {
    expect(plain(decode({ temperature: null, stop: null, tools: null, response_format: null, tool_choice: null, user: null, audio: { voice: 'ash' }, prediction: { type: 'content', content: 'x' }, thinking: { type: 'disabled' } }))).toEqual({
      turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], isStream: false, extras: { dialect: 'openai-chat', members: { audio: { voice: 'ash' }, prediction: { type: 'content', content: 'x' }, thinking: { type: 'disabled' } } },
    });
  });

  it('tools of each kind, the search, and every way to choose among them are read', () => {
    const tools = [
      { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
      { type: 'custom', custom: { name: 'patch', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } } } },
      { type: 'mcp', server_label: 'x' },
    ];
    expect(plain(decode({ tools, web_search_options: { search_context_size: 'low' } }).tools)).toEqual([
      { kind: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { kind: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
      { kind: 'builtin', builtin: 'other', name: 'mcp', dialect: 'openai-chat', item: { type: 'mcp', server_label: 'x' } },
      { kind: 'builtin', builtin: 'web_search', name: 'web_search_options', dialect: 'openai-chat', item: { search_context_size: 'low' } },
    ]);
    const choices: readonly (readonly [unknown, object])[] = [
      ['auto', { mode: 'auto' }],
      ['any', { mode: 'required' }],
      [{ type: 'function', function: { name: 'f' } }, { mode: 'named', name: 'f' }],
      [{ type: 'custom', custom: { name: 'patch' } }, { mode: 'named', name: 'patch', isCustom: true }],
      [{ type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }, { type: 'custom', custom: { name: 'patch' } }] } }, { mode: 'allowed', names: ['f', 'patch'], isRequired: true }],
    ];
    for (const [written, read] of choices) expect(decode({ tools, tool_choice: written }).toolChoice).toEqual(read);
  });

  it("reasoning is read as OpenRouter's clients say it", () => {
    expect(decode({ reasoning: { max_tokens: 2000 } }).reasoning).toMatchObject({ budgetTokens: 2000 });
    expect(decode({ reasoning: { enabled: false } }).reasoning).toMatchObject({ effort: 'none' });
    expect(decode({ reasoning: { effort: 'low', exclude: true } }).reasoning).toEqual({ effort: 'low', show: 'none' });
  });

  it.each([
    [{ messages: 'hi' }, 'messages'],
    [{ messages: [{ role: 'robot', content: 'hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, 'messages[0].content[0].image_url.url'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [{ messages: [{ role: 'assistant', tool_calls: [{ id: 'c' }] }] }, 'messages[0].tool_calls[0]'],
    [{ temperature: 'warm' }, 'temperature'],
    [{ stop: [1] }, 'stop'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [{ tool_choice: 'maybe' }, 'tool_choice'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ reasoning_effort: 'hard' }, 'reasoning_effort'],
  ])('%j is refused by the name of the member', (body, param) => {
    expect(refusalOf(body)).toEqual({ code: 'invalid_request', param });
  });

  it('names of the internal form come out as the client wrote them', () => {
    expect(['maxTokens', 'turns[2].parts[0]', 'turns[1].parts[0].parts[3]', 'system', 'tools.computer', 'seed'].map(openaiChat.nameOf)).toEqual(['max_tokens', 'messages[2].content[0]', 'messages[1].content[3]', 'messages', 'tools.computer', 'seed']);
  });
});
