import { describe, expect, it } from 'vitest';
import type { Account } from '../../../internal/accounts/account.ts';
import { accountsOf, authFile } from '../../support/auth-files.ts';

const only = (...args: Parameters<typeof accountsOf>): Account => {
  const { accounts, problems } = accountsOf(...args);
  expect(problems).toEqual([]);
  const [account] = accounts;
  if (account === undefined || accounts.length > 1) throw new Error(`${accounts.length} accounts`);
  return account;
};
const shown = (headers: Account['headers']): Readonly<Record<string, string>> => Object.fromEntries([...headers].map(([name, value]) => [name, value.reveal()]));

describe('where each vendor\'s files are spent', () => {
  it.each([
    ['claude', authFile('claude'), { provider: 'anthropic', baseUrl: 'https://api.anthropic.com', dialects: ['anthropic-messages'], addressing: 'versioned', anthropicBetas: ['oauth-2025-04-20'], label: 'claude (ann@example.com)', owner: 'anthropic' }],
    ['codex of a team', authFile('codex', { name: 'codex-1a2b3c4d-ann@example.com-team.json', facts: { account_id: '1a2b3c4d-5e6f' } }), { provider: 'codex', baseUrl: 'https://chatgpt.com/backend-api/codex', dialects: ['openai-responses'], addressing: 'plain', label: 'codex (ann@example.com, 1a2b3c4d)', owner: 'openai' }],
    ['gemini', authFile('gemini', { facts: { project_id: 'proj-1' } }), { provider: 'google', baseUrl: 'https://generativelanguage.googleapis.com', dialects: ['gemini'], addressing: 'gemini', project: '', label: 'gemini (ann@example.com, proj-1)' }],
    ['antigravity', authFile('antigravity', { facts: { project_id: 'proj-2' } }), { provider: 'antigravity', baseUrl: 'https://cloudcode-pa.googleapis.com', dialects: ['gemini'], addressing: 'code-assist', project: 'proj-2' }],
    ['iflow', authFile('iflow'), { provider: 'iflow', baseUrl: 'https://apis.iflow.cn/v1', dialects: ['openai-chat'], addressing: 'plain' }],
    ['qwen without an address of its own', authFile('qwen', { name: 'qwen-1700000000000.json', email: '' }), { provider: 'qwen', baseUrl: 'https://portal.qwen.ai/v1', label: 'qwen (qwen-1700000000000)' }],
    ['qwen with a resource_url', authFile('qwen', { facts: { resource_url: 'eu.qwen.ai' } }), { baseUrl: 'https://eu.qwen.ai/v1' }],
    ['kimi', authFile('kimi'), { provider: 'kimi', baseUrl: 'https://api.kimi.com/coding', dialects: ['openai-chat', 'anthropic-messages'], addressing: 'versioned', owner: 'moonshot' }],
    ['xai', authFile('xai'), { provider: 'xai', baseUrl: 'https://api.x.ai/v1', dialects: ['openai-responses', 'openai-chat'] }],
    ['xai with a base_url', authFile('xai', { facts: { base_url: 'https://eu.x.ai/v1/' } }), { baseUrl: 'https://eu.x.ai/v1' }],
    ['vertex', authFile('vertex', { name: 'vertex-proj-3.json', facts: { project_id: 'proj-3', location: 'europe-west4' }, serviceAccount: '{}' }), { provider: 'vertex', baseUrl: 'https://europe-west4-aiplatform.googleapis.com/v1/projects/proj-3/locations/europe-west4', addressing: 'vertex', owner: 'google' }],
  ])('%s', (_, file, expected) => {
    const account = only([file]);
    expect(account).toMatchObject(expected);
    expect(account.origin).toBe(file.name);
    expect(account.id).toMatch(/^login:[\da-f]{12}$/);
  });

  it('a file\'s facts become the vendor\'s headers', () => {
    expect([...only([authFile('codex', { facts: { account_id: 'acc-1' } })]).vendorHeaders]).toEqual([['chatgpt-account-id', 'acc-1']]);
    expect([...only([authFile('gemini', { facts: { project_id: 'proj-1,proj-2' } })]).vendorHeaders]).toEqual([['x-goog-user-project', 'proj-1']]);
    expect([...only([authFile('codex')]).vendorHeaders]).toEqual([]);
  });

  it('a fact that cannot be a header is left out, and said', () => {
    const { accounts, problems } = accountsOf([authFile('codex', { facts: { account_id: 'acc\r\nx-evil: 1' } })]);
    expect([...(accounts[0]?.vendorHeaders ?? [])]).toEqual([]);
    expect(problems).toMatchObject([{ code: 'invalid_field', severity: 'warning' }]);
  });

  it('a header that frames messages is left out, of the file with a warning that names it', () => {
    const own = new Map([['Upgrade', 'h2c'], ['te', 'trailers'], ['host', 'a.example']]);
    const { accounts, problems } = accountsOf([authFile('claude', { operator: { headers: own } })], { oauth: { claude: { headers: { expect: '100-continue', 'x-team': 'a' } } } });
    expect([...(accounts[0]?.headers.keys() ?? [])]).toEqual(['x-team', 'host']);
    expect(problems).toMatchObject([{ code: 'invalid_field', severity: 'warning', message: expect.stringContaining('"Upgrade"') }, { message: expect.stringContaining('"te"') }]);
  });

  it('Vertex below an address of the config is spent over public http where `insecure-http` says so, and never by a file’s word', () => {
    const vertex = { 'base-url': 'http://psc.example.com', 'insecure-http': true };
    const facts = { project_id: 'p' };
    expect(only([authFile('vertex', { facts, serviceAccount: '{}' })], { oauth: { vertex } }).baseUrl).toBe('http://psc.example.com/v1/projects/p/locations/us-central1');
    expect(accountsOf([authFile('vertex', { facts, serviceAccount: '{}', operator: { baseUrl: 'http://other.example.com' } })], { oauth: { vertex } }).accounts).toEqual([]);
    expect(accountsOf([authFile('xai', { facts: { base_url: 'http://other.example.com' } })], { oauth: { xai: { 'insecure-http': true } } }).accounts).toEqual([]);
  });

  it('gemini files go to Code Assist only when the config says so', () => {
    const file = authFile('gemini', { facts: { project_id: 'proj-1' } });
    expect(only([file], { oauth: { google: { mode: 'code-assist' } } })).toMatchObject({ addressing: 'code-assist', baseUrl: 'https://cloudcode-pa.googleapis.com', project: 'proj-1', vendorHeaders: new Map() });
    expect(only([file], { oauth: { 'gemini-cli': { mode: 'code-assist' } } }).addressing).toBe('code-assist');
  });

  it('the config\'s base-url goes before the preset\'s, the file\'s own before both', () => {
    const given = { oauth: { anthropic: { 'base-url': 'https://gate.example/' } } };
    expect(only([authFile('claude')], given).baseUrl).toBe('https://gate.example');
    expect(only([authFile('claude', { operator: { baseUrl: 'https://own.example' } })], given).baseUrl).toBe('https://own.example');
  });

  it.each([
    ['https://psc.example', 'https://psc.example/v1/projects/p-1/locations/europe-west4'],
    ['https://psc.example/v1beta1', 'https://psc.example/v1beta1/projects/p-1/locations/europe-west4'],
    ['https://psc.example/v1/projects/other/locations/global', 'https://psc.example/v1/projects/other/locations/global'],
  ])('vertex at %s of the config keeps the file\'s project and location', (given, expected) => {
    const file = authFile('vertex', { facts: { project_id: 'p-1', location: 'europe-west4' }, serviceAccount: '{}' });
    expect(only([file], { oauth: { vertex: { 'base-url': given } } })).toMatchObject({ baseUrl: expected, addressing: 'vertex' });
  });

  it.each([{ location: 'x/projects/y' }, { location: 'evil.example/' }, { project_id: '../q' }])('vertex with %j makes no account, wherever it is', (facts) => {
    const file = authFile('vertex', { facts: { project_id: 'p-1', ...facts }, serviceAccount: '{}' });
    for (const given of [{}, { oauth: { vertex: { 'base-url': 'https://psc.example' } } }]) expect(accountsOf([file], given).accounts).toEqual([]);
  });

  it.each([
    ['vertex without a project', authFile('vertex', { facts: { location: 'europe-west4' }, serviceAccount: '{}' }), 'project_id'],
    ['vertex without a service account', authFile('vertex', { facts: { project_id: 'p' } }), 'no service account'],
    ['an address with a password', authFile('claude', { operator: { baseUrl: 'https://a:b@example.com' } }), 'password'],
    ['an address of the cloud\'s metadata', authFile('claude', { operator: { baseUrl: 'http://169.254.169.254/v1' } }), 'never connects'],
    ['plain http on the internet', authFile('xai', { facts: { base_url: 'http://api.x.ai/v1' } }), 'plain http'],
  ])('%s makes no account, and says why', (_, file, why) => {
    const { accounts, logins, problems } = accountsOf([file]);
    expect([accounts, logins]).toEqual([[], []]);
    expect(problems).toEqual([{ name: file.name, code: 'invalid_field', severity: 'error', message: expect.stringContaining(why) }]);
  });

  it('a type that no login has is named, foreign text escaped', () => {
    const { accounts, problems } = accountsOf([authFile('ai\nstudio')]);
    expect(accounts).toEqual([]);
    expect(problems).toEqual([{ name: expect.any(String), code: 'unknown_type', severity: 'error', message: expect.stringContaining('"ai\\nstudio"') }]);
  });
});

describe('what the operator says', () => {
  const given = {
    oauth: { claude: { prefix: '/team/', priority: 3, weight: 5, headers: { 'x-team': 'config', 'x-config': '1' }, 'proxy-url': 'http://config.example:3128', 'excluded-models': ['Claude-Opus-*'], 'disable-cooling': true } },
  };

  it('of the provider holds for every file of it', () => {
    const account = only([authFile('claude')], given);
    expect(account).toMatchObject({ prefix: 'team', priority: 3, weight: 5, proxyUrl: 'http://config.example:3128', excludedModels: ['claude-opus-*'], coolingDisabled: true, disabled: false });
    expect(shown(account.headers)).toEqual({ 'x-team': 'config', 'x-config': '1' });
  });

  it('of one file goes before what it says of the provider', () => {
    const account = only([authFile('claude', { operator: { prefix: 'ann', priority: 9, weight: 2, proxyUrl: 'direct', headers: new Map([['X-Team', 'file']]), excludedModels: ['claude-haiku-4-5'] } })], given);
    expect(account).toMatchObject({ prefix: 'ann', priority: 9, weight: 2, proxyUrl: 'direct', excludedModels: ['claude-opus-*', 'claude-haiku-4-5'] });
    expect(shown(account.headers)).toEqual({ 'x-team': 'file', 'x-config': '1' });
  });

  it.each([[{ oauth: { anthropic: { disabled: true } } }, {}], [{}, { disabled: true }]])('disabled by %j and %j is disabled', (config, operator) => {
    const { accounts, logins } = accountsOf([authFile('claude', { operator })], config);
    expect([accounts[0]?.disabled, logins[0]?.disabled]).toEqual([true, true]);
  });

  it.each([['claude'], ['anthropic'], ['Claude']])('hides models by `oauth-excluded-models.%s`', (name) => {
    expect(only([authFile('claude')], { 'oauth-excluded-models': { [name]: ['claude-OPUS-*'], codex: ['gpt-5'] } }).excludedModels).toEqual(['claude-opus-*']);
  });

  it.each([['gemini-cli'], ['google'], ['gemini']])('renames models by `oauth-model-alias.%s`', (name) => {
    const account = only([authFile('gemini')], { 'oauth-model-alias': { [name]: [{ name: 'gemini-2.5-pro', alias: 'g25p', fork: true }] } });
    expect([account.models, account.aliases]).toEqual([[], [{ name: 'gemini-2.5-pro', alias: 'g25p', isForked: true }]]);
  });

  it('renames within a list of models where there is one', () => {
    const oauth = { claude: { models: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } };
    const alias = { claude: [{ name: 'a', alias: 'x' }, { name: 'b', alias: 'y', fork: true }, { name: 'unlisted', alias: 'z' }] };
    expect(only([authFile('claude')], { oauth, 'oauth-model-alias': alias })).toMatchObject({
      models: [{ name: 'a', alias: 'x' }, { name: 'b', alias: 'b' }, { name: 'b', alias: 'y' }, { name: 'c', alias: 'c' }],
      aliases: [],
    });
  });

  it('a header of a file that cannot be sent is left out, and said', () => {
    const { accounts, problems } = accountsOf([authFile('claude', { operator: { headers: new Map([['x-good', '1'], ['x bad', '1'], ['x-worse', 'a\r\nb']]) } })]);
    expect(shown(accounts[0]?.headers ?? new Map())).toEqual({ 'x-good': '1' });
    expect(problems).toHaveLength(2);
  });
});

describe('files of one identity', () => {
  const first = authFile('claude', { name: 'a.json' });
  const second = authFile('claude', { name: 'b.json', operator: { priority: 4 } });

  it('are one account and one login; the second is reported', () => {
    const { accounts, logins, problems } = accountsOf([first, second]);
    expect(accounts.map(({ origin }) => origin)).toEqual(['a.json']);
    expect(logins).toMatchObject([{ source: 'refresh-token', fileNames: ['a.json', 'b.json'], accountId: accounts[0]?.id, label: 'claude (ann@example.com)', disabled: false }]);
    expect(problems).toEqual([{ name: 'b.json', code: 'duplicate_of', severity: 'warning', message: expect.stringContaining('a.json') }]);
  });

  it('the first that is not disabled counts', () => {
    const { accounts, logins } = accountsOf([authFile('claude', { name: 'a.json', operator: { disabled: true } }), second]);
    expect(accounts).toMatchObject([{ origin: 'b.json', priority: 4, disabled: false }]);
    expect(logins[0]?.fileNames).toEqual(['b.json', 'a.json']);
  });

  it('have one key under every spelling of their type', () => {
    expect(accountsOf([authFile('anthropic', { name: 'c.json' })]).logins[0]?.key).toBe(accountsOf([first]).logins[0]?.key);
  });

  it('at two logins of one vendor stay two accounts', () => {
    const { accounts, problems } = accountsOf([authFile('antigravity', { facts: { project_id: 'p' } }), authFile('gemini', { facts: { project_id: 'p' } })]);
    expect(accounts.map(({ provider }) => provider)).toEqual(['antigravity', 'google']);
    expect(problems).toEqual([]);
  });

  it('keep their account id when they are renamed, and no id tells an e-mail', () => {
    const [before] = accountsOf([first]).accounts;
    const [after] = accountsOf([{ ...first, name: 'z.json' }]).accounts;
    expect(after?.id).toBe(before?.id);
    expect(JSON.stringify([before?.id, before?.credential])).not.toContain('ann');
  });

  it('behind another token endpoint are another login', () => {
    const moved = accountsOf([first], { oauth: { claude: { 'token-url': 'https://id.example/token' } } });
    expect(moved.logins[0]?.key).not.toBe(accountsOf([first]).logins[0]?.key);
  });
});

describe('endpoints of the operator\'s own', () => {
  const corp = { issuer: 'https://id.example', 'client-id': 'keyward', grant: 'client-credentials', 'base-url': 'https://llm.example/v1', models: [{ name: 'big-1', alias: 'big' }], headers: { 'x-team': 'a' } };

  it('by client credentials are an account and a login without a file', () => {
    const { accounts, logins, problems } = accountsOf([], { oauth: { corp } });
    expect(problems).toEqual([]);
    expect(accounts).toMatchObject([{ provider: 'oauth', owner: 'corp', label: 'corp', origin: 'oauth.corp', baseUrl: 'https://llm.example/v1', dialects: ['openai-chat'], models: [{ name: 'big-1', alias: 'big' }] }]);
    expect(logins).toMatchObject([{ source: 'client-credentials', fileNames: [], accountId: accounts[0]?.id }]);
    expect(accounts[0]?.credential).toEqual({ kind: 'login', loginKey: logins[0]?.key });
  });

  it('two clients at one issuer are two logins', () => {
    const { logins } = accountsOf([], { oauth: { corp, lab: { ...corp, 'token-parameters': { audience: 'lab' } } } });
    expect(new Set(logins.map(({ key }) => key)).size).toBe(2);
  });

  it('without base-url are a problem in words, with a file or without', () => {
    const oauth = { corp: { ...corp, 'base-url': '' }, lab: { ...corp, grant: 'device', 'base-url': '' } };
    const { accounts, problems } = accountsOf([authFile('lab')], { oauth });
    expect(accounts).toEqual([]);
    expect(problems).toEqual([
      { name: 'lab-ann@example.com.json', code: 'invalid_field', severity: 'error', message: expect.stringContaining('`base-url` to `oauth.lab`') },
      { name: 'oauth.corp', code: 'invalid_field', severity: 'error', message: expect.stringContaining('`base-url` to `oauth.corp`') },
    ]);
  });

  it('with a login of a person take its file', () => {
    expect(only([authFile('corp')], { oauth: { corp: { ...corp, grant: 'device' } } })).toMatchObject({ provider: 'oauth', origin: 'corp-ann@example.com.json', baseUrl: 'https://llm.example/v1' });
  });

  it('a file of what is by client credentials now is not used, and said', () => {
    const { accounts, problems } = accountsOf([authFile('corp')], { oauth: { corp } });
    expect(accounts.map(({ origin }) => origin)).toEqual(['oauth.corp']);
    expect(problems).toMatchObject([{ name: 'corp-ann@example.com.json', severity: 'error' }]);
  });

  it.each([['anthropic-messages', 'versioned'], ['openai-responses', 'plain'], ['gemini', 'gemini']])('in the dialect %s are called by its paths', (dialect, addressing) => {
    expect(accountsOf([], { oauth: { corp: { ...corp, dialect } } }).accounts).toMatchObject([{ dialects: [dialect], addressing }]);
  });
});
