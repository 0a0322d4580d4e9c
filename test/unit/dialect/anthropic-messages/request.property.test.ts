import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import { isRecord } from '../../../../internal/dialect/ir/json.ts';
import type { IrRequest, Tool, Turn } from '../../../../internal/dialect/ir/request.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { claude, encode } from './fixtures.ts';

const word = fc.stringMatching(/^[\w-]{1,12}$/);
const said = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).map((text) => `${text}.`);
const cache = fc.constantFrom(undefined, {}, { ttl: '1h' });
const text = fc.record({ kind: fc.constant('text' as const), text: said, cache });
const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
const id = word.map((name) => ({ kind: 'id' as const, id: name, dialect: 'anthropic-messages' as const }));
const image = fc.record({
  kind: fc.constant('image' as const),
  source: fc.oneof(fc.record({ kind: fc.constant('base64' as const), mime: fc.constantFrom('image/png', 'image/jpeg'), data: base64 }), fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() }), id),
  cache,
});
const file = fc.record({
  kind: fc.constant('file' as const),
  source: fc.oneof(
    fc.record({ kind: fc.constant('base64' as const), mime: fc.constant('application/pdf'), data: base64 }),
    fc.record({ kind: fc.constant('url' as const), url: fc.webUrl(), mime: fc.constant('application/pdf') }),
    fc.record({ kind: fc.constant('text' as const), text: fc.string() }),
    id,
  ),
  name: fc.option(word, { nil: undefined }),
  cache,
});
const thinking = fc.record({
  kind: fc.constant('thinking' as const),
  text: fc.string(),
  signature: word.map((value) => ({ vendor: 'anthropic', account: undefined, value })),
});
const redacted = word.map((data) => ({ kind: 'thinking' as const, text: '', signature: { vendor: 'anthropic', account: undefined, value: `redacted_thinking:${data}` } }));
const call = fc.record({ kind: fc.constant('tool_call' as const), id: fc.uuid(), name: word, input: fc.dictionary(word, fc.jsonValue({ maxDepth: 1 })).map((value) => JSON.stringify(value)), cache });
const raw = word.map((name) => ({ kind: 'raw' as const, dialect: 'anthropic-messages' as const, item: { type: 'server_tool_use', name } }));

/** What the user says, what the model says and calls, and what comes of it: neighbours of different roles. */
const exchange: fc.Arbitrary<readonly Turn[]> = fc
  .record({
    asked: fc.array(fc.oneof(text, image, file), { minLength: 1, maxLength: 3 }),
    said: fc.array(fc.oneof(text, thinking, redacted, raw), { minLength: 1, maxLength: 3 }),
    calls: fc.uniqueArray(call, { selector: (each) => each.id, maxLength: 3 }),
    result: fc.array(fc.oneof(text, image, file), { maxLength: 2 }),
    isError: fc.boolean(),
  })
  .map(({ asked, said: answer, calls, result, isError }): readonly Turn[] => {
    const isFailed = isError && result.every(({ kind }) => kind === 'text') ? true : undefined;
    const results = calls.map((each) => ({ kind: 'tool_result' as const, callId: each.id, name: each.name, parts: result, isError: isFailed }));
    return [{ role: 'user', parts: asked }, { role: 'assistant', parts: [...answer, ...calls] }, ...(results.length === 0 ? [] : [{ role: 'tool' as const, parts: results }])];
  });
const turns = fc
  .record({ system: fc.array(text, { maxLength: 2 }), exchanges: fc.array(exchange, { maxLength: 3 }), last: text })
  .map(({ system, exchanges, last }): readonly Turn[] => [...(system.length === 0 ? [] : [{ role: 'system' as const, parts: system }]), ...exchanges.flat(), { role: 'user', parts: [last] }]);

const parameters = fc.constantFrom({ type: 'object', properties: {} }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false });
const tool: fc.Arbitrary<Tool> = fc.oneof(
  fc.record({ kind: fc.constant('function' as const), name: word, description: fc.option(said, { nil: undefined }), parameters, cache }),
  fc.record({ kind: fc.constant('function' as const), name: word, parameters: fc.constant({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }), strict: fc.constant(true) }),
  word.map((name): Tool => ({ kind: 'builtin', builtin: 'web_search', name: 'web_search_20250305', dialect: 'anthropic-messages', item: { type: 'web_search_20250305', name } })),
);
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
const reasoning = fc.constantFrom({ budgetTokens: 0 }, { budgetTokens: -1, show: 'auto' as const }, { effort: 'low' as const, show: 'none' as const }, { effort: 'max' as const, show: 'auto' as const });

const members = fc.record(
  {
    maxTokens: fc.integer({ min: 1, max: 128_000 }), stop: fc.array(word, { minLength: 1, maxLength: 3 }), userId: word, serviceTier: fc.constantFrom('auto', 'standard_only'), responseFormat: fc.constant({ kind: 'schema' as const, schema }),
    extras: fc.constant({ dialect: 'anthropic-messages' as const, members: { container: 'c', context_management: { edits: [] } } }),
  },
  { requiredKeys: [] },
);

const requests: fc.Arbitrary<IrRequest> = fc
  .record({ turns, tools: fc.uniqueArray(tool, { selector: (each) => each.name, minLength: 1, maxLength: 3 }), choice: fc.constantFrom('auto' as const, 'none' as const, 'required' as const, undefined), isSequential: fc.boolean(), reasoning: fc.option(reasoning, { nil: undefined }), temperature: fc.constantFrom(undefined, 0, 0.5, 1), topK: fc.option(fc.nat(40), { nil: undefined }), members, isStream: fc.boolean() })
  .map(({ choice, isSequential, reasoning: wanted, temperature, topK, members: rest, ...request }): IrRequest => {
    const isThinking = wanted !== undefined && wanted.budgetTokens !== 0;
    return {
      maxTokens: 1_000,
      ...rest,
      ...request,
      toolChoice: choice === undefined ? undefined : { mode: choice },
      parallelToolCalls: isSequential && choice !== undefined && choice !== 'none' ? false : undefined,
      reasoning: choice === 'required' ? undefined : wanted,
      temperature: isThinking ? undefined : temperature,
      topK: isThinking ? undefined : topK,
    };
  });

const target = claude('claude-opus-4-6');

describe('a request that the dialect can carry', () => {
  it('comes out as it went in, and nothing of it is left out', () => {
    fc.assert(fc.property(requests, (request) => {
      const { body, dropped } = encode(request, target);
      expect(dropped).toEqual([]);
      expect(plain({ ...anthropicMessages.decodeRequest(body, request.isStream), places: undefined })).toEqual(plain(request));
    }), { numRuns: 400 });
  });

  it('a budget comes out as it went in where the model takes one', () => {
    fc.assert(fc.property(fc.integer({ min: 1_024, max: 31_999 }), (budgetTokens) => {
      const request = { reasoning: { budgetTokens, show: 'auto' as const }, maxTokens: 32_000 };
      expect(anthropicMessages.decodeRequest(encode(request, claude('claude-sonnet-4-5')).body, false)).toMatchObject(request);
    }));
  });
});

/** Turns in no order that any dialect would allow. */
const anyTurns = fc.array(fc.record({ role: fc.constantFrom('system' as const, 'developer' as const, 'user' as const, 'assistant' as const, 'tool' as const), parts: fc.array(fc.oneof(text, fc.constant({ kind: 'text' as const, text: ' ' }), fc.uuid().map((callId) => ({ kind: 'tool_result' as const, callId, parts: [] }))), { maxLength: 3 }) }), { minLength: 1, maxLength: 8 });

describe('whatever the turns', () => {
  it('roles alternate, results come first, and nothing is blank', () => {
    fc.assert(fc.property(anyTurns, (given) => {
      const turnsOfText = given.map((turn): Turn => (turn.role === 'system' || turn.role === 'developer' ? { ...turn, parts: turn.parts.filter(({ kind }) => kind === 'text') } : turn));
      const { messages } = encode({ turns: turnsOfText }, target).body;
      let before: unknown;
      for (const message of Array.isArray(messages) ? messages.filter(isRecord) : []) {
        expect(message['role']).not.toBe(before);
        before = message['role'];
        const content: readonly unknown[] = Array.isArray(message['content']) ? message['content'] : [];
        expect(content.length).toBeGreaterThan(0);
        const types = content.map((part) => (isRecord(part) ? part['type'] : undefined));
        if (message['role'] === 'user') expect(types.lastIndexOf('tool_result')).toBeLessThan(types.includes('text') ? types.indexOf('text') : types.length);
        for (const part of content) if (isRecord(part) && part['type'] === 'text') expect(String(part['text']).trim()).not.toBe('');
      }
    }));
  });
});
