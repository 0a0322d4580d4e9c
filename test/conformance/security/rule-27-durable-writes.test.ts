import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenAuthDirectory } from '../../../internal/accounts/directory/open-auth-directory.ts';
import { makeAuthFolder, tokenSet, type AuthFolder } from '../../support/auth-folder.ts';

/* Rule 27: what Keyward writes into the auth directory is whole, private and its own, and an editor's save is never gone. */

const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };
const umaskBefore = process.umask();
afterEach(() => void process.umask(umaskBefore));

const modeOf = (folder: AuthFolder, name: string): string => (statSync(join(folder.path, name)).mode & 0o777).toString(8);

async function refresh({ tokenWriter }: OpenAuthDirectory, name: string, number: number): Promise<boolean> {
  const reserved = await tokenWriter.reserve(name);
  if (!reserved.ok) return false;
  const committed = await reserved.value.commit({ tokens: tokenSet(`at-${number}`, `rt-${number}`) });
  await reserved.value.release();
  return committed.ok;
}

describe('rule 27: durable writes of account files', () => {
  it('every way of writing gives 0600, under umask 000 and over an old 0644, backups included', async () => {
    process.umask(0);
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const opened = await folder.open();
    chmodSync(join(folder.path, 'a.json'), 0o644);
    expect(await refresh(opened, 'a.json', 2)).toBe(true);
    chmodSync(join(folder.path, 'a.json'), 0o666);
    expect((await opened.accountWriter.patch('a.json', { note: 'x' })).ok).toBe(true);
    expect((await opened.accountWriter.put('b.json', JSON.stringify({ ...claude, email: 'bob@example.com' }), { mayReplace: false })).ok).toBe(true);
    const login = await opened.accountWriter.storeLogin({ type: 'codex', suggestedName: 'c.json', isDisabled: false, tokens: tokenSet('at', 'rt') });
    expect(login.ok).toBe(true);
    expect(folder.names().map((name) => `${name} ${modeOf(folder, name)}`)).toEqual(['a.json 600', 'b.json 600', 'c.json 600']);
    expect(folder.backups().map((name) => modeOf(folder, `.keyward/backups/${name}`))).toEqual(['600', '600']);
    expect([modeOf(folder, '.keyward'), modeOf(folder, '.keyward/backups'), modeOf(folder, '.keyward/write.lock')]).toEqual(['700', '700', '600']);
  });

  it('a link in the file’s place, put there at any moment, is never written through', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const opened = await folder.open();
    const reserved = await opened.tokenWriter.reserve('a.json');
    const target = join(folder.path, '..', 'precious');
    writeFileSync(target, JSON.stringify({ ...claude, note: 'precious' }), { mode: 0o600 });
    rmSync(join(folder.path, 'a.json'));
    symlinkSync(target, join(folder.path, 'a.json'));
    const committed = reserved.ok && (await reserved.value.commit({ tokens: tokenSet('at-2', 'rt-2') }));
    expect(committed).toMatchObject({ ok: false, error: { kind: 'read_only' } });
    expect((await opened.accountWriter.patch('a.json', { note: 'mine' })).ok).toBe(false);
    expect(JSON.parse(readFileSync(target, 'utf8'))).toEqual({ ...claude, note: 'precious' });
    expect(lstatSync(join(folder.path, 'a.json')).isSymbolicLink()).toBe(true);
  });

  it('another name of the same file elsewhere keeps the old content', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const elsewhere = join(folder.path, '..', 'elsewhere.json');
    linkSync(join(folder.path, 'a.json'), elsewhere);
    expect(await refresh(await folder.open(), 'a.json', 2)).toBe(true);
    expect(readFileSync(elsewhere, 'utf8')).toContain('rt-1');
  });

  it('an editor that saves after the file was read is not overwritten: its save is the base of the write', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const opened = await folder.open();
    for (let turn = 2; turn < 12; turn++) {
      // The save falls somewhere into the write, each time elsewhere.
      const saving = new Promise<void>((saved) => {
        setTimeout(() => {
          const present: Record<string, unknown> = JSON.parse(folder.read('a.json'));
          writeFileSync(join(folder.path, 'x.new'), JSON.stringify({ ...present, [`save_${turn}`]: true }), { mode: 0o600 });
          renameSync(join(folder.path, 'x.new'), join(folder.path, 'a.json'));
          saved();
        }, (turn - 2) / 2);
      });
      const [isWritten] = await Promise.all([refresh(opened, 'a.json', turn), saving]);
      expect(isWritten).toBe(true);
    }
    expect(Object.keys(folder.json('a.json')).filter((name) => name.startsWith('save_'))).toHaveLength(10);
  });

  it('the version before is kept, and is no account', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const opened = await folder.open();
    await opened.accountWriter.patch('a.json', { note: 'edited' });
    expect(readFileSync(join(folder.path, '.keyward', 'backups', 'a.json'), 'utf8')).toBe(JSON.stringify(claude, undefined, 2));
    await opened.directory.rescan();
    expect(opened.directory.files()).toHaveLength(1);
  });

  it('neither a full nor a read-only directory loses what is there', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const opened = await folder.open();
    // A directory in the place of the temp files’ folder is the nearest thing to a disk that refuses, also for root.
    const hidden = join(folder.path, '..', 'moved');
    renameSync(folder.path, hidden);
    writeFileSync(folder.path, 'no directory');
    expect(await refresh(opened, 'a.json', 2)).toBe(false);
    expect((await opened.accountWriter.patch('a.json', { note: 'x' })).ok).toBe(false);
    rmSync(folder.path);
    renameSync(hidden, folder.path);
    expect(folder.json('a.json')).toEqual(claude);
    expect(await refresh(opened, 'a.json', 2)).toBe(true);
  });

  it('names from outside never leave the directory, and pipes, devices and folders in a file’s place are left alone', async () => {
    const folder = makeAuthFolder();
    execFileSync('mkfifo', [join(folder.path, 'pipe.json')]);
    mkdirSync(join(folder.path, 'folder.json'));
    const { accountWriter } = await folder.open();
    const text = JSON.stringify(claude);
    for (const name of ['../up.json', '..\\up.json', '/tmp/up.json', 'a/../../up.json', 'nul.json', 'x\u0000.json', '.hidden.json', `${'n'.repeat(300)}.json`, 'pipe.json', 'folder.json']) {
      expect((await accountWriter.put(name, text, { mayReplace: true })).ok).toBe(false);
      expect((await accountWriter.remove(name)).ok).toBe(false);
    }
    expect(folder.names()).toEqual(['folder.json', 'pipe.json']);
  });
});
