import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../internal/clock/clock.ts';
import { noTokens } from '../../../internal/accounts/token-set.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { createLedgers, emptyLedger } from '../../../internal/tokens/ledger.ts';
import { digestOf } from '../../../internal/tokens/newest.ts';
import type { GrantOutcome, TokenGrants } from '../../../internal/tokens/ports.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createTokenWorld, type TokenWorld, type WorldOptions } from '../../support/token-world.ts';
import { until } from '../../support/until.ts';

describe('tokens in hard times', () => {
  let world: TokenWorld | undefined;
  afterEach(() => world?.close());

  const open = (options: WorldOptions = {}): TokenWorld => (world = createTokenWorld(options));
  const old = { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: 1, issuedAtMs: 0 };
  const unused = { clientCredentials: () => Promise.reject(new Error('not asked')), serviceAccount: () => Promise.reject(new Error('not asked')) };
  const answering = (refresh: TokenGrants['refresh']): TokenGrants => ({ ...unused, refresh });
  /** A clock whose wall time can be set, as NTP and people do. */
  const skewed = (): Clock & { skewMs: number } => {
    const clock = { ...systemClock, skewMs: 0, nowMs: () => Date.now() + clock.skewMs };
    return clock;
  };

  it('a new login that is stored while the old one is refreshed stays, and is what is spent', async () => {
    const { addKeeper, login, putFile, setMood, sent, files, ledgers, tell } = open();
    putFile('a.json', old);
    setMood('answers', 100);
    const keeper = addKeeper();
    const waiting = keeper.acquire(login.key);
    await until('the token was sent', () => sent.length === 1);
    putFile('a.json', { accessToken: new Secret('at-new'), refreshToken: new Secret('rt-new'), expiresAtMs: Date.now() + 3_600_000, issuedAtMs: Date.now() });
    tell();
    expect(await waiting).toMatchObject({ ok: true, value: { value: 'at-new' } });
    expect(files.get('a.json')?.tokens.refreshToken?.reveal()).toBe('rt-new');
    const ledger = await ledgers.read(login.key);
    expect([ledger.intent, ledger.spent.size]).toEqual([undefined, 1]);
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-new' } });
  });

  it('a new login in a copy is not written over either', async () => {
    const { addKeeper, login, putFile, setMood, sent, files } = open({ copies: ['b.json'] });
    putFile('a.json', old);
    putFile('b.json', old);
    setMood('answers', 100);
    const waiting = addKeeper().acquire(login.key);
    await until('the token was sent', () => sent.length === 1);
    putFile('b.json', { accessToken: new Secret('at-new'), refreshToken: new Secret('rt-new'), expiresAtMs: Date.now() + 3_600_000, issuedAtMs: Date.now() });
    await waiting;
    expect([...files.values()].map(({ tokens }) => tokens.refreshToken?.reveal())).toEqual(['rt-1', 'rt-new']);
  });

  it('a ledger that cannot be read is not an empty one: nothing is sent', async () => {
    const { addKeeper, login, putFile, ledgers, sent, folder } = open();
    putFile('a.json', old);
    mkdirSync(`${folder}/.keyward/${login.key}.json`, { recursive: true });
    await expect(ledgers.read(login.key)).rejects.toThrow('EISDIR');
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(sent).toEqual([]);
  });

  it('a ledger says false, and does not reject, when its folder cannot be made', async () => {
    const { folder, login } = open();
    writeFileSync(`${folder}/in-the-way`, '');
    const ledgers = createLedgers({ folder: `${folder}/in-the-way/.keyward`, clock: systemClock, log: silentLogger, seal: { seal: () => Promise.reject(new Error('no key')), open: async () => undefined } });
    expect(await ledgers.write(login.key, emptyLedger)).toBe(false);
  });

  it('a vendor whose tokens have ended when they arrive is not asked without a pause', async () => {
    let asked = 0;
    const { addKeeper, login, putFile } = open();
    putFile('a.json', old);
    const keeper = addKeeper({
      grants: answering(async (): Promise<GrantOutcome> => {
        asked++;
        return { kind: 'issued', tokens: { ...noTokens, accessToken: new Secret(`x-${asked}`), refreshToken: new Secret(`r-${asked}`), expiresAtMs: Date.now(), issuedAtMs: Date.now() } };
      }),
    });
    expect((await keeper.acquire(login.key)).ok).toBe(false);
    expect(asked).toBeLessThan(8);
  });

  it('the upstream’s refusal of an access token ends the wait for its expiry after a lost answer', async () => {
    const { addKeeper, login, putFile, ledgers, sent } = open();
    putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: Date.now() + 30_000, issuedAtMs: Date.now() - 600_000 });
    await ledgers.prepare();
    await ledgers.write(login.key, { ...emptyLedger, intent: { digest: digestOf({ refreshToken: new Secret('rt-0') }) ?? '', atMs: 1, pid: 1 } });
    const ended: string[] = [];
    const keeper = addKeeper({ onRefreshed: (_login, result) => void ended.push(result) });
    keeper.start();
    await until('the refresh ahead is put off', () => ended.includes('later'));
    expect(sent).toEqual([]);
    expect((await keeper.renew(login.key, { value: 'at-0', expiresAtMs: Infinity })).ok).toBe(true);
    expect(sent).toEqual(['rt-0']);
  });

  it('a renewed token that the upstream refuses at its own end is renewed again, however short it lives', async () => {
    const clock = skewed();
    const { addKeeper, login, sent } = open({ clock, lifetimeMs: 10_000 });
    const keeper = addKeeper();
    expect((await keeper.renew(login.key, { value: 'at-0', expiresAtMs: Infinity })).ok).toBe(true);
    const renewed = { value: 'at-1', expiresAtMs: Infinity };
    expect(await keeper.renew(login.key, renewed)).toMatchObject({ ok: false });
    expect(sent).toEqual(['rt-0']);
    // The provider's second ends a little before Keyward's.
    clock.skewMs = 9_900;
    expect(await keeper.renew(login.key, renewed)).toMatchObject({ ok: true, value: { value: 'at-2' } });
  });

  it('renewals follow each other at the end of tokens that live shorter than they state, for all requests that met it, with one refresh each', async () => {
    const clock = createManualClock();
    const { addKeeper, login, sent } = open({ clock, lifetimeMs: 2_000 });
    const keeper = addKeeper();
    // A provider that counts in whole seconds ends a token of 2 s up to one second early: before the refresh ahead, due after 1.6 s.
    for (let count = 0; count < 4; count++) {
      clock.advance(1_100);
      const refused = { value: `at-${count}`, expiresAtMs: Infinity };
      const renewed = await Promise.all(Array.from({ length: 8 }, () => keeper.renew(login.key, refused)));
      expect(renewed).toEqual(Array.from({ length: 8 }, () => expect.objectContaining({ ok: true, value: expect.objectContaining({ value: `at-${count + 1}` }) })));
    }
    expect(sent).toEqual(['rt-0', 'rt-1', 'rt-2', 'rt-3']);
  });

  it.each([['in the first half of its life', 2_000, 990], ['within half a minute, of a long life', 3_600_000, 29_000]] as const)('a renewed token that is refused %s is not renewed: an upstream that refuses every token costs no more of them', async (_when, lifetimeMs, ageMs) => {
    const clock = createManualClock();
    const { addKeeper, login, sent } = open({ clock, lifetimeMs });
    const keeper = addKeeper();
    expect((await keeper.renew(login.key, { value: 'at-0', expiresAtMs: Infinity })).ok).toBe(true);
    clock.advance(ageMs);
    expect(await keeper.renew(login.key, { value: 'at-1', expiresAtMs: Infinity })).toMatchObject({ ok: false, error: { reason: 'refresh_failed' } });
    expect(sent).toEqual(['rt-0']);
  });

  it('a clock that is set back a day neither stops refreshes nor blames the upstream', async () => {
    const clock = skewed();
    const { addKeeper, login, putFile, setMood } = open({ clock });
    putFile('a.json', old);
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    setMood('never-hears');
    expect(await keeper.renew(login.key, { value: 'at-1', expiresAtMs: Infinity })).toMatchObject({ ok: false });
    clock.skewMs = -86_400_000;
    setMood('answers');
    await until('it is renewed', async () => (await keeper.renew(login.key, { value: 'at-1', expiresAtMs: Infinity })).ok, 20_000);
  });

  it('two configs that know one file by two keys refresh it once: no token is sent twice', async () => {
    const { addKeeper, login, putFile, setMood, sent, reuses } = open();
    putFile('a.json', old);
    setMood('answers', 200);
    const other = { ...login, key: `${login.key.slice(1)}0` };
    const [one, two] = [addKeeper(), addKeeper()];
    two.setLogins([other]);
    const answers = await Promise.all([one.acquire(login.key), two.acquire(other.key)]);
    expect(answers).toMatchObject([{ ok: true, value: { value: 'at-1' } }, { ok: true, value: { value: 'at-1' } }]);
    expect([sent, reuses()]).toEqual([['rt-0'], 0]);
  });

  it('a file that is not used for a while is not one that is gone: its newest tokens stay remembered', async () => {
    const { addKeeper, login, putFile, ledgers } = open();
    putFile('a.json', old);
    const keeper = addKeeper();
    await keeper.acquire(login.key);
    const blind = addKeeper({ fileNamed: () => undefined });
    blind.setLogins([]);
    await blind.close();
    expect((await ledgers.read(login.key)).newest).toBeDefined();
  });

  it('whoever listens to a refresh and fails does not fail it', async () => {
    const { addKeeper, login, putFile } = open();
    putFile('a.json', old);
    const fail = (): never => {
      throw new Error('a listener broke');
    };
    const keeper = addKeeper({ onRefreshed: fail });
    keeper.onState(fail);
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
  });

  it('a token without a time of issue is refreshed ahead of its expiry, not at it', async () => {
    const clock = skewed();
    const { addKeeper, login, putFile, sent } = open({ clock });
    putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: clock.nowMs() + 3_600_000, issuedAtMs: undefined });
    const keeper = addKeeper();
    clock.skewMs = 3_300_000;
    expect(keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
    await until('it was refreshed behind the request', () => sent.length === 1);
  });
});
