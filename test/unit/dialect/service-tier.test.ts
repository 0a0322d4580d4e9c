import { describe, expect, it } from 'vitest';
import { codecs } from '../../../internal/dialect/codecs.ts';
import type { AnswerContext, Party } from '../../../internal/dialect/codec.ts';
import type { Dialect } from '../../../internal/dialect/dialect.ts';
import { createCollector } from '../../../internal/dialect/ir/collect.ts';
import type { IrEvent } from '../../../internal/dialect/ir/events.ts';

const party = (dialect: Dialect): Party => ({ dialect, account: 'a', vendor: 'v', provider: 'p' });

function decode(dialect: Dialect, events: readonly object[]): readonly IrEvent[] {
  const decoder = codecs[dialect].createStreamDecoder(party(dialect));
  const data = [...events.map((event) => JSON.stringify(event)), ...(dialect === 'openai-chat' ? ['[DONE]'] : [])];
  return [...data.flatMap((each) => decoder.push({ event: '', data: each })), ...decoder.end()];
}

/** Streams whose tier is known for good at their end alone. */
const upstreams: Readonly<Record<Dialect, readonly object[]>> = {
  'openai-chat': [
    { id: 'chatcmpl-1', service_tier: 'auto', choices: [{ index: 0, delta: { content: 'Hi' } }] },
    { id: 'chatcmpl-1', service_tier: 'flex', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  ],
  'openai-responses': [
    { type: 'response.created', response: { id: 'resp_1', service_tier: 'auto', status: 'in_progress' } },
    { type: 'response.output_text.delta', output_index: 0, item_id: 'msg_1', content_index: 0, delta: 'Hi' },
    { type: 'response.completed', response: { id: 'resp_1', service_tier: 'flex', status: 'completed' } },
  ],
  'anthropic-messages': [
    { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 1, output_tokens: 0 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1, service_tier: 'flex' } },
    { type: 'message_stop' },
  ],
  gemini: [
    { responseId: 'r', candidates: [{ content: { parts: [{ text: 'Hi' }] } }], usageMetadata: { promptTokenCount: 1 } },
    { responseId: 'r', candidates: [{ content: { parts: [] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1, serviceTier: 'flex' } },
  ],
};

describe.each(Object.keys(upstreams).filter((name): name is Dialect => name in codecs))('the tier that served, from %s', (from) => {
  const events = decode(from, upstreams[from]);

  it('is what the collected answer states', () => {
    const collector = createCollector();
    for (const event of events) collector.push(event);
    const result = collector.result();
    expect(result?.ok === true ? result.answer.serviceTier : undefined).toBe('flex');
  });

  it.each(['openai-chat', 'openai-responses'] as const)('is what a stream of %s ends with, and no other before it was known', (to) => {
    const context: AnswerContext = { request: { turns: [], tools: [], isStream: true, includeUsage: true }, model: 'm', nowSeconds: 0, newId: (prefix) => `${prefix}1`, source: party(from) };
    const encoder = codecs[to].createStreamEncoder(context);
    const written = events.map(encoder.push).join('');
    const tiers = [...written.matchAll(/"service_tier":"(\w+)"/g)].map(([, tier]) => tier);
    expect(tiers.at(-1)).toBe('flex');
    // Chat Completions may state one from the start.
    if (from !== 'openai-chat') expect(new Set(tiers)).toEqual(new Set(['flex']));
    expect(new Set([...written.matchAll(/"id":"((?:chatcmpl|resp)[^"]*)"/g)].map(([, id]) => id)).size).toBe(1);
  });
});
