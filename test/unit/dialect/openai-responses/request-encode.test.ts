import { describe, expect, it } from 'vitest';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { Part } from '../../../../internal/dialect/ir/parts.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { chatgpt, encode, house, itemsOf, openai, plainRequest } from './fixtures.ts';

const user = (...parts: readonly Part[]): Turn => ({ role: 'user', parts });
const says = (...parts: readonly Part[]): Turn => ({ role: 'assistant', parts });
const text = (said: string): Part => ({ kind: 'text', text: said });
const ownSignature = { vendor: 'openai', account: 'acc-1', value: 'gAAA' };

describe('the body for an upstream', () => {
  it('nothing is kept there, and reasoning comes back encrypted', () => {
    expect(encode({}).body).toEqual({ input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }], include: ['reasoning.encrypted_content'], store: false });
    expect(encode({ store: false, isStream: true }).body).toMatchObject({ store: false, stream: true });
  });

  it('a client that wants the answer kept has it kept', () => {
    expect(encode({ store: true }).body).toEqual({ input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }], store: true });
  });

  it.each(['gpt-4o', 'gpt-4.1-mini', 'chatgpt-4o-latest', 'gpt-5-chat-latest', 'ft:gpt-4o-2024-08-06:org::id'])('%s is not asked for reasoning that it refuses to encrypt', (model) => {
    expect(encode({ store: false }, { ...openai, model }).body).not.toHaveProperty('include');
  });

  it('a default that reasoning models refuse to hear is not said', () => {
    const sampling = { temperature: 1, topP: 1 };
    expect(encode(sampling, { ...openai, model: 'gpt-5.6' }).body).not.toHaveProperty('temperature');
    expect(encode({ temperature: 0.5 }, { ...openai, model: 'gpt-5.6' }).body).toMatchObject({ temperature: 0.5 });
    expect(encode(sampling, { ...openai, model: 'gpt-4o' }).body).toMatchObject({ temperature: 1, top_p: 1 });
    expect(encode(sampling).body).toMatchObject({ temperature: 1, top_p: 1 });
  });

  it('ChatGPT’s backend gets what it takes, and the rest is listed', () => {
    const { body, dropped } = encode({
      turns: [{ role: 'system', parts: [{ kind: 'image', source: { kind: 'url', url: 'https://x.test/a' } }] }, { role: 'system', parts: [text('s')] }, user(text('hi'))],
      maxTokens: 9, temperature: 0.1, topP: 0.2, metadata: { a: 'b' }, userId: 'u', promptCacheKey: 'k', promptCacheRetention: '24h', store: true, reasoning: { effort: 'low' },
    }, chatgpt);
    expect(body).toMatchObject({ instructions: '', store: false, stream: true, include: ['reasoning.encrypted_content'], prompt_cache_key: 'k', reasoning: { effort: 'low' } });
    expect(body['input']).toMatchObject([{ role: 'developer' }, { role: 'developer' }, { role: 'user' }]);
    expect(Object.keys(body).sort()).toEqual(['include', 'input', 'instructions', 'prompt_cache_key', 'reasoning', 'store', 'stream']);
    expect(dropped).toEqual(['maxTokens', 'temperature', 'topP', 'metadata', 'userId', 'promptCacheRetention']);
  });

  it('the end user is named in the word that the vendor knows; a name too long is left out', () => {
    expect(encode({ userId: 'u' }).body).toMatchObject({ safety_identifier: 'u' });
    expect(encode({ userId: 'u' }, house).body).toMatchObject({ user: 'u' });
    const { body, dropped } = encode({ userId: 'u'.repeat(65) });
    expect([body['safety_identifier'], dropped]).toEqual([undefined, ['userId']]);
  });

  it('harmless things are left out and listed', () => {
    expect(encode({ seed: 1, topK: 2, frequencyPenalty: 0.1, presencePenalty: 0.2, serviceTier: 'gold', extras: { dialect: 'gemini', members: { safetySettings: [] } } }).dropped).toEqual(['seed', 'topK', 'frequencyPenalty', 'presencePenalty', 'serviceTier', 'safetySettings']);
    expect(encode({ serviceTier: 'standard_only' }).body).toMatchObject({ service_tier: 'default' });
  });

  it.each<[string, Partial<IrRequest>]>([
    ['n', { n: 2 }],
    ['stop', { stop: ['x'] }],
    ['logitBias', { logitBias: { 5: 1 } }],
    ['modalities', { modalities: ['text', 'audio'] }],
  ])('%s, which would change the answer, is refused', (name, request) => {
    expect(() => encode(request)).toThrow(`"${name}" cannot be honoured`);
  });

  it('what changes nothing is no loss', () => {
    expect(encode({ n: 1, stop: [], logitBias: {}, modalities: ['text'] }).dropped).toEqual([]);
  });

  it('a budget becomes the effort that has it; reasoning is shown as the client asked', () => {
    expect(encode({ reasoning: { budgetTokens: 5_000, show: 'auto' } }).body['reasoning']).toEqual({ effort: 'medium', summary: 'auto' });
    expect(encode({ reasoning: { budgetTokens: -1, show: 'none' } }).body).not.toHaveProperty('reasoning');
  });

  it('losses have the names of this dialect for its own clients', () => {
    expect(['maxTokens', 'topP', 'responseFormat', 'input[2].parts[0]', 'seed', 'toString'].map(openaiResponses.nameOf)).toEqual(['max_output_tokens', 'top_p', 'text.format', 'input[2].output[0]', 'seed', 'toString']);
  });
});

describe('turns', () => {
  it('the first instruction goes to the top, further ones keep their place', () => {
    const { body } = encode({ turns: [{ role: 'system', parts: [text('a'), text('b')] }, { role: 'developer', parts: [text('c')] }, user(text('hi'))] });
    expect(body['instructions']).toBe('a\n\nb');
    expect(body['input']).toEqual([{ type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'c' }] }, { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }]);
  });

  it('an instruction of another role stays an item', () => {
    expect(encode({ turns: [{ role: 'developer', parts: [text('c')] }] }).body).not.toHaveProperty('instructions');
  });

  it('a turn of the model is its items in order', () => {
    const thinking: Part = { kind: 'thinking', text: 'hm', isSummary: true, id: 'rs_1', signature: ownSignature };
    expect(itemsOf([says(thinking, text('a'), { kind: 'refusal', text: 'b' }, { kind: 'tool_call', id: 'c1', name: 'f', input: '' }, { kind: 'tool_call', id: 'c2', name: 'g', input: 'free', isCustom: true }, text('d'))])).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'gAAA' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }, { type: 'refusal', refusal: 'b' }] },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'g', input: 'free' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'd' }] },
    ]);
  });

  it('results are items of the kind that their calls were', () => {
    const results: Turn = { role: 'tool', parts: [
      { kind: 'tool_result', callId: 'c2', parts: [{ kind: 'text', text: 'a' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AA' } }] },
      { kind: 'tool_result', callId: 'c1', parts: [{ kind: 'text', text: 'b' }], isError: true },
      { kind: 'tool_result', callId: 'c0', parts: [] },
    ] };
    const { body, dropped } = encode({ turns: [says({ kind: 'tool_call', id: 'c2', name: 'g', input: 'free', isCustom: true }), results] });
    expect(body['input']).toMatchObject([
      { type: 'custom_tool_call' },
      { type: 'custom_tool_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'a' }, { type: 'input_image', image_url: 'data:image/png;base64,AA' }] },
      { type: 'function_call_output', call_id: 'c1', output: 'b' },
      { type: 'function_call_output', call_id: 'c0', output: '' },
    ]);
    expect(dropped).toEqual(['is_error']);
  });

  it('reasoning that comes back from a client of another dialect is a summary to OpenAI, which refuses its items with content', () => {
    const thinking: Part = { kind: 'thinking', text: 'hm', signature: ownSignature };
    expect(itemsOf([says(thinking, text('a'))])[0]).toEqual({ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: ownSignature.value });
  });

  it('reasoning goes to the account that encrypted it, and nowhere else', () => {
    const thinking = (signature: object | undefined): readonly Turn[] => [says({ kind: 'thinking', text: 'hm', ...(signature === undefined ? {} : { signature: ownSignature, ...signature }) }, text('a'))];
    const isSent = (turns: readonly Turn[], target = openai): boolean => itemsOf(turns, target).some(({ type }) => type === 'reasoning');
    expect(isSent(thinking({ signature: ownSignature }))).toBe(true);
    expect(isSent(thinking({ signature: { ...ownSignature, account: undefined } }))).toBe(true);
    expect(isSent(thinking({ signature: { ...ownSignature, account: 'another' } }))).toBe(false);
    expect(isSent(thinking({ signature: { ...ownSignature, vendor: 'anthropic' } }))).toBe(false);
    expect(isSent(thinking({ signature: { ...ownSignature, value: '' } }))).toBe(false);
    expect(isSent(thinking(undefined))).toBe(false);
  });

  it('a signature that came back on a call is reasoning before it', () => {
    expect(itemsOf([says(text('x'), { kind: 'tool_call', id: 'c1', name: 'f', input: '{}', signature: ownSignature })])).toEqual([
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x' }] },
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
    ]);
  });

  it('files that are text, pictures or documents find their form', () => {
    const file = (source: Extract<Part, { readonly kind: 'file' }>['source'], name?: string): Part => ({ kind: 'file', source, name });
    expect(itemsOf([user(file({ kind: 'text', text: 'body' }, 'n'), file({ kind: 'base64', mime: 'image/png', data: 'AA' }), file({ kind: 'base64', mime: 'application/pdf', data: 'BB' }), file({ kind: 'url', url: 'https://x.test/a' }), { kind: 'audio', source: { kind: 'base64', mime: 'audio/x-wav', data: 'CC' } })])[0]).toMatchObject({ content: [
      { type: 'input_text', text: 'n\n\nbody' }, { type: 'input_image', image_url: 'data:image/png;base64,AA' }, { type: 'input_file', filename: 'document.pdf', file_data: 'data:application/pdf;base64,BB' }, { type: 'input_file', file_url: 'https://x.test/a' },
      { type: 'input_audio', input_audio: { data: 'CC', format: 'wav' } },
    ] });
  });

  it.each<[string, Turn]>([
    ['a video', user({ kind: 'file', source: { kind: 'base64', mime: 'video/mp4', data: 'AA' } })],
    ['sound by URL', user({ kind: 'audio', source: { kind: 'url', url: 'https://x.test/a' } })],
    ['sound in another form', user({ kind: 'audio', source: { kind: 'base64', mime: 'audio/ogg', data: 'AA' } })],
    ['a file of another vendor', user({ kind: 'image', source: { kind: 'id', id: 'f', dialect: 'gemini' } })],
    ['a picture that the model made', says({ kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AA' } })],
    ['content that only another dialect knows', user({ kind: 'raw', dialect: 'gemini', item: {} })],
  ])('%s is refused by its place', (_, turn) => {
    expect(() => encode({ turns: [turn] })).toThrow('"turns[0].parts[0]" cannot be honoured');
  });

  it('what another vendor’s tool did is left out and listed, what this one’s did stays', () => {
    const item = { type: 'web_search_call', id: 'ws_1' };
    const { body, dropped } = encode({ turns: [says({ kind: 'raw', dialect: 'anthropic-messages', item: { type: 'server_tool_use' } }, { kind: 'raw', dialect: 'openai-responses', item }, text('x'))] });
    expect(body['input']).toMatchObject([item, { type: 'message' }]);
    expect(dropped).toEqual(['turns[0].parts[0]']);
  });

  it('cache marks are named once', () => {
    const marked: Part = { kind: 'text', text: 'x', cache: {} };
    expect(encode({ turns: [{ role: 'system', parts: [marked] }, user(marked, marked)] }).dropped).toEqual(['cache_control']);
  });
});

describe('counting', () => {
  const { count } = openaiResponses;
  it('the body is what the model reads, and bounds are neither there nor missed', () => {
    const losses = createLosses('openai-responses', (name) => name, undefined);
    const request: IrRequest = { ...plainRequest, maxTokens: 5, stop: ['x'], seed: 1, tools: [{ kind: 'function', name: 'f' }], reasoning: { effort: 'low' } };
    expect(plain(count?.encodeRequest(request, openai, losses))).toEqual({ input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }], tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }], reasoning: { effort: 'low' } });
    expect(losses.dropped()).toEqual([]);
  });

  it('answers are counts', () => {
    expect(count?.encodeAnswer(7)).toEqual({ object: 'response.input_tokens', input_tokens: 7 });
    expect(count?.decodeAnswer({ input_tokens: 7 })).toBe(7);
    expect(count?.decodeAnswer({ error: {} })).toBeUndefined();
    expect(count?.decodeRequest({ input: 'x', instructions: 'i' }).turns).toHaveLength(2);
  });
});

