import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRouter } from '../../../internal/routing/router.ts';
import { configOf, tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import type { Dialect, Operation } from '../../../internal/dialect/dialect.ts';
import { catalogueNames, isVendorName } from '../../../internal/routing/catalogue.ts';

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

describe('which accounts go first', () => {
  const prefixed = compat('team', { prefix: 'team', models: [{ name: 'm' }] });

  it('names below a prefix never leave its accounts for an endpoint of unknown content', () => {
    const given = { 'openai-compatibility': [prefixed, compat('any')] };
    expect(serves(given, 'team/m')).toEqual(['team:m']);
    expect(serves(given, 'team/other')).toEqual([]);
    expect(serves(given, 'vendor/other')).toEqual(['any:vendor/other']);
  });

  it('an account that lists a name which begins with somebody’s prefix serves what that one does not', () => {
    const given = { 'openai-compatibility': [prefixed, compat('router', { models: [{ name: 'team/m' }, { name: 'team/x' }] })] };
    expect(serves(given, 'team/m')).toEqual(['team:m']);
    expect(serves(given, 'team/x')).toEqual(['router:team/x']);
  });

  it('accounts that list a name and vendors that know it by its look serve it together, by priority, then in the config’s order', () => {
    const given = { ...keys, 'openai-compatibility': [compat('low', { priority: -1, models: [{ name: 'gpt-4o' }] }), compat('high', { priority: 1, models: [{ name: 'x', alias: 'gpt-4o' }] }), compat('same', { models: [{ name: 'gpt-4o' }] })] };
    expect(serves(given, 'gpt-4o')).toEqual(['high:x', expect.stringContaining('codex'), 'same:gpt-4o', 'low:gpt-4o']);
  });

  it('a disabled account is as good as absent while another serves the name, and known when none does', () => {
    const off = { 'codex-api-key': [{ 'api-key': 'sk-0123456789-abcdef', disabled: true }] };
    expect(serves({ ...off, 'openai-compatibility': [compat('any')] }, 'gpt-4o')).toEqual(['any:gpt-4o']);
    expect(serves(off, 'gpt-4o')).toEqual([expect.stringContaining('codex')]);
  });

  it('what one account is forbidden another still serves', () => {
    const given = { 'openai-compatibility': [compat('a', { 'excluded-models': ['m'], models: [{ name: 'm' }] }), compat('b', { models: [{ name: 'm' }] })] };
    expect(serves(given, 'm')).toEqual(['b:m']);
  });

  it('one model listed twice is one candidate', () => {
    expect(serves({ 'openai-compatibility': [compat('a', { models: [{ name: 'm' }, { name: 'm', alias: 'm' }] })] }, 'm')).toEqual(['a:m']);
  });

  it.each([[''], ['team/'], ['x'.repeat(513)]])('no account serves %j', (model) => {
    expect(serves({ 'openai-compatibility': [prefixed, compat('any')] }, model)).toEqual([]);
  });

  it('a name that was looked up gives the same answer after thousands of others', () => {
    const table = tableOf({ 'openai-compatibility': [compat('any'), compat('b', { models: [{ name: 'm' }] })] });
    const before = table.candidatesFor('m');
    for (let i = 0; i < 10_000; i++) table.candidatesFor(`name-${i}`);
    expect(table.candidatesFor('m')).toEqual(before);
  });
});

describe('the catalogue', () => {
  it.each(['openai', 'anthropic', 'gemini', 'vertex'] as const)('every listed name of %s looks like that vendor’s and no other’s', (provider) => {
    for (const name of catalogueNames(provider)) {
      const owners = (['openai', 'anthropic', 'gemini'] as const).filter((each) => isVendorName(each, name));
      expect(owners, name).toEqual([provider === 'vertex' ? 'gemini' : provider]);
    }
    expect(new Set(catalogueNames(provider)).size).toBe(catalogueNames(provider).length);
  });

  it.each(['chatgpt-4o-latest', 'codex-mini-latest', 'o1', 'o99-mini', 'text-embedding-ada-002', 'dall-e-3', 'gpt-image-9', 'whisper-1', 'tts-1-hd'])('%s is OpenAI’s', (name) => {
    expect([isVendorName('openai', name), isVendorName('gemini', name)]).toEqual([true, false]);
  });

  it.each(['gemma-9-27b', 'imagen-9', 'text-embedding-004', 'embedding-001', 'learnlm-2'])('%s is Google’s', (name) => {
    expect([isVendorName('gemini', name), isVendorName('openai', name)]).toEqual([true, false]);
  });

  it.each(['', 'gpt', 'gptx', 'my-gpt-4o', 'openai/gpt-4o', 'claude', 'models/gemini-3'])('%j is taken for nobody’s but by its whole form', (name) => {
    expect([isVendorName('anthropic', name), isVendorName('gemini', name), isVendorName('openai', name)]).toEqual([false, false, name === 'gpt']);
  });

  it('endpoints of unknown content list nothing', () => {
    expect(tableOf({ 'openai-compatibility': [compat('any')] }).listModels()).toEqual([]);
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
    const operations: Readonly<Record<Dialect, Operation>> = { 'openai-chat': 'chat', 'openai-responses': 'responses', 'anthropic-messages': 'messages', gemini: 'gemini-generate' };
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.array(entry, { maxLength: 2 }), fc.boolean(), (compats, codexes, isForced) => {
        const config = configOf({ 'openai-compatibility': compats.map((each, index) => compat(`c${index}`, each)), 'codex-api-key': codexes.map((each, index) => ({ 'api-key': `sk-0123456789-${index}`, ...each })), 'force-model-prefix': isForced });
        const table = buildRoutingTable(accountsFromConfig(config).accounts, config);
        const router = createRouter(createManualClock());
        for (const model of table.listModels()) {
          for (const dialect of model.dialects) expect(router.pick(table, { model: model.id, dialect, operation: operations[dialect] }, new Set()), `${model.id} in ${dialect}`).toMatchObject({ ok: true });
        }
      }),
    );
  });

  it('names that are near are offered', () => {
    expect(tableOf(keys).nearNames('gpt-4oo')).toContain('gpt-4o');
    expect(tableOf(keys).nearNames('x'.repeat(10_000))).toEqual([]);
  });
});
