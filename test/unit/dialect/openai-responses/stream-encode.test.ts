import { describe, expect, it } from 'vitest';
import type { AnswerContext } from '../../../../internal/dialect/codec.ts';
import type { IrEvent, PartOpening } from '../../../../internal/dialect/ir/events.ts';
import { listOf, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { anthropic, compatible, contextOf, encodeEvents, eventsIn, eventsOf, google, recordOf, usage } from './fixtures.ts';

const open = (part: number, opening: PartOpening): IrEvent => ({ type: 'open', choice: 0, part, opening });
const delta = (part: number, text: string): IrEvent => ({ type: 'delta', choice: 0, part, text });
const close = (part: number): IrEvent => ({ type: 'close', choice: 0, part });
const sign = (part: number, vendor: string): IrEvent => ({ type: 'signature', choice: 0, part, signature: { vendor, account: 'a', value: 'EqQ' } });
const said = (part: number, opening: PartOpening, ...texts: readonly string[]): readonly IrEvent[] => [open(part, opening), ...texts.map((text) => delta(part, text)), close(part)];
const f: PartOpening = { kind: 'tool_call', id: 'c1', name: 'f' };
const failure: IrEvent = { type: 'error', error: { message: 'Overloaded', type: 'overloaded_error', code: 'overloaded', status: 529 } };

const streamed = (parts: readonly IrEvent[], context?: AnswerContext, finish = {}): readonly JsonRecord[] => eventsIn(encodeEvents(eventsOf(parts, finish), context));
const typesOf = (events: readonly JsonRecord[]): readonly unknown[] => events.map(({ type }) => String(type).replace('response.', ''));
const outputOf = (events: readonly JsonRecord[]): readonly unknown[] => listOf(recordOf(events.at(-1)?.['response'])['output']);

describe('a stream for a client', () => {
  it('is numbered, and tells the response, its items and the response again', () => {
    const events = streamed([...said(0, { kind: 'thinking' }, 'h', 'm'), ...said(1, { kind: 'text' }, 'Hel', 'lo'), ...said(2, f, '{"x"', ':1}')], undefined, { finish: 'tool_calls' });
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(typesOf(events)).toEqual([
      'created', 'in_progress',
      'output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.delta', 'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done',
      'output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta', 'output_text.done', 'content_part.done', 'output_item.done',
      'output_item.added', 'function_call_arguments.delta', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done',
      'completed',
    ]);
    expect(recordOf(events.at(-1)?.['response'])).toMatchObject({ status: 'completed', model: 'claude', usage });
    expect(events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)).toEqual(outputOf(events));
    expect(recordOf(events[0]?.['response'])).toMatchObject({ status: 'in_progress', output: [], usage: null, id: recordOf(events.at(-1)?.['response'])['id'] });
  });

  it('every event of an item names it', () => {
    const events = streamed([...said(0, { kind: 'text' }, 'a'), ...said(1, f, '{}')]);
    const ids = outputOf(events).map((item) => recordOf(item)['id']);
    const named = events.filter((event) => 'item_id' in event);
    expect(named.length).toBeGreaterThan(5);
    for (const { item_id, output_index } of named) expect(item_id).toBe(ids[Number(output_index)]);
  });

  it('texts that follow each other are contents of one message', () => {
    const events = streamed([...said(0, { kind: 'text' }, 'a'), ...said(1, { kind: 'refusal' }, 'b'), ...said(2, { kind: 'text' }, 'c')]);
    expect(outputOf(events)).toMatchObject([{ type: 'message', content: [{ type: 'output_text', text: 'a' }, { type: 'refusal', refusal: 'b' }, { type: 'output_text', text: 'c' }] }]);
    expect(events.filter(({ type }) => type === 'response.content_part.added').map(({ content_index }) => content_index)).toEqual([0, 1, 2]);
    expect(typesOf(events)).toContain('refusal.delta');
  });

  it('parts that overlap are told one after the other', () => {
    const events = streamed([open(0, { kind: 'text' }), open(1, f), delta(1, '{'), delta(0, 'a'), delta(1, '}'), close(1), close(0)]);
    expect(outputOf(events)).toMatchObject([{ type: 'message', content: [{ text: 'a' }] }, { type: 'function_call', arguments: '{}' }]);
  });

  it('a signature is the reasoning’s own field', () => {
    expect(outputOf(streamed([open(0, { kind: 'thinking', id: 'rs_x' }), delta(0, 'hm'), sign(0, 'anthropic'), close(0), open(1, { kind: 'thinking' }), sign(1, 'anthropic'), close(1)]))).toMatchObject([
      { type: 'reasoning', id: 'rs_x', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: tagSignature({ vendor: 'anthropic', account: 'a', value: 'EqQ' }) },
      { type: 'reasoning', summary: [], encrypted_content: tagSignature({ vendor: 'anthropic', account: 'a', value: 'EqQ' }) },
    ]);
  });

  it.each([['Gemini, which signs last', google, [open(0, f), delta(0, '{}'), sign(0, 'google'), close(0)]], ['Gemini’s likeness, which signs first', compatible, [open(0, f), sign(0, 'kimi'), delta(0, '{}'), close(0)]]])('what signs a call stands before it (%s)', (_, source, parts) => {
    const events = streamed(parts, contextOf({}, source));
    expect(outputOf(events)).toMatchObject([{ type: 'reasoning', summary: [], encrypted_content: tagSignature({ vendor: source.vendor, account: 'a', value: 'EqQ' }) }, { type: 'function_call', arguments: '{}' }]);
    expect(events.filter(({ type }) => type === 'response.output_item.added').map(({ output_index, item }) => [output_index, recordOf(item)['type']])).toEqual([[0, 'reasoning'], [1, 'function_call']]);
  });

  it('arguments flow as they come where nothing stands against it', () => {
    const encoder = openaiResponses.createStreamEncoder(contextOf({}, compatible));
    const flow = [{ type: 'start' as const }, open(0, f), delta(0, '{"x"')].map((event) => encoder.push(event));
    expect(typesOf(eventsIn(flow.join('')))).toContain('function_call_arguments.delta');
  });

  it('a free-form tool’s text comes free of its wrapping, in one piece', () => {
    const events = streamed(said(0, { kind: 'tool_call', id: 'c1', name: 'patch' }, '{"input":', '"*** Begin"}'), contextOf({ tools: [{ kind: 'custom', name: 'patch' }] }));
    expect(events.filter(({ type }) => type === 'response.custom_tool_call_input.delta').map((event) => event['delta'])).toEqual(['*** Begin']);
    expect(outputOf(events)).toMatchObject([{ type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*** Begin' }]);
  });

  it('no arguments are an empty object', () => {
    const events = streamed(said(0, f));
    expect(events.filter(({ type }) => String(type).includes('arguments'))).toMatchObject([{ delta: '{}' }, { arguments: '{}', name: 'f' }]);
  });

  it('links and probabilities come while the text is open, links without a place at its end', () => {
    const link = { kind: 'url' as const, url: 'https://a.test', start: 0, end: 1 };
    const events = streamed([open(0, { kind: 'text' }), delta(0, 'abc'), { type: 'annotation', choice: 0, part: 0, annotation: link }, { type: 'annotation', choice: 0, part: 0, annotation: { kind: 'raw', dialect: 'gemini', item: {} } }, { type: 'logprobs', choice: 0, part: 0, tokens: [{ token: 'abc', logprob: -1, top: [] }] }, close(0)], undefined, { sources: [{ kind: 'url', url: 'https://b.test', title: 'B' }] });
    const annotations = [{ type: 'url_citation', url: 'https://a.test', title: 'https://a.test', start_index: 0, end_index: 1 }, { type: 'url_citation', url: 'https://b.test', title: 'B', start_index: 3, end_index: 3 }];
    expect(events.filter(({ type }) => type === 'response.output_text.annotation.added').map(({ annotation_index, annotation }) => [annotation_index, annotation])).toEqual(annotations.map((annotation, index) => [index, annotation]));
    expect(outputOf(events)).toMatchObject([{ content: [{ text: 'abc', annotations, logprobs: [{ token: 'abc', logprob: -1, bytes: [97, 98, 99], top_logprobs: [] }] }] }]);
    expect(typesOf(events).indexOf('output_text.done')).toBeGreaterThan(typesOf(events).lastIndexOf('output_text.annotation.added'));
  });

  it('pictures are items; what only another dialect knows is nothing', () => {
    const whole = (part: number, content: Extract<IrEvent, { readonly type: 'whole' }>['content']): IrEvent => ({ type: 'whole', choice: 0, part, content });
    const events = streamed([whole(0, { kind: 'media', mime: 'image/png', data: 'AAAA' }), whole(1, { kind: 'raw', dialect: 'gemini', item: {} }), whole(2, { kind: 'raw', dialect: 'openai-responses', item: { type: 'web_search_call', status: 'completed' } })]);
    expect(outputOf(events)).toMatchObject([{ type: 'image_generation_call', result: 'AAAA' }, { type: 'web_search_call', id: expect.any(String) }]);
  });

  it.each([['length', 'response.incomplete'], ['content_filter', 'response.incomplete'], ['malformed_tool_call', 'response.failed'], ['stop_sequence', 'response.completed']])('an end by %s is %s', (finish, type) => {
    expect(streamed(said(0, { kind: 'text' }, 'a'), undefined, { finish }).at(-1)?.['type']).toBe(type);
  });
});

describe('an error', () => {
  it('in the middle is said, and then fails the response with what was said until then', () => {
    const events = eventsIn(encodeEvents([{ type: 'start' }, ...said(0, f, '{}'), open(1, { kind: 'text' }), delta(1, 'Hel'), failure, delta(1, 'lo'), { type: 'end' }]));
    expect(events.at(-2)).toMatchObject({ type: 'error', code: 'overloaded', message: 'Overloaded', error: { type: 'overloaded_error', message: 'Overloaded' } });
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed', error: { code: 'overloaded', message: 'Overloaded' }, output: [{ type: 'function_call', status: 'completed' }, { type: 'message', status: 'incomplete', content: [{ text: 'Hel' }] }] } });
    const broken = eventsIn(encodeEvents([{ type: 'start' }, open(0, f), delta(0, '{"x'), failure]));
    expect(outputOf(broken)).toMatchObject([{ type: 'function_call', status: 'incomplete', arguments: '{"x' }]);
  });

  it('before the response is an event of its own', () => {
    expect(eventsIn(encodeEvents([failure]))).toEqual([{ type: 'error', sequence_number: 0, code: 'overloaded', message: 'Overloaded', param: null, error: { type: 'overloaded_error', code: 'overloaded', message: 'Overloaded', param: null } }]);
  });

  it('after an end nothing is written', () => {
    const encoder = openaiResponses.createStreamEncoder(contextOf());
    for (const event of eventsOf([])) encoder.push(event);
    expect([encoder.push(failure), encoder.push({ type: 'end' }), encoder.push(delta(0, 'x'))]).toEqual(['', '', '']);
  });

  it.each<[string, readonly IrEvent[]]>([
    ['a part before the start', [open(0, { kind: 'text' })]],
    ['a second start', [{ type: 'start' }, { type: 'start' }]],
    ['a delta of nothing', [{ type: 'start' }, delta(0, 'x')]],
    ['a close of nothing', [{ type: 'start' }, close(0)]],
  ])('%s is a decoder’s mistake', (_, events) => {
    expect(() => encodeEvents(events)).toThrow(TypeError);
  });

  it('other choices than the first are not written', () => {
    const events = eventsIn(encodeEvents([{ type: 'start' }, { type: 'open', choice: 1, part: 0, opening: { kind: 'text' } }, { type: 'delta', choice: 1, part: 0, text: 'x' }, { type: 'close', choice: 1, part: 0 }, { type: 'finish', choice: 1, finish: 'length' }, { type: 'finish', choice: 0, finish: 'stop' }, { type: 'end' }], contextOf({}, anthropic)));
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output: [] } });
  });
});
