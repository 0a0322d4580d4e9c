import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import type { AnswerPart, Choice, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { replayAnswer, replayPart } from '../../../../internal/dialect/ir/replay.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { collect, decodeBytes, plain } from '../../../support/codec-fixtures.ts';
import { anthropic, contextOf, encodeEvents, eventsIn, openai } from './fixtures.ts';

const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const signature = words.map((value) => ({ vendor: 'openai', account: 'acc-3', value }));
const call = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: words, input: fc.dictionary(words, fc.jsonValue({ maxDepth: 1 })).map((value) => JSON.stringify(value)) });
const text = words.chain((said): fc.Arbitrary<AnswerPart> => fc.option(fc.record({ url: fc.webUrl(), title: words }), { nil: undefined }).map((link) => ({ kind: 'text', text: said, annotations: link === undefined ? undefined : [{ kind: 'url', ...link, start: 0, end: said.length, citedText: said }] })));
const thinking = fc.record({ kind: fc.constant('thinking' as const), text: words, signature });
const parts: fc.Arbitrary<readonly AnswerPart[]> = fc.array(fc.oneof(text, thinking, call), { maxLength: 6 });

const answers: fc.Arbitrary<IrAnswer> = fc
  .record({ id: fc.uuid().map((id) => `msg_${id}`), model: words, parts, isFull: fc.boolean(), input: fc.nat(1e6), cachedInput: fc.nat(1e6), cacheWrite: fc.nat(1e6), output: fc.nat(1e6), reasoning: fc.nat(1e6) })
  .map(({ id, model, parts: said, isFull, input, ...counts }): IrAnswer => {
    const finish: Choice['finish'] = isFull ? 'length' : said.some(({ kind }) => kind === 'tool_call') ? 'tool_calls' : 'stop';
    return { id, model, choices: [{ index: 0, parts: said, finish }], usage: { ...counts, input: input + counts.cachedInput + counts.cacheWrite } };
  });

const words2 = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

/** As it comes back: the finish in the dialect's word, and signatures as a client holds them. */
function expected(answer: IrAnswer): unknown {
  return plain({
    ...answer,
    choices: answer.choices.map(({ finish, parts: said, ...each }) => ({
      ...each,
      finish,
      rawFinish: finish === 'stop' || finish === 'length' || finish === 'tool_calls' ? words2[finish] : undefined,
      parts: said.map((part) => (part.kind === 'thinking' && part.signature !== undefined ? { ...part, signature: { vendor: 'anthropic', account: 'acc-1', value: tagSignature(part.signature) } } : part)),
    })),
  });
}

describe('an answer that the dialect can carry', () => {
  it('comes out of its body as it went in', () => {
    fc.assert(fc.property(answers, (answer) => {
      const body = plain(anthropicMessages.encodeAnswer(answer, contextOf()));
      expect(plain(anthropicMessages.decodeAnswer(body, anthropic))).toEqual(expected(answer));
    }), { numRuns: 300 });
  });

  it('comes out of its stream as it went in, however the bytes are cut', () => {
    fc.assert(fc.property(answers, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (answer, sizes) => {
      const bytes = Buffer.from(encodeEvents(replayAnswer(answer)));
      const result = collect(decodeBytes(anthropicMessages, bytes, anthropic, sizes));
      expect(result.ok ? plain(result.answer) : result.error).toEqual(expected(answer));
    }), { numRuns: 300 });
  });

  it('a stream cut anywhere before its last event fails', () => {
    fc.assert(fc.property(answers, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (answer, share) => {
      const whole = encodeEvents(replayAnswer(answer));
      const cut = Math.floor(share * whole.lastIndexOf('event: message_stop'));
      expect(decodeBytes(anthropicMessages, Buffer.from(whole.slice(0, cut)), anthropic).at(-1)).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
    }));
  });
});

/** The events of several parts at once, each part's in order. */
const interleaved = fc.tuple(parts, fc.infiniteStream(fc.nat())).map(([said, picks]): readonly IrEvent[] => {
  const queues = said.map((part, index) => [...replayPart(0, part, index)]);
  const events: IrEvent[] = [];
  for (let open = queues; open.length > 0; open = open.filter((queue) => queue.length > 0)) {
    const pick: number = picks.next().value;
    const event = open[pick % open.length]?.shift();
    if (event !== undefined) events.push(event);
  }
  return [{ type: 'start' }, ...events, { type: 'finish', choice: 0, finish: 'stop' }, { type: 'end' }];
});

describe('whatever the order of parts', () => {
  it.each([openai, { ...openai, dialect: 'gemini' as const }])('one block is open at a time, counted up, and takes only what is its kind’s; from $dialect', (source) => {
    const kinds: Readonly<Record<string, readonly string[]>> = { text: ['text_delta', 'citations_delta'], thinking: ['thinking_delta', 'signature_delta'], redacted_thinking: [], tool_use: ['input_json_delta'] };
    fc.assert(fc.property(interleaved, (events) => {
      let open: { readonly index: unknown; readonly type: string } | undefined;
      let count = 0;
      const seen = eventsIn(encodeEvents(events, contextOf({}, source)));
      for (const event of seen) {
        const { type, index, content_block: content, delta } = JSON.parse(JSON.stringify(event));
        if (type === 'content_block_start') {
          expect([open, index]).toEqual([undefined, count++]);
          open = { index, type: content.type };
        } else if (type === 'content_block_delta') {
          expect(index).toBe(open?.index);
          expect(kinds[open?.type ?? '']).toContain(delta.type);
        } else if (type === 'content_block_stop') {
          expect(index).toBe(open?.index);
          open = undefined;
        } else expect(open).toBeUndefined();
      }
      expect([seen[0]?.['type'], seen.at(-2)?.['type'], seen.at(-1)?.['type']]).toEqual(['message_start', 'message_delta', 'message_stop']);
    }), { numRuns: 200 });
  });
});
