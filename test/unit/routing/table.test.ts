import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRouter } from '../../../internal/routing/router.ts';
import { configOf, tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import type { Operation } from '../../../internal/dialect/dialect.ts';

const compat = (name: string, more: object = {}) => ({ name, 'base-url': `https://${name}.example/v1`, ...more });
const serves = (given: object, model: string) => tableOf(given).candidatesFor(model).map(({ account, upstreamModel }) => `${account.label}:${upstreamModel}`);
const keys = { 'gemini-api-key': [{ 'api-key': 'AIza-0123456789-abc' }], 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789-abc' }], 'codex-api-key': [{ 'api-key': 'sk-0123456789-abcdef' }] };

describe('which accounts serve a name', () => {
  it.each([
    ['gpt-4o', 'codex'],
    ['o3', 'codex'],
    ['ft:gpt-4o:acme', 'codex'],
    ['claude-of-next-year', 'claude'],
    ['gemini-9-ultra', 'gemini'],
  ])('%s goes to %s by its look alone', (model, label) => {
    expect(serves(keys, model)).toEqual([expect.stringContaining(`${label} (`)]);
  });

  it('a name no vendor claims goes to the endpoint of unknown content, and only there', () => {
    const given = { ...keys, 'openai-compatibility': [compat('any')] };
    expect(serves(given, 'llama-3')).toEqual(['any:llama-3']);
    expect(serves(given, 'gpt-4o')).toEqual([expect.stringContaining('codex')]);
  });

  it('with one endpoint and nothing else, every name goes there', () => {
    expect(serves({ 'openai-compatibility': [compat('any')] }, 'gpt-4o')).toEqual(['any:gpt-4o']);
  });

  it('a prefix reaches its account with any name, and is cut off upstream', () => {
    const given = { 'openai-compatibility': [compat('or', { prefix: 'or' })] };
    expect(serves(given, 'or/anthropic/claude-x')).toEqual(['or:anthropic/claude-x']);
    expect(serves(given, 'llama-3')).toEqual([]);
  });

  it('prefixed accounts are reached without the prefix too, unless it is forced', () => {
    const given = { 'openai-compatibility': [compat('a', { prefix: 'team-a', models: [{ name: 'm' }] })] };
    expect(serves(given, 'm')).toEqual(['a:m']);
    expect(serves(given, 'team-a/m')).toEqual(['a:m']);
    expect(serves({ ...given, 'force-model-prefix': true }, 'm')).toEqual([]);
    expect(serves({ ...given, 'force-model-prefix': true }, 'team-a/m')).toEqual(['a:m']);
  });

  it('an alias hides the upstream name, and one alias may stand for several models', () => {
    const given = { 'openai-compatibility': [compat('a', { models: [{ name: 'x', alias: 'pool' }, { name: 'y', alias: 'pool' }] })] };
    expect(serves(given, 'pool')).toEqual(['a:x', 'a:y']);
    expect(serves(given, 'x')).toEqual([]);
  });

  it('names with slashes work without any prefix', () => {
    expect(serves({ 'openai-compatibility': [compat('a', { models: [{ name: 'meta/llama' }] })] }, 'meta/llama')).toEqual(['a:meta/llama']);
  });

  it.each([['claude-*'], ['*-4-5'], ['*sonnet*'], ['*'], ['CLAUDE-SONNET-4-5']])('the pattern %s excludes', (pattern) => {
    expect(serves({ 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789', 'excluded-models': [pattern] }] }, 'claude-sonnet-4-5')).toEqual([]);
  });

  it('patterns match as a plain comparison of pieces does, for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'ab', ''), { minLength: 1, maxLength: 5 }), fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), (pieces, name) => {
        const pattern = pieces.join('*');
        fc.pre(pattern !== '' && name !== '');
        const expected = new RegExp(`^${pieces.join('.*')}$`).test(name);
        const table = tableOf({ 'openai-compatibility': [compat('x', { 'excluded-models': [pattern] })] });
        expect(table.candidatesFor(name).length === 0).toBe(expected);
      }),
    );
  });
});

describe('the list of models', () => {
  it('is sorted, and shows prefixed and plain names', () => {
    const ids = tableOf({ 'openai-compatibility': [compat('a', { prefix: 'p', models: [{ name: 'b' }, { name: 'a' }] })] }).listModels().map(({ id }) => id);
    expect(ids).toEqual(['a', 'b', 'p/a', 'p/b']);
  });

  it('leaves out what is disabled or excluded', () => {
    const given = { 'openai-compatibility': [compat('a', { disabled: true, models: [{ name: 'off' }] }), compat('b', { models: [{ name: 'x1' }, { name: 'y1' }], 'excluded-models': ['x*'] })] };
    expect(tableOf(given).listModels().map(({ id }) => id)).toEqual(['y1']);
  });

  it('agrees with routing: every listed model routes in each dialect it is listed with', () => {
    const name = fc.constantFrom('gpt-4o', 'm', 'n', 'p/m', 'claude-x');
    const entry = fc.record({ prefix: fc.constantFrom('', 'p', 'q'), models: fc.array(fc.record({ name, alias: fc.option(name, { nil: '' }) }), { maxLength: 3 }), 'excluded-models': fc.array(fc.constantFrom('m', 'gpt-*', 'n'), { maxLength: 1 }), disabled: fc.boolean() });
    const operation: Operation = 'chat';
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.array(entry, { maxLength: 2 }), fc.boolean(), (compats, codexes, isForced) => {
        const config = configOf({ 'openai-compatibility': compats.map((each, index) => compat(`c${index}`, each)), 'codex-api-key': codexes.map((each, index) => ({ 'api-key': `sk-0123456789-${index}`, ...each })), 'force-model-prefix': isForced });
        const table = buildRoutingTable(accountsFromConfig(config).accounts, config);
        const router = createRouter(createManualClock());
        for (const model of table.listModels()) {
          for (const dialect of model.dialects) expect(router.pick(table, { model: model.id, dialect, operation }, new Set()), `${model.id} in ${dialect}`).toMatchObject({ ok: true });
        }
      }),
    );
  });

  it('names that are near are offered', () => {
    expect(tableOf(keys).nearNames('gpt-4oo')).toContain('gpt-4o');
    expect(tableOf(keys).nearNames('x'.repeat(10_000))).toEqual([]);
  });
});
