import { afterEach, describe, expect, it } from 'vitest';
import { noTokens } from '../../../internal/accounts/token-set.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import type { GrantOutcome } from '../../../internal/tokens/ports.ts';
import { createTokenWorld, type TokenWorld, type WorldOptions } from '../../support/token-world.ts';
import { until } from '../../support/until.ts';

describe('the token keeper', () => {
  let world: TokenWorld | undefined;
  afterEach(() => world?.close());

  const open = (options: WorldOptions = {}): TokenWorld => (world = createTokenWorld(options));
  const opened = (): TokenWorld => world ?? open();
  const expire = ({ putFile }: TokenWorld, more: object = {}): void => putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: 1, issuedAtMs: 0, ...more });

  it('hands out a good token at once, without a promise', () => {
    const { addKeeper, login } = open();
    expect(addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
  });

  it('refreshes an expired token once for two hundred requests of four daemons', async () => {
    const { addKeeper, login, sent } = open();
    expire(opened());
    const keepers = [addKeeper(), addKeeper(), addKeeper(), addKeeper()];
    const answers = await Promise.all(keepers.flatMap((keeper) => Array.from({ length: 50 }, async () => keeper.acquire(login.key))));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(sent).toEqual(['rt-0']);
  });

  it('refreshes ahead of expiry, while requests go on with the present token', async () => {
    const { addKeeper, login, putFile, sent } = open();
    putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: Date.now() + 30_000, issuedAtMs: Date.now() - 600_000 });
    const keeper = addKeeper();
    expect(keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
    await until('it was refreshed behind the request', () => sent.length === 1);
    await until('the new token is handed out', async () => {
      const given = await keeper.acquire(login.key);
      return given.ok && given.value.value === 'at-1';
    });
  });

  it('gives a token that the upstream refused up for a new one, once', async () => {
    const { addKeeper, login, sent } = open();
    const keeper = addKeeper();
    const refused = { value: 'at-0', expiresAtMs: Infinity };
    const renewed = await Promise.all(Array.from({ length: 20 }, () => keeper.renew(login.key, refused)));
    expect(renewed.every((answer) => answer.ok && answer.value.value === 'at-1')).toBe(true);
    expect(sent).toEqual(['rt-0']);
    expect(await keeper.renew(login.key, { value: 'at-1', expiresAtMs: Infinity })).toMatchObject({ ok: false, error: { reason: 'refresh_failed' } });
    expect(sent).toEqual(['rt-0']);
  });

  it('takes up what another process wrote, without sending anything', async () => {
    const { addKeeper, login, sent } = open();
    expire(opened());
    const [one, two] = [addKeeper(), addKeeper()];
    await one.acquire(login.key);
    expect(await two.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    expect(sent).toEqual(['rt-0']);
  });

  it('tells how long a new login lasts as soon as the directory shows it', async () => {
    const { addKeeper, login, putFile, tell } = open();
    const keeper = addKeeper();
    const [issuedAtMs, expiresAtMs] = [Date.now() + 1_000, Date.now() + 7_200_000];
    putFile('a.json', { accessToken: new Secret('at-new'), refreshToken: new Secret('rt-new'), expiresAtMs, issuedAtMs });
    tell();
    expect(keeper.stateOf(login.key)).toEqual({ kind: 'ready', expiresAtMs, lastRefreshMs: issuedAtMs });
  });

  it('keeps a token that does not rotate, and needs no file to write to', async () => {
    const { addKeeper, login, files, sent } = open({ rotates: false });
    expire(opened(), {});
    opened().putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: 1, issuedAtMs: 0 }, { isWritable: false });
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    expect([sent, files.get('a.json')?.tokens.refreshToken?.reveal()]).toEqual([['rt-0'], 'rt-0']);
  });

  it('does not send a rotating token whose file it may not write', async () => {
    const { addKeeper, login, sent } = open();
    opened().putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: 1, issuedAtMs: 0 }, { isWritable: false });
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: false, error: { reason: 'storage_unwritable' } });
    expect(sent).toEqual([]);
  });

  it.each([
    ['refuses-client', 'refresh_failed'],
    ['throttles', 'refresh_failed'],
  ] as const)('a provider that %s changes no state and does not end the login', async (mood, reason) => {
    const { addKeeper, login, setMood, ledgers } = open();
    expire(opened());
    setMood(mood);
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable', reason } });
    expect((await ledgers.read(login.key)).intent).toBeUndefined();
    expect(keeper.stateOf(login.key)).toMatchObject({ kind: 'ready', failure: expect.any(String) });
  });

  it('tells of a login that needs a person once, with what is left of its token, and again when that has ended', async () => {
    const { addKeeper, putFile } = open();
    putFile('a.json', { accessToken: new Secret('at-9'), refreshToken: new Secret('rt-9'), expiresAtMs: Date.now() + 900, issuedAtMs: Date.now() - 100_000 });
    const keeper = addKeeper();
    const seen: string[] = [];
    keeper.onState((_login, state) => void seen.push(state.kind === 'needs_login' ? `${state.reason} ${state.usableUntilMs > 0 ? 'usable' : 'ended'}` : state.kind));
    keeper.start();
    await until('its end was told', () => seen.includes('refresh_refused ended'));
    expect(seen.filter((each) => each.startsWith('refresh_refused'))).toEqual(['refresh_refused usable', 'refresh_refused ended']);
  });

  it('serves nothing to its end that the upstream refuses and nobody renews', async () => {
    const { addKeeper, login, putFile } = open();
    putFile('a.json', { accessToken: new Secret('at-9'), refreshToken: new Secret('rt-9'), expiresAtMs: Date.now() + 864_000_000, issuedAtMs: Date.now() - 100_000 });
    const keeper = addKeeper();
    const seen: unknown[] = [];
    keeper.onState((_login, state) => void (state.kind === 'needs_login' && seen.push(state.usableUntilMs === 0)));
    expect(await keeper.renew(login.key, { value: 'at-9', expiresAtMs: Infinity })).toMatchObject({ ok: false, error: { kind: 'needs_login' } });
    expect(keeper.stateOf(login.key)).toMatchObject({ kind: 'needs_login', usableUntilMs: 0 });
    expect(seen.at(-1)).toBe(true);
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'needs_login' } });
  });

  it('says `needs_login` also of a token that was renewed a moment before its login was given up', async () => {
    const { addKeeper, login } = open();
    const answers: readonly GrantOutcome[] = [
      { kind: 'issued', tokens: { ...noTokens, accessToken: new Secret('at-1'), refreshToken: new Secret('rt-1'), expiresAtMs: Date.now() + 2_000, issuedAtMs: Date.now() } },
      { kind: 'refused', error: 'invalid_grant', detail: '', retryAfterMs: undefined },
    ];
    let asked = 0;
    const answer = async (): Promise<GrantOutcome> => answers[Math.min(asked++, 1)] ?? { kind: 'failed', wasSent: false, detail: '', retryAfterMs: undefined };
    const keeper = addKeeper({ grants: { refresh: answer, clientCredentials: answer, serviceAccount: answer } });
    expect(await keeper.renew(login.key, { value: 'at-0', expiresAtMs: Infinity })).toMatchObject({ ok: true, value: { value: 'at-1' } });
    // Its person ended it at the provider meanwhile; the refresh ahead is told so.
    keeper.start();
    await until('it is given up', () => keeper.stateOf(login.key).kind === 'needs_login');
    expect(await keeper.renew(login.key, { value: 'at-1', expiresAtMs: Infinity })).toMatchObject({ ok: false, error: { kind: 'needs_login' } });
  });

  it('tries again when an operator asks for it', async () => {
    const { addKeeper, login, putFile, sent } = open();
    putFile('a.json', { accessToken: new Secret('at-9'), refreshToken: new Secret('rt-9'), expiresAtMs: 1, issuedAtMs: 0 });
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'needs_login' } });
    expect(sent).toEqual(['rt-9']);
    keeper.retry(login.key);
    await until('it was sent again', () => sent.length === 2);
  });

  it('ends a wait whose client has left, and the refresh goes on for the others', async () => {
    const { addKeeper, login, setMood, sent } = open();
    expire(opened());
    setMood('answers', 200);
    const keeper = addKeeper();
    const gone = new AbortController();
    const left = keeper.acquire(login.key, gone.signal);
    const stayed = keeper.acquire(login.key);
    await until('it was sent', () => sent.length === 1);
    gone.abort(new Error('left'));
    expect(await left).toMatchObject({ ok: false });
    expect(await stayed).toMatchObject({ ok: true, value: { value: 'at-1' } });
  });

  it('closes only when what it sent has been answered and kept', async () => {
    const { addKeeper, login, setMood, sent, files } = open();
    expire(opened());
    setMood('answers', 150);
    const keeper = addKeeper();
    void keeper.acquire(login.key);
    await until('it was sent', () => sent.length === 1);
    await keeper.close();
    expect(files.get('a.json')?.tokens.refreshToken?.reveal()).toBe('rt-1');
  });

  it('knows nothing of logins that are gone', async () => {
    const { addKeeper, login } = open();
    const keeper = addKeeper();
    keeper.setLogins([]);
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { reason: 'unknown_account' } });
  });

  it('lets a refresh whose file was removed meanwhile end without its tokens', async () => {
    const { addKeeper, login, failWrites } = open();
    expire(opened());
    failWrites(1, 'missing');
    const answer = await addKeeper().acquire(login.key);
    expect(answer.ok || answer.error.reason === 'unknown_account' || answer.error.reason === 'refresh_failed').toBe(true);
  });
});
