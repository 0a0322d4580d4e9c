import { describe, expect, it } from 'vitest';
import type { IrEvent, PartOpening } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, listOf, memberOf, textOf, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { chunksIn, contextOf, decode, encodeEvents, eventsOf, google } from './fixtures.ts';

const open = (part: number, opening: PartOpening): IrEvent => ({ type: 'open', choice: 0, part, opening });
const delta = (part: number, text: string): IrEvent => ({ type: 'delta', choice: 0, part, text });
const close = (part: number): IrEvent => ({ type: 'close', choice: 0, part });
const text = (part: number, ...pieces: readonly string[]): readonly IrEvent[] => [open(part, { kind: 'text' }), ...pieces.map((piece) => delta(part, piece)), close(part)];
const calls: readonly IrEvent[] = [{ type: 'finish', choice: 0, finish: 'tool_calls' }];

const deltasIn = (chunks: readonly JsonRecord[]): readonly unknown[] => chunks.flatMap((chunk) => listOf(chunk['choices'])).map((choice) => memberOf(choice, 'delta'));
const deltasOf = (events: readonly IrEvent[], context = contextOf()): readonly unknown[] => deltasIn(chunksIn(encodeEvents(events, context)).chunks);

describe('a stream for a client', () => {
  it('begins with the role, ends with the finish and `[DONE]`, and has one id', () => {
    const { chunks, isDone } = chunksIn(encodeEvents(eventsOf(text(0, 'Hel', 'lo'))));
    expect(chunks.map((chunk) => chunk['choices'])).toEqual([
      [{ index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'Hel' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'lo' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
    ]);
    expect(new Set(chunks.map((chunk) => JSON.stringify([chunk['id'], chunk['object'], chunk['created'], chunk['model']])))).toEqual(new Set([JSON.stringify(['chatcmpl-made0', 'chat.completion.chunk', 1_790_000_000, 'claude-opus-5-5'])]));
    expect(isDone).toBe(true);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  });

  it('states usage in a chunk without choices, to those who asked for it alone', () => {
    const { chunks } = chunksIn(encodeEvents(eventsOf(text(0, 'a')), contextOf({ includeUsage: true })));
    expect(chunks.slice(0, -1).every((chunk) => chunk['usage'] === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 6, total_tokens: 16, prompt_tokens_details: { cached_tokens: 4 } } });
  });

  it('calls have stable indexes, id and name once, and arguments that parse', () => {
    const events = [open(0, { kind: 'tool_call', id: 'a', name: 'f' }), open(1, { kind: 'tool_call', id: 'b', name: 'g' }), delta(0, '{"x":'), delta(0, '1}'), close(1), close(0)];
    expect(deltasOf(eventsOf(events, calls))).toEqual([
      { role: 'assistant', content: null, refusal: null },
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '1}' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ]);
  });

  it('a client’s own free-form tool is called as such, in one piece where the upstream sent JSON', () => {
    const tools = [{ kind: 'custom', name: 'patch' }] as const;
    const wrapped = [open(0, { kind: 'tool_call', id: 'a', name: 'patch' }), delta(0, '{"inp'), delta(0, 'ut":"free"}'), close(0)];
    expect(deltasOf(eventsOf(wrapped, calls), contextOf({ tools }))[1]).toEqual({ tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'patch', input: 'free' } }] });
    const free = [open(0, { kind: 'tool_call', id: 'a', name: 'patch', isCustom: true }), delta(0, 'fr'), delta(0, 'ee'), close(0)];
    expect(deltasOf(eventsOf(free, calls), contextOf({ tools })).slice(1)).toEqual([
      { tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'patch', input: '' } }] },
      { tool_calls: [{ index: 0, custom: { input: 'fr' } }] },
      { tool_calls: [{ index: 0, custom: { input: 'ee' } }] },
      {},
    ]);
  });

  it('a client of the form before tools is answered in it', () => {
    const { chunks } = chunksIn(encodeEvents(eventsOf([open(0, { kind: 'tool_call', id: 'a', name: 'f' }), delta(0, '{}'), close(0)], calls), contextOf(decode({ functions: [{ name: 'f' }] }))));
    expect(deltasIn(chunks).slice(1)).toEqual([{ function_call: { name: 'f', arguments: '' } }, { function_call: { arguments: '{}' } }, {}]);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'function_call' }] });
  });

  it('a signature of Gemini’s stands where its call begins', () => {
    const signed: readonly IrEvent[] = [open(0, { kind: 'tool_call', id: 'a', name: 'f' }), delta(0, '{}'), { type: 'signature', choice: 0, part: 0, signature: { vendor: 'google', account: undefined, value: 's' } }, close(0)];
    const tag = expect.stringMatching(/^WyJrdzEi/);
    expect(deltasOf(eventsOf(signed, calls), contextOf({}, google))[1]).toEqual({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: tag } } }] });
  });

  it('reasoning is told apart from the answer, its signature after it', () => {
    const events: readonly IrEvent[] = [open(0, { kind: 'thinking' }), delta(0, 'hm'), { type: 'signature', choice: 0, part: 0, signature: { vendor: 'anthropic', account: 'acc-3', value: 's' } }, close(0), ...text(1, 'a')];
    const [, thought, signed, said] = deltasOf(eventsOf(events));
    expect([thought, said]).toEqual([{ reasoning_content: 'hm' }, { content: 'a' }]);
    expect(signed).toMatchObject({ reasoning_details: [{ type: 'reasoning.encrypted', index: 0, data: expect.stringMatching(/\.0-2$/) }] });
  });

  it('citations come at once and count from the beginning of the content', () => {
    const cite = (part: number): IrEvent => ({ type: 'annotation', choice: 0, part, annotation: { kind: 'url', url: 'https://e.com', start: 0, end: 1 } });
    const events = [open(0, { kind: 'text' }), delta(0, 'abc'), cite(0), close(0), open(1, { kind: 'text' }), delta(1, 'd'), cite(1), close(1)];
    const annotated = deltasOf(eventsOf(events)).filter((each) => memberOf(each, 'annotations') !== undefined);
    expect(annotated).toMatchObject([{ annotations: [{ url_citation: { start_index: 0, end_index: 1 } }, { url_citation: { start_index: 3, end_index: 4 } }] }]);
  });

  it('choices are told apart', () => {
    const second = text(0, 'b').map((event) => ('choice' in event ? { ...event, choice: 1 } : event));
    const { chunks } = chunksIn(encodeEvents(eventsOf([...text(0, 'a'), ...second], [{ type: 'finish', choice: 0, finish: 'stop' }, { type: 'finish', choice: 1, finish: 'length' }])));
    const contentOf = (index: number): string => chunks.flatMap((chunk) => listOf(chunk['choices'])).filter((choice) => memberOf(choice, 'index') === index).map((choice) => textOf(memberOf(memberOf(choice, 'delta'), 'content')) ?? '').join('');
    expect([contentOf(0), contentOf(1)]).toEqual(['a', 'b']);
  });

  it('an error is an event of its own, without `[DONE]`, and nothing follows it', () => {
    const error: IrEvent = { type: 'error', error: { message: 'Down', type: 'overloaded_error', code: 'overloaded', status: 529 } };
    const { chunks, isDone } = chunksIn(encodeEvents([{ type: 'start' }, open(0, { kind: 'text' }), delta(0, 'a'), error, delta(0, 'b'), { type: 'end' }]));
    expect(chunks.at(-1)).toEqual({ error: { message: 'Down', type: 'overloaded_error', code: 'overloaded', param: null } });
    expect(isDone).toBe(false);
  });

  it('nothing is written before there is something to say', () => {
    const encoder = openaiChat.createStreamEncoder(contextOf());
    expect([encoder.push({ type: 'start' }), encoder.push({ type: 'ping' }), encoder.push(open(0, { kind: 'text' }))]).toEqual(['', '', '']);
    expect(encoder.push(delta(0, 'a'))).not.toBe('');
  });

  it.each<readonly [string, readonly IrEvent[]]>([
    ['text before the start', text(0, 'a')],
    ['text of a part that is not open', [{ type: 'start' }, delta(0, 'a')]],
    ['a part that opens twice', [{ type: 'start' }, open(0, { kind: 'text' }), open(0, { kind: 'text' })]],
    ['a finish while a part is open', [{ type: 'start' }, open(0, { kind: 'text' }), { type: 'finish', choice: 0, finish: 'stop' }]],
    ['text after the finish', [{ type: 'start' }, { type: 'finish', choice: 0, finish: 'stop' }, open(0, { kind: 'text' })]],
    ['an end without a finish', [{ type: 'start' }, ...text(0, 'a'), { type: 'end' }]],
  ])('%s is a mistake, and is not written', (_name, events) => {
    expect(() => encodeEvents(events)).toThrow(TypeError);
  });

  it('what comes after an error or an end is no text at all', () => {
    const encoder = openaiChat.createStreamEncoder(contextOf());
    for (const event of eventsOf(text(0, 'a'))) encoder.push(event);
    expect(encoder.push(delta(0, 'b'))).toBe('');
    expect(isRecord(chunksIn(encodeEvents(eventsOf(text(0, 'a')))).chunks[0])).toBe(true);
  });
});
