import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRecord } from '../../../../internal/dialect/ir/json.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { encode, openai } from './fixtures.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const text = fc.record({ kind: fc.constant('text' as const), text: word });
const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
const bytes = (mime: string) => fc.record({ kind: fc.constant('base64' as const), mime: fc.constant(mime), data: base64 });
const image = fc.record({
  kind: fc.constant('image' as const),
  source: fc.oneof(bytes('image/png'), fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() })),
  detail: fc.option(fc.constantFrom('low', 'high'), { nil: undefined }),
});
const file = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), source: bytes('application/pdf'), name: fc.constant('a.pdf') }),
  fc.record({ kind: fc.constant('file' as const), source: fc.record({ kind: fc.constant('id' as const), id: word, dialect: fc.constant('openai-chat' as const) }) }),
);
const audio = fc.record({ kind: fc.constant('audio' as const), source: fc.constantFrom('audio/wav', 'audio/mpeg').chain(bytes) });
const call = fc.oneof(
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: word, input: fc.json({ maxDepth: 1 }) }),
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: word, input: word, isCustom: fc.constant(true) }),
);
const name = fc.option(word, { nil: undefined });

const plainTurns: fc.Arbitrary<readonly Turn[]> = fc.oneof(
  fc.record({ role: fc.constantFrom('system' as const, 'developer' as const), parts: fc.array(text, { minLength: 1, maxLength: 3 }), name }).map((turn) => [turn]),
  fc.record({ role: fc.constant('user' as const), parts: fc.array(fc.oneof(text, image, file, audio), { minLength: 1, maxLength: 4 }), name }).map((turn) => [turn]),
);
/** Said, then calls, then a result of each. */
const assistantTurns: fc.Arbitrary<readonly Turn[]> = fc
  .record({ said: fc.array(fc.oneof(text, fc.record({ kind: fc.constant('refusal' as const), text: word })), { minLength: 1, maxLength: 3 }), calls: fc.array(call, { maxLength: 3 }), result: fc.array(text, { maxLength: 2 }) })
  .map(({ said, calls, result }) => [
    { role: 'assistant', parts: [...said, ...calls] },
    ...calls.map((each): Turn => ({ role: 'tool', parts: [{ kind: 'tool_result', callId: each.id, parts: result, isCustom: 'isCustom' in each ? true : undefined }] })),
    { role: 'user', parts: [{ kind: 'text', text: 'on' }] },
  ]);

const schema = fc.constant({ type: 'object', properties: { a: { type: 'string' } } });
const tool = fc.oneof(
  fc.record({ kind: fc.constant('function' as const), name: word, description: fc.option(word, { nil: undefined }), parameters: fc.option(schema, { nil: undefined }), strict: fc.option(fc.boolean(), { nil: undefined }) }),
  fc.record({ kind: fc.constant('custom' as const), name: word, format: fc.constantFrom(undefined, { type: 'text' }, { type: 'grammar', syntax: 'regex', definition: 'a+' }) }),
);
const format = fc.constantFrom({ kind: 'text' as const }, { kind: 'json' as const }, { kind: 'schema' as const, schema: { type: 'object' }, name: 's', description: 'd', strict: true });

const members = fc.record(
  {
    maxTokens: fc.nat(), temperature: fc.constantFrom(0, 0.5, 2), topP: fc.constantFrom(0, 0.3), frequencyPenalty: fc.constantFrom(-1, 0.5), presencePenalty: fc.constantFrom(-1, 0.5), seed: fc.nat(),
    stop: fc.array(word, { minLength: 1, maxLength: 4 }), n: fc.integer({ min: 1, max: 4 }), logprobs: fc.record({ top: fc.integer({ min: 0, max: 20 }) }), logitBias: fc.constant({ 5: -100 }), responseFormat: format,
    reasoning: fc.record({ effort: fc.constantFrom('none' as const, 'low' as const, 'max' as const) }), verbosity: fc.constantFrom('low', 'high'), modalities: fc.constant(['text']), metadata: fc.constant({ a: 'b' }), userId: word,
    serviceTier: fc.constantFrom('auto', 'priority'), promptCacheKey: word, promptCacheRetention: fc.constant('24h'), store: fc.boolean(),
    extras: fc.constant({ dialect: 'openai-chat' as const, members: { prediction: { type: 'content', content: 'x' } } }),
  },
  { requiredKeys: [] },
);

const requests: fc.Arbitrary<IrRequest> = fc
  .record({
    turns: fc.array(fc.oneof(plainTurns, assistantTurns), { minLength: 1, maxLength: 5 }).map((groups) => groups.flat()),
    tools: fc.uniqueArray(tool, { selector: (each) => each.name, maxLength: 3 }),
    search: fc.boolean(),
    choice: fc.constantFrom('auto' as const, 'required' as const, 'named' as const, 'allowed' as const, undefined),
    parallelToolCalls: fc.option(fc.boolean(), { nil: undefined }),
    members,
    isStream: fc.boolean(),
  })
  .map(({ turns, tools, search, choice, parallelToolCalls, members: said, isStream }): IrRequest => {
    const first = tools[0];
    const chosen = first === undefined || choice === undefined ? undefined : choice === 'named' ? { mode: choice, name: first.name, isCustom: first.kind === 'custom' ? true : undefined } : choice === 'allowed' ? { mode: choice, names: [first.name], isRequired: false } : { mode: choice };
    return {
      ...said,
      turns,
      tools: search ? [...tools, { kind: 'builtin', builtin: 'web_search', name: 'web_search_options', dialect: 'openai-chat', item: { search_context_size: 'low' } }] : tools,
      toolChoice: chosen,
      parallelToolCalls: tools.length === 0 ? undefined : parallelToolCalls,
      isStream,
      // Asked of every upstream.
      includeUsage: isStream ? true : undefined,
    };
  });

describe('a request that the dialect can carry', () => {
  it('comes out as it went in, and nothing of it is left out', () => {
    fc.assert(fc.property(requests, (request) => {
      const { body, dropped } = encode(request, openai);
      expect(dropped).toEqual([]);
      expect(plain(openaiChat.decodeRequest(body, request.isStream))).toEqual(plain(request));
    }), { numRuns: 400 });
  });

  it('no content of an imitation’s messages is a list of text alone', () => {
    fc.assert(fc.property(requests, ({ turns }) => {
      const { messages } = encode({ turns }, { ...openai, vendor: 'house', provider: 'openai-compatibility' }).body;
      for (const message of Array.isArray(messages) ? messages : []) {
        const content: unknown = isRecord(message) ? message['content'] : undefined;
        if (Array.isArray(content)) expect(content.some((part: unknown) => isRecord(part) && part['type'] !== 'text')).toBe(true);
      }
    }));
  });
});
