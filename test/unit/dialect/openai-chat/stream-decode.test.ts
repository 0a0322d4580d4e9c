import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import type { AnswerPart, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { collect, plain } from '../../../support/codec-fixtures.ts';
import { answerOf, chunk, decodeChunks, done, imitation } from './fixtures.ts';

const stop = chunk({}, { finish_reason: 'stop' });
const calls = chunk({}, { finish_reason: 'tool_calls' });
const toolDelta = (...deltas: readonly object[]): object => chunk({ tool_calls: deltas });
const partsOf = (answer: IrAnswer, choice = 0): readonly AnswerPart[] => answer.choices[choice]?.parts ?? [];
const callsOf = (...chunks: readonly (object | string)[]): unknown => plain(partsOf(answerOf([...chunks, calls, done])));
const called = (id: string, name: string, input: string): object => ({ kind: 'tool_call', id, name, input });

describe('a stream of OpenAI', () => {
  it('text comes as one part, with model, id and usage of the last chunk', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 }, completion_tokens_details: { reasoning_tokens: 3 } };
    const chunks = [chunk({ role: 'assistant', content: '', refusal: null }), chunk({ content: 'Hel' }), chunk({ content: 'lo' }), stop, { ...chunk({}), choices: [], usage }, done];
    expect(plain(answerOf(chunks))).toEqual({
      id: 'chatcmpl-1', model: 'qwen3', createdSeconds: 1,
      choices: [{ index: 0, parts: [{ kind: 'text', text: 'Hello' }], finish: 'stop', rawFinish: 'stop' }],
      usage: { input: 10, cachedInput: 4, cacheWrite: 2, output: 5, reasoning: 3 },
    });
  });

  it('each choice is told apart', () => {
    const at = (index: number, delta: object, finish: string | null = null): object => ({ id: 'x', choices: [{ index, delta, finish_reason: finish }] });
    const answer = answerOf([at(0, { content: 'a' }), at(1, { content: 'b' }), at(0, { content: 'c' }), at(1, {}, 'length'), at(0, {}, 'stop'), done]);
    expect(plain(answer.choices)).toEqual([
      { index: 0, parts: [{ kind: 'text', text: 'ac' }], finish: 'stop', rawFinish: 'stop' },
      { index: 1, parts: [{ kind: 'text', text: 'b' }], finish: 'length', rawFinish: 'length' },
    ]);
  });

  it('calls keep their deltas apart, and free-form calls stay such', () => {
    expect(
      callsOf(
        toolDelta({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        toolDelta({ index: 0, function: { arguments: '{"x":' } }),
        toolDelta({ index: 1, id: 'b', type: 'custom', custom: { name: 'patch', input: '' } }),
        toolDelta({ index: 0, function: { arguments: '1}' } }, { index: 1, custom: { input: 'text' } }),
      ),
    ).toEqual([called('a', 'f', '{"x":1}'), { ...called('b', 'patch', 'text'), isCustom: true }]);
  });

  it('probabilities, citations and refusals are kept', () => {
    const token = { token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'b', logprob: -1, bytes: null }] };
    const answer = answerOf([chunk({ content: 'a' }, { logprobs: { content: [token], refusal: null } }), chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://e.com', title: 'E', start_index: 0, end_index: 1 } }] }), stop, done]);
    expect(plain(answer.choices[0])).toMatchObject({
      parts: [{ kind: 'text', text: 'a', annotations: [{ kind: 'url', url: 'https://e.com', title: 'E', start: 0, end: 1 }] }],
      logprobs: [{ token: 'a', logprob: -0.5, bytes: [97], top: [{ token: 'b', logprob: -1 }] }],
    });
    expect(plain(answerOf([chunk({ refusal: 'No' }), chunk({ refusal: '.' }), stop, done]).choices[0])).toMatchObject({ parts: [{ kind: 'refusal', text: 'No.' }], finish: 'refusal', rawFinish: 'stop' });
  });

  it('places in the whole content become places in the part they stand in', () => {
    const cite = (start: number): object => chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://e.com', start_index: start, end_index: start + 1 } }] });
    const [first, , second] = partsOf(answerOf([chunk({ content: 'abc' }), cite(1), chunk({ reasoning_content: 'hm' }), chunk({ content: 'def' }), cite(4), stop, done]));
    expect([first, second]).toMatchObject([{ text: 'abc', annotations: [{ start: 1, end: 2 }] }, { text: 'def', annotations: [{ start: 1, end: 2 }] }]);
  });

  it('a made sound comes whole, with its words', () => {
    const piece = (text: string): string => Buffer.from(text).toString('base64');
    const answer = answerOf([chunk({ audio: { id: 'audio_1', transcript: 'Hi ' } }), chunk({ audio: { data: piece('ab') } }), chunk({ audio: { data: piece('cd'), transcript: 'you' } }), chunk({ audio: { expires_at: 5 } }), stop, done]);
    expect(partsOf(answer)).toEqual([{ kind: 'media', mime: 'audio/pcm', data: piece('abcd'), transcript: 'Hi you' }]);
  });
});

describe('a stream of an imitation', () => {
  it('calls without an index are told apart by id, and continued without one', () => {
    expect(callsOf(toolDelta({ id: 'a', function: { name: 'f', arguments: '{"x"' } }), toolDelta({ function: { arguments: ':1}' } }), toolDelta({ id: 'b', function: { name: 'f', arguments: '{}' } }))).toEqual([called('a', 'f', '{"x":1}'), called('b', 'f', '{}')]);
    expect(callsOf(toolDelta({ id: 'a', function: { name: 'f', arguments: '{}' } }, { id: 'b', function: { name: 'g', arguments: '{}' } }))).toEqual([called('a', 'f', '{}'), called('b', 'g', '{}')]);
  });

  it('calls that all have the same index are told apart by id', () => {
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }), toolDelta({ index: 0, id: 'b', function: { name: 'f', arguments: '{"y":2}' } }))).toEqual([called('a', 'f', '{}'), called('b', 'f', '{"y":2}')]);
  });

  it('id and name that are repeated, empty, or new in each delta do not begin a call', () => {
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }), toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: ':1' } }), toolDelta({ index: 0, id: '', function: { name: '', arguments: '}' } }))).toEqual([called('a', 'f', '{"x":1}')]);
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }), toolDelta({ index: 0, id: 'z', function: { arguments: '}' } }))).toEqual([called('a', 'f', '{}')]);
  });

  it('arguments under an index that no call has belong to the last call', () => {
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }), toolDelta({ index: 1, function: { arguments: '}' } }))).toEqual([called('a', 'f', '{}')]);
  });

  it('arguments may come before the name, only in the last chunk, or as an object', () => {
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { arguments: '{"x":' } }), toolDelta({ index: 0, function: { name: 'f', arguments: '1}' } }))).toEqual([called('a', 'f', '{"x":1}')]);
    const last = chunk({ tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] }, { finish_reason: 'tool_calls' });
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f' } }), last)).toEqual([called('a', 'f', '{"x":1}')]);
    expect(callsOf(toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }))).toEqual([called('a', 'f', '{"x":1}')]);
  });

  it('a call without an id gets one, the same whenever the answer is read', () => {
    const deltas = [toolDelta({ index: 0, function: { name: 'f', arguments: '{}' } }), toolDelta({ index: 1, function: { name: 'g', arguments: '{}' } }), calls, done];
    const ids = (): readonly string[] => partsOf(answerOf(deltas)).flatMap((part) => (part.kind === 'tool_call' ? [part.id] : []));
    expect(new Set(ids()).size).toBe(2);
    expect(ids()).toEqual(ids());
    expect(ids().every((id) => /^call_[0-9a-f]{24}$/.test(id))).toBe(true);
  });

  it('the form before tools is a call', () => {
    const answer = answerOf([chunk({ function_call: { name: 'f', arguments: '' } }), chunk({ function_call: { arguments: '{"x":1}' } }), chunk({}, { finish_reason: 'function_call' }), done]);
    expect(plain(answer.choices[0])).toMatchObject({ parts: [{ kind: 'tool_call', name: 'f', input: '{"x":1}' }], finish: 'tool_calls', rawFinish: 'function_call' });
  });

  it('a finish that does not fit the parts is put right', () => {
    const call = toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } });
    expect(answerOf([call, stop, done]).choices[0]).toMatchObject({ finish: 'tool_calls', rawFinish: 'stop' });
    expect(answerOf([chunk({ content: 'a' }), calls, done]).choices[0]).toMatchObject({ finish: 'stop', rawFinish: 'tool_calls' });
    expect(answerOf([toolDelta({ index: 0, id: 'a', function: { arguments: '{}' } }), calls, done]).choices[0]).toMatchObject({ finish: 'malformed_tool_call' });
    expect(answerOf([chunk({ content: 'a' }), done]).choices[0]).toMatchObject({ finish: 'other' });
  });

  it.each([
    ['eos', 'stop'], ['eos_token', 'stop'], ['end_turn', 'stop'], ['stop_sequence', 'stop'], ['STOP_SEQUENCE', 'stop'], ['COMPLETE', 'stop'], ['MAX_TOKENS', 'length'], ['max_output_tokens', 'length'], ['sensitive', 'content_filter'],
    ['model_context_window_exceeded', 'context_length'], ['satisfied', 'stop'], ['constructor', 'stop'], ['abort', 'other'], ['insufficient_system_resource', 'other'], ['repetition_truncation', 'other'], ['ERROR_LIMIT', 'other'],
  ])('an end by %s is one by %s', (word, finish) => {
    expect(answerOf([chunk({ content: 'a' }, { finish_reason: word }), done]).choices[0]).toMatchObject({ finish, rawFinish: word });
  });

  it('a call ends as one by whatever word its vendor has for it', () => {
    const call = toolDelta({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } });
    for (const word of ['tool_use', 'TOOL_CALL', 'COMPLETE', 'satisfied']) expect(answerOf([call, chunk({}, { finish_reason: word }), done]).choices[0]).toMatchObject({ finish: 'tool_calls' });
  });

  it('what comes after the finish is not lost', () => {
    expect(answerOf([chunk({ content: 'a' }, { finish_reason: 'stop' }), chunk({ content: 'b' }, { finish_reason: '' }), done]).choices).toMatchObject([{ parts: [{ kind: 'text', text: 'ab' }], finish: 'stop' }]);
  });

  it('usage is found wherever it stands, and what is counted apart is counted in', () => {
    const usageOf = (more: object): unknown => answerOf([chunk({ content: 'a' }), { ...stop, ...more }, done]).usage;
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    const counted = { input: 7, cachedInput: 0, cacheWrite: 0, output: 3, reasoning: 0 };
    expect(usageOf({ usage })).toEqual(counted);
    expect(usageOf({ x_groq: { usage } })).toEqual(counted);
    expect(usageOf({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] })).toEqual(counted);
    expect(usageOf({ usage: { ...usage, prompt_cache_hit_tokens: 4 } })).toEqual({ ...counted, cachedInput: 4 });
    expect(usageOf({ usage: { ...usage, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 5 } } })).toEqual({ ...counted, output: 8, reasoning: 5 });
    expect(usageOf({ usage: null })).toBeUndefined();
    expect(answerOf([{ ...chunk({ content: 'a' }), usage }, { ...stop, usage: null }, done]).usage).toEqual(counted);
  });

  it('content may be a list, with reasoning in it', () => {
    expect(plain(partsOf(answerOf([chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }), chunk({ content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }), stop, done])))).toMatchObject([{ kind: 'thinking', text: 'hm' }, { kind: 'text', text: 'ab' }]);
  });

  it('a stream may begin with a chunk that names nothing, and bring its message whole', () => {
    expect(answerOf([{ id: '', model: '', choices: [], prompt_filter_results: [] }, { id: 'x', model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }] }, done])).toMatchObject({ id: 'x', model: 'm', choices: [{ parts: [{ text: 'a' }] }] });
  });

  it('made pictures and links beside the answer are kept', () => {
    const answer = answerOf([{ ...chunk({ content: 'a', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }), citations: ['https://e.com'] }, stop, done]);
    expect(answer.choices[0]).toMatchObject({ parts: [{ kind: 'text' }, { kind: 'media', mime: 'image/png', data: 'AAAA' }], sources: [{ kind: 'url', url: 'https://e.com' }] });
  });
});

describe('the end of a stream', () => {
  const failure = (chunks: readonly (object | string)[]): unknown => {
    const result = collect(decodeChunks(chunks));
    return result.ok ? undefined : result.error;
  };

  it('a cut stream ends in an error, never in a made-up end', () => {
    for (const chunks of [[], [chunk({ content: 'a' })], [chunk({ content: 'a' }), stop], [done]]) expect(failure(chunks)).toMatchObject({ code: 'stream_truncated', status: 502 });
  });

  it('an upstream’s error event ends the stream with its code, type and status', () => {
    expect(failure([chunk({ content: 'a' }), { error: { message: 'Slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' } }, done])).toEqual({ message: 'Slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded', status: 429 });
    expect(failure([{ id: 'x', choices: [{ index: 0, delta: {}, finish_reason: 'error' }], error: { code: 502, message: 'Down' } }])).toEqual({ message: 'Down', type: 'api_error', code: '502', status: 502 });
    expect(failure([{ object: 'error', message: 'Bad', type: 'BadRequestError', code: 400 }])).toEqual({ message: 'Bad', type: 'invalid_request_error', code: '400', status: 400 });
    expect(failure([chunk({}, { finish_reason: 'error' }), done])).toMatchObject({ code: 'upstream_error', status: 502 });
  });

  it('what is no JSON fails the stream, and nothing follows an end', () => {
    expect(failure([chunk({ content: 'a' }), '{"choices":['])).toMatchObject({ code: 'upstream_error' });
    const decoder = openaiChat.createStreamDecoder(imitation);
    for (const data of [chunk({ content: 'a' }), stop]) decoder.push({ event: '', data: JSON.stringify(data) });
    expect(decoder.push({ event: '', data: done }).at(-1)).toEqual({ type: 'end' });
    expect([...decoder.push({ event: '', data: JSON.stringify(chunk({ content: 'b' })) }), ...decoder.end()]).toEqual([]);
  });
});
