import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryKernelLock } from '../../../internal/files/kernel-lock.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { createTokenWorld } from '../../support/token-world.ts';
import { until } from '../../support/until.ts';

const child = resolve(import.meta.dirname, '../../unit/files/lock-child.ts');

describe('the refresh lock (security rule 24)', () => {
  let folder = '';
  let lockPath = '';
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyward-lock-'));
    lockPath = join(folder, 'login.lock');
  });
  afterEach(() => {
    for (const each of children.splice(0)) each.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...args: readonly string[]): ChildProcess {
    const started = spawn(process.execPath, [child, lockPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(started);
    return started;
  }

  async function startHolder(): Promise<ChildProcess> {
    const holder = start('hold');
    if (holder.stdout !== null) await once(holder.stdout, 'data');
    return holder;
  }

  it('has one holder, in this process as between processes', async () => {
    const mine = tryKernelLock(lockPath);
    expect(mine).toBeDefined();
    expect(tryKernelLock(lockPath)).toBeUndefined();
    mine?.release();
    await startHolder();
    expect(tryKernelLock(lockPath)).toBeUndefined();
  });

  it('is free once its holder is killed, without waiting for any time to pass', async () => {
    const holder = await startHolder();
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    const lock = tryKernelLock(lockPath);
    expect(lock).toBeDefined();
    lock?.release();
  });

  it('stays held while its holder is suspended, however long', async () => {
    const holder = await startHolder();
    holder.kill('SIGSTOP');
    await until('the holder stands still', () => /^State:\s+T/m.test(readFileSync(`/proc/${holder.pid}/status`, 'utf8')));
    for (let turn = 0; turn < 50; turn++) expect(tryKernelLock(lockPath)).toBeUndefined();
    holder.kill('SIGCONT');
  });

  it('lets no two of eight processes in at a time', async () => {
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const ends = Array.from({ length: 8 }, () => once(start('50', log), 'exit'));
    for (const [code] of await Promise.all(ends)) expect(code).toBe(0);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines.length).toBe(800);
    for (let at = 0; at < lines.length; at += 2) expect(lines[at + 1]).toBe(lines[at]?.replace('in', 'out'));
  });

  it('is not taken on a file that was removed meanwhile, nor through a link', () => {
    const first = tryKernelLock(lockPath);
    unlinkSync(lockPath);
    const second = tryKernelLock(lockPath);
    expect(second).toBeDefined();
    first?.release();
    second?.release();
    unlinkSync(lockPath);
    writeFileSync(join(folder, 'elsewhere'), '');
    symlinkSync(join(folder, 'elsewhere'), lockPath);
    expect(() => tryKernelLock(lockPath)).toThrow('no regular file');
  });

  it('that somebody removed while it was held sends nothing', async () => {
    const world = createTokenWorld();
    world.putFile('a.json', { refreshToken: new Secret('rt-0'), accessToken: new Secret('at-0'), expiresAtMs: 1, issuedAtMs: 0 });
    const keeper = world.addKeeper({
      ledgers: {
        ...world.ledgers,
        write: async (key, state) => {
          const isWritten = await world.ledgers.write(key, state);
          // Only the intent: the next try finds its lock in place.
          if (state.intent !== undefined && world.sent.length === 0 && removals++ === 0) unlinkSync(world.ledgers.lockPath(key));
          return isWritten;
        },
      },
    });
    let removals = 0;
    expect(await keeper.acquire(world.login.key)).toMatchObject({ ok: true, value: { value: 'at-1' } });
    expect([world.sent, world.reuses(), removals]).toEqual([['rt-0'], 0, 2]);
    await world.close();
  });

  it('is waited for by requests while the old token is good only in the background; after its end they are told within their patience', async () => {
    const world = createTokenWorld({ lifetimeMs: 3_600_000 });
    await world.ledgers.prepare();
    const held = tryKernelLock(world.ledgers.lockPath(world.login.key));
    const keeper = world.addKeeper({ lockPatienceMs: 50, patienceMs: 200 });
    expect(keeper.acquire(world.login.key)).toMatchObject({ ok: true, value: { value: 'at-0' } });
    world.putFile('a.json', { refreshToken: world.files.get('a.json')?.tokens.refreshToken, accessToken: world.files.get('a.json')?.tokens.accessToken, expiresAtMs: 1, issuedAtMs: 0 });
    const other = world.addKeeper({ lockPatienceMs: 50, patienceMs: 200 });
    expect(await other.acquire(world.login.key)).toMatchObject({ ok: false, error: { kind: 'unavailable', reason: 'refresh_in_progress' } });
    expect(world.sent).toEqual([]);
    held?.release();
    await world.close();
  });
});
