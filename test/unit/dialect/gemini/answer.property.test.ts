import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createArrayWriter } from '../../../../internal/dialect/gemini/events-to-array.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { AnswerPart, Choice, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { createEventReader } from '../../../../internal/dialect/ir/event-reader.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import { readSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { collect, decodeBytes, plain } from '../../../support/codec-fixtures.ts';
import { contextOf, encodeEvents, google } from './fixtures.ts';

const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const signature = fc.option(words.map((value) => ({ vendor: 'anthropic', account: 'acc-5', value })), { nil: undefined });
const input = fc.dictionary(words.filter((key) => key !== '__proto__'), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }).map((value) => JSON.stringify(value));
const call: fc.Arbitrary<AnswerPart> = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: words, input, signature });
const media: fc.Arbitrary<AnswerPart> = fc.record({ kind: fc.constant('media' as const), mime: fc.constantFrom('image/png', 'audio/wav'), data: fc.base64String({ minLength: 4, maxLength: 12 }), transcript: fc.option(words, { nil: undefined }), signature });
const thinking: fc.Arbitrary<AnswerPart> = fc.record({ kind: fc.constant('thinking' as const), text: words, isSummary: fc.constant(true), signature });
const text: fc.Arbitrary<AnswerPart> = fc.record({ kind: fc.constant('text' as const), text: words, signature });
const linked: fc.Arbitrary<AnswerPart> = words.chain((said) => fc.record({ url: fc.webUrl(), title: words, from: fc.nat(said.length), to: fc.nat(said.length) }).map(({ url, title, from, to }) => ({ kind: 'text', text: said, annotations: [{ kind: 'url', url, title, ...charRange(said, Math.min(from, to), Math.max(from, to)) }] })));
const token = fc.record({ token: words, logprob: fc.double({ noNaN: true, noDefaultInfinity: true, max: 0 }).map((value) => (Object.is(value, -0) ? 0 : value)) });

/** Places between characters: bytes cannot point into the middle of one. */
function charRange(said: string, from: number, to: number): { readonly start: number; readonly end: number } {
  const whole = (at: number): number => (at > 0 && at < said.length && /[\uDC00-\uDFFF]/.test(said.charAt(at)) ? at - 1 : at);
  return { start: whole(from), end: whole(to) };
}

/** Parts that follow each other and are not of one kind, since those would be one; links come into the last text. */
const choice = fc
  .record({ parts: fc.array(fc.oneof(call, media, thinking, text), { maxLength: 5 }), end: fc.option(linked, { nil: undefined }), finish: fc.constantFrom('stop' as const, 'length' as const, 'content_filter' as const), tokens: fc.option(fc.array(token.map((each) => ({ ...each, top: [] })), { minLength: 1, maxLength: 3 }), { nil: undefined }) })
  .map(({ parts, end, finish, tokens }): Omit<Choice, 'index'> => {
    const said = [...parts.filter((part) => end === undefined || part.kind !== 'text'), ...(end === undefined ? [] : [end])];
    const apart = said.filter((part, index) => !(part.kind === said[index - 1]?.kind && (part.kind === 'text' || part.kind === 'thinking')));
    const hasCalls = apart.some(({ kind }) => kind === 'tool_call');
    return { parts: apart, finish: finish === 'stop' && hasCalls ? 'tool_calls' : finish, logprobs: apart.some(({ kind }) => kind === 'text') ? tokens : undefined };
  });

const answers: fc.Arbitrary<IrAnswer> = fc.record({
  id: fc.uuid(),
  model: words,
  choices: fc.array(choice, { minLength: 1, maxLength: 3 }).map((choices) => choices.map((each, index) => ({ ...each, index }))),
  usage: fc.record({ input: fc.nat(1e6), cachedInput: fc.nat(1e6), reasoning: fc.nat(1e6), said: fc.nat(1e6) }).map(({ input: prompt, cachedInput, reasoning, said }) => ({ input: prompt, cachedInput, cacheWrite: 0, output: reasoning + said, reasoning })),
});

const wireWords = { stop: 'STOP', tool_calls: 'STOP', length: 'MAX_TOKENS', content_filter: 'SAFETY' } as const;

/** As it comes back, with the finish in the dialect's word. */
function expected(answer: IrAnswer): unknown {
  return plain({ ...answer, choices: answer.choices.map((each) => ({ ...each, rawFinish: Object.entries(wireWords).find(([word]) => word === each.finish)?.[1] })) });
}

/** What a client would make of the signatures again. */
function untagged(answer: IrAnswer): unknown {
  const untag = (part: AnswerPart): AnswerPart => ('signature' in part && part.signature !== undefined ? { ...part, signature: readSignature(part.signature.value, 'google') } : part);
  return plain({ ...answer, choices: answer.choices.map((each) => ({ ...each, parts: each.parts.map(untag) })) });
}

describe('an answer that the dialect can carry', () => {
  it('comes out of its body as it went in', () => {
    fc.assert(fc.property(answers, (answer) => {
      const body: unknown = JSON.parse(JSON.stringify(gemini.encodeAnswer(answer, contextOf())));
      expect(untagged(gemini.decodeAnswer(body, google))).toEqual(expected(answer));
    }), { numRuns: 400 });
  });

  it('comes out of its stream as it went in, however the bytes are cut', () => {
    fc.assert(fc.property(answers, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (answer, sizes) => {
      const result = collect(decodeBytes(gemini, Buffer.from(encodeEvents(replayAnswer(answer))), google, sizes));
      expect(result.ok ? untagged(result.answer) : result.error).toEqual(expected(answer));
    }), { numRuns: 400 });
  });

  it('comes out of its array as it went into its stream', () => {
    fc.assert(fc.property(answers, (answer) => {
      const text = encodeEvents(replayAnswer(answer));
      const writer = createArrayWriter();
      expect(JSON.parse(writer.push(text) + writer.end())).toEqual(createEventReader().push(Buffer.from(text)).map(({ data }): unknown => JSON.parse(data)));
    }));
  });

  it('a stream cut anywhere before its last event fails', () => {
    fc.assert(fc.property(answers, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (answer, share) => {
      const bytes = Buffer.from(encodeEvents(replayAnswer(answer)));
      const cut = Math.floor(share * (bytes.length - 4));
      expect(decodeBytes(gemini, bytes.subarray(0, cut), google).at(-1)).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
    }));
  });

  it('is decoded without ever leaving the order of events', () => {
    fc.assert(fc.property(answers, (answer) => {
      const events = decodeBytes(gemini, Buffer.from(encodeEvents(replayAnswer(answer))), google, [1_000]);
      expect(encodeEvents(events)).toContain('finishReason');
    }));
  });
});
