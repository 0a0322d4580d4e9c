import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { asked, logIn, makeClient, postForm, refreshForm, standing, tokenOf } from '../../support/oauth-calls.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerEvents, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

/* Security rule 37 for tokens: whoever stands behind one, when it ends the token ends with it, and what runs by its right. */

let upstream: ScriptedUpstream;
let daemon: IdentityDaemon;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
  daemon = await startIdentityDaemon({ config: `openai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }] }\n` });
});
afterEach(async () => {
  await upstream.close();
  await daemon.stop();
});

const chat = (key: string, stream = true): Promise<RawAnswer> =>
  send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }) });
const begun = (count = 1): Promise<number> => until('the upstream was asked', () => upstream.seen.length >= count, 20_000);

async function makeKey(body: object = {}): Promise<{ readonly id: string; readonly key: string }> {
  const { status, body: made } = await daemon.manage('POST', '/client-keys', { name: 'minter', scopes: ['models:use', 'models:read', 'clients:write', 'clients:read'], ...body });
  expect(status).toBe(201);
  return { id: String(made['id']), key: String(made['key']) };
}

async function sessionOf(): Promise<string> {
  const { body } = await daemon.manage('GET', '/sessions?limit=1');
  const rows: unknown = body['sessions'];
  return Array.isArray(rows) ? String(Reflect.get(Object(rows[0]), 'id')) : '';
}

describe('the tokens of a client that a managed key has made', () => {
  it('end at once with the key, and what runs by them within 50 ms', async () => {
    const minter = await makeKey();
    const token = await tokenOf(daemon, await makeClient(daemon, {}, minter.key));
    expect(await standing(daemon, token)).toBe('200');
    const running = chat(token);
    await begun();
    expect((await daemon.manage('POST', `/client-keys/${minter.id}/revoke`)).status).toBe(200);
    expect(await until('the upstream is left', () => upstream.left.length === 1)).toBeLessThan(50);
    expect((await running).body.toString()).toContain('token_revoked');
    expect(await standing(daemon, token)).toBe('401 token_revoked');
  });

  it.each([
    ['its scopes', { scopes: ['models:use', 'clients:write'] }, '403 scope_not_allowed'],
    ['its addresses', { addresses: ['192.0.2.0/24'] }, '403 address_not_allowed'],
  ])('lose with %s what the key loses, at the next request', async (_what, less, refusal) => {
    const minter = await makeKey();
    const token = await tokenOf(daemon, await makeClient(daemon, {}, minter.key));
    expect(await standing(daemon, token)).toBe('200');
    expect((await daemon.manage('PATCH', `/client-keys/${minter.id}`, less)).status).toBe(200);
    expect(await standing(daemon, token)).toBe(refusal);
  });

  it('end when the key expires, whatever was remembered', async () => {
    const minter = await makeKey({ expires_in: '2s' });
    const token = await tokenOf(daemon, await makeClient(daemon, {}, minter.key));
    expect(await standing(daemon, token)).toBe('200');
    await until('the key has expired', async () => (await standing(daemon, minter.key)) === '401 key_expired', 5_000);
    expect(await standing(daemon, token)).toMatch(/^401 /);
  });

  it('end when the key is taken away by another process, within a second', async () => {
    const minter = await makeKey();
    const token = await tokenOf(daemon, await makeClient(daemon, {}, minter.key));
    expect(await standing(daemon, token)).toBe('200');
    const { createManagedKeyStoreOn } = await import('../../support/other-process.ts');
    const other = createManagedKeyStoreOn(`${daemon.folder}/data/state/keyward.db`);
    other.revoke(minter.id);
    other.close();
    expect(await until('it is refused', async () => (await standing(daemon, token)) === '401 token_revoked')).toBeLessThan(1_000);
  });
});

describe('a login that is ended', () => {
  it('1,000 in flight at T: none admitted after T, all ended, nothing resurrected by a refresh that races with it', async () => {
    const login = await logIn(daemon);
    const stays = await logIn(daemon, { name: 'bob' });
    const { body } = await daemon.manage('GET', '/sessions?limit=10');
    const rows: unknown = body['sessions'];
    const own = Array.isArray(rows) ? rows.find((row: unknown) => JSON.stringify(row).includes('"ann"')) : undefined;
    const id = String(Reflect.get(Object(own), 'id'));
    const answers = Array.from({ length: 1_000 }, (_, index) => chat(login.access, index % 2 === 0));
    await begun(1_000);
    const late: Promise<{ readonly startedMs: number; readonly told: string }>[] = [];
    const asking = setInterval(() => {
      const startedMs = performance.now();
      late.push(standing(daemon, login.access).then((told) => ({ startedMs, told })));
    }, 2);
    await new Promise((next) => setTimeout(next, 50));
    // One refresh before, one after, whichever comes first to the store.
    const [before, ended, after] = await Promise.all([postForm(daemon.url, '/oauth/token', refreshForm(login.refresh)), daemon.manage('DELETE', `/sessions/${id}`), postForm(daemon.url, '/oauth/token', refreshForm(login.refresh))]);
    const endedAtMs = performance.now();
    expect(ended.status).toBe(200);
    const seenAtT = upstream.seen.length;
    for (const { body: text } of await Promise.all(answers)) expect(text.toString()).toContain('token_revoked');
    await new Promise((next) => setTimeout(next, 700));
    clearInterval(asking);
    const asked = (await Promise.all(late)).filter(({ startedMs }) => startedMs > endedAtMs);
    expect(asked.length).toBeGreaterThan(50);
    expect(new Set(asked.map(({ told }) => told))).toEqual(new Set(['401 token_revoked']));
    expect(upstream.seen.length).toBe(seenAtT);
    await until('every upstream is left', () => upstream.left.length === 1_000);
    // Tokens that the race may have brought are worth nothing, and cannot be refreshed.
    for (const { json } of [before, after]) {
      if (typeof json['access_token'] === 'string') expect(await standing(daemon, json['access_token'])).toBe('401 token_revoked');
      if (typeof json['refresh_token'] === 'string') expect((await postForm(daemon.url, '/oauth/token', refreshForm(json['refresh_token']))).json['error']).toBe('invalid_grant');
    }
    expect(await standing(daemon, stays.access)).toBe('200');
  }, 60_000);

  it('is not brought back by refreshes that race with its end, round after round', async () => {
    for (let round = 0; round < 20; round++) {
      const login = await logIn(daemon, { name: `r${round}` });
      const id = await sessionOf();
      const [refreshed] = await Promise.all([postForm(daemon.url, '/oauth/token', refreshForm(login.refresh)), daemon.manage('DELETE', `/sessions/${id}`)]);
      for (const token of [login.access, refreshed.json['access_token']]) if (typeof token === 'string') expect(await standing(daemon, token)).toBe('401 token_revoked');
      const next = refreshed.json['refresh_token'];
      expect((await postForm(daemon.url, '/oauth/token', refreshForm(typeof next === 'string' ? next : login.refresh))).json['error']).toBe('invalid_grant');
    }
  }, 30_000);

  it('takes along what was derived from it, and the clients that the person made lose what the person loses', async () => {
    const login = await logIn(daemon);
    const { body } = await asked(daemon, '/oauth/run-keys', login.access, {});
    expect(await standing(daemon, String(body['key']))).toBe('200');
    await daemon.manage('DELETE', `/sessions/${await sessionOf()}`);
    expect(await standing(daemon, String(body['key']))).toBe('401 token_revoked');
  });
});

describe('a client that is deleted', () => {
  it('takes its tokens along, running ones too', async () => {
    const client = await makeClient(daemon);
    const token = await tokenOf(daemon, client);
    const running = chat(token);
    await begun();
    expect((await daemon.manage('DELETE', `/oauth-clients/${client.id}`)).status).toBe(200);
    expect((await running).body.toString()).toContain('token_revoked');
    expect(await standing(daemon, token)).toBe('401 token_revoked');
  });
});
