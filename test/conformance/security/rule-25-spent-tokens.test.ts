import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../internal/secret/secret.ts';
import { createTokenWorld, type TokenWorld, type WorldOptions } from '../../support/token-world.ts';
import { until } from '../../support/until.ts';

describe('spent refresh tokens (security rule 25)', () => {
  let world: TokenWorld | undefined;
  afterEach(() => world?.close());

  const open = (options: WorldOptions = {}): TokenWorld => (world = createTokenWorld(options));
  const expired = { expiresAtMs: 1, issuedAtMs: 0 };
  const old = (n: number) => ({ accessToken: new Secret(`at-${n}`), refreshToken: new Secret(`rt-${n}`), ...expired });

  it('one identity in two files is refreshed once, whichever file is asked', async () => {
    const { addKeeper, putFile, login, sent, reuses } = open({ copies: ['b.json'] });
    putFile('a.json', old(0));
    putFile('b.json', old(0));
    const keepers = [addKeeper(), addKeeper(), addKeeper()];
    const answers = await Promise.all(keepers.flatMap((keeper) => Array.from({ length: 20 }, async () => keeper.acquire(login.key))));
    expect(answers.every((answer) => answer.ok && answer.value.value === 'at-1')).toBe(true);
    expect(sent).toEqual(['rt-0']);
    expect(reuses()).toBe(0);
  });

  it('a restored backup gets the newest tokens back, and its spent token is never sent', async () => {
    const { addKeeper, putFile, login, sent, files, tell, reuses } = open();
    putFile('a.json', old(0));
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    putFile('a.json', old(0));
    tell();
    await until('the newest tokens stand in the file again', () => files.get('a.json')?.tokens.refreshToken?.reveal() === 'rt-1');
    expect(keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    expect([sent, reuses()]).toEqual([['rt-0'], 0]);
  });

  it('the same after a restart, out of the ledger', async () => {
    const { addKeeper, putFile, login, sent, reuses } = open();
    putFile('a.json', old(0));
    const first = addKeeper();
    await first.acquire(login.key);
    await first.close();
    putFile('a.json', old(0));
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    expect([sent, reuses()]).toEqual([['rt-0'], 0]);
  });

  it('where nothing newer is known, the account says so instead of sending a spent token', async () => {
    const { addKeeper, putFile, login, sent, ledgers } = open();
    putFile('a.json', old(0));
    await addKeeper().acquire(login.key);
    const ledger = await ledgers.read(login.key);
    await ledgers.write(login.key, { ...ledger, newest: undefined });
    putFile('a.json', old(0));
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'needs_login', reason: 'stale_token_restored' } });
    expect(keeper.stateOf(login.key)).toMatchObject({ kind: 'needs_login', reason: 'stale_token_restored' });
    expect(sent).toEqual(['rt-0']);
  });

  it('a new login is taken up at once, also where the old one was given up', async () => {
    const { addKeeper, putFile, login, tell } = open();
    putFile('a.json', { ...old(7) });
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { reason: 'refresh_refused' } });
    putFile('a.json', { accessToken: new Secret('fresh'), refreshToken: new Secret('rt-new'), expiresAtMs: Date.now() + 3_600_000, issuedAtMs: Date.now() });
    tell();
    await until('it is ready again', () => keeper.stateOf(login.key).kind === 'ready');
    expect(keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'fresh' } });
    expect(keeper.stateOf(login.key).kind).toBe('ready');
  });

  it('a new login in one of two copies is taken up, although the other still holds the refused token', async () => {
    const { addKeeper, putFile, login, tell, files } = open({ copies: ['b.json'] });
    putFile('a.json', old(7));
    putFile('b.json', old(7));
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { reason: 'refresh_refused' } });
    putFile('b.json', { accessToken: new Secret('fresh'), refreshToken: new Secret('rt-new'), expiresAtMs: Date.now() + 600_000 });
    tell();
    await until('it is ready again', () => keeper.stateOf(login.key).kind === 'ready');
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'fresh' } });
    expect(files.get('b.json')?.tokens.refreshToken?.reveal()).toBe('rt-new');
  });

  it('a clock that is far ahead for once does not make the newest of them forgotten', async () => {
    const { addKeeper, putFile, login, ledgers } = open();
    putFile('a.json', old(0));
    await addKeeper().acquire(login.key);
    const ledger = await ledgers.read(login.key);
    await ledgers.write(login.key, { ...ledger, spent: new Map([...ledger.spent].map(([digest, atMs]) => [digest, atMs - 200 * 86_400_000])) });
    expect((await ledgers.read(login.key)).spent.size).toBe(1);
  });

  it('after the file is gone, no live token is left in the ledger', async () => {
    const { addKeeper, putFile, login, files, ledgers } = open();
    putFile('a.json', old(0));
    const keeper = addKeeper();
    await keeper.acquire(login.key);
    expect((await ledgers.read(login.key)).newest).toBeDefined();
    files.clear();
    keeper.setLogins([]);
    await until('it is forgotten', async () => (await ledgers.read(login.key)).newest === undefined);
    expect((await ledgers.read(login.key)).spent.size).toBe(1);
  });

  it('a new login without a date is no older than a refused copy: it is used, and nothing is written over it', async () => {
    const { addKeeper, putFile, login, tell, files, ledgers } = open();
    putFile('a.json', old(0));
    const keeper = addKeeper();
    await keeper.acquire(login.key);
    const ledger = await ledgers.read(login.key);
    const digest = [...ledger.spent.keys()][0] ?? '';
    await ledgers.write(login.key, { ...ledger, dead: [{ digest: '0'.repeat(32), reason: 'refresh_refused', detail: '', atMs: 1 }, { digest, reason: 'refresh_refused', detail: '', atMs: 1 }] });
    putFile('a.json', { accessToken: new Secret('fresh'), refreshToken: new Secret('rt-1'), expiresAtMs: 2 });
    tell();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true });
    expect(files.get('a.json')?.tokens.refreshToken?.reveal()).toBe('rt-1');
    putFile('a.json', { accessToken: new Secret('by hand'), refreshToken: new Secret('rt-by-hand'), expiresAtMs: Date.now() + 600_000 });
    const restarted = addKeeper();
    expect(await restarted.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'by hand' } });
    expect(files.get('a.json')?.tokens.refreshToken?.reveal()).toBe('rt-by-hand');
  });

  it('an operator’s edit of a given-up login’s file does not make it look well', async () => {
    const { addKeeper, putFile, login, tell } = open();
    putFile('a.json', old(7));
    const keeper = addKeeper();
    await keeper.acquire(login.key);
    putFile('a.json', old(7), { email: 'other@example.com' });
    tell();
    expect(keeper.stateOf(login.key)).toMatchObject({ kind: 'needs_login', reason: 'refresh_refused' });
  });

  it('digests are kept for 90 days, and no token stands in the ledger beside the newest', async () => {
    const { addKeeper, putFile, login, ledgers } = open();
    putFile('a.json', old(0));
    await addKeeper().acquire(login.key);
    const ledger = await ledgers.read(login.key);
    expect([...ledger.spent.keys()].every((digest) => /^[\da-f]{32}$/.test(digest))).toBe(true);
    const dayMs = 86_400_000;
    await ledgers.write(login.key, { ...ledger, spent: new Map([['old', Date.now() - 91 * dayMs], ...Array.from({ length: 64 }, (_, index) => [`kept-${index}`, Date.now() - 89 * dayMs] as const)]) });
    const kept = [...(await ledgers.read(login.key)).spent.keys()];
    expect([kept.length, kept.includes('old')]).toEqual([64, false]);
  });
});
