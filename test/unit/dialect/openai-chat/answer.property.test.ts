import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerPart, Choice, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { collect, decodeBytes, plain } from '../../../support/codec-fixtures.ts';
import { contextOf, encodeEvents, imitation } from './fixtures.ts';

const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const call = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: words, input: fc.json({ maxDepth: 2 }) });
const link = words.chain((text) => fc.record({ kind: fc.constant('url' as const), url: fc.webUrl(), title: words, start: fc.nat(text.length), end: fc.nat(text.length) }).map((annotation) => ({ text, annotation })));
const text: fc.Arbitrary<AnswerPart> = fc.oneof(words.map((said) => ({ kind: 'text' as const, text: said })), link.map(({ text: said, annotation }) => ({ kind: 'text' as const, text: said, annotations: [annotation] })));
const token = fc.record({ token: words, logprob: fc.double({ noNaN: true, noDefaultInfinity: true, max: 0 }).map((value) => (Object.is(value, -0) ? 0 : value)) });

/** What the dialect can say of a choice: reasoning, then one text, then calls. */
const choice = fc
  .record({
    thinking: fc.option(words, { nil: undefined }),
    said: fc.option(text, { nil: undefined }),
    calls: fc.array(call, { maxLength: 3 }),
    finish: fc.constantFrom('stop' as const, 'length' as const, 'content_filter' as const),
    logprobs: fc.option(fc.array(token.map((each) => ({ ...each, top: [] })), { minLength: 1, maxLength: 3 }), { nil: undefined }),
  })
  .map(({ thinking, said, calls, finish, logprobs }): Omit<Choice, 'index'> => {
    // Citations come last in a stream; once calls have begun they stand beside the parts.
    const isCited = said?.kind === 'text' && said.annotations !== undefined;
    const called = isCited ? [] : calls;
    const parts: AnswerPart[] = [...(thinking === undefined ? [] : [{ kind: 'thinking' as const, text: thinking }]), ...(said === undefined ? [] : [said]), ...called];
    return { parts, finish: finish === 'stop' && called.length > 0 ? 'tool_calls' : finish, logprobs: said === undefined ? undefined : logprobs };
  });

const answers: fc.Arbitrary<IrAnswer> = fc.record({
  id: fc.uuid().map((id) => `chatcmpl-${id}`),
  model: words,
  createdSeconds: fc.nat(),
  choices: fc.array(choice, { minLength: 1, maxLength: 3 }).map((choices) => choices.map((each, index) => ({ ...each, index }))),
  usage: fc.record({ input: fc.nat(1e6), cachedInput: fc.nat(1e6), cacheWrite: fc.nat(1e6), output: fc.nat(1e6), reasoning: fc.nat(1e6) }),
});

const wordOf = (finish: Choice['finish']): string => finish;
const silent = { vendor: imitation.vendor, account: imitation.account, value: '' };

/** As it comes back: with the finish in the dialect's word, and reasoning of whoever is asked. */
function expected(answer: IrAnswer): unknown {
  return plain({
    ...answer,
    choices: answer.choices.map((each) => ({ ...each, rawFinish: wordOf(each.finish), parts: each.parts.map((part) => (part.kind === 'thinking' ? { ...part, signature: silent } : part)) })),
  });
}

describe('an answer that the dialect can carry', () => {
  it('comes out of its body as it went in', () => {
    fc.assert(fc.property(answers, (answer) => {
      const body: unknown = JSON.parse(JSON.stringify(openaiChat.encodeAnswer(answer, contextOf())));
      expect(plain(openaiChat.decodeAnswer(body, imitation))).toEqual(expected(answer));
    }), { numRuns: 300 });
  });

  it('comes out of its stream as it went in, however the bytes are cut', () => {
    fc.assert(fc.property(answers, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (answer, sizes) => {
      const bytes = Buffer.from(encodeEvents(replayAnswer(answer), contextOf({ includeUsage: true })));
      const result = collect(decodeBytes(openaiChat, bytes, imitation, sizes));
      expect(result.ok ? plain(result.answer) : result.error).toEqual(expected(answer));
    }), { numRuns: 300 });
  });

  it('a stream cut anywhere before its last event fails', () => {
    fc.assert(fc.property(answers, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (answer, share) => {
      const text = encodeEvents(replayAnswer(answer), contextOf({ includeUsage: true }));
      const cut = Math.floor(share * (text.length - 'data: [DONE]\n\n'.length));
      expect(decodeBytes(openaiChat, Buffer.from(text.slice(0, cut)), imitation).at(-1)).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
    }));
  });
});
