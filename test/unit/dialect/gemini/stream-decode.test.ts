import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { collect, plain } from '../../../support/codec-fixtures.ts';
import { answerOf, chunk, decodeChunks, google, stop, vertex } from './fixtures.ts';

const by = (value: string) => ({ vendor: 'google', account: 'acc-1', value });
const partsOf = (...chunks: object[]): unknown => plain(answerOf(chunks).choices[0]?.parts);
const last = (...chunks: (object | string)[]): IrEvent | undefined => decodeChunks(chunks).at(-1);

describe('parts of a stream', () => {
  it('thoughts and text that change places are parts of their own, in order', () => {
    expect(partsOf(chunk([{ text: 'hm', thought: true }, { text: 'a' }]), chunk([{ text: 'b' }]), chunk([{ text: 'hm 2', thought: true }, { text: 'c' }], stop))).toEqual([
      { kind: 'thinking', text: 'hm', isSummary: true },
      { kind: 'text', text: 'ab' },
      { kind: 'thinking', text: 'hm 2', isSummary: true },
      { kind: 'text', text: 'c' },
    ]);
  });

  it('a signature on an empty piece belongs to what was said before it', () => {
    expect(partsOf(chunk([{ text: 'a' }]), chunk([{ text: '', thoughtSignature: 'Cg==' }], stop))).toEqual([{ kind: 'text', text: 'a', signature: by('Cg==') }]);
  });

  it('a signature with nothing before it stands for itself, whether its text is empty or absent', () => {
    expect(partsOf(chunk([{ thoughtSignature: 'Cg==' }, { text: 'a' }], stop))).toEqual([{ kind: 'thinking', text: '', isSummary: true, signature: by('Cg==') }, { kind: 'text', text: 'a' }]);
    expect(partsOf(chunk([{ functionCall: { id: '1', name: 'f' } }, { text: '', thoughtSignature: 'Cg==' }], stop))).toEqual([{ kind: 'tool_call', id: '1', name: 'f', input: '{}' }, { kind: 'thinking', text: '', isSummary: true, signature: by('Cg==') }]);
  });

  it('what is signed takes no more text', () => {
    expect(partsOf(chunk([{ text: 'a', thoughtSignature: 'Cg==' }]), chunk([{ text: 'b' }], stop))).toEqual([{ kind: 'text', text: 'a', signature: by('Cg==') }, { kind: 'text', text: 'b' }]);
  });

  it('several calls in one event, each with its signature and arguments', () => {
    expect(partsOf(chunk([{ text: 'See.' }, { functionCall: { id: '1', name: 'f', args: { a: 1 } }, thoughtSignature: 'Cg==' }, { functionCall: { id: '2', name: 'g' } }], stop))).toEqual([
      { kind: 'text', text: 'See.' },
      { kind: 'tool_call', id: '1', name: 'f', input: '{"a":1}', signature: by('Cg==') },
      { kind: 'tool_call', id: '2', name: 'g', input: '{}' },
    ]);
  });

  it('calls without ids get some that differ, the same at every reading, others in another answer', () => {
    const calls = chunk([{ functionCall: { name: 'f' } }, { functionCall: { name: 'f' } }], stop);
    const ids = (id: string | undefined): readonly string[] => JSON.stringify(answerOf([{ ...calls, responseId: id }])).match(/call_\w+/g) ?? [];
    expect(new Set([...ids('r1'), ...ids('r2'), ...ids(undefined)]).size).toBe(6);
    expect(ids('r1')).toEqual(ids('r1'));
    expect(ids(undefined)).toEqual(ids(undefined));
  });

  it('pictures and sounds are media, code that ran is kept as it is, and pictures that are only thought of are no answer', () => {
    const picture = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
    expect(partsOf(chunk([{ ...picture, thought: true }, { ...picture, thoughtSignature: 'Cg==' }, { inlineData: { mimeType: 'audio/pcm', data: 'BBBB' }, audioTranscription: { text: 'hi' } }, { executableCode: { code: '1', language: 'PYTHON' } }], stop))).toEqual([
      { kind: 'raw', dialect: 'gemini', item: { ...picture, thought: true } },
      { kind: 'media', mime: 'image/png', data: 'AAAA', signature: by('Cg==') },
      { kind: 'media', mime: 'audio/pcm', data: 'BBBB', transcript: 'hi' },
      { kind: 'raw', dialect: 'gemini', item: { executableCode: { code: '1', language: 'PYTHON' } } },
    ]);
  });

  it('answers side by side are told apart', () => {
    const side = (index: number, text: string, more: object = {}): object => ({ candidates: [{ index, content: { parts: [{ text }] }, ...more }] });
    const { choices } = answerOf([side(1, 'b'), side(0, 'a', stop), side(1, 'B', { finishReason: 'MAX_TOKENS' })]);
    expect(plain(choices)).toEqual([{ index: 0, parts: [{ kind: 'text', text: 'a' }], finish: 'stop', rawFinish: 'STOP' }, { index: 1, parts: [{ kind: 'text', text: 'bB' }], finish: 'length', rawFinish: 'MAX_TOKENS' }]);
  });

  it('the order of events is the one all decoders keep', () => {
    expect(decodeChunks([chunk([{ text: 'a' }]), chunk([{ functionCall: { id: '1', name: 'f' } }], stop, { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 } })]).map(({ type }) => type)).toEqual(['start', 'open', 'delta', 'close', 'open', 'delta', 'close', 'finish', 'usage', 'end']);
  });
});

describe('the end of a stream', () => {
  it.each([
    ['STOP', 'stop'], ['MAX_TOKENS', 'length'], ['CONTINUATION', 'length'], ['SAFETY', 'content_filter'], ['RECITATION', 'content_filter'], ['BLOCKLIST', 'content_filter'], ['PROHIBITED_CONTENT', 'content_filter'], ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'], ['MALFORMED_FUNCTION_CALL', 'malformed_tool_call'], ['UNEXPECTED_TOOL_CALL', 'malformed_tool_call'], ['LANGUAGE', 'other'], ['OTHER', 'other'], ['SOMETHING_NEW', 'other'], ['constructor', 'other'],
  ])('%s is %s', (finishReason, finish) => {
    expect(answerOf([chunk([{ text: 'a' }], { finishReason })]).choices[0]).toMatchObject({ finish, rawFinish: finishReason });
  });

  it('a call ends as one though the wire says STOP, but not where it was cut', () => {
    const call = [{ functionCall: { id: '1', name: 'f' } }];
    expect(answerOf([chunk(call, stop)]).choices[0]).toMatchObject({ finish: 'tool_calls', rawFinish: 'STOP' });
    expect(answerOf([chunk(call), chunk([{ text: '' }], { finishReason: 'MAX_TOKENS' })]).choices[0]).toMatchObject({ finish: 'length' });
  });

  it('a cut stream ends in an error, never in a made-up end', () => {
    expect(last()).toMatchObject({ type: 'error', error: { code: 'stream_truncated', status: 502 } });
    expect(last(chunk([{ text: 'a' }]))).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
    expect(last(chunk([{ text: 'a' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' }))).toMatchObject({ type: 'error' });
    expect(last({ candidates: [{ index: 0, ...stop }, { index: 1, content: { parts: [{ text: 'b' }] } }] })).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
  });

  it('what follows the reason is still read', () => {
    const answer = answerOf([chunk([{ text: 'a' }], stop), chunk([{ text: '', thoughtSignature: 'Cg==' }]), { usageMetadata: { promptTokenCount: 1 } }, '[DONE]']);
    expect(plain(answer)).toMatchObject({ choices: [{ parts: [{ text: 'a', signature: by('Cg==') }] }], usage: { input: 1 } });
  });

  it('a blocked prompt is an answer that a filter ended', () => {
    expect(plain(answerOf([{ promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 4 } }]).choices)).toEqual([{ index: 0, parts: [], finish: 'content_filter', rawFinish: 'PROHIBITED_CONTENT' }]);
    expect(plain(answerOf([chunk([{ text: 'a' }]), { promptFeedback: { blockReason: 'OTHER' } }]).choices)).toEqual([{ index: 0, parts: [{ kind: 'text', text: 'a' }], finish: 'content_filter', rawFinish: 'OTHER' }]);
  });

  it('an error within it is told with its status, and nothing comes after it', () => {
    const error = { code: 429, message: 'Quota.', status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'RATE_LIMIT_EXCEEDED' }] };
    const events = decodeChunks([chunk([{ text: 'a' }]), { error }, chunk([{ text: 'b' }], stop)]);
    expect(events.at(-1)).toEqual({ type: 'error', error: { message: 'Quota.', type: 'rate_limit_error', code: 'rate_limit_exceeded', status: 429 } });
    expect(last({ error: { message: 'x', status: 'INTERNAL' } })).toMatchObject({ error: { status: 500, code: 'internal' } });
  });

  it('what cannot be read is an error, not a gap', () => {
    expect(last(chunk([{ text: 'a' }]), '{"candidates":[{"con', chunk([{ text: 'c' }], stop))).toMatchObject({ type: 'error', error: { code: 'upstream_error' } });
  });
});

describe('what is said of a stream', () => {
  it('usage is counted so that parts are in their wholes, and the last one counts', () => {
    const usage = (usageMetadata: object): unknown => answerOf([chunk([{ text: 'a' }], {}, { usageMetadata: { promptTokenCount: 1 } }), chunk([], stop, { usageMetadata })]).usage;
    expect(usage({ promptTokenCount: 10, cachedContentTokenCount: 4, candidatesTokenCount: 5, thoughtsTokenCount: 3, toolUsePromptTokenCount: 2, totalTokenCount: 20 })).toEqual({ input: 12, cachedInput: 4, cacheWrite: 0, output: 8, reasoning: 3 });
    expect(usage({ promptTokenCount: 10, candidatesTokenCount: 8, thoughtsTokenCount: 3, totalTokenCount: 18 })).toEqual({ input: 10, cachedInput: 0, cacheWrite: 0, output: 8, reasoning: 3 });
  });

  it('a prompt that is counted at once is told at once', () => {
    const [, second] = decodeChunks([chunk([{ text: 'a' }], {}, { usageMetadata: { promptTokenCount: 9 } })]);
    expect(second).toMatchObject({ type: 'usage', usage: { input: 9, output: 0 } });
  });

  it('model, id and time are the upstream’s', () => {
    expect(answerOf([chunk([{ text: 'a' }], stop, { createTime: '2026-11-28T00:00:00Z' })], vertex)).toMatchObject({ id: 'resp-1', model: 'gemini-3.8-flash', createdSeconds: Date.UTC(2026, 10, 28) / 1_000 });
  });

  it('links stand at their places in the text, counted in bytes there; others are sources', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a.com', title: 'A' } }, { web: { uri: 'https://b.com' } }, { retrievedContext: { uri: 'https://c.com' } }, { maps: {} }],
      groundingSupports: [{ segment: { startIndex: 7, endIndex: 12, text: 'wörd' }, groundingChunkIndices: [0, 3] }, { segment: { endIndex: 999, text: 'Grüß' }, groundingChunkIndices: [1] }],
    };
    expect(plain(answerOf([chunk([{ text: 'hm', thought: true }, { text: 'Grüß ' }]), chunk([{ text: 'wörd' }]), chunk([], { ...stop, groundingMetadata })]).choices[0])).toMatchObject({
      parts: [{ kind: 'thinking' }, { text: 'Grüß wörd', annotations: [{ kind: 'url', url: 'https://a.com', title: 'A', start: 5, end: 9 }, { kind: 'url', url: 'https://b.com', start: 0, end: 4 }] }],
      sources: [{ kind: 'url', url: 'https://c.com' }],
    });
  });

  it('links into text that is closed keep their address', () => {
    const groundingMetadata = { groundingChunks: [{ web: { uri: 'https://a.com' } }], groundingSupports: [{ segment: { startIndex: 0, endIndex: 3 }, groundingChunkIndices: [0] }] };
    expect(plain(answerOf([chunk([{ text: 'See' }, { functionCall: { id: '1', name: 'f' } }], { ...stop, groundingMetadata })]).choices[0])).toMatchObject({ parts: [{ kind: 'text', text: 'See' }, { kind: 'tool_call' }], sources: [{ kind: 'url', url: 'https://a.com' }] });
  });

  it('citations are links too', () => {
    const citationMetadata = { citations: [{ startIndex: 0, endIndex: 2, uri: 'https://a.com', title: 'A' }, { uri: '' }] };
    expect(plain(answerOf([chunk([{ text: 'abc' }], { ...stop, citationMetadata })]).choices[0])).toMatchObject({ parts: [{ annotations: [{ url: 'https://a.com', title: 'A', start: 0, end: 2 }] }] });
  });

  it('log probabilities are of the tokens, with what else there might have been', () => {
    const logprobsResult = { chosenCandidates: [{ token: 'a', tokenId: 5, logProbability: -0.1 }], topCandidates: [{ candidates: [{ token: 'a', logProbability: -0.1 }, { token: 'b', logProbability: -2 }] }] };
    expect(answerOf([chunk([{ text: 'a' }], { ...stop, logprobsResult })]).choices[0]?.logprobs).toEqual([{ token: 'a', logprob: -0.1, top: [{ token: 'a', logprob: -0.1 }, { token: 'b', logprob: -2 }] }]);
  });

  it('they stand on the text they came with, also where a call follows it', () => {
    const logprobsResult = { chosenCandidates: [{ token: 'a', logProbability: -1 }] };
    const types = decodeChunks([chunk([{ text: 'a' }, { functionCall: { id: '1', name: 'f' } }], { ...stop, logprobsResult })]).map(({ type }) => type);
    expect(types.slice(0, 5)).toEqual(['start', 'open', 'delta', 'logprobs', 'close']);
  });
});

describe('a whole answer', () => {
  it('is read by the same rules', () => {
    const body = chunk([{ text: 'hm', thought: true }, { text: 'Hi', thoughtSignature: 'Cg==' }, { functionCall: { name: 'f' } }], stop, { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 } });
    expect(gemini.decodeAnswer(body, google)).toEqual(answerOf([body]));
  });

  it('that does not say why it ended has ended', () => {
    expect(gemini.decodeAnswer(chunk([{ text: 'Hi' }]), google).choices[0]).toMatchObject({ finish: 'stop', parts: [{ text: 'Hi' }] });
  });

  it.each([[undefined], [[]], [{}], [{ candidates: [] }], [{ error: { code: 500, message: 'x' } }]])('%j is none', (body) => {
    expect(() => gemini.decodeAnswer(body, google)).toThrow(TypeError);
  });

  it('collected events end in it', () => {
    expect(collect(decodeChunks([chunk([{ text: 'Hi' }], stop)])).ok).toBe(true);
  });
});
