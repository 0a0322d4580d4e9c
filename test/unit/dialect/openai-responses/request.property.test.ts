import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { encode } from './fixtures.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
const bytes = (mime: string) => fc.record({ kind: fc.constant('base64' as const), mime: fc.constant(mime), data: base64 });
const uploaded = fc.record({ kind: fc.constant('id' as const), id: word, dialect: fc.constant('openai-responses' as const) });
const url = fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() });

const text = fc.record({ kind: fc.constant('text' as const), text: word });
const image = fc.record({ kind: fc.constant('image' as const), source: fc.oneof(bytes('image/png'), url, uploaded), detail: option(fc.constantFrom('low', 'original')) });
const file = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), source: bytes('application/pdf'), name: fc.constant('a.pdf') }),
  fc.record({ kind: fc.constant('file' as const), source: fc.oneof(url, uploaded) }),
);
const audio = fc.record({ kind: fc.constant('audio' as const), source: fc.constantFrom('audio/wav', 'audio/mpeg').chain(bytes) });
const raw = fc.record({ kind: fc.constant('raw' as const), dialect: fc.constant('openai-responses' as const), item: fc.record({ type: fc.constantFrom('web_search_call', 'mcp_call', 'computer_call'), id: word }) });

const citation = fc.record({ kind: fc.constant('url' as const), url: fc.webUrl(), title: word, start: fc.nat(9), end: fc.nat(9) });
const said = fc.oneof(fc.record({ kind: fc.constant('text' as const), text: word, annotations: option(fc.array(citation, { minLength: 1, maxLength: 2 })) }), fc.record({ kind: fc.constant('refusal' as const), text: word }));
const signature = word.map((value) => ({ vendor: 'openai', account: undefined, value: `g${value}` }));
const thinking = fc.oneof(
  fc.record({ kind: fc.constant('thinking' as const), text: word, isSummary: fc.constant(true), id: option(word), signature }),
  fc.record({ kind: fc.constant('thinking' as const), text: fc.constant(''), id: option(word), signature }),
);
const call = fc.oneof(
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: word, input: fc.json({ maxDepth: 1 }) }),
  fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: word, input: word, isCustom: fc.constant(true) }),
);

const plainTurn: fc.Arbitrary<readonly Turn[]> = fc.oneof(
  fc.record({ role: fc.constantFrom('system' as const, 'developer' as const), parts: fc.array(text, { minLength: 1, maxLength: 1 }) }).map((turn) => [turn]),
  fc.record({ role: fc.constant('user' as const), parts: fc.array(fc.oneof(text, image, file, audio), { minLength: 1, maxLength: 4 }) }).map((turn) => [turn]),
);
/** What the model said, then a result of each call; the user goes on, so that neighbours differ. */
const modelTurns: fc.Arbitrary<readonly Turn[]> = fc
  .record({ parts: fc.array(fc.oneof(said, thinking, call, raw), { minLength: 1, maxLength: 5 }), result: fc.array(fc.oneof(text, image, file), { maxLength: 2 }) })
  .map(({ parts, result }): readonly Turn[] => {
    const calls = parts.filter((part) => part.kind === 'tool_call');
    const results = calls.map((each) => ({ kind: 'tool_result' as const, callId: each.id, parts: result, isCustom: 'isCustom' in each ? true : undefined }));
    return [{ role: 'assistant', parts }, ...(results.length === 0 ? [] : [{ role: 'tool' as const, parts: results }]), { role: 'user', parts: [{ kind: 'text', text: 'on' }] }];
  });

const schema = fc.constant({ type: 'object', properties: { a: { type: 'string' } } });
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const tool = fc.oneof(
  fc.record({ kind: fc.constant('function' as const), name, description: option(word), parameters: schema, strict: fc.boolean() }),
  fc.record({ kind: fc.constant('custom' as const), name, description: option(word), format: fc.constantFrom(undefined, { type: 'text' }, { type: 'grammar', syntax: 'lark', definition: 'start: /a+/' }) }),
);
const builtin = fc.constantFrom('web_search', 'web_search_preview', 'code_interpreter', 'image_generation').map((type) => ({
  kind: 'builtin' as const, builtin: type.startsWith('web') ? ('web_search' as const) : type === 'code_interpreter' ? ('code_execution' as const) : ('other' as const), name: type, dialect: 'openai-responses' as const, item: { type, x: 1 },
}));
const format = fc.constantFrom({ kind: 'text' as const }, { kind: 'json' as const }, { kind: 'schema' as const, schema: { type: 'object' }, name: 's', description: 'd', strict: true }, { kind: 'schema' as const, schema: { type: 'object' }, name: 's' });

const members = fc.record(
  {
    maxTokens: fc.nat(), temperature: fc.constantFrom(0, 0.5, 2), topP: fc.constantFrom(0, 0.3), logprobs: fc.record({ top: fc.integer({ min: 0, max: 20 }) }), responseFormat: format,
    reasoning: fc.record({ effort: fc.constantFrom('none' as const, 'low' as const, 'max' as const), show: fc.constantFrom('auto' as const, 'detailed' as const, undefined) }), verbosity: fc.constantFrom('low', 'high'),
    metadata: fc.constant({ a: 'b' }), userId: word, serviceTier: fc.constantFrom('auto', 'priority'), promptCacheKey: word, promptCacheRetention: fc.constant('24h'),
    extras: fc.constant({ dialect: 'openai-responses' as const, members: { truncation: 'auto', max_tool_calls: 3, 'reasoning.context': 'all_turns', 'text.tone': 'dry', include: ['web_search_call.action.sources'] } }),
  },
  { requiredKeys: [] },
);

const requests: fc.Arbitrary<IrRequest> = fc
  .record({
    turns: fc.array(fc.oneof(plainTurn, modelTurns), { minLength: 1, maxLength: 5 }).map((groups) => groups.flat()),
    tools: fc.uniqueArray(fc.oneof(tool, builtin), { selector: (each) => each.name, maxLength: 4 }),
    choice: fc.constantFrom('auto' as const, 'none' as const, 'required' as const, 'named' as const, 'allowed' as const, undefined),
    parallelToolCalls: option(fc.boolean()),
    store: fc.boolean(),
    members,
    isStream: fc.boolean(),
  })
  .map(({ turns, tools, choice, parallelToolCalls, store, members: others, isStream }): IrRequest => {
    const [first] = tools;
    const toolChoice: IrRequest['toolChoice'] = first === undefined || choice === undefined ? undefined
      : choice === 'named' ? { mode: choice, name: first.name, isCustom: first.kind === 'custom' ? true : undefined }
      : choice === 'allowed' ? { mode: choice, names: tools.map(({ name: each }) => each), isRequired: false } : { mode: choice };
    return { ...others, turns, tools, toolChoice, parallelToolCalls: first === undefined ? undefined : parallelToolCalls, store, isStream };
  });

describe('a request that the dialect can carry', () => {
  it('comes out as it went in, and nothing of it is left out', () => {
    fc.assert(fc.property(requests, (request) => {
      const { body, dropped } = encode(request);
      expect(dropped).toEqual([]);
      expect(plain({ ...openaiResponses.decodeRequest(body, request.isStream), places: undefined })).toEqual(plain(request));
    }), { numRuns: 400 });
  });

  it('is JSON of the same text twice', () => {
    fc.assert(fc.property(requests, (request) => {
      const first = encode(request).body;
      expect(encode(openaiResponses.decodeRequest(first, request.isStream)).body).toEqual(first);
    }));
  });
});
