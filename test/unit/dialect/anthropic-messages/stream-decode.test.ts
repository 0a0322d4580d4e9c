import { describe, expect, it } from 'vitest';
import { collect, plain } from '../../../support/codec-fixtures.ts';
import { answerOf, anthropic, block, decodeEvents, end, imitation, start } from './fixtures.ts';

const said = (...events: readonly (object | string)[]): unknown => plain(answerOf([start, ...events]).choices[0]?.parts);
const text = (...texts: readonly string[]): readonly object[] => texts.map((each) => ({ type: 'text_delta', text: each }));
const json = (...pieces: readonly string[]): readonly object[] => pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json }));

describe('a stream as the vendor sends it', () => {
  const found = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', encrypted_index: 'e', cited_text: 'c' };
  const results = { type: 'web_search_tool_result', tool_use_id: 's', content: [] };
  const stream = [
    start,
    { type: 'ping' },
    ...block(0, { type: 'thinking', thinking: '', signature: '' }, { type: 'thinking_delta', thinking: 'h' }, { type: 'thinking_delta', thinking: 'm' }, { type: 'signature_delta', signature: 'EqQB' }),
    ...block(1, { type: 'redacted_thinking', data: 'EmwK' }),
    ...block(2, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, ...json('{"que', 'ry":"q"}')),
    ...block(3, results),
    ...block(4, { type: 'text', text: '', citations: [] }, { type: 'citations_delta', citation: found }, ...text('sa', 'id')),
    ...block(5, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }, ...json('', '{"a":', '1}')),
    ...block(6, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }),
    ...end('tool_use'),
  ];

  it('is the message it would have been', () => {
    const signed = (value: string): object => ({ vendor: 'anthropic', account: 'acc-1', value });
    expect(plain(answerOf(stream))).toEqual({
      id: 'msg_1',
      model: 'claude-opus-5-5',
      serviceTier: 'default',
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'thinking', text: 'hm', signature: signed('EqQB') },
            { kind: 'thinking', text: '', signature: signed('redacted_thinking:EmwK') },
            { kind: 'raw', dialect: 'anthropic-messages', item: { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } } },
            { kind: 'raw', dialect: 'anthropic-messages', item: results },
            { kind: 'text', text: 'said', annotations: [{ kind: 'url', url: 'https://a.example', title: 'A', start: 0, end: 4, citedText: 'c' }] },
            { kind: 'tool_call', id: 'toolu_1', name: 'f', input: '{"a":1}' },
            { kind: 'tool_call', id: 'toolu_2', name: 'g', input: '{}' },
          ],
          finish: 'tool_calls',
          rawFinish: 'tool_use',
        },
      ],
      usage: { input: 18, cachedInput: 10, cacheWrite: 5, output: 7, reasoning: 0 },
    });
  });

  it('is passed on piece by piece: every delta at once, signs of life too', () => {
    const events = decodeEvents(stream);
    expect(events.filter(({ type }) => type === 'delta').length).toBe(7);
    expect(events.some(({ type }) => type === 'ping')).toBe(true);
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  it('says the prompt’s tokens from its beginning, and totals as they come', () => {
    const counts = decodeEvents(stream).flatMap((event) => (event.type === 'usage' ? [[event.usage.input, event.usage.output]] : []));
    expect(counts).toEqual([[18, 1], [18, 7]]);
  });

  it('says which stop sequence was hit', () => {
    expect(answerOf([start, ...end('stop_sequence', { stop_sequence: 'END' })]).choices[0]).toMatchObject({ finish: 'stop_sequence', stopSequence: 'END' });
  });

  it('says why it was refused', () => {
    expect(answerOf([start, ...block(0, { type: 'text', text: '' }, ...text('I')), ...end('refusal', { stop_details: { type: 'refusal', category: null, explanation: 'Not that.' } })]).choices[0]).toMatchObject({ parts: [{ text: 'I' }, { kind: 'refusal', text: 'Not that.' }], finish: 'refusal' });
  });
});

describe('streams of clouds and imitations', () => {
  it('input given with the call’s beginning is not lost', () => {
    expect(said(...block(0, { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }), ...end('tool_use'))).toEqual([{ kind: 'tool_call', id: 't', name: 'f', input: '{"a":1}' }]);
  });

  it('text given with the block’s beginning is not lost', () => {
    expect(said(...block(0, { type: 'text', text: 'Hel' }, ...text('lo')), ...end('end_turn'))).toMatchObject([{ text: 'Hello' }]);
    expect(said(...block(0, { type: 'thinking', thinking: 'h', signature: 's' }, { type: 'thinking_delta', thinking: 'm' }), ...end('end_turn'))).toMatchObject([{ text: 'hm', signature: { value: 's' } }]);
  });

  it('a block without a beginning, and one that goes on as another kind, are parts of their own', () => {
    const bare = (index: number, delta: object): object => ({ type: 'content_block_delta', index, delta });
    expect(said(bare(0, { type: 'thinking_delta', thinking: 'hm' }), bare(0, { type: 'text_delta', text: 'Hi' }), bare(0, { type: 'text_delta', text: '.' }), ...end('end_turn'))).toMatchObject([{ kind: 'thinking', text: 'hm' }, { kind: 'text', text: 'Hi.' }]);
  });

  it('blocks that overlap, and blocks never ended, are whole', () => {
    const events = [...block(1, { type: 'text', text: '' }), ...block(2, { type: 'tool_use', id: 't', name: 'f', input: {} })].filter((event) => !('type' in event) || event.type !== 'content_block_stop');
    expect(said(...events, { type: 'content_block_delta', index: 2, delta: json('{}')[0] }, { type: 'content_block_delta', index: 1, delta: text('a')[0] }, ...end('tool_use'))).toEqual([{ kind: 'text', text: 'a' }, { kind: 'tool_call', id: 't', name: 'f', input: '{}' }]);
  });

  it('an index used twice begins a new part', () => {
    expect(said(...block(0, { type: 'text', text: '' }, ...text('a')), ...block(0, { type: 'text', text: '' }, ...text('b')), ...end('end_turn'))).toMatchObject([{ text: 'a' }, { text: 'b' }]);
  });

  it('without a beginning, a reason or names of events it is still an answer', () => {
    expect(plain(answerOf([...block(0, { type: 'text', text: '' }, ...text('a')), { type: 'message_stop' }], imitation))).toEqual({ choices: [{ index: 0, parts: [{ kind: 'text', text: 'a' }], finish: 'stop' }] });
    expect(answerOf([...block(0, { type: 'tool_use', id: 't', name: 'f' }), { type: 'message_stop' }], imitation).choices[0]).toMatchObject({ finish: 'tool_calls' });
  });

  it('counts first stated at the end are taken, and a 0 there undoes none', () => {
    const usageOf = (first: object, last: object): unknown => answerOf([{ type: 'message_start', message: { usage: first } }, { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: last }, { type: 'message_stop' }]).usage;
    expect(usageOf({ input_tokens: 0, output_tokens: 0 }, { input_tokens: 5, cache_read_input_tokens: 2, output_tokens: 3 })).toMatchObject({ input: 7, cachedInput: 2, output: 3 });
    expect(usageOf({ input_tokens: 9, output_tokens: 1 }, { input_tokens: 0, output_tokens: 4, output_tokens_details: { thinking_tokens: 2 } })).toMatchObject({ input: 9, output: 4, reasoning: 2 });
  });

  it('unknown events, unknown deltas and what is no JSON are passed over', () => {
    expect(said('[DONE]', { type: 'vertex_event' }, ...block(0, { type: 'text', text: '' }, ...text('a'), { type: 'new_delta' }), ...end('end_turn'))).toEqual([{ kind: 'text', text: 'a' }]);
  });

  it('a type that stands in the event’s name alone is read', () => {
    expect(collect([...decodeEvents([start, ...end('end_turn')])])).toMatchObject({ ok: true });
  });
});

describe('a stream that fails', () => {
  it.each([
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['timeout_error', 504],
    ['invalid_request_error', 400],
    ['new_error', 502],
  ])('%s stands for the status %i', (type, status) => {
    expect(decodeEvents([start, { type: 'error', error: { type, message: 'No.' } }]).at(-1)).toEqual({ type: 'error', error: { type, status, message: 'No.', code: type } });
  });

  it('says nothing after its error', () => {
    const events = decodeEvents([start, { type: 'error', error: { type: 'api_error', message: 'No.' } }, ...block(0, { type: 'text', text: 'a' }), ...end('end_turn')]);
    expect(events.map(({ type }) => type)).toEqual(['start', 'usage', 'error']);
  });

  it('a cut stream ends in an error, never in a made-up end', () => {
    for (const events of [[], [start], [start, ...block(0, { type: 'text', text: 'a' })], [start, ...end('end_turn').slice(0, 1)]]) expect(decodeEvents(events).at(-1)).toMatchObject({ type: 'error', error: { code: 'stream_truncated', status: 502 } });
  });

  it('what comes after the end is not said', () => {
    expect(decodeEvents([start, ...end('end_turn'), { type: 'error', error: { type: 'api_error', message: 'late' } }, start]).at(-1)).toEqual({ type: 'end' });
  });
});

describe('a long stream', () => {
  it('takes time in proportion to its length', () => {
    const time = (deltas: number): number => {
      const events = [start, ...block(0, { type: 'text', text: '' }, ...Array.from({ length: deltas }, () => ({ type: 'text_delta', text: 'word ' }))), ...end('end_turn')];
      const from = performance.now();
      decodeEvents(events, anthropic);
      return performance.now() - from;
    };
    time(5_000);
    const short = Math.min(time(5_000), time(5_000), time(5_000));
    expect(time(40_000)).toBeLessThan(Math.max(short, 5) * 40);
  });
});
