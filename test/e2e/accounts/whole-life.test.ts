import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow } from '../../conformance/canary/canaries.ts';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { bearerOf, simulatedText, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { until } from '../../support/until.ts';

/*
 * One daemon, one login, from its first page to its end: a certified authorization server in its own process, whose tokens
 * the upstream has it check one by one, and a third party's simulator behind.
 */

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
const { version }: { readonly version: string } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));

/** What to end, the newest first; filled while it starts, so that a start that fails leaves nothing running. */
const ends: (() => Promise<unknown>)[] = [];
let identityProvider: IdentityProvider;
let gate: SimulatedGate;
let folder: string;
let daemon: RunningDaemon;
let client: OpenAI;
/** All that must be in no log, page or answer. */
const secrets = new Set<string>();
/** Access tokens that the file held when it was looked at: whenever a request arrives upstream, at least. */
const held = new Set<string>();
/** What anybody was told on the way. */
const told: string[] = [];

beforeAll(async () => {
  identityProvider = await startIdentityProvider({ accessTokenSeconds: 2 });
  ends.unshift(() => identityProvider.stop());
  gate = await startSimulatedGate({
    admits: ({ headers }) => {
      tokens();
      return identityProvider.isActive(bearerOf(headers));
    },
  });
  ends.unshift(() => gate.close());
  folder = makeFolder();
  daemon = await startDaemon({
    folder,
    config: `api-keys: ["${clientKey}"]
remote-management: { secret-key: "${secret}" }
debug: true
logging-to-file: true
request-log: true
oauth:
  corp:
    issuer: "${identityProvider.issuer}"
    client-id: native
    scopes: [openid, offline_access, email, models]
    base-url: "${gate.url}/v1"
    models: [{ name: "m-1" }]
`,
  });
  ends.unshift(() => daemon.stop());
  client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: clientKey, maxRetries: 0 });
});
afterAll(async () => {
  for (const end of ends) await end();
});

async function management(path: string, method = 'GET'): Promise<Asked> {
  const answer = await ask(daemon.url, `/v0/management${path}`, { key: secret, method });
  // The one who starts a login is told its state.
  if (!path.endsWith('-auth-url')) told.push(`${JSON.stringify(answer.headers)}${answer.text}`);
  return answer;
}

/** By the vendor's page and the redirect to the daemon's own port, as a browser would. */
async function logIn(): Promise<string> {
  const { json } = await management('/corp-auth-url');
  const [url, state] = [String(memberOf(json, 'url')), String(memberOf(json, 'state'))];
  secrets.add(state);
  const end = await createBrowserWalk().open(`${url}&login_hint=gus`);
  const callback = end.visited.find((hop) => hop.startsWith(`http://localhost:${daemon.port}/oauth/callback/corp?`)) ?? '';
  const code = new URL(callback).searchParams.get('code') ?? '';
  expect(code.length).toBeGreaterThan(20);
  secrets.add(code);
  expect([end.status, end.url, end.body]).toEqual([200, expect.stringMatching(/\/login\/[\w-]+$/), expect.stringContaining('gus@example.com')]);
  told.push(end.body, JSON.stringify([...end.headers]));
  return end.url;
}

const files = (): readonly string[] => readdirSync(join(folder, 'auth')).filter((name) => name.endsWith('.json'));
function tokens(): { readonly access_token: string; readonly refresh_token: string } {
  const stored: { readonly access_token: string; readonly refresh_token: string; readonly id_token?: string } = JSON.parse(readFileSync(join(folder, 'auth', files()[0] ?? ''), 'utf8'));
  for (const token of [stored.access_token, stored.refresh_token, stored.id_token ?? '']) if (token !== '') secrets.add(token);
  held.add(stored.access_token);
  return stored;
}

async function stream(): Promise<string> {
  let text = '';
  for await (const chunk of await client.chat.completions.create({ model: 'm-1', messages: [{ role: 'user', content: 'hi' }], stream: true })) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

const refreshed = (): number => identityProvider.events().filter(({ event, grant }) => event === 'issued' && grant === 'refresh_token').length;
const troubles = (): readonly unknown[] => identityProvider.events().filter(({ event }) => event !== 'issued');

describe('a login by code and PKCE over the daemon’s own port', () => {
  it('leaves one file, and its model is listed within 2 s', async () => {
    expect((await client.models.list()).data).toEqual([]);
    await logIn();
    const tookMs = await until('the model is listed', async () => (await client.models.list()).data.some(({ id }) => id === 'm-1'), 2_000);
    expect(tookMs).toBeLessThan(2_000);
    expect(files()).toEqual([expect.stringMatching(/^corp-[\da-f]{8}-gus@example\.com\.json$/)]);
  });

  it('is spent by an SDK, streamed, with the very token of the file', async () => {
    tokens();
    expect(await stream()).toBe(simulatedText);
    expect(held).toContain(bearerOf(gate.seen.at(-1)?.headers ?? {}));
  });

  it('goes on through three rotations with requests all the while; no token is sent twice, none is refused', async () => {
    const answers: string[] = [];
    await until('three rotations', async () => {
      tokens();
      answers.push(...(await Promise.all(Array.from({ length: 8 }, () => stream()))));
      return refreshed() >= 3;
    }, 15_000);
    expect(answers.length).toBeGreaterThan(16);
    expect(new Set(answers)).toEqual(new Set([simulatedText]));
    expect(new Set(gate.seen.map(({ headers }) => bearerOf(headers))).size).toBeGreaterThanOrEqual(3);
    expect(troubles()).toEqual([]);
  });

  it('names Keyward at the token endpoint and upstream', () => {
    expect(new Set(identityProvider.events().map(({ userAgent }) => userAgent))).toEqual(new Set([`keyward/${version}`]));
    expect(new Set(gate.seen.map(({ headers }) => headers['user-agent']))).toEqual(new Set([`keyward/${version}`]));
  });
});

describe('a login that its person ends at the provider', () => {
  it('is `needs_login` to clients, without a name, and everywhere an operator looks', async () => {
    await identityProvider.revoke(tokens().refresh_token);
    await until('the login is given up', async () => {
      tokens();
      return JSON.stringify(memberOf((await management('/status')).json, 'accounts')).includes('"login":"needs_login"');
    }, 8_000);
    await until('its last token has ended', async () => (await ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'm-1', messages: [] } })).status === 503, 5_000);
    const refused = await ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'm-1', messages: [] } });
    told.push(refused.text);
    expect([refused.status, refused.code, refused.headers['x-should-retry'], memberOf(memberOf(refused.json, 'error'), 'reason')]).toEqual([503, 'account_unavailable', 'false', 'needs_login']);
    expect(refused.text).not.toContain('gus');

    const [file] = files();
    expect(memberOf((await management('/status')).json, 'accounts')).toMatchObject([{ provider: 'oauth', file, state: 'needs_login', login: 'needs_login', reason: 'refresh_refused', detail: expect.stringContaining('invalid_grant'), since: expect.stringMatching(/^\d{4}-/) }]);
    const ready = await ask(daemon.url, '/readyz', { key: secret });
    expect([ready.status, ready.text]).toEqual([200, expect.stringMatching(/"degraded".*account_needs_login/)]);
    const metrics = await ask(daemon.url, '/metrics', { key: secret });
    expect(metrics.text).toMatch(/^keyward_accounts\{state="needs_login"\} 1$/m);
    expect(metrics.text).toMatch(/^keyward_token_refreshes_total\{provider="corp",result="refused"\} 1$/m);
    expect((await management('/audit')).text).toMatch(new RegExp(`"account\\.needs_login"[^}]*"${file}"`));
    expect(memberOf((await management('/explain?model=m-1')).json, 'candidates')).toMatchObject([{ usable: false, skipped: expect.stringContaining('it needs a login since') }]);
    expect(memberOf((await management('/auth-files')).json, 'files')).toMatchObject([{ name: file, status: 'needs_login' }]);
    told.push(ready.text, metrics.text);
    // One question was enough: what was refused is not asked again by each request.
    expect(identityProvider.events().filter(({ event }) => event === 'refused')).toMatchObject([{ error: 'invalid_grant' }]);
  });

  it('is well again by a new login, without a restart, under the same file', async () => {
    const before = files();
    await logIn();
    expect(files()).toEqual(before);
    tokens();
    expect(await stream()).toBe(simulatedText);
    expect((await ask(daemon.url, '/readyz', { key: secret })).text).not.toContain('account_needs_login');
    expect((await management('/audit')).text).toContain('"account.recovered"');
  });
});

describe('a login that its operator ends', () => {
  it('is revoked at the provider, its file is gone, and its models with it', async () => {
    const { refresh_token: refreshToken } = tokens();
    expect(await identityProvider.isActive(refreshToken)).toBe(true);
    const ended = await management(`/auth-files?name=${encodeURIComponent(files()[0] ?? '')}&revoke=true`, 'DELETE');
    expect([ended.status, ended.text]).toEqual([200, expect.stringContaining('revo')]);
    expect(await identityProvider.isActive(refreshToken)).toBe(false);
    expect(files()).toEqual([]);
    expect((await client.models.list()).data).toEqual([]);
    await expect(stream()).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    expect(identityProvider.events().some(({ detail }) => detail?.includes('already used'))).toBe(false);
  });

  it('no code, state or token of all this is in a page, an answer, a log, or the database', async () => {
    for (const path of ['/config', '/config.yaml', '/audit', '/status', '/usage', '/logs', '/oauth-sessions', '/request-error-logs']) await management(path);
    await daemon.stop();
    expect(secrets.size).toBeGreaterThan(12);
    const data = filesBelow(join(folder, 'data'));
    expect(data.some(({ path }) => path.includes('logs')) && data.some(({ path }) => path.endsWith('.db'))).toBe(true);
    for (const hidden of secrets) {
      expect(told.join('\n')).not.toContain(hidden);
      expect(daemon.output()).not.toContain(hidden);
      expect(data.filter(({ bytes }) => bytes.includes(hidden)).map(({ path }) => path)).toEqual([]);
      // What is gone leaves nothing in the auth directory either, old versions included.
      expect(filesBelow(join(folder, 'auth')).filter(({ bytes }) => bytes.includes(hidden)).map(({ path }) => path)).toEqual([]);
    }
  });
});
