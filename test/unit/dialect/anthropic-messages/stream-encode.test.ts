import { describe, expect, it } from 'vitest';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import type { AnswerPart } from '../../../../internal/dialect/ir/answer.ts';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import { replayPart } from '../../../../internal/dialect/ir/replay.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { contextOf, encodeEvents, eventsIn, eventsOf, google, openai } from './fixtures.ts';

const parts = (...contents: readonly AnswerPart[]): readonly IrEvent[] => contents.flatMap((content, index) => replayPart(0, content, index));
const written = (events: readonly IrEvent[], source = openai): readonly unknown[] => eventsIn(encodeEvents(events, contextOf({}, source)));
const blocks = (events: readonly IrEvent[], source = openai): readonly unknown[] => written(events, source).slice(1, -2);
const signature = { vendor: 'openai', account: 'acc-3', value: 'gAAA' };
const delta = (index: number, content: object): object => ({ type: 'content_block_delta', index, delta: content });
const begun = (index: number, content: object): object => ({ type: 'content_block_start', index, content_block: content });
const stopped = (index: number): object => ({ type: 'content_block_stop', index });
const blank = { type: 'text', text: '', citations: null };

describe('a stream for a client', () => {
  it('begins with its message and ends with reason and totals, the prompt’s too', () => {
    expect(written(eventsOf(parts({ kind: 'text', text: 'Hi' })))).toEqual([
      { type: 'message_start', message: { id: 'msg_made0', type: 'message', role: 'assistant', model: 'gpt-5.6', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 } } },
      begun(0, blank),
      delta(0, { type: 'text_delta', text: 'Hi' }),
      stopped(0),
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { input_tokens: 5, cache_creation_input_tokens: 1, cache_read_input_tokens: 4, output_tokens: 6, output_tokens_details: { thinking_tokens: 2 } } },
      { type: 'message_stop' },
    ]);
  });

  it('shows reasoning with its maker’s signature, tagged, or with an empty one', () => {
    expect(blocks(eventsOf(parts({ kind: 'thinking', text: 'hm', signature }, { kind: 'thinking', text: 'u' })))).toEqual([
      begun(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'signature_delta', signature: tagSignature(signature) }),
      stopped(0),
      begun(1, { type: 'thinking', thinking: '', signature: '' }),
      delta(1, { type: 'thinking_delta', thinking: 'u' }),
      stopped(1),
    ]);
  });

  it('keeps reasoning that is signed and not shown', () => {
    expect(blocks(eventsOf(parts({ kind: 'thinking', text: '', signature })))).toMatchObject([{ content_block: { type: 'thinking' } }, { delta: { type: 'signature_delta' } }, { type: 'content_block_stop' }]);
  });

  it('writes no blank blocks, which sent back would be refused', () => {
    expect(blocks(eventsOf(parts({ kind: 'text', text: '' }, { kind: 'thinking', text: '' }, { kind: 'thinking', text: '', signature: { ...signature, value: '' } }, { kind: 'refusal', text: '' })))).toEqual([]);
  });

  it('streams calls as they come, `{}` for one without arguments', () => {
    const calls = parts({ kind: 'tool_call', id: 'c1', name: 'f', input: '{"a":1}' }, { kind: 'tool_call', id: 'c2', name: 'g', input: '' });
    expect(blocks(eventsOf(calls, { finish: 'tool_calls' }))).toEqual([
      begun(0, { type: 'tool_use', id: 'c1', name: 'f', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      stopped(0),
      begun(1, { type: 'tool_use', id: 'c2', name: 'g', input: {} }),
      delta(1, { type: 'input_json_delta', partial_json: '{}' }),
      stopped(1),
    ]);
    expect(written(eventsOf(calls)).at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' } });
  });

  it('puts Google’s signature of a call before the call, whenever it comes', () => {
    const googles = { vendor: 'google', account: 'acc-4', value: 'AbC=' };
    expect(blocks(eventsOf(parts({ kind: 'tool_call', id: 'c1', name: 'f', input: '{}', signature: googles }), { finish: 'tool_calls' }), google)).toMatchObject([
      { index: 0, content_block: { type: 'redacted_thinking', data: tagSignature(googles) } },
      { index: 0 },
      { index: 1, content_block: { type: 'tool_use', id: 'c1' } },
      { index: 1, delta: { partial_json: '{}' } },
      { index: 1 },
    ]);
  });

  it('puts a text’s signature before the text while it has said nothing', () => {
    const place = { choice: 0, part: 0 } as const;
    expect(blocks(eventsOf([{ type: 'open', ...place, opening: { kind: 'text' } }, { type: 'signature', ...place, signature }, { type: 'delta', ...place, text: 'a' }, { type: 'close', ...place }]))).toMatchObject([{ content_block: { type: 'redacted_thinking' } }, {}, { content_block: blank }, { delta: { text: 'a' } }, {}]);
  });

  it('cites links in their text, and those told last in the last one', () => {
    const link = { kind: 'url', url: 'https://a.example', start: 0, end: 1 } as const;
    expect(blocks(eventsOf(parts({ kind: 'text', text: 'ab', annotations: [link] }), { sources: [{ kind: 'url', url: 'https://b.example', title: 'B' }] }))).toMatchObject([
      { content_block: blank },
      { delta: { text: 'ab' } },
      { delta: { type: 'citations_delta', citation: { url: 'https://a.example', cited_text: 'a' } } },
      { delta: { citation: { url: 'https://b.example', title: 'B', cited_text: 'ab' } } },
      { type: 'content_block_stop' },
    ]);
  });

  it('lets parts that overlap wait for each other', () => {
    const [a, b] = [{ choice: 0, part: 0 }, { choice: 0, part: 1 }] as const;
    const call = { kind: 'tool_call', id: 'c', name: 'f' } as const;
    const events: readonly IrEvent[] = [{ type: 'open', ...a, opening: call }, { type: 'open', ...b, opening: { ...call, id: 'd' } }, { type: 'delta', ...b, text: '{"b"' }, { type: 'delta', ...a, text: '{}' }, { type: 'close', ...a }, { type: 'delta', ...b, text: ':1}' }, { type: 'close', ...b }];
    expect(blocks(eventsOf(events)).map((event) => JSON.stringify(event))).toEqual([begun(0, { type: 'tool_use', id: 'c', name: 'f', input: {} }), delta(0, { type: 'input_json_delta', partial_json: '{}' }), stopped(0), begun(1, { type: 'tool_use', id: 'd', name: 'f', input: {} }), delta(1, { type: 'input_json_delta', partial_json: '{"b"' }), delta(1, { type: 'input_json_delta', partial_json: ':1}' }), stopped(1)].map((event) => JSON.stringify(event)));
  });

  it('declines as the API does, the words as text', () => {
    const events = written(eventsOf(parts({ kind: 'refusal', text: 'No.' })));
    expect(events).toMatchObject([{}, { content_block: { type: 'text' } }, { delta: { text: 'No.' } }, {}, { delta: { stop_reason: 'refusal' } }, {}]);
  });

  it('shows pictures as text and leaves other vendors’ tool traces out', () => {
    expect(blocks(eventsOf(parts({ kind: 'media', mime: 'image/png', data: 'AAAA' }, { kind: 'raw', dialect: 'openai-responses', item: { type: 'web_search_call' } })))).toMatchObject([{ content_block: blank }, { delta: { text: '![image/png](data:image/png;base64,AAAA)' } }, {}]);
  });

  it('passes signs of life on once it has begun', () => {
    expect(encodeEvents([{ type: 'ping' }])).toBe('');
    expect(encodeEvents([{ type: 'start' }, { type: 'ping' }])).toContain('event: ping\ndata: {"type":"ping"}\n\n');
  });
});

describe('a stream that fails', () => {
  const error = { message: 'No.', type: 'server_error', code: 'server_error', status: 500 };

  it('ends in the dialect’s error event, in its words, and nothing after', () => {
    const encoder = anthropicMessages.createStreamEncoder(contextOf());
    const all = [...eventsOf(parts({ kind: 'text', text: 'Hi' })).slice(0, 3), { type: 'error', error } as const].map((event) => encoder.push(event)).join('');
    expect(eventsIn(all).at(-1)).toEqual({ type: 'error', error: { type: 'api_error', message: 'No.', code: 'server_error' } });
    expect([encoder.push({ type: 'end' }), encoder.push({ type: 'error', error }), encoder.push({ type: 'ping' })]).toEqual(['', '', '']);
  });

  it('may be nothing but its error', () => {
    expect(written([{ type: 'error', error: { ...error, type: 'overloaded_error', status: 529 } }])).toMatchObject([{ type: 'error', error: { type: 'overloaded_error' } }]);
  });

  it('out of order is a mistake of ours', () => {
    const place = { choice: 0, part: 0 } as const;
    expect(() => encodeEvents([{ type: 'open', ...place, opening: { kind: 'text' } }])).toThrow(TypeError);
    expect(() => encodeEvents([{ type: 'start' }, { type: 'delta', ...place, text: 'a' }])).toThrow(TypeError);
    expect(() => encodeEvents([{ type: 'start' }, { type: 'start' }])).toThrow(TypeError);
  });
});
