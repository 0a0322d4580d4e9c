import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Party } from '../../../../internal/dialect/codec.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';

const target: Party = { dialect: 'gemini', account: 'a', vendor: 'google', provider: 'gemini', model: 'gemini-2.5-flash' };
const word = fc.string({ minLength: 1, maxLength: 12 });
const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,11}$/);
const text = fc.record({ kind: fc.constant('text' as const), text: word });
const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
const media = fc.oneof(
  fc.record({ kind: fc.constant('image' as const), source: fc.record({ kind: fc.constant('base64' as const), mime: fc.constant('image/png'), data: base64 }) }),
  fc.record({ kind: fc.constant('file' as const), source: fc.record({ kind: fc.constant('url' as const), url: fc.constant('https://example.com/a.pdf'), mime: fc.constant('application/pdf') }) }),
  fc.record({ kind: fc.constant('audio' as const), source: fc.record({ kind: fc.constant('base64' as const), mime: fc.constant('audio/wav'), data: base64 }) }),
);
const signature = fc.option(base64.map((value) => ({ vendor: 'google', account: undefined, value: `C${value}` })), { nil: undefined });
const call = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name, input: fc.dictionary(name, fc.integer()).map((value) => JSON.stringify(value)), signature });

function resultsOf(calls: readonly { readonly id: string; readonly name: string }[], result: string): Turn {
  return { role: 'tool', parts: calls.map(({ id, name: called }) => ({ kind: 'tool_result', callId: id, name: called, parts: [{ kind: 'text', text: `r ${result}` }] })) };
}

/** Neighbours of one role do not occur: contents alternate. */
const exchange: fc.Arbitrary<readonly Turn[]> = fc
  .record({ asked: fc.array(fc.oneof(text, media), { minLength: 1, maxLength: 3 }), said: fc.array(text, { minLength: 1, maxLength: 2 }), calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }), result: word })
  .map(({ asked, said, calls, result }): readonly Turn[] => [
    { role: 'user', parts: asked },
    { role: 'assistant', parts: [...said, ...calls] },
    ...(calls.length === 0 ? [] : [resultsOf(calls, result), { role: 'assistant', parts: [{ kind: 'text', text: 'so' }] } as const]),
  ]);

const requests: fc.Arbitrary<IrRequest> = fc
  .record({
    system: fc.option(word, { nil: undefined }),
    exchanges: fc.array(exchange, { minLength: 1, maxLength: 3 }),
    tools: fc.uniqueArray(fc.record({ kind: fc.constant('function' as const), name, description: fc.option(word, { nil: undefined }), parameters: fc.option(fc.constant({ type: 'object', properties: { a: { type: ['string', 'null'] } }, $defs: {} }), { nil: undefined }) }), { selector: (tool) => tool.name, maxLength: 3 }),
    members: fc.record({ maxTokens: fc.nat(), temperature: fc.constantFrom(0, 1.5), topP: fc.constant(0.5), topK: fc.nat(), seed: fc.nat(), stop: fc.array(word, { minLength: 1, maxLength: 5 }), n: fc.integer({ min: 2, max: 4 }), logprobs: fc.record({ top: fc.integer({ min: 0, max: 5 }) }), responseFormat: fc.constantFrom({ kind: 'json' as const }, { kind: 'schema' as const, schema: { type: 'object' } }), reasoning: fc.record({ budgetTokens: fc.constantFrom(-1, 0, 512, 8_192) }) }, { requiredKeys: [] }),
    isStream: fc.boolean(),
  })
  .map(({ system, exchanges, tools, members, isStream }) => ({ ...members, turns: [...(system === undefined ? [] : [{ role: 'system', parts: [{ kind: 'text', text: system }] } as const]), ...exchanges.flat()], tools, isStream }));

describe('a request that Gemini can carry', () => {
  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const losses = createLosses('gemini', (field) => field);
        const body = gemini.encodeRequest(request, target, losses);
        expect(losses.dropped()).toEqual([]);
        expect(gemini.decodeRequest(JSON.parse(JSON.stringify(body)), request.isStream)).toEqual(request);
      }),
    );
  });
});
