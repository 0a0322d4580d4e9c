import { describe, expect, it } from 'vitest';
import type { AuthFile } from '../../../internal/accounts/auth-file/auth-file.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import type { Dialect, Operation } from '../../../internal/dialect/dialect.ts';
import { catalogueNames, isVendorName } from '../../../internal/routing/catalogue.ts';
import type { RoutingTable } from '../../../internal/routing/ports.ts';
import { createRouter } from '../../../internal/routing/router.ts';
import { dialectFor } from '../../../internal/routing/serving.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import { accountsOf, authFile } from '../../support/auth-files.ts';
import { configOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';

function tableWith(files: readonly AuthFile[], given: object = {}): RoutingTable {
  const config = configOf(given);
  return buildRoutingTable([...accountsFromConfig(config).accounts, ...accountsOf(files, given).accounts], config);
}
const serves = (table: RoutingTable, model: string): readonly string[] => table.candidatesFor(model).map(({ account, upstreamModel }) => `${account.owner}:${upstreamModel}`);
const listed = (table: RoutingTable): readonly string[] => table.listModels().map(({ id }) => id);
const all = ['claude', 'codex', 'gemini', 'antigravity', 'iflow', 'qwen', 'kimi', 'xai'].map((type) => authFile(type, { facts: { project_id: 'p' } }));

describe('which login serves a name', () => {
  it.each([
    ['gpt-of-next-year', ['openai']],
    ['codex-mini-latest', ['openai']],
    ['o3', ['openai']],
    ['gemini-9-ultra', ['google', 'antigravity']],
    ['claude-of-next-year', ['anthropic', 'antigravity']],
    ['qwen4-coder', ['iflow', 'qwen']],
    ['coder-model', ['qwen']],
    ['glm-6', ['iflow']],
    ['deepseek-v9', ['iflow']],
    ['kimi-k9', ['iflow', 'moonshot']],
    ['moonshot-v1-8k', ['moonshot']],
    ['grok-9', ['xai']],
    ['text-embedding-3-large', []],
  ])('%s goes to %j by its look alone', (model, owners) => {
    expect(serves(tableWith(all), model).map((each) => each.replace(/:.*/, '')).toSorted()).toEqual(owners.toSorted());
  });

  it.each(['codex', 'google', 'antigravity', 'iflow', 'qwen', 'kimi', 'xai'] as const)('what is listed for %s looks like it', (provider) => {
    expect(catalogueNames(provider).length).toBeGreaterThan(0);
    expect(catalogueNames(provider).filter((name) => !isVendorName(provider, name))).toEqual([]);
  });

  it('Code Assist’s models are listed as their vendors’', () => {
    const owners = new Map(tableWith([authFile('antigravity', { facts: { project_id: 'p' } })]).listModels().map(({ id, ownedBy }) => [id, ownedBy]));
    expect(['claude-sonnet-4-6', 'gpt-oss-120b-medium', 'gemini-3-flash'].map((id) => owners.get(id))).toEqual(['anthropic', 'openai', 'google']);
  });

  it('one name of several vendors is theirs in turn, whatever the caller speaks: each is asked in its own dialect', () => {
    const router = createRouter(createManualClock());
    const table = tableWith([authFile('claude'), authFile('antigravity', { facts: { project_id: 'p' } })]);
    const asked = (dialect: Dialect, operation: Operation): string => {
      const picked = router.pick(table, { model: 'claude-sonnet-4-6', dialect, operation }, new Set());
      return picked.ok ? `${picked.value.account.owner} in ${dialectFor(picked.value.account, { dialect, operation })}` : picked.error.code;
    };
    const both = ['anthropic in anthropic-messages', 'antigravity in gemini'];
    expect([asked('anthropic-messages', 'messages'), asked('anthropic-messages', 'messages')]).toEqual(both);
    expect([asked('gemini', 'gemini-generate'), asked('gemini', 'gemini-generate')]).toEqual(both);
    expect([asked('openai-chat', 'chat'), asked('openai-chat', 'chat')]).toEqual(both);
  });

  it.each<[string, Dialect, Operation]>([['kimi', 'openai-chat', 'embeddings'], ['qwen', 'openai-chat', 'audio'], ['antigravity', 'gemini', 'gemini-embed']])('%s is not asked for what it lacks', (type, dialect, operation) => {
    const table = tableWith([authFile(type, { facts: { project_id: 'p' } })]);
    const [model = ''] = listed(table);
    expect(createRouter(createManualClock()).pick(table, { model, dialect, operation }, new Set())).toMatchObject({ ok: false, error: { code: 'dialect_not_served' } });
  });
});

describe('an endpoint of the operator\'s own behind a login', () => {
  const corp = { issuer: 'https://id.example', grant: 'client-credentials', 'base-url': 'https://llm.example/v1' };

  it('takes what nobody else claims', () => {
    const table = tableWith([authFile('claude')], { oauth: { corp } });
    expect([serves(table, 'llama-3'), serves(table, 'claude-x')]).toEqual([['corp:llama-3'], ['anthropic:claude-x']]);
  });

  it('takes any name under its prefix, and none without', () => {
    const table = tableWith([], { oauth: { corp: { ...corp, prefix: 'corp' } } });
    expect([serves(table, 'corp/llama-3'), serves(table, 'llama-3')]).toEqual([['corp:llama-3'], []]);
  });
});

describe('renamed models', () => {
  const rename = (more: object = {}) => ({ 'oauth-model-alias': { claude: [{ name: 'claude-opus-4-5', alias: 'opus', ...more }] } });

  it('are called by their alias, and no longer by the upstream\'s name', () => {
    const table = tableWith([authFile('claude')], rename());
    expect([serves(table, 'opus'), serves(table, 'claude-opus-4-5'), serves(table, 'claude-opus-9')]).toEqual([['anthropic:claude-opus-4-5'], [], ['anthropic:claude-opus-9']]);
    expect(listed(table)).toContain('opus');
    expect(listed(table)).not.toContain('claude-opus-4-5');
    expect(table.whyNever(table.accounts[0] ?? expect.fail('no account'), 'claude-opus-4-5')).toEqual({ class: 'other_name', text: 'it serves this upstream model by the alias "opus" only' });
  });

  it('with `fork` keep both names', () => {
    const table = tableWith([authFile('claude')], rename({ fork: true }));
    expect([serves(table, 'opus'), serves(table, 'claude-opus-4-5')]).toEqual([['anthropic:claude-opus-4-5'], ['anthropic:claude-opus-4-5']]);
    expect(listed(table)).toEqual(expect.arrayContaining(['opus', 'claude-opus-4-5']));
  });

  it('whose alias looks like the vendor go to the model that is meant, once', () => {
    expect(serves(tableWith([authFile('claude')], rename({ alias: 'claude-best' })), 'claude-best')).toEqual(['anthropic:claude-opus-4-5']);
  });

  it('work under the prefix, of one file as of all', () => {
    const file = authFile('claude', { operator: { prefix: 'ann', modelAliases: [{ name: 'claude-haiku-4-5', alias: 'small' }] } });
    const table = tableWith([file], rename());
    expect(['ann/opus', 'opus', 'ann/small', 'ann/claude-haiku-4-5', 'ann/claude-x'].map((name) => serves(table, name)[0])).toEqual([
      'anthropic:claude-opus-4-5', 'anthropic:claude-opus-4-5', 'anthropic:claude-haiku-4-5', undefined, 'anthropic:claude-x',
    ]);
  });

  it('of other logins stay as they are', () => {
    expect(serves(tableWith([authFile('claude')], { 'oauth-model-alias': { codex: [{ name: 'claude-opus-4-5', alias: 'opus' }] } }), 'claude-opus-4-5')).toHaveLength(1);
  });

  it('at an endpoint of the operator\'s own keep it open for any other name', () => {
    const corp = { issuer: 'https://id.example', grant: 'client-credentials', 'base-url': 'https://llm.example/v1' };
    const table = tableWith([], { oauth: { corp }, 'oauth-model-alias': { corp: [{ name: 'big-1', alias: 'big' }] } });
    expect([serves(table, 'big'), serves(table, 'big-1'), serves(table, 'other')]).toEqual([['corp:big-1'], [], ['corp:other']]);
  });
});

describe('hidden models', () => {
  it('are neither listed nor routed, by upstream name and by alias', () => {
    const table = tableWith([authFile('claude')], { 'oauth-excluded-models': { anthropic: ['*opus*'] }, 'oauth-model-alias': { anthropic: [{ name: 'claude-opus-4-5', alias: 'best' }] } });
    expect([serves(table, 'claude-opus-4-6'), serves(table, 'best'), serves(table, 'claude-haiku-4-5')]).toEqual([[], [], ['anthropic:claude-haiku-4-5']]);
    expect(listed(table).filter((name) => /opus|best/.test(name))).toEqual([]);
  });
});
