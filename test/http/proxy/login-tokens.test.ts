import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../internal/accounts/account.ts';
import type { TokenFault } from '../../../internal/tokens/ports.ts';
import { accountsOf, authFile } from '../../support/auth-files.ts';
import { createFakeKeeper, type FakeKeeper } from '../../support/fake-keeper.ts';
import { spentAt, startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let upstream: ScriptedUpstream;
let keeper: FakeKeeper;
let rig: ProxyRig | undefined;
/** Tokens that the upstream refuses with 401. */
let invalidated: Set<string>;
/** Status by token for what the upstream refuses otherwise. */
let limited: Map<string, number>;

const bearer = (authorization: string | undefined): string => (authorization ?? '').replace('Bearer ', '');
const vendor: Script = ({ headers }, res) => {
  const token = bearer(headers.authorization);
  const status = limited.get(token);
  if (status !== undefined) answerJson(res, status, { error: { type: 'rate_limit_error', token } }, { 'retry-after': '20' });
  else if (invalidated.has(token)) answerJson(res, 401, { error: { type: 'authentication_error', message: `token ${token} was invalidated` } });
  else answerJson(res, 200, { id: 'msg_1', served_by: 'the vendor' });
};
beforeEach(async () => {
  keeper = createFakeKeeper();
  invalidated = new Set();
  limited = new Map();
  upstream = await startScriptedUpstream(vendor);
});
afterEach(async () => {
  await rig?.close();
  await upstream.close();
});

const refreshFailed: TokenFault = { kind: 'unavailable', reason: 'refresh_failed', detail: 'the token endpoint broke off' };
const needsLogin: TokenFault = { kind: 'needs_login', reason: 'refresh_refused', detail: 'invalid_grant' };

interface Started {
  readonly accounts: readonly Account[];
  readonly keys: readonly string[];
  readonly call: () => Promise<RawAnswer>;
  readonly seenTokens: () => readonly string[];
}

/** `count` claude logins, all expired until a test says otherwise. */
async function start(count: number, config: object = {}, operator: object = {}): Promise<Started> {
  const files = Array.from({ length: count }, (_, index) => authFile('claude', { email: `user${index}@example.com`, operator }));
  const { accounts, logins } = accountsOf(files);
  rig = await startProxyRig({ accounts: accounts.map((account) => spentAt(account, upstream.url)), tokens: keeper, config });
  const { url } = rig;
  return {
    accounts,
    keys: logins.map(({ key }) => key),
    call: () => send(url, { method: 'POST', path: '/v1/messages', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-sonnet-4-5', messages: [] }) }),
    seenTokens: () => upstream.seen.map(({ headers }) => bearer(headers.authorization)),
  };
}
const errorOf = (answer: RawAnswer): Readonly<Record<string, unknown>> => {
  const body: unknown = JSON.parse(answer.body.toString());
  const error: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
  return typeof error === 'object' && error !== null ? { ...error } : {};
};

describe('a request is served without a restart', () => {
  describe.each([1, 2])('with %i account(s)', (count) => {
    it('when the access token has expired', async () => {
      const { call } = await start(count);
      expect((await call()).status).toBe(200);
      expect([upstream.seen.length, keeper.refreshes()]).toEqual([1, 1]);
    });

    it('when the upstream has invalidated a token that looks good', async () => {
      const { call, keys, seenTokens } = await start(count);
      for (const key of keys) {
        keeper.good.set(key, `old-${key}`);
        invalidated.add(`old-${key}`);
      }
      const answer = await call();
      expect([answer.status, answer.body.toString()]).toEqual([200, '{"id":"msg_1","served_by":"the vendor"}']);
      // The same account was asked again, and its body was whole both times.
      expect(seenTokens()).toEqual([`old-${keys[0]}`, `token-${keys[0]?.slice(0, 8)}-refreshed-1`]);
      expect(new Set(upstream.seen.map(({ body }) => body.toString())).size).toBe(1);
      expect(rig?.settled).toMatchObject([{ status: 200, outcome: 'ok', attempts: 2 }]);
    });

    it('when it cools down for its rate limit and its token expires meanwhile', async () => {
      const { call, keys } = await start(count);
      for (const key of keys) {
        keeper.good.set(key, `busy-${key}`);
        limited.set(`busy-${key}`, 429);
      }
      expect((await call()).status).toBe(429);
      keeper.good.clear();
      rig?.clock.advance(20_000);
      expect((await call()).status).toBe(200);
    });

    it('when a refresh fails once', async () => {
      const { call, keys } = await start(count, { 'request-retry': 1, 'max-retry-interval': 10 });
      for (const key of keys) keeper.faults.set(key, refreshFailed);
      const answered = call();
      await until('every account was asked for its token', () => keeper.faults.size === 0);
      // The round after the pause that the fault asks for.
      await until('the answer, or the pause before it', async () => {
        rig?.clock.advance(1_000);
        return (await Promise.race([answered, Promise.resolve(undefined)])) !== undefined;
      });
      expect((await answered).status).toBe(200);
    });
  });

  it('by the other account when one has no token, and that one is not held against it', async () => {
    const { call, keys } = await start(2);
    keeper.faults.set(keys[0] ?? '', refreshFailed);
    expect([(await call()).status, upstream.seen.length]).toEqual([200, 1]);
    expect(rig?.router.states(rig.table).map(({ state }) => state)).toEqual(['ready', 'ready']);
  });
});

describe('without any token the client is told the class of the reason', () => {
  it('503 needs_login, no account named, not to be retried', async () => {
    const { call, keys } = await start(2);
    for (const key of keys) keeper.faults.set(key, needsLogin);
    const answer = await call();
    expect([answer.status, answer.headers['x-should-retry'], answer.headers['retry-after']]).toEqual([503, 'false', undefined]);
    expect(errorOf(answer)).toMatchObject({ code: 'account_unavailable', reason: 'needs_login' });
    expect(answer.body.toString()).not.toMatch(/user\d@|invalid_grant/);
    expect([upstream.seen.length, rig?.settled]).toEqual([0, [expect.objectContaining({ attempts: 0, outcome: 'account_unavailable' })]]);
  });

  it.each<[TokenFault['reason'], string | undefined]>([['refresh_in_progress', '1'], ['refresh_failed', '5'], ['storage_unwritable', undefined]])('503 %s with Retry-After %s', async (reason, retryAfter) => {
    const { call, keys } = await start(1);
    keeper.faults.set(keys[0] ?? '', { kind: 'unavailable', reason, detail: 'd' });
    const answer = await call();
    expect([answer.status, answer.headers['retry-after'], errorOf(answer)['reason']]).toEqual([503, retryAfter, reason]);
  });

  it('what passes by itself is told before what needs a person', async () => {
    const { call, keys } = await start(2);
    keeper.faults.set(keys[0] ?? '', needsLogin);
    keeper.faults.set(keys[1] ?? '', refreshFailed);
    expect(errorOf(await call())).toMatchObject({ reason: 'refresh_failed' });
  });

  it('a cooldown of another account is told before both', async () => {
    const { call, keys } = await start(2);
    const [first = '', second = ''] = keys;
    keeper.good.set(first, 'busy');
    limited.set('busy', 429);
    keeper.faults.set(second, needsLogin);
    expect((await call()).status).toBe(429);
    expect(errorOf(await call())).toMatchObject({ code: 'model_cooldown' });
  });
});

describe('an upstream that refuses a token', () => {
  it('with 401 again after the renewal is not asked a third time; the client never sees the 401', async () => {
    const { call, keys } = await start(1);
    const [key = ''] = keys;
    keeper.good.set(key, 'old-token-value');
    for (const token of ['old-token-value', `token-${key.slice(0, 8)}-refreshed-1`]) invalidated.add(token);
    const answer = await call();
    expect([answer.status, errorOf(answer)['reason'], upstream.seen.length]).toEqual([503, 'upstream_refused_credential', 2]);
    expect(errorOf(await call())).toMatchObject({ reason: 'upstream_refused_credential' });
    expect(upstream.seen.length).toBe(2);
  });

  it('is left to another account when the renewal needs a person', async () => {
    const { call, keys } = await start(2);
    const [first = ''] = keys;
    keeper.good.set(first, 'old-token-value');
    invalidated.add('old-token-value');
    keeper.faults.set(first, needsLogin);
    expect([(await call()).status, upstream.seen.length]).toEqual([200, 2]);
  });

  it('while its renewal fails is used again soon, as the refresh may come back', async () => {
    const { call, keys } = await start(1);
    const [key = ''] = keys;
    keeper.good.set(key, 'old-token-value');
    invalidated.add('old-token-value');
    keeper.faults.set(key, refreshFailed);
    expect(errorOf(await call())).toMatchObject({ reason: 'refresh_failed' });
    expect((await call()).status).toBe(200);
  });

  it('with 403 is shown as it came, status and body, once no other account serves', async () => {
    const { call, keys } = await start(2);
    for (const key of keys) keeper.good.set(key, `token-of-${key}`);
    upstream.setScript(({ headers }, res) => answerJson(res, 403, { error: { type: 'permission_error', message: `only for our own program, not ${bearer(headers.authorization)}` } }));
    const answer = await call();
    expect([answer.status, errorOf(answer), upstream.seen.length]).toEqual([403, { type: 'permission_error', message: 'only for our own program, not [redacted]' }, 2]);
  });

  it('never gets its token back into an answer or a log', async () => {
    const { call, keys } = await start(1);
    const [key = ''] = keys;
    keeper.good.set(key, 'canary-token-0123456789');
    upstream.setScript((_, res) => answerJson(res, 400, { error: { message: 'you sent canary-token-0123456789' } }));
    expect((await call()).body.toString()).toBe('{"error":{"message":"you sent [redacted]"}}');
    expect(rig?.logged()).not.toContain('canary');
  });
});

describe('a client that leaves', () => {
  it.each(['a token', 'a renewal'])('ends the wait for %s at once, and nothing is sent for it', async (what) => {
    const { keys } = await start(1);
    const [key = ''] = keys;
    if (what === 'a renewal') {
      keeper.good.set(key, 'old-token-value');
      invalidated.add('old-token-value');
    }
    keeper.hold(key);
    const leaving = new AbortController();
    const gone = fetch(`${rig?.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-sonnet-4-5' }), signal: leaving.signal }).catch(() => 'gone');
    await until('the wait began', () => keeper.held.has(key));
    const sent = upstream.seen.length;
    leaving.abort();
    await until('the wait ended', () => keeper.abandoned() === 1, 250);
    expect(await gone).toBe('gone');
    await until('the exchange is settled', () => rig?.settled.length === 1);
    expect(rig?.settled).toMatchObject([{ status: 499, outcome: 'client_closed' }]);
    expect(upstream.seen.length).toBe(sent);
  });
});
