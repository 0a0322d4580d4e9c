import { describe, expect, it } from 'vitest';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { decode } from './fixtures.ts';

const turnsOf = (...messages: readonly object[]): unknown => plain(decode({ messages }).turns);
const partsOf = (...content: readonly object[]): unknown => plain(decode({ messages: [{ role: 'user', content }] }).turns[0]?.parts);
const refusal = (param: string): object => expect.objectContaining({ code: 'invalid_request', fields: { param } });
const thrown = (body: object): unknown => {
  try {
    return decode(body);
  } catch (error) {
    return error;
  }
};

describe('a request as Claude Code sends it', () => {
  const body = {
    system: [{ type: 'text', text: 'You are Claude Code.' }, { type: 'text', text: 'Rules.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'look', cache_control: { type: 'ephemeral' } }] },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'EqQB' }, { type: 'text', text: 'Reading.' }, { type: 'tool_use', id: 'toolu_1', name: 'Read', input: { path: '/a' } }, { type: 'tool_use', id: 'toolu_2', name: 'Bash', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'see' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }] }, { type: 'tool_result', tool_use_id: 'toolu_2', content: 'no such file', is_error: true }, { type: 'text', text: 'go on' }] },
    ],
    tools: [
      { name: 'Read', description: 'Reads.', input_schema: { type: 'object', properties: { path: { type: 'string' } } }, cache_control: { type: 'ephemeral' }, eager_input_streaming: true },
      { name: 'mcp__x', input_schema: { type: 'object' }, defer_loading: true, strict: true },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 8 },
      { type: 'computer_20251124', name: 'computer', display_width_px: 1 },
    ],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    thinking: { type: 'adaptive', display: 'summarized' },
    output_config: { effort: 'xhigh', task_budget: { type: 'tokens', total: 5 } },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    mcp_servers: [],
    metadata: { user_id: 'user_1' },
    service_tier: 'standard_only',
    stop_sequences: ['END'],
    max_tokens: 32_000,
    temperature: 1,
    top_k: 5,
  };

  it('comes in whole: turns, tools, choice, reasoning and bounds', () => {
    const request = decode(body, true);
    expect(plain(request.turns)).toEqual([
      { role: 'system', parts: [{ kind: 'text', text: 'You are Claude Code.' }, { kind: 'text', text: 'Rules.', cache: { ttl: '1h' } }] },
      { role: 'user', parts: [{ kind: 'text', text: 'look', cache: {} }] },
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature: { vendor: 'anthropic', value: 'EqQB' } }, { kind: 'text', text: 'Reading.' }, { kind: 'tool_call', id: 'toolu_1', name: 'Read', input: '{"path":"/a"}' }, { kind: 'tool_call', id: 'toolu_2', name: 'Bash', input: '{}' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'toolu_1', name: 'Read', parts: [{ kind: 'text', text: 'see' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } }] }, { kind: 'tool_result', callId: 'toolu_2', name: 'Bash', parts: [{ kind: 'text', text: 'no such file' }], isError: true }] },
      { role: 'user', parts: [{ kind: 'text', text: 'go on' }] },
    ]);
    expect(request).toMatchObject({ toolChoice: { mode: 'auto' }, parallelToolCalls: false, reasoning: { effort: 'xhigh', show: 'auto' }, userId: 'user_1', serviceTier: 'standard_only', stop: ['END'], maxTokens: 32_000, temperature: 1, topK: 5, isStream: true });
    expect(request.tools.map((tool) => (tool.kind === 'builtin' ? [tool.builtin, tool.name] : [tool.kind, tool.name]))).toEqual([['function', 'Read'], ['function', 'mcp__x'], ['web_search', 'web_search_20250305'], ['other', 'computer_20251124']]);
  });

  it('tells by name what has no place elsewhere', () => {
    expect(Object.keys(decode(body).extras?.members ?? {}).toSorted()).toEqual(['context_management', 'mcp_servers', 'output_config.task_budget', 'tools.defer_loading', 'tools.eager_input_streaming']);
  });
});

describe('reasoning', () => {
  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 2_048 } }, { budgetTokens: 2_048, show: 'auto' }],
    [{ thinking: { type: 'adaptive' } }, { budgetTokens: -1, show: 'auto' }],
    [{ thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'low' } }, { effort: 'low', show: 'none' }],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, { budgetTokens: 0 }],
    [{ thinking: { type: 'between_tools' } }, { effort: 'minimal' }],
    [{ output_config: { effort: 'max' } }, { effort: 'max' }],
    [{}, undefined],
  ])('%j is understood', (body, reasoning) => {
    expect(decode(body).reasoning).toEqual(reasoning);
  });
});

describe('content', () => {
  it('documents come as files, with what is said of them before them', () => {
    expect(partsOf({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }, title: 'a.pdf', context: 'A draft.' })).toEqual([{ kind: 'text', text: 'A draft.' }, { kind: 'file', source: { kind: 'base64', mime: 'application/pdf', data: 'AAAA' }, name: 'a.pdf' }]);
    expect(partsOf({ type: 'document', source: { type: 'url', url: 'https://a.example/b' } }, { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'T' } }, { type: 'document', source: { type: 'file', file_id: 'file_1' } })).toEqual([
      { kind: 'file', source: { kind: 'url', url: 'https://a.example/b', mime: 'application/pdf' } },
      { kind: 'file', source: { kind: 'text', text: 'T' } },
      { kind: 'file', source: { kind: 'id', id: 'file_1', dialect: 'anthropic-messages' } },
    ]);
  });

  it('a document of blocks is its text, or the blocks where pictures are among them', () => {
    const text = { type: 'text', text: 'a' };
    const image = { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } };
    expect(partsOf({ type: 'document', source: { type: 'content', content: [text, { type: 'text', text: 'b' }] } })).toEqual([{ kind: 'file', source: { kind: 'text', text: 'a\n\nb' } }]);
    expect(partsOf({ type: 'document', source: { type: 'content', content: [text, image] } })).toEqual([{ kind: 'text', text: 'a' }, { kind: 'image', source: { kind: 'url', url: 'https://a.example/b.png' } }]);
  });

  it('wanted citations are told of, since no other dialect gives them', () => {
    const request = decode({ messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'T' }, citations: { enabled: true } }] }] });
    expect(request.extras?.members).toEqual({ 'documents.citations': true });
  });

  it('search results and found tools are text that any model reads', () => {
    expect(partsOf({ type: 'search_result', title: 'T', source: 'https://a.example', content: [{ type: 'text', text: 'x' }] })).toEqual([{ kind: 'text', text: 'T\nhttps://a.example\nx' }]);
    expect(turnsOf({ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'tool_reference', tool_name: 'mcp__x' }] }] })).toEqual([{ role: 'tool', parts: [{ kind: 'tool_result', callId: 't', parts: [{ kind: 'text', text: 'mcp__x' }] }] }]);
  });

  it('an upload stays a file of its vendor, so that no other answers as if it had it', () => {
    expect(partsOf({ type: 'container_upload', file_id: 'file_1' })).toEqual([{ kind: 'file', source: { kind: 'id', id: 'file_1', dialect: 'anthropic-messages' } }]);
  });

  it('what the vendor’s own tools did stays as it is', () => {
    const blocks = [{ type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }, { type: 'compaction', content: null, encrypted_content: 'x' }];
    expect(turnsOf({ role: 'assistant', content: blocks })).toEqual([{ role: 'assistant', parts: blocks.map((item) => ({ kind: 'raw', dialect: 'anthropic-messages', item })) }]);
  });

  it('a readable summary of what was left out is text', () => {
    expect(turnsOf({ role: 'assistant', content: [{ type: 'compaction', content: 'So far …' }] })).toEqual([{ role: 'assistant', parts: [{ kind: 'text', text: 'So far …' }] }]);
  });

  it('results come before what else the message says, whatever their order', () => {
    expect(turnsOf({ role: 'user', content: [{ type: 'text', text: 'and' }, { type: 'tool_result', tool_use_id: 'a' }] })).toMatchObject([{ role: 'tool', parts: [{ callId: 'a', parts: [] }] }, { role: 'user' }]);
  });

  it('instructions in the middle keep their place', () => {
    expect(turnsOf({ role: 'user', content: 'a' }, { role: 'system', content: 'b' }, { role: 'user', content: 'c' })).toMatchObject([{ role: 'user' }, { role: 'system', parts: [{ text: 'b' }] }, { role: 'user' }]);
  });

  it('links cited in earlier answers are links, other citations stay the vendor’s', () => {
    const found = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', encrypted_index: 'e', cited_text: 'x' };
    const page = { type: 'page_location', document_index: 0, cited_text: 'y' };
    expect(turnsOf({ role: 'assistant', content: [{ type: 'text', text: 'said', citations: [found, page] }] })).toEqual([
      { role: 'assistant', parts: [{ kind: 'text', text: 'said', annotations: [{ kind: 'url', url: 'https://a.example', title: 'A', start: 0, end: 4, citedText: 'x' }, { kind: 'raw', dialect: 'anthropic-messages', item: page }] }] },
    ]);
  });
});

describe('signatures', () => {
  const google = { vendor: 'google', account: 'acc-4', value: 'AbC=' };
  const openai = { vendor: 'openai', account: 'acc-3', value: 'gAAA' };
  const loose = (signature: typeof google): object => ({ type: 'redacted_thinking', data: tagSignature(signature) });
  const assistant = (...content: readonly object[]): unknown => plain(decode({ messages: [{ role: 'assistant', content }] }).turns[0]?.parts);
  const call = { type: 'tool_use', id: 'c', name: 'f', input: {} };

  it('another vendor’s finds the part behind it', () => {
    expect(assistant(loose(google), { type: 'text', text: 'a' }, loose(openai), call)).toEqual([{ kind: 'text', text: 'a', signature: google }, { kind: 'tool_call', id: 'c', name: 'f', input: '{}', signature: openai }]);
  });

  it('stays as reasoning without text where nothing follows that it could stand on', () => {
    expect(assistant(loose(google), loose(openai), call, loose(google))).toEqual([{ kind: 'thinking', text: '', signature: google }, { kind: 'tool_call', id: 'c', name: 'f', input: '{}', signature: openai }, { kind: 'thinking', text: '', signature: google }]);
  });

  it('reasoning keeps its own, shown or not, and unsigned reasoning has none', () => {
    expect(assistant({ type: 'thinking', thinking: 't', signature: tagSignature(openai) }, { type: 'thinking', thinking: '', signature: tagSignature(openai) }, { type: 'thinking', thinking: 'u', signature: '' })).toEqual([{ kind: 'thinking', text: 't', signature: openai }, { kind: 'thinking', text: '', signature: openai }, { kind: 'thinking', text: 'u' }]);
  });

  it('the vendor’s own redacted reasoning is not taken for a signature', () => {
    expect(assistant({ type: 'redacted_thinking', data: 'EmwK' })).toEqual([{ kind: 'thinking', text: '', signature: { vendor: 'anthropic', value: 'redacted_thinking:EmwK' } }]);
  });
});

describe('a member of the wrong form is named', () => {
  it.each([
    ['messages', { messages: 'hi' }],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content[1]', { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, 'b'] }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].content[0].source', { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64' } }] }] }],
    ['messages[0].content[0].id', { messages: [{ role: 'assistant', content: [{ type: 'tool_use', name: 'f', input: {} }] }] }],
    ['messages[0].content[0].tool_use_id', { messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] }],
    ['system', { system: 5 }],
    ['tools', { tools: {} }],
    ['tools[0].name', { tools: [{ input_schema: {} }] }],
    ['tool_choice.type', { tool_choice: { type: 'required' } }],
    ['thinking.type', { thinking: { type: 'on' } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled' } }],
    ['output_config.format', { output_config: { format: { type: 'json' } } }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['temperature', { temperature: 'hot' }],
    ['stop_sequences[0]', { stop_sequences: [5] }],
    ['metadata', { metadata: 'x' }],
  ])('%s', (param, body) => {
    expect(thrown(body)).toEqual(refusal(param));
  });

  it('null is as good as absent', () => {
    expect(plain(decode({ system: null, tools: null, tool_choice: null, thinking: null, output_config: null, metadata: null, temperature: null, stop_sequences: null, container: null }))).toEqual(plain(decode({})));
  });
});

describe('what only Anthropic can do is refused, where an answer without it would be another', () => {
  it.each([
    ['compaction', { compaction: { type: 'summarize' } }],
    ['mcp_servers', { mcp_servers: [{ type: 'url', name: 'm', url: 'https://m.example' }] }],
    ['inference_geo', { inference_geo: 'us' }],
    ['max_tokens', { max_tokens: 0 }],
  ])('%s', (param, body) => {
    expect(thrown(body)).toMatchObject({ code: 'unsupported_parameter', fields: { param } });
  });

  it('threads, in the words by which SDKs send the whole conversation instead', () => {
    expect(thrown({ thread: { type: 'create' } })).toMatchObject({ status: 400, fields: { details: { error_code: 'thread_unsupported_request' } } });
    expect(thrown({ thread: { type: 'continue', previous_message_id: 'msg_1' }, messages: [] })).toMatchObject({ status: 404, fields: { details: { error_code: 'thread_not_found' } } });
  });

  it('what does not matter elsewhere is told of only', () => {
    const members = { inference_geo: 'global', speed: 'fast', fallbacks: [], mcp_servers: [{}] };
    expect(decode({ ...members, tools: [{ name: 'f', input_schema: { type: 'object' } }] }).extras?.members).toEqual(members);
  });
});
