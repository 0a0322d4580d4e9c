import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerPart, Choice, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import { readSignature } from '../../../../internal/dialect/ir/signatures.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { answerOf, contextOf, encodeEvents, eventsIn, openai, recordOf } from './fixtures.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const link = fc.record({ kind: fc.constant('url' as const), url: fc.webUrl(), title: word, start: fc.nat(9), end: fc.nat(9) });
const signature = fc.record({ vendor: fc.constantFrom('anthropic', 'google'), account: fc.constantFrom('a', undefined), value: word });

const thinking = fc.record({ kind: fc.constant('thinking' as const), text: word, isSummary: fc.constant(true), id: word.map((id) => `rs_${id}`), signature: fc.option(signature, { nil: undefined }) });
const part: fc.Arbitrary<AnswerPart> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: word, annotations: fc.option(fc.array(link, { minLength: 1, maxLength: 2 }), { nil: undefined }) }),
  fc.record({ kind: fc.constant('refusal' as const), text: word }),
  thinking,
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: fc.constant('f'), input: fc.json({ maxDepth: 1 }) }),
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: fc.constant('g'), input: word, isCustom: fc.constant(true) }),
  fc.record({ kind: fc.constant('media' as const), mime: fc.constantFrom('image/png', 'image/webp'), data: fc.base64String({ minLength: 4, maxLength: 8 }) }),
  fc.record({ kind: fc.constant('raw' as const), dialect: fc.constant('openai-responses' as const), item: fc.record({ type: fc.constant('web_search_call'), id: fc.uuid() }) }),
);
const token = fc.record({ token: word, logprob: fc.double({ min: -9, max: 0, noNaN: true }), bytes: fc.constant([97]), top: fc.constant([{ token: 'b', logprob: -3, bytes: [98] }]) });

const answers: fc.Arbitrary<IrAnswer> = fc
  .record({ parts: fc.uniqueArray(part, { selector: (each) => ('id' in each ? each.id : JSON.stringify(each)), minLength: 1, maxLength: 6 }), cut: fc.constantFrom('length' as const, 'content_filter' as const, undefined), tokens: fc.array(token, { maxLength: 2 }), hasUsage: fc.boolean() })
  .map(({ parts, cut, tokens, hasUsage }): IrAnswer => {
    const kinds = new Set(parts.map(({ kind }) => kind));
    const choice: Choice = { index: 0, parts, finish: cut ?? (kinds.has('tool_call') ? 'tool_calls' : kinds.has('refusal') ? 'refusal' : 'stop'), logprobs: tokens.length > 0 && kinds.has('text') ? tokens : undefined };
    return { id: 'resp_1', model: 'm', createdSeconds: 5, serviceTier: 'default', choices: [choice], usage: hasUsage ? { input: 10, cachedInput: 4, cacheWrite: 1, output: 6, reasoning: 2 } : undefined };
  });

/** Without the dialect's word for its end. */
function bare(answer: IrAnswer): unknown {
  return plain({ ...answer, choices: answer.choices.map((choice) => ({ ...choice, rawFinish: undefined })) });
}

/** Signatures read out of their tags, as a client brings them back. */
function untag(answer: IrAnswer): IrAnswer {
  const read = (each: AnswerPart): AnswerPart => (each.kind === 'thinking' && each.signature !== undefined ? { ...each, signature: readSignature(each.signature.value, 'openai') } : each);
  return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, parts: choice.parts.map(read) })) };
}

const context = (): ReturnType<typeof contextOf> => contextOf({ tools: [{ kind: 'function', name: 'f' }, { kind: 'custom', name: 'g' }] } satisfies Partial<IrRequest>);

describe('an answer that the dialect can carry', () => {
  it('comes out of the whole form as it went in', () => {
    fc.assert(fc.property(answers, (answer) => {
      expect(bare(untag(openaiResponses.decodeAnswer(plain(openaiResponses.encodeAnswer(answer, context())), openai)))).toEqual(bare(answer));
    }), { numRuns: 300 });
  });

  it('comes out of the stream as it went in', () => {
    fc.assert(fc.property(answers, (answer) => {
      expect(bare(untag(answerOf(eventsIn(encodeEvents(replayAnswer(answer), context())))))).toEqual(bare(answer));
    }), { numRuns: 300 });
  });

  it('is the same whole and streamed, but for the ids that are made', () => {
    const withoutIds = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (name, member: unknown) => (name === 'id' ? undefined : member)));
    fc.assert(fc.property(answers, (answer) => {
      const last = eventsIn(encodeEvents(replayAnswer(answer), context())).at(-1);
      expect(withoutIds(recordOf(last)['response'])).toEqual(withoutIds(openaiResponses.encodeAnswer(answer, context())));
    }), { numRuns: 200 });
  });
});

describe('any events', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constantFrom('response.output_item.added', 'response.output_item.done'), output_index: fc.nat(2), item: fc.oneof(fc.record({ type: fc.constantFrom('message', 'reasoning', 'web_search_call'), id: word, content: fc.constant([{ type: 'output_text', text: 'ab' }]), summary: fc.constant([{ text: 's' }]) }), fc.record({ type: fc.constant('function_call'), call_id: fc.constantFrom('c1', 'c2'), name: fc.constantFrom('f', ''), arguments: fc.constantFrom('', '{}') })) }),
    fc.record({ type: fc.constantFrom('response.output_text.delta', 'response.function_call_arguments.delta', 'response.reasoning_text.delta', 'response.refusal.delta'), output_index: fc.option(fc.nat(2), { nil: undefined }), content_index: fc.nat(1), delta: word }),
    fc.record({ type: fc.constantFrom('response.output_text.done', 'response.content_part.done'), output_index: fc.nat(2), content_index: fc.nat(1), text: word, part: fc.constant({ type: 'output_text', text: 'ab' }) }),
  );

  it('make a stream that an encoder can write, with each part opened and closed once', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, isWhole) => {
      const decoder = openaiResponses.createStreamDecoder(openai);
      const events = [...[...steps, ...(isWhole ? [{ type: 'response.completed', response: { id: 'resp_1' } }] : [])].flatMap((event) => decoder.push({ event: '', data: JSON.stringify(event) })), ...decoder.end()];
      const opened = events.filter(({ type }) => type === 'open' || type === 'whole').map((event) => ('part' in event ? event.part : -1));
      const closed = events.filter(({ type }) => type === 'close' || type === 'whole').map((event) => ('part' in event ? event.part : -1));
      expect(new Set(opened).size).toBe(opened.length);
      if (isWhole) expect([closed.length, new Set(closed)]).toEqual([opened.length, new Set(opened)]);
      expect(events.at(-1)?.type).toBe(isWhole ? 'end' : 'error');
      expect(() => encodeEvents(events)).not.toThrow();
    }), { numRuns: 500 });
  });
});
