import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { Part } from '../../../../internal/dialect/ir/parts.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { anthropic, encode, imitation, plainRequest } from './fixtures.ts';

const text = (said: string): Part => ({ kind: 'text', text: said });
const user = (...parts: readonly Part[]): Turn => ({ role: 'user', parts });
const assistant = (...parts: readonly Part[]): Turn => ({ role: 'assistant', parts });
const result = (callId: string, ...parts: Extract<Part, { readonly kind: 'tool_result' }>['parts']): Turn => ({ role: 'tool', parts: [{ kind: 'tool_result', callId, parts }] });
const call = (id: string, input = '{}'): Part => ({ kind: 'tool_call', id, name: 'f', input });
const messagesOf = (...turns: readonly Turn[]): unknown => encode({ turns }).body['messages'];
const refusal = (param: string): object => expect.objectContaining({ code: 'unsupported_parameter', fields: { param } });
const thrown = (request: Partial<IrRequest>): unknown => {
  try {
    return encode(request);
  } catch (error) {
    return error;
  }
};

describe('turns', () => {
  it('leading instructions stand at the top, later ones as text of the user, and that is told', () => {
    const { body, dropped } = encode({ turns: [{ role: 'system', parts: [text('a')] }, { role: 'developer', parts: [text('b')] }, user(text('q')), { role: 'system', parts: [text('c')] }, assistant(text('r'))] });
    expect(body).toMatchObject({ system: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], messages: [{ role: 'user', content: [{ text: 'q' }, { text: 'c' }] }, { role: 'assistant' }] });
    expect(dropped).toEqual(['system']);
  });

  it('instructions alone leave a message to answer', () => {
    expect(encode({ turns: [{ role: 'system', parts: [text('a')] }, { role: 'system', parts: [text('b')] }] }).body).toMatchObject({ system: [{ text: 'a' }], messages: [{ role: 'user', content: [{ text: 'b' }] }] });
  });

  it('no two neighbours have one role', () => {
    expect(messagesOf(user(text('a')), user(text('b')), assistant(text('c')), assistant(call('1')), result('1'), user(text('d')))).toMatchObject([
      { role: 'user', content: [{ text: 'a' }, { text: 'b' }] },
      { role: 'assistant', content: [{ text: 'c' }, { type: 'tool_use', id: '1' }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1' }, { text: 'd' }] },
    ]);
  });

  it('results follow their calls directly, whatever stood between them', () => {
    expect(messagesOf(user(text('q')), assistant(call('1'), call('2')), result('1'), { role: 'system', parts: [text('s')] }, user(text('u')), result('2'))).toMatchObject([{}, {}, { content: [{ tool_use_id: '1' }, { tool_use_id: '2' }, { text: 's' }, { text: 'u' }] }]);
  });

  it('blank text is left out, and a message that is nothing else', () => {
    expect(messagesOf(user(text('a'), text(' \n')), assistant(text('')), user(text('b')))).toEqual([{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }]);
  });

  it('words put into the model’s mouth do not end in white space', () => {
    expect(messagesOf(user(text('q')), assistant(text('The answer is: ')))).toMatchObject([{}, { content: [{ text: 'The answer is:' }] }]);
    expect(messagesOf(assistant(text('a ')), user(text('q')))).toMatchObject([{ content: [{ text: 'a ' }] }, {}]);
  });

  it('the participant’s name is told of', () => {
    expect(encode({ turns: [{ ...user(text('a')), name: 'Ann' }] }).dropped).toEqual(['name']);
  });
});

describe('calls and results', () => {
  it('arguments are an object, also where the model wrote none', () => {
    const inputs = ['{"a":1}', '', '[1]', '{"a":'].map((input, index) => call(String(index), input));
    expect(messagesOf(user(text('q')), assistant(...inputs))).toMatchObject([{}, { content: [{ input: { a: 1 } }, { input: {} }, { input: { input: [1] } }, { input: { input: '{"a":' } }] }]);
  });

  it('a custom tool’s text is the one argument of the function that stands for it', () => {
    const { body } = encode({ turns: [user(text('q')), assistant({ kind: 'tool_call', id: 'c', name: 'patch', input: '*** Begin', isCustom: true })], tools: [{ kind: 'custom', name: 'patch', description: 'Patches.' }] });
    expect(body).toMatchObject({ tools: [{ name: 'patch', input_schema: { required: ['input'] } }], messages: [{}, { content: [{ type: 'tool_use', input: { input: '*** Begin' } }] }] });
  });

  it('a plain text result is plain text, others are blocks', () => {
    const image = { kind: 'image', source: { kind: 'url', url: 'https://a.example/i.png' } } as const;
    expect(messagesOf(assistant(call('1'), call('2'), call('3')), result('1', { kind: 'text', text: 'x' }), result('2', { kind: 'text', text: 'x' }, image), result('3'))).toMatchObject([
      {},
      { content: [{ content: 'x' }, { content: [{ type: 'text', text: 'x' }, { type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } }] }, { type: 'tool_result', tool_use_id: '3' }] },
    ]);
  });

  it('an error is marked as one where it is text, as the API demands', () => {
    const failed = (...parts: Extract<Part, { readonly kind: 'tool_result' }>['parts']): Turn => ({ role: 'tool', parts: [{ kind: 'tool_result', callId: '1', isError: true, parts }] });
    const picture = { kind: 'image', source: { kind: 'url', url: 'https://a.example/i.png' } } as const;
    expect(encode({ turns: [assistant(call('1')), failed({ kind: 'text', text: 'no' })] })).toMatchObject({ body: { messages: [{}, { content: [{ is_error: true }] }] }, dropped: [] });
    const shown = encode({ turns: [assistant(call('1')), failed(picture)] });
    expect(shown.dropped).toEqual(['is_error']);
    expect(JSON.stringify(shown.body)).not.toContain('is_error');
  });

  it('calls of a conversation whose request has no tools are declared and barred', () => {
    expect(encode({ turns: [user(text('q')), assistant(call('1')), result('1')] }).body).toMatchObject({ tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice: { type: 'none' } });
  });
});

describe('media', () => {
  const blockOf = (part: Part): unknown => {
    const [message] = [messagesOf(user(part))].flat();
    return plain(message);
  };
  const one = (block: object): object => ({ role: 'user', content: [block] });

  it.each<[string, Part, object]>([
    ['a picture', { kind: 'image', source: { kind: 'base64', mime: 'image/webp', data: 'AAAA' }, cache: { ttl: '1h' } }, { type: 'image', source: { type: 'base64', media_type: 'image/webp', data: 'AAAA' }, cache_control: { type: 'ephemeral', ttl: '1h' } }],
    ['a picture that was uploaded there', { kind: 'image', source: { kind: 'id', id: 'file_1', dialect: 'anthropic-messages' } }, { type: 'image', source: { type: 'file', file_id: 'file_1' } }],
    ['a picture sent as a file', { kind: 'file', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' }, name: 'a.png' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
    ['a PDF', { kind: 'file', source: { kind: 'base64', mime: 'application/pdf', data: 'AAAA' }, name: 'a.pdf' }, { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }, title: 'a.pdf' }],
    ['a PDF by its URL', { kind: 'file', source: { kind: 'url', url: 'https://a.example/a.pdf' } }, { type: 'document', source: { type: 'url', url: 'https://a.example/a.pdf' } }],
    ['text in bytes', { kind: 'file', source: { kind: 'base64', mime: 'application/json', data: Buffer.from('{"ä":1}').toString('base64') } }, { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '{"ä":1}' } }],
    ['plain text', { kind: 'file', source: { kind: 'text', text: 'T' } }, { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'T' } }],
  ])('%s goes up', (_, part, block) => {
    expect(blockOf(part)).toEqual(one(block));
  });

  it.each<[string, Part]>([
    ['a picture of another type', { kind: 'image', source: { kind: 'base64', mime: 'image/tiff', data: 'AAAA' } }],
    ['a picture that is no web address', { kind: 'image', source: { kind: 'url', url: 'gs://bucket/a.png' } }],
    ['another vendor’s upload', { kind: 'file', source: { kind: 'id', id: 'file-1', dialect: 'openai-responses' } }],
    ['a video', { kind: 'file', source: { kind: 'base64', mime: 'video/mp4', data: 'AAAA' } }],
    ['a text by its URL', { kind: 'file', source: { kind: 'url', url: 'https://a.example/a.txt', mime: 'text/plain' } }],
    ['sound', { kind: 'audio', source: { kind: 'base64', mime: 'audio/wav', data: 'AAAA' } }],
    ['what only another dialect knows', { kind: 'raw', dialect: 'openai-responses', item: { type: 'item_reference', id: 'x' } }],
  ])('%s is refused at its place', (_, part) => {
    expect(thrown({ turns: [user(text('q'), part)] })).toEqual(refusal('turns[0].parts[1]'));
  });

  it('what another vendor’s tools did earlier is left out of what the model said, and told', () => {
    expect(encode({ turns: [assistant({ kind: 'raw', dialect: 'openai-responses', item: { type: 'web_search_call' } }, text('a'))] })).toMatchObject({ body: { messages: [{ content: [{ text: 'a' }] }] }, dropped: ['turns[0].parts[0]'] });
  });
});

describe('members', () => {
  it('a bound is required there and given where the client names none', () => {
    expect(encode({}).body['max_tokens']).toBe(32_000);
    expect(encode({ maxTokens: 5 }).body['max_tokens']).toBe(5);
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: { top: 0 } }],
    ['logitBias', { logitBias: { 5: 1 } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['temperature', { temperature: 1.2 }],
    ['topP', { topP: 2 }],
    ['stop', { stop: ['END', '\n'] }],
  ])('%s is refused where it would change the answer', (param, request) => {
    expect(thrown(request)).toEqual(refusal(param));
  });

  it('harmless members are left out and told', () => {
    const { body, dropped } = encode({ seed: 1, verbosity: 'low', promptCacheKey: 'k', promptCacheRetention: '24h', metadata: { a: 1 }, frequencyPenalty: 1, presencePenalty: 1, store: true, serviceTier: 'flex', extras: { dialect: 'openai-chat', members: { prediction: {} } } });
    expect(dropped).toEqual(['serviceTier', 'seed', 'verbosity', 'promptCacheKey', 'promptCacheRetention', 'metadata', 'frequencyPenalty', 'presencePenalty', 'store', 'prediction']);
    expect(Object.keys(body)).toEqual(['messages', 'max_tokens']);
  });

  it('members that ask for the usual are left out unsaid', () => {
    expect(encode({ n: 1, frequencyPenalty: 0, presencePenalty: 0, store: false, logitBias: {}, stop: [], modalities: ['text'], parallelToolCalls: true, responseFormat: { kind: 'text' } })).toEqual({ body: encode({}).body, dropped: [] });
  });

  it('user, tier, stop sequences and streaming are said in its words', () => {
    expect(encode({ userId: 'u', serviceTier: 'default', stop: ['END'], isStream: true }).body).toMatchObject({ metadata: { user_id: 'u' }, service_tier: 'standard_only', stop_sequences: ['END'], stream: true });
  });

  it('its own further members are put back, except such as stood within others', () => {
    expect(encode({ extras: { dialect: 'anthropic-messages', members: { container: 'c', 'tools.defer_loading': true } } })).toMatchObject({ body: { container: 'c' }, dropped: [] });
    expect(Object.keys(encode({ extras: { dialect: 'anthropic-messages', members: { 'tools.defer_loading': true } } }).body)).not.toContain('tools.defer_loading');
  });
});

describe('reasoning of earlier turns', () => {
  const signed = (vendor: string, value: string): Part => ({ kind: 'thinking', text: 't', signature: { vendor, account: undefined, value } });

  it('goes back to who signed it alone', () => {
    expect(messagesOf(assistant(signed('anthropic', 'EqQB'), signed('google', 'AbC='), { kind: 'thinking', text: 'u' }, signed('anthropic', 'redacted_thinking:EmwK'), text('a')))).toEqual([
      { role: 'assistant', content: [{ type: 'thinking', thinking: 't', signature: 'EqQB' }, { type: 'redacted_thinking', data: 'EmwK' }, { type: 'text', text: 'a' }] },
    ]);
  });

  it('unsigned reasoning goes back to a server that signs nothing, and to no other', () => {
    expect(encode({ turns: [assistant(signed('house', ''), text('a'))] }, imitation).body['messages']).toMatchObject([{ content: [{ type: 'thinking', thinking: 't', signature: '' }, { type: 'text' }] }]);
    expect(messagesOf(assistant(signed('anthropic', ''), text('a')))).toMatchObject([{ content: [{ type: 'text' }] }]);
  });

  it('cited links of earlier answers are left out and told', () => {
    expect(encode({ turns: [assistant({ kind: 'text', text: 'a', annotations: [{ kind: 'url', url: 'https://a.example' }] })] })).toMatchObject({ body: { messages: [{ content: [{ type: 'text', text: 'a' }] }] }, dropped: ['annotations'] });
  });
});

describe('names', () => {
  it('are the client’s own', () => {
    expect(['maxTokens', 'stop', 'reasoning', 'responseFormat', 'userId', 'topK', 'container', 'turns[2].parts[0]'].map(anthropicMessages.nameOf)).toEqual(['max_tokens', 'stop_sequences', 'thinking', 'output_config.format', 'metadata.user_id', 'top_k', 'container', 'messages[2].content[0]']);
  });
});

describe('counting', () => {
  const count = (request: Partial<IrRequest>): unknown => {
    const losses = createLosses('anthropic-messages', (name) => name, undefined);
    return { body: plain(anthropicMessages.count?.encodeRequest({ ...plainRequest, ...request }, anthropic, losses)), dropped: losses.dropped() };
  };

  it('asks for the prompt alone; bounds and sampling are left out unsaid', () => {
    expect(count({ maxTokens: 5, temperature: 2, n: 3, seed: 1, stop: [''], tools: [{ kind: 'function', name: 'f' }] })).toEqual({ body: { messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }], tools: [{ name: 'f', input_schema: { type: 'object', properties: {} } }] }, dropped: [] });
  });

  it('reads a client’s question and both sides of the answer', () => {
    expect(plain(anthropicMessages.count?.decodeRequest({ messages: [{ role: 'user', content: 'hi' }] }))).toEqual({ turns: plainRequest.turns, places: [['messages[0].content[0]']], tools: [], isStream: false });
    expect(anthropicMessages.count?.decodeAnswer({ input_tokens: 14 })).toBe(14);
    expect(anthropicMessages.count?.decodeAnswer({})).toBeUndefined();
    expect(anthropicMessages.count?.encodeAnswer(14)).toEqual({ input_tokens: 14 });
  });
});
