import { afterEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../internal/secret/secret.ts';
import { createTokenWorld, type TokenWorld, type WorldOptions } from '../../support/token-world.ts';
import { until } from '../../support/until.ts';

describe('the write-ahead of a refresh (security rule 26)', () => {
  let world: TokenWorld | undefined;
  afterEach(() => world?.close());

  const open = (options: WorldOptions = {}): TokenWorld => {
    world = createTokenWorld(options);
    world.putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: 1, issuedAtMs: 0 });
    return world;
  };

  it('the intent is durable before the token is sent, and closed when the new tokens are', async () => {
    const { addKeeper, login, ledgers, setMood, sent } = open();
    setMood('answers', 100);
    const waiting = addKeeper().acquire(login.key);
    await until('the token was sent', () => sent.length === 1);
    expect((await ledgers.read(login.key)).intent).toMatchObject({ pid: process.pid });
    expect(await waiting).toMatchObject({ ok: true });
    const after = await ledgers.read(login.key);
    expect([after.intent, after.spent.size]).toEqual([undefined, 1]);
  });

  it('without room for the answer nothing is sent', async () => {
    const { addKeeper, login, failReserves, sent } = open();
    failReserves(true);
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable', reason: 'storage_unwritable' } });
    expect(keeper.stateOf(login.key).kind).not.toBe('needs_login');
    expect(sent).toEqual([]);
  });

  it('an answer that cannot be written at first is written before anyone is woken', async () => {
    const { addKeeper, login, failWrites, files } = open();
    failWrites(3);
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    // The ledger took it: what the file lacks is written back at the next look.
    const restarted = addKeeper();
    await until('the file has them', async () => {
      await restarted.acquire(login.key);
      return files.get('a.json')?.tokens.refreshToken?.reveal() === 'rt-1';
    });
  });

  it('a connection that is refused is tried again freely and changes no state', async () => {
    const { addKeeper, login, setMood, sent, ledgers } = open();
    setMood('never-hears');
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable', reason: 'refresh_failed' } });
    expect((await ledgers.read(login.key)).intent).toBeUndefined();
    expect(keeper.stateOf(login.key).kind).not.toBe('needs_login');
    setMood('answers');
    await until('it recovers by itself', async () => (await keeper.acquire(login.key)).ok);
    expect(sent).toEqual(['rt-0']);
  });

  it('a lost answer is followed by one more try once the access token has ended, and the loss is named', async () => {
    const { addKeeper, login, setMood, sent } = open();
    setMood('loses-the-answer');
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'needs_login', reason: 'refresh_outcome_unknown' } });
    expect(sent).toEqual(['rt-0', 'rt-0']);
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { reason: 'refresh_outcome_unknown' } });
    expect(sent).toEqual(['rt-0', 'rt-0']);
  });

  it('while the access token lives, a token of unknown fate is not risked', async () => {
    const { addKeeper, login, setMood, putFile, sent } = open();
    putFile('a.json', { accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: Date.now() + 60_000, issuedAtMs: Date.now() - 3_600_000 });
    setMood('is-down');
    const keeper = addKeeper();
    keeper.start();
    await until('a refresh ahead was tried', () => sent.length === 1);
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
    setMood('answers');
    const other = addKeeper();
    expect(await other.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
    expect(sent).toEqual(['rt-0']);
  });

  it('a server error that spent nothing costs nothing', async () => {
    const { addKeeper, login, setMood } = open();
    setMood('is-down');
    const keeper = addKeeper();
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    setMood('answers');
    await until('it recovers', async () => (await keeper.acquire(login.key)).ok);
    expect(keeper.stateOf(login.key).kind).toBe('ready');
  });

  it('a daemon killed between answer and file is followed by one that tries once and then says so', async () => {
    const { addKeeper, login, ledgers, setMood, sent } = open();
    setMood('loses-the-answer');
    const killed = addKeeper({ onRefreshed: () => undefined });
    const first = killed.acquire(login.key);
    await first;
    const ledger = await ledgers.read(login.key);
    expect(ledger.dead).toMatchObject([{ reason: 'refresh_outcome_unknown' }]);
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: false, error: { kind: 'needs_login', reason: 'refresh_outcome_unknown' } });
    expect(sent.length).toBe(2);
  });

  it('killed after the file and before the ledger: the file’s token is the newer one, and the old counts as spent', async () => {
    const { addKeeper, login, ledgers, putFile, setMood, sent, reuses } = open();
    await addKeeper().acquire(login.key);
    // As the ledger stood before: the intent of the old token, nothing else.
    const digest = [...(await ledgers.read(login.key)).spent.keys()][0] ?? '';
    await ledgers.write(login.key, { intent: { digest, atMs: Date.now(), pid: 1 }, spent: new Map(), dead: [], newest: undefined });
    putFile('a.json', { accessToken: new Secret('at-1'), refreshToken: new Secret('rt-1'), expiresAtMs: 1, issuedAtMs: 0 });
    setMood('answers');
    expect(await addKeeper().acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-2' } });
    expect([sent, reuses()]).toEqual([['rt-0', 'rt-1'], 0]);
    expect((await ledgers.read(login.key)).spent.has(digest)).toBe(true);
  });

  it('after `invalid_grant` the disk is read once more: what another program wrote meanwhile is used', async () => {
    const { addKeeper, login, putFile, sent, files } = open();
    putFile('a.json', { accessToken: new Secret('at-x'), refreshToken: new Secret('rt-stolen'), expiresAtMs: 1, issuedAtMs: 0 });
    let isWritten = false;
    const keeper = addKeeper({
      grants: {
        refresh: async (_login, tokens) => {
          if (tokens.refreshToken?.reveal() === 'rt-stolen' && !isWritten) {
            isWritten = true;
            putFile('a.json', { accessToken: new Secret('at-theirs'), refreshToken: new Secret('rt-theirs'), expiresAtMs: Date.now() + 3_600_000, issuedAtMs: Date.now() });
          }
          return { kind: 'refused', error: 'invalid_grant', detail: '', retryAfterMs: undefined };
        },
        clientCredentials: async () => ({ kind: 'refused', error: 'x', detail: '', retryAfterMs: undefined }),
        serviceAccount: async () => ({ kind: 'refused', error: 'x', detail: '', retryAfterMs: undefined }),
      },
    });
    expect(await keeper.acquire(login.key)).toMatchObject({ ok: true, value: { value: 'at-theirs' } });
    expect(files.get('a.json')?.tokens.refreshToken?.reveal()).toBe('rt-theirs');
    expect(sent).toEqual([]);
  });
});
