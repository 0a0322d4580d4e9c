import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import { isRecord } from '../../../../internal/dialect/ir/json.ts';
import type { Part } from '../../../../internal/dialect/ir/parts.ts';
import type { IrRequest, ToolChoice, Turn } from '../../../../internal/dialect/ir/request.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { codeAssist, encode, google, older, vertex } from './fixtures.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const name = fc.stringMatching(/^[a-z_][a-z0-9_.:-]{0,8}$/);
const own = fc.option(fc.base64String({ minLength: 4, maxLength: 12 }).map((value) => ({ vendor: 'google', account: undefined, value })), { nil: undefined });
const bytes = (mime: string) => fc.record({ kind: fc.constant('base64' as const), mime: fc.constant(mime), data: fc.base64String({ minLength: 4, maxLength: 12 }) });
const url = (mime: string) => fc.record({ kind: fc.constant('url' as const), url: fc.webUrl(), mime: fc.constant(mime) });

const text: fc.Arbitrary<Part> = fc.record({ kind: fc.constant('text' as const), text: word });
const image = fc.record({ kind: fc.constant('image' as const), source: fc.oneof(bytes('image/png'), url('image/webp')) });
const file = fc.record({ kind: fc.constant('file' as const), source: fc.oneof(bytes('application/pdf'), url('video/mp4')) });
const audio: fc.Arbitrary<Part> = fc.record({ kind: fc.constant('audio' as const), source: bytes('audio/wav') });
const said: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: word, signature: own }),
  fc.record({ kind: fc.constant('thinking' as const), text: fc.string({ maxLength: 9 }), isSummary: fc.constant(true), signature: own.filter((signature) => signature !== undefined) }),
);
const input = fc.dictionary(word.filter((key) => key !== '__proto__'), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }).map((value) => JSON.stringify(value));
const call = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name, input, signature: own });
const resultText = fc.oneof(word, input);

/** Said, then calls, then a result of each, then the user goes on. */
const steps: fc.Arbitrary<readonly Turn[]> = fc
  .record({ parts: fc.array(said, { minLength: 1, maxLength: 3 }), calls: fc.array(call, { maxLength: 3 }), results: fc.array(fc.record({ said: resultText, isError: fc.constantFrom(true, undefined), image: fc.option(image, { nil: undefined }) }), { minLength: 3, maxLength: 3 }) })
  .map(({ parts, calls, results }): readonly Turn[] => [
    { role: 'assistant', parts: [...parts, ...calls] },
    ...(calls.length === 0
      ? []
      : [
          {
            role: 'tool' as const,
            parts: calls.map((each, index) => ({ kind: 'tool_result' as const, callId: each.id, name: each.name, isError: results[index]?.isError, parts: [{ kind: 'text' as const, text: results[index]?.said ?? '' }, ...(results[index]?.image === undefined ? [] : [results[index].image])].filter((part) => part.kind !== 'text' || part.text !== '') })),
          },
        ]),
    { role: 'user', parts: [{ kind: 'text', text: 'on' }] },
  ]);
const users: fc.Arbitrary<readonly Turn[]> = fc.record({ role: fc.constant('user' as const), parts: fc.array(fc.oneof(text, image, file, audio), { minLength: 1, maxLength: 4 }) }).map((turn) => [turn, { role: 'assistant', parts: [{ kind: 'text', text: 'ok' }] }]);

const tool = fc.record({ kind: fc.constant('function' as const), name, description: fc.option(word, { nil: undefined }), parameters: fc.option(fc.constant({ type: 'object', properties: { a: { type: 'string' } } }), { nil: undefined }) });
const members = fc.record(
  {
    maxTokens: fc.integer({ min: 1, max: 65_536 }), temperature: fc.constantFrom(0, 0.5, 2), topP: fc.constantFrom(0, 0.3), topK: fc.nat(), frequencyPenalty: fc.constantFrom(-1, 0.5), presencePenalty: fc.constantFrom(-1, 0.5), seed: fc.nat(2 ** 31 - 1),
    stop: fc.array(word, { minLength: 1, maxLength: 5 }), n: fc.integer({ min: 1, max: 8 }), logprobs: fc.record({ top: fc.integer({ min: 0, max: 20 }) }),
    responseFormat: fc.constantFrom({ kind: 'text' as const }, { kind: 'json' as const }, { kind: 'schema' as const, schema: { type: 'object' } }),
    reasoning: fc.record({ effort: fc.constantFrom('low' as const, 'medium' as const, 'high' as const), show: fc.constantFrom('none' as const, 'auto' as const, undefined) }),
    modalities: fc.constant(['text', 'image']), serviceTier: fc.constantFrom('flex', 'priority'),
    extras: fc.constant({ dialect: 'gemini' as const, members: { safetySettings: [{ category: 'X' }], 'generationConfig.speechConfig': { voice: 'v' }, 'toolConfig.retrievalConfig': { languageCode: 'de' } } }),
  },
  { requiredKeys: [] },
);

const requests: fc.Arbitrary<IrRequest> = fc
  .record({ system: fc.array(text, { maxLength: 2 }), turns: fc.array(fc.oneof(users, steps), { minLength: 1, maxLength: 4 }).map((groups) => groups.flat()), tools: fc.uniqueArray(tool, { selector: (each) => each.name, maxLength: 3 }), choice: fc.constantFrom('auto' as const, 'none' as const, 'required' as const, 'named' as const, 'allowed' as const, undefined), members, isStream: fc.boolean() })
  .map(({ system, turns, tools, choice, members: more, isStream }): IrRequest => ({ ...more, turns: [...(system.length === 0 ? [] : [{ role: 'system' as const, parts: system }]), ...turns], tools, toolChoice: choiceOf(choice, tools.map((each) => each.name)), isStream }));

function choiceOf(choice: ToolChoice['mode'] | undefined, [first, second]: readonly string[]): ToolChoice | undefined {
  if (first === undefined || choice === undefined) return undefined;
  if (choice === 'named') return { mode: choice, name: first };
  if (choice !== 'allowed') return { mode: choice };
  return second === undefined ? { mode: choice, names: [first], isRequired: false } : { mode: choice, names: [first, second], isRequired: true };
}

/** Neighbours of one role as one turn, and a signature without text on what was said before it. */
function normalised(turns: readonly Turn[]): readonly Turn[] {
  const merged: { role: Turn['role']; parts: Part[] }[] = [];
  for (const { role, parts } of turns) {
    const last = merged.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else merged.push({ role, parts: [...parts] });
  }
  return merged;
}

describe('a request that the dialect can carry', () => {
  it('comes out as it went in, and nothing of it is left out', () => {
    fc.assert(fc.property(requests, (request) => {
      const { body, dropped } = encode(request, google);
      expect(dropped).toEqual([]);
      const read = gemini.decodeRequest(body, request.isStream);
      expect(plain({ ...read, turns: normalised(read.turns) })).toEqual(plain({ ...request, turns: normalised(request.turns) }));
    }), { numRuns: 500 });
  });

  it('has as many results after each content as that has calls, whatever the service', () => {
    fc.assert(fc.property(requests, fc.constantFrom(google, older, vertex, codeAssist), ({ turns }, target) => {
      const { contents } = encode({ turns }, target).body;
      const counts = (Array.isArray(contents) ? contents : []).map((content: unknown) => {
        const parts = isRecord(content) && Array.isArray(content['parts']) ? content['parts'].filter(isRecord) : [];
        return { calls: parts.filter((part) => 'functionCall' in part).length, results: parts.filter((part) => 'functionResponse' in part).length };
      });
      for (const [index, { calls }] of counts.entries()) if (calls > 0) expect(counts[index + 1]?.results).toBe(calls);
    }));
  });
});
