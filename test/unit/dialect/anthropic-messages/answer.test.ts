import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import type { AnswerPart, Choice, Finish } from '../../../../internal/dialect/ir/answer.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { anthropic, contextOf, decode, imitation } from './fixtures.ts';

const usage = { input: 10, cachedInput: 4, cacheWrite: 1, output: 6, reasoning: 2 };
const answer = (parts: readonly AnswerPart[], more: Partial<Choice> = {}): ReturnType<typeof anthropicMessages.encodeAnswer> => anthropicMessages.encodeAnswer({ id: 'resp_1', model: 'gpt-5.6', choices: [{ index: 0, parts, finish: 'stop', ...more }], usage }, contextOf());
const decoded = (body: object, source = anthropic): unknown => plain(anthropicMessages.decodeAnswer({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5-5', content: [], stop_reason: 'end_turn', stop_sequence: null, ...body }, source));

describe('an upstream’s message', () => {
  it('comes in whole', () => {
    const found = { type: 'web_search_result_location', url: 'https://a.example', title: null, encrypted_index: 'e', cited_text: 'c' };
    const body = {
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'EqQB' },
        { type: 'redacted_thinking', data: 'EmwK' },
        { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } },
        { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
        { type: 'text', text: 'said', citations: [found] },
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 3, cache_read_input_tokens: 10, cache_creation_input_tokens: 5, output_tokens: 7, output_tokens_details: { thinking_tokens: 2 }, service_tier: 'standard' },
    };
    const signed = (value: string): object => ({ vendor: 'anthropic', account: 'acc-1', value });
    expect(decoded(body)).toEqual({
      id: 'msg_1',
      model: 'claude-opus-5-5',
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'thinking', text: 'hm', signature: signed('EqQB') },
            { kind: 'thinking', text: '', signature: signed('redacted_thinking:EmwK') },
            { kind: 'raw', dialect: 'anthropic-messages', item: body.content[2] },
            { kind: 'raw', dialect: 'anthropic-messages', item: body.content[3] },
            { kind: 'text', text: 'said', annotations: [{ kind: 'url', url: 'https://a.example', start: 0, end: 4, citedText: 'c' }] },
            { kind: 'tool_call', id: 'toolu_1', name: 'f', input: '{"a":1}' },
          ],
          finish: 'tool_calls',
          rawFinish: 'tool_use',
        },
      ],
      usage: { input: 18, cachedInput: 10, cacheWrite: 5, output: 7, reasoning: 2 },
      serviceTier: 'default',
    });
  });

  it.each<[string, Finish]>([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop_sequence'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'context_length'],
    ['tool_use', 'tool_calls'],
    ['pause_turn', 'pause'],
    ['refusal', 'refusal'],
    ['compaction', 'other'],
    ['constructor', 'other'],
  ])('ends for its reason: %s', (stop_reason, finish) => {
    expect(decoded({ stop_reason, stop_sequence: stop_reason === 'stop_sequence' ? 'END' : null })).toMatchObject({ choices: [{ finish, rawFinish: stop_reason }] });
  });

  it('says why it was refused', () => {
    expect(decoded({ stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not that.' } })).toMatchObject({ choices: [{ parts: [{ kind: 'refusal', text: 'Not that.' }], finish: 'refusal' }] });
  });

  it('counts cache writes also where they stand by their time to live alone', () => {
    expect(decoded({ usage: { input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 }, output_tokens: 4 } })).toMatchObject({ usage: { input: 6, cacheWrite: 5, output: 4 } });
  });

  it('without usage has none made up', () => {
    expect(decoded({})).not.toHaveProperty('usage');
  });

  it('of a server that signs nothing carries a tag without a value', () => {
    expect(decoded({ content: [{ type: 'thinking', thinking: 'hm' }] }, imitation)).toMatchObject({ choices: [{ parts: [{ signature: { vendor: 'house', account: 'acc-2', value: '' } }] }] });
  });

  it('that is none is a mistake', () => {
    for (const body of [null, 'ok', [], {}, { content: 'x' }]) expect(() => anthropicMessages.decodeAnswer(body, anthropic)).toThrow(TypeError);
  });
});

describe('a message for a client', () => {
  it('is one as the API gives them', () => {
    expect(answer([{ kind: 'text', text: 'Hello.' }])).toEqual({
      id: 'msg_made0',
      type: 'message',
      role: 'assistant',
      model: 'gpt-5.6',
      content: [{ type: 'text', text: 'Hello.', citations: null }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 5, cache_creation_input_tokens: 1, cache_read_input_tokens: 4, output_tokens: 6, output_tokens_details: { thinking_tokens: 2 } },
    });
  });

  it('keeps an id of its own form, and states the model asked for only where the upstream names none', () => {
    expect(anthropicMessages.encodeAnswer({ id: 'msg_7', choices: [] }, contextOf())).toMatchObject({ id: 'msg_7', model: 'as-asked', content: [] });
  });

  it('carries signatures of another vendor, tagged, in fields that a client sends back', () => {
    const openai = { vendor: 'openai', account: 'acc-3', value: 'gAAA' };
    const content = answer([
      { kind: 'thinking', text: 'hm', signature: openai },
      { kind: 'thinking', text: '', signature: openai },
      { kind: 'thinking', text: 'unsigned' },
      { kind: 'text', text: 'a', signature: openai },
      { kind: 'tool_call', id: 'c', name: 'f', input: '{}', signature: openai },
    ])['content'];
    const tag = tagSignature(openai);
    expect(content).toMatchObject([{ thinking: 'hm', signature: tag }, { thinking: '', signature: tag }, { thinking: 'unsigned', signature: '' }, { type: 'redacted_thinking', data: tag }, { text: 'a' }, { type: 'redacted_thinking', data: tag }, { type: 'tool_use' }]);
    expect(plain(decode({ messages: [{ role: 'assistant', content }] }).turns[0]?.parts)).toMatchObject([{ text: 'hm', signature: openai }, { text: '', signature: openai }, { text: 'unsigned' }, { kind: 'text', signature: openai }, { kind: 'tool_call', signature: openai }]);
  });

  it('has no blank blocks, which sent back would be refused', () => {
    expect(answer([{ kind: 'thinking', text: '' }, { kind: 'text', text: '' }, { kind: 'refusal', text: '' }])['content']).toEqual([]);
  });

  it('has an object for every call’s input', () => {
    const calls = ['{"a":1}', '', '"x"', '{"a"'].map((input, index) => ({ kind: 'tool_call' as const, id: String(index), name: 'f', input }));
    expect(answer(calls)['content']).toMatchObject([{ input: { a: 1 } }, { input: {} }, { input: { input: 'x' } }, { input: { input: '{"a"' } }]);
  });

  it('shows pictures as Markdown does and sounds by their words', () => {
    expect(answer([{ kind: 'media', mime: 'image/png', data: 'AAAA' }, { kind: 'media', mime: 'audio/wav', data: 'AAAA', transcript: 'Hi.' }])['content']).toMatchObject([{ text: '![image/png](data:image/png;base64,AAAA)' }, { text: 'Hi.' }]);
  });

  it('cites links where they stand, and those without a place with the last text', () => {
    const cited = { kind: 'url', url: 'https://a.example', title: 'A', start: 0, end: 2 } as const;
    expect(answer([{ kind: 'text', text: 'abc', annotations: [cited] }, { kind: 'text', text: 'def' }], { sources: [{ kind: 'url', url: 'https://b.example' }] })['content']).toMatchObject([
      { citations: [{ type: 'web_search_result_location', url: 'https://a.example', title: 'A', cited_text: 'ab' }] },
      { citations: [{ url: 'https://b.example', title: null, cited_text: 'def' }] },
    ]);
  });

  it.each<[Finish, string]>([
    ['stop', 'end_turn'],
    ['stop_sequence', 'stop_sequence'],
    ['length', 'max_tokens'],
    ['context_length', 'model_context_window_exceeded'],
    ['content_filter', 'refusal'],
    ['refusal', 'refusal'],
    ['pause', 'pause_turn'],
    ['malformed_tool_call', 'max_tokens'],
    ['other', 'max_tokens'],
  ])('ends for its reason: %s', (finish, stop_reason) => {
    expect(answer([{ kind: 'text', text: 'a' }], { finish, stopSequence: finish === 'stop_sequence' ? 'END' : undefined })).toMatchObject({ stop_reason, stop_sequence: finish === 'stop_sequence' ? 'END' : null });
  });

  it('never ends in `tool_use` without a call, nor calls without saying so, nor declines unsaid', () => {
    const call = { kind: 'tool_call', id: 'c', name: 'f', input: '{}' } as const;
    expect(answer([call], { finish: 'tool_calls' })).toMatchObject({ stop_reason: 'tool_use' });
    expect(answer([call], { finish: 'stop' })).toMatchObject({ stop_reason: 'tool_use' });
    expect(answer([{ kind: 'text', text: 'a' }], { finish: 'tool_calls' })).toMatchObject({ stop_reason: 'end_turn' });
    expect(answer([{ kind: 'refusal', text: 'No.' }], { finish: 'stop' })).toMatchObject({ stop_reason: 'refusal', content: [{ type: 'text', text: 'No.' }] });
  });
});

describe('errors', () => {
  it('of the vendor are understood with their cause', () => {
    expect(anthropicMessages.decodeError(400, { type: 'error', error: { type: 'invalid_request_error', message: 'Too large.', details: { error_code: 'image_dimensions_too_large' } }, request_id: 'req_1' })).toEqual({ status: 400, message: 'Too large.', type: 'invalid_request_error', code: 'image_dimensions_too_large', param: undefined });
  });

  it('in no known form still say their status', () => {
    expect(anthropicMessages.decodeError(529, undefined)).toMatchObject({ type: 'overloaded_error', message: 'The upstream refused the request with status 529.' });
    expect(anthropicMessages.decodeError(502, { error: 'Bad gateway' })).toMatchObject({ type: 'api_error', message: 'Bad gateway' });
    expect(anthropicMessages.decodeError(413, { message: 'Big.' })).toMatchObject({ type: 'request_too_large', message: 'Big.' });
  });

  it.each([
    [429, 'rate_limit_error', 'rate_limit_error'],
    [400, 'invalid_request_error', 'invalid_request_error'],
    [503, 'overloaded_error', 'overloaded_error'],
    [500, 'server_error', 'api_error'],
    [429, 'insufficient_quota', 'rate_limit_error'],
    [404, 'model_not_found', 'not_found_error'],
    [422, 'unprocessable', 'invalid_request_error'],
  ])('with status %i and type %s are shown as %s', (status, type, shown) => {
    expect(anthropicMessages.encodeError({ status, type, message: 'm', code: 'c', param: 'p' }, 'req_9')).toEqual({ type: 'error', error: { type: shown, message: 'm', code: 'c', param: 'p' }, request_id: 'req_9' });
  });
});
