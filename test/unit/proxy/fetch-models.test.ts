import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../internal/accounts/account.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { createDispatchers, type Dispatchers } from '../../../internal/egress/dispatchers.ts';
import type { Result } from '../../../internal/fault/result.ts';
import { fetchModelNames, readNames } from '../../../internal/proxy/fetch-models.ts';
import { createUpstreams } from '../../../internal/proxy/upstreams.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let dispatchers: Dispatchers;

beforeEach(async () => {
  upstream = await startScriptedUpstream((_seen, res) => answerJson(res, 200, { object: 'list', data: [{ id: 'a' }, { id: 'b' }] }));
  dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
});
afterEach(async () => {
  await dispatchers.close();
  await upstream.close();
});

const keeper = createFakeKeeper();

function fetchFor(account: Account, signal: AbortSignal = new AbortController().signal): Promise<Result<readonly string[], string>> {
  return fetchModelNames({ upstreams: createUpstreams({ userAgent: 'keyward/test', dispatchers }), tokens: keeper }, account, '', signal);
}

function accountOf(section: string, more: object): Account {
  const [account] = accountsFromConfig(configOf({ [section]: [more] })).accounts;
  if (account === undefined) throw new Error('no account');
  return account;
}

const compat = (more: object = {}): Account => accountOf('openai-compatibility', { name: 'c', 'base-url': `${upstream.url}/v1`, 'api-key-entries': [{ 'api-key': 'sk-compat-0123456789' }], ...more });

describe('a model list is asked for', () => {
  it('below the endpoint’s own path, by its key and the operator’s headers', async () => {
    expect(await fetchFor(compat({ headers: { 'X-Team': 'blue-0123456789' } }))).toEqual({ ok: true, value: ['a', 'b'] });
    expect(upstream.seen).toMatchObject([{ method: 'GET', url: '/v1/models', headers: { authorization: 'Bearer sk-compat-0123456789', 'x-team': 'blue-0123456789', 'user-agent': 'keyward/test', accept: 'application/json' } }]);
    expect(upstream.seen[0]?.headers['anthropic-version']).toBeUndefined();
  });

  it('of Anthropic in Anthropic’s way', async () => {
    await fetchFor(accountOf('claude-api-key', { 'api-key': 'sk-ant-0123456789', 'base-url': upstream.url }));
    expect(upstream.seen).toMatchObject([{ url: '/v1/models?limit=1000', headers: { 'x-api-key': 'sk-ant-0123456789', 'anthropic-version': '2023-06-01' } }]);
  });

  it('of Gemini in Gemini’s way', async () => {
    upstream.setScript((_seen, res) => answerJson(res, 200, { models: [{ name: 'models/gemini-x', displayName: 'X' }, { name: 'tunedModels/y' }] }));
    expect(await fetchFor(accountOf('gemini-api-key', { 'api-key': 'AIza-0123456789', 'base-url': upstream.url }))).toEqual({ ok: true, value: ['gemini-x', 'tunedModels/y'] });
    expect(upstream.seen).toMatchObject([{ url: '/v1beta/models?pageSize=1000', headers: { 'x-goog-api-key': 'AIza-0123456789' } }]);
  });

  it('of a login by its token', async () => {
    keeper.good.set('login-key', 'token-canary');
    const login: Account = { ...compat(), provider: 'oauth', credential: { kind: 'login', loginKey: 'login-key' } };
    expect((await fetchFor(login)).ok).toBe(true);
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer token-canary');
  });

  it('not of a login without a token', async () => {
    keeper.faults.set('ended', { kind: 'needs_login', reason: 'refresh_refused', detail: '' });
    expect(await fetchFor({ ...compat(), provider: 'oauth', credential: { kind: 'login', loginKey: 'ended' } })).toEqual({ ok: false, error: 'refresh_refused' });
    expect(upstream.seen).toEqual([]);
  });

  it('not of endpoints of which no list is known', async () => {
    expect(await fetchFor(accountOf('vertex-api-key', { 'api-key': 'vk-0123456789', 'base-url': upstream.url }))).toEqual({ ok: false, error: 'no_model_list' });
    expect(upstream.seen).toEqual([]);
  });

  it('never at an address that the guard refuses', async () => {
    expect(await fetchFor({ ...compat(), baseUrl: 'http://169.254.169.254/v1' })).toEqual({ ok: false, error: 'upstream_refused_address' });
  });
});

describe('an answer that is no list', () => {
  it.each([
    ['http_401', 401, { data: [{ id: 'a' }] }],
    ['http_302', 302, {}],
    ['http_500', 500, {}],
    ['not_a_model_list', 200, { data: {} }],
    ['not_a_model_list', 200, 'text'],
    ['not_a_model_list', 200, null],
  ])('is told as %s', async (code, status, body) => {
    upstream.setScript((_seen, res) => answerJson(res, status, body, { location: '/elsewhere' }));
    expect(await fetchFor(compat())).toEqual({ ok: false, error: code });
    expect(upstream.seen).toHaveLength(1);
  });

  it('beyond a megabyte is broken off', async () => {
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write('{"data":[');
      const more = (): void => {
        while (!res.destroyed && res.write(`{"id":"${'x'.repeat(1_000)}"},`));
        res.once('drain', more);
      };
      more();
    });
    expect(await fetchFor(compat())).toEqual({ ok: false, error: 'too_large' });
  });

  it('that a small coded answer would grow to is not read', async () => {
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip' });
      res.end(gzipSync(Buffer.from(`{"data":[{"id":"a"}],"pad":"${'x'.repeat(2_000_000)}"}`)));
    });
    expect(await fetchFor(compat())).toEqual({ ok: false, error: 'not_a_model_list' });
  });

  it('and never comes ends with the signal', async () => {
    upstream.setScript(() => undefined);
    const stop = new AbortController();
    const asked = fetchFor(compat(), stop.signal);
    setTimeout(() => stop.abort(Object.assign(new Error('late'), { code: 'timeout' })), 50);
    expect(await asked).toEqual({ ok: false, error: 'timeout' });
  });

  it('from where nobody listens names the failure', async () => {
    expect(await fetchFor(compat({ 'base-url': 'http://127.0.0.1:1/v1' }))).toEqual({ ok: false, error: 'ECONNREFUSED' });
  });
});

describe('the names of a list', () => {
  const read = (value: unknown): readonly string[] | undefined => readNames(Buffer.from(JSON.stringify(value)));

  it('come from each of the known forms', () => {
    expect(read({ data: [{ id: 'a' }, { id: 'models/b' }] })).toEqual(['a', 'models/b']);
    expect(read({ models: [{ name: 'models/c' }] })).toEqual(['c']);
    expect(read([{ id: 'd' }, { id: 'd' }])).toEqual(['d']);
    expect(read({ data: [] })).toEqual([]);
  });

  it('leave out what cannot be shown or called', () => {
    const odd = ['', ' a', 'a ', 'a\nb', 'a\u0000', 'a\u202eb', '\ud800', 'a\u00a0b', 'x'.repeat(513)];
    expect(read({ data: [...odd.map((id) => ({ id })), { id: 7 }, {}, null, 'text', ['id'], { id: 'x'.repeat(512) }, { id: 'Qwen 3 (8b)' }, { id: '模型:1' }] })).toEqual(['x'.repeat(512), 'Qwen 3 (8b)', '模型:1']);
  });

  it('are two thousand at most', () => {
    expect(read({ data: Array.from({ length: 5_000 }, (_, index) => ({ id: `m${index}` })) })).toHaveLength(2_000);
  });
});
