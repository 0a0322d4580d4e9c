import { describe, expect, it } from 'vitest';
import { createArrayWriter } from '../../../../internal/dialect/gemini/events-to-array.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { Choice } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { readSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { contextOf, encodeEvents, eventsOf, partsIn, responsesIn } from './fixtures.ts';

const signature = { vendor: 'anthropic', account: 'acc-5', value: 'sig' } as const;
const tag = expect.stringMatching(/^WyJrdzEi/);
const open = (part: number, opening: Extract<IrEvent, { readonly type: 'open' }>['opening']): IrEvent => ({ type: 'open', choice: 0, part, opening });
const delta = (part: number, text: string): IrEvent => ({ type: 'delta', choice: 0, part, text });
const close = (part: number): IrEvent => ({ type: 'close', choice: 0, part });
const sign = (part: number): IrEvent => ({ type: 'signature', choice: 0, part, signature });
const call = (part: number, id: string, ...pieces: string[]): readonly IrEvent[] => [open(part, { kind: 'tool_call', id, name: 'f' }), ...pieces.map((piece) => delta(part, piece)), close(part)];
const finish = (word: Choice['finish'], more: object = {}): readonly IrEvent[] => [{ type: 'finish', choice: 0, finish: word, ...more }];
const lastOf = (text: string): unknown => responsesIn(text).at(-1);

describe('a stream for a Gemini client', () => {
  it('says each piece in an event of its own, and the end in the last', () => {
    const text = encodeEvents(eventsOf([open(0, { kind: 'thinking' }), delta(0, 'hm'), sign(0), close(0), open(1, { kind: 'text' }), delta(1, 'Hel'), delta(1, 'lo'), close(1), ...call(2, 'toolu_1', '{"a"', ':1}')], finish('tool_calls')));
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    expect(partsIn(text)).toEqual([{ text: 'hm', thought: true }, { text: '', thought: true, thoughtSignature: tag }, { text: 'Hel' }, { text: 'lo' }, { functionCall: { id: 'toolu_1', name: 'f', args: { a: 1 } } }, { text: '' }]);
    expect(responsesIn(text)[0]).toEqual({ candidates: [{ content: { parts: [{ text: 'hm', thought: true }], role: 'model' }, index: 0 }], modelVersion: 'claude-opus-5-5', responseId: 'msg_1' });
    expect(lastOf(text)).toEqual({ candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 16, cachedContentTokenCount: 4, thoughtsTokenCount: 2 }, modelVersion: 'claude-opus-5-5', responseId: 'msg_1' });
  });

  it('states its own id and the model as asked where the upstream states none', () => {
    expect(lastOf(encodeEvents([{ type: 'start' }, ...finish('stop'), { type: 'end' }]))).toMatchObject({ modelVersion: 'as-asked', responseId: 'made0' });
  });

  it('a signature keeps its maker’s name on the way', () => {
    const [, part] = partsIn(encodeEvents(eventsOf([open(0, { kind: 'text' }), delta(0, 'Hi'), sign(0), close(0)])));
    const tagged = typeof part === 'object' && part !== null && 'thoughtSignature' in part ? String(part.thoughtSignature) : '';
    expect(readSignature(tagged, 'google')).toEqual(signature);
  });

  it('reasoning that shows nothing still brings its signature', () => {
    expect(partsIn(encodeEvents(eventsOf([open(0, { kind: 'thinking' }), sign(0), close(0)])))).toEqual([{ text: '', thought: true, thoughtSignature: tag }, { text: '' }]);
  });

  it('calls that were written side by side come one after the other, each whole', () => {
    const events: IrEvent[] = [open(0, { kind: 'tool_call', id: '1', name: 'f' }), open(1, { kind: 'tool_call', id: '2', name: 'g' }), delta(1, '{"b":2}'), delta(0, '{"a":1}'), close(1), sign(0), close(0)];
    expect(partsIn(encodeEvents(eventsOf(events, finish('tool_calls'))))).toEqual([{ functionCall: { id: '1', name: 'f', args: { a: 1 } }, thoughtSignature: tag }, { functionCall: { id: '2', name: 'g', args: { b: 2 } } }, { text: '' }]);
  });

  it.each([['', {}], ['null', {}], [' ', {}]])('the arguments %j are none', (input, args) => {
    expect(partsIn(encodeEvents(eventsOf(call(0, '1', input), finish('tool_calls'))))[0]).toMatchObject({ functionCall: { args } });
  });

  it('a call whose arguments cannot be read is no call: the candidate ends as malformed, or as cut where it was', () => {
    const text = encodeEvents(eventsOf(call(0, '1', '{"path":"/etc/'), finish('tool_calls')));
    expect(text).not.toContain('functionCall');
    expect(lastOf(text)).toMatchObject({ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed function call: f({"path":"/etc/)' }] });
    expect(lastOf(encodeEvents(eventsOf(call(0, '1', '{"a":'), finish('length'))))).toMatchObject({ candidates: [{ finishReason: 'MAX_TOKENS' }] });
  });

  it('free text of a call is its one argument', () => {
    expect(partsIn(encodeEvents(eventsOf([open(0, { kind: 'tool_call', id: '1', name: 'p', isCustom: true }), delta(0, '*** Begin'), close(0)], finish('tool_calls'))))[0]).toMatchObject({ functionCall: { args: { input: '*** Begin' } } });
  });

  it.each<[Choice['finish'], string]>([['stop', 'STOP'], ['stop_sequence', 'STOP'], ['tool_calls', 'STOP'], ['length', 'MAX_TOKENS'], ['context_length', 'MAX_TOKENS'], ['pause', 'MAX_TOKENS'], ['content_filter', 'SAFETY'], ['refusal', 'SAFETY'], ['malformed_tool_call', 'MALFORMED_FUNCTION_CALL'], ['other', 'OTHER']])('%s is %s', (word, finishReason) => {
    expect(lastOf(encodeEvents(eventsOf([], finish(word))))).toMatchObject({ candidates: [{ finishReason }] });
  });

  it('what the model said to decline is its answer', () => {
    const text = encodeEvents(eventsOf([open(0, { kind: 'refusal' }), delta(0, 'No.'), close(0)], finish('refusal')));
    expect(partsIn(text)).toEqual([{ text: 'No.' }, { text: '' }]);
    expect(lastOf(text)).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });

  it('an answer that was kept back whole has no content', () => {
    expect(lastOf(encodeEvents(eventsOf([], finish('content_filter'))))).toMatchObject({ candidates: [{ finishReason: 'SAFETY', index: 0 }] });
    expect(encodeEvents(eventsOf([], finish('content_filter')))).not.toContain('content"');
  });

  it('pictures and sounds are inline data; what only another dialect knows is left out', () => {
    const whole = (part: number, content: Extract<IrEvent, { readonly type: 'whole' }>['content']): IrEvent => ({ type: 'whole', choice: 0, part, content });
    expect(partsIn(encodeEvents(eventsOf([whole(0, { kind: 'media', mime: 'image/png', data: 'AAAA', signature }), whole(1, { kind: 'media', mime: 'audio/wav', data: 'BBBB', transcript: 'hi' }), whole(2, { kind: 'raw', dialect: 'anthropic-messages', item: { type: 'x' } })])))).toEqual([{ inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: tag }, { inlineData: { mimeType: 'audio/wav', data: 'BBBB' }, audioTranscription: { text: 'hi' } }, { text: '' }]);
  });

  it('links have their places in all of the text, in bytes', () => {
    const link = (part: number, url: string, start: number, end: number): IrEvent => ({ type: 'annotation', choice: 0, part, annotation: { kind: 'url', url, title: 'T', start, end } });
    const text = encodeEvents(eventsOf([open(0, { kind: 'text' }), delta(0, 'Grüß '), close(0), open(1, { kind: 'text' }), delta(1, 'wörd'), link(1, 'https://a.com', 0, 4), close(1)], finish('stop', { sources: [{ kind: 'url', url: 'https://b.com' }] })));
    expect(lastOf(text)).toMatchObject({ candidates: [{ groundingMetadata: { groundingChunks: [{ web: { uri: 'https://a.com', title: 'T' } }, { web: { uri: 'https://b.com' } }], groundingSupports: [{ segment: { startIndex: 7, endIndex: 12, text: 'wörd' }, groundingChunkIndices: [0] }] } }] });
  });

  it('log probabilities stand in the last event', () => {
    const tokens = [{ token: 'a', logprob: -1, top: [] }, { token: 'b', logprob: -2, top: [{ token: 'c', logprob: -3 }] }];
    expect(lastOf(encodeEvents(eventsOf([open(0, { kind: 'text' }), delta(0, 'ab'), { type: 'logprobs', choice: 0, part: 0, tokens }, close(0)])))).toMatchObject({ candidates: [{ avgLogprobs: -1.5, logprobsResult: { chosenCandidates: [{ token: 'a', logProbability: -1 }, { token: 'b', logProbability: -2 }], topCandidates: [{ candidates: [] }, { candidates: [{ token: 'c', logProbability: -3 }] }] } }] });
  });

  it('answers side by side end in one event', () => {
    const side = (choice: number): readonly IrEvent[] => [{ type: 'open', choice, part: 0, opening: { kind: 'text' } }, { type: 'delta', choice, part: 0, text: `t${choice}` }, { type: 'close', choice, part: 0 }];
    const text = encodeEvents(eventsOf([...side(1), ...side(0)], [{ type: 'finish', choice: 1, finish: 'stop' }, { type: 'finish', choice: 0, finish: 'length' }]));
    expect(lastOf(text)).toMatchObject({ candidates: [{ index: 0, finishReason: 'MAX_TOKENS' }, { index: 1, finishReason: 'STOP' }] });
  });

  it('an error is the last event, under the status that says it', () => {
    const text = encodeEvents([{ type: 'start' }, open(0, { kind: 'text' }), delta(0, 'a'), { type: 'error', error: { message: 'Slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded', status: 429 } }, close(0), ...finish('stop'), { type: 'end' }]);
    expect(lastOf(text)).toEqual({ error: { code: 429, message: 'Slow down', status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'rate_limit_exceeded', domain: 'keyward' }] } });
    expect(text).not.toContain('finishReason');
  });

  it('signs of life say nothing', () => {
    expect(encodeEvents([{ type: 'start' }, { type: 'ping' }])).toBe('');
  });

  it.each<[string, readonly IrEvent[]]>([
    ['text before the start', [delta(0, 'a')]],
    ['text of a part that is not open', [{ type: 'start' }, delta(0, 'a')]],
    ['an end before its candidates', [{ type: 'start' }, { type: 'end' }]],
    ['an end while a candidate goes on', [{ type: 'start' }, open(0, { kind: 'text' }), close(0), { type: 'end' }]],
    ['a finish while a part is open', [{ type: 'start' }, open(0, { kind: 'text' }), ...finish('stop')]],
    ['a part after the finish', [{ type: 'start' }, ...finish('stop'), open(0, { kind: 'text' })]],
    ['the close of a part that is not open', [{ type: 'start' }, close(0)]],
  ])('%s is a decoder’s mistake', (_, events) => {
    expect(() => encodeEvents(events)).toThrow(TypeError);
  });

  it('after its end nothing comes', () => {
    const encoder = gemini.createStreamEncoder(contextOf());
    for (const event of eventsOf([])) encoder.push(event);
    expect(encoder.push(delta(0, 'more'))).toBe('');
  });
});

describe('a stream as an array', () => {
  const events = eventsOf([open(0, { kind: 'text' }), delta(0, 'line\nbreak "data: x"'), close(0)]);

  it('holds the same answers, however the events are handed over', () => {
    const text = encodeEvents(events);
    const at = text.indexOf('\r\n\r\n') + 4;
    for (const pieces of [[text], [text.slice(0, at), '', ': ping\n\n', text.slice(at)]]) {
      const writer = createArrayWriter();
      expect(JSON.parse(pieces.map((piece) => writer.push(piece)).join('') + writer.end())).toEqual(responsesIn(text));
    }
  });

  it('has its bracket only after its end', () => {
    const writer = createArrayWriter();
    const text = writer.push(encodeEvents(events));
    expect(text.startsWith('[{')).toBe(true);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(writer.end()).toBe('\n]');
    expect(createArrayWriter().end()).toBe('[]');
  });
});
