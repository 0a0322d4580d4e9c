import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../../internal/log/logger.ts';
import { makeAuthFolder, ofFileType } from '../../../support/auth-folder.ts';

const claude = (more: object = {}): object => ({ type: 'claude', email: 'ann@example.com', access_token: 'at-canary', refresh_token: 'rt-canary', ...more });
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const umaskBefore = process.umask();
afterEach(() => void process.umask(umaskBefore));

/** Files whose owner cannot be changed are left out where the tests run without rights. */
const isRoot = process.getuid?.() === 0;

describe('an auth directory', () => {
  it('is made 0700 with its own folder, whatever the umask', async () => {
    process.umask(0);
    const folder = makeAuthFolder();
    rmSync(folder.path, { recursive: true });
    await folder.open();
    expect([mode(folder.path), mode(join(folder.path, '.keyward'))]).toEqual(['700', '700']);
  });

  it('that is open to others is narrowed, and so are its files, with a word to the operator', async () => {
    const warn = vi.fn();
    const folder = makeAuthFolder({ log: { ...silentLogger, warn } });
    folder.put('a.json', claude());
    chmodSync(join(folder.path, 'a.json'), 0o644);
    chmodSync(folder.path, 0o755);
    const { directory } = await folder.open();
    expect([mode(folder.path), mode(join(folder.path, 'a.json'))]).toEqual(['700', '600']);
    expect(directory.problems()).toEqual([{ name: 'a.json', code: 'mode', severity: 'warning', message: expect.stringContaining('mode 644') }]);
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
    expect(warn).toHaveBeenCalledTimes(2);
    await directory.rescan();
    expect(directory.problems()).toHaveLength(1);
  });

  it('that belongs to somebody else is not used', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude());
    const { directory } = await folder.open({ uid: (folder.deps.uid ?? 0) + 1 });
    expect(directory.files()).toEqual([]);
    expect(directory.problems()).toEqual([{ name: '.', code: 'foreign_owner', severity: 'error', message: expect.any(String) }]);
  });

  it('that goes away for a while takes no account with it', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude());
    const { directory } = await folder.open();
    rmSync(folder.path, { recursive: true });
    await directory.rescan();
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
    expect(directory.problems()).toEqual([{ name: '.', code: 'unreadable', severity: 'error', message: expect.stringContaining('ENOENT') }]);
  });

  it('that cannot be written is read all the same, and every writer says that it cannot', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude());
    // As on a read-only mount, also for root: there is no place for the lock.
    folder.put('.keyward', 'in the way');
    const { directory, tokenWriter, accountWriter } = await folder.open();
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
    expect(await accountWriter.patch('a.json', { note: 'x' })).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    expect(await tokenWriter.reserve('a.json')).toMatchObject({ ok: false, error: { kind: 'not_writable' } });
    expect(folder.names()).toEqual(['a.json']);
  });

  it('in place of which there is a file is said to be none', async () => {
    const folder = makeAuthFolder();
    rmSync(folder.path, { recursive: true });
    writeFileSync(folder.path, 'x');
    const { directory } = await folder.open();
    expect(directory.problems()).toEqual([expect.objectContaining({ name: '.', severity: 'error' })]);
  });
});

describe('one bad file leaves the others alone', () => {
  it('whatever is wrong with it', async () => {
    const folder = makeAuthFolder();
    const at = (name: string): string => join(folder.path, name);
    folder.put('good.json', claude());
    folder.put('half.json', '{"type":"claude"');
    folder.put('empty.json', '');
    folder.put('typeless.json', { access_token: 'at-canary' });
    folder.put('stranger.json', { type: 'acme', access_token: 'at-canary' });
    folder.put('huge.json', claude({ x: 'y'.repeat(300_000) }));
    folder.put('a\u202enosj.json', claude());
    mkdirSync(at('folder.json'));
    execFileSync('mkfifo', [at('pipe.json')]);
    symlinkSync('nowhere', at('dangling.json'));
    symlinkSync('/dev/zero', at('device.json'));
    const { directory } = await folder.open();
    expect(directory.files().map(({ name }) => name)).toEqual(['good.json']);
    expect(directory.problems().map(({ name, code, severity }) => `${name} ${code} ${severity}`)).toEqual([
      'a\u202enosj.json odd_name error',
      'dangling.json foreign_link error',
      'device.json not_regular error',
      'empty.json not_json error',
      'folder.json not_regular error',
      'half.json not_json error',
      'huge.json too_large error',
      'pipe.json not_regular error',
      'stranger.json unknown_type error',
      'typeless.json no_type error',
    ]);
    expect(JSON.stringify(directory.problems())).not.toContain('canary');
    expect(directory.problems().map(({ message }) => message).join('')).not.toContain('\u202e');
  });

  it.runIf(isRoot)('a file, or what a link leads to, that belongs to another user is not read', async () => {
    const folder = makeAuthFolder();
    const outside = join(folder.path, '..', 'theirs');
    folder.put('mine.json', claude());
    folder.put('theirs.json', claude());
    chownSync(join(folder.path, 'theirs.json'), 4_321, 4_321);
    writeFileSync(outside, JSON.stringify(claude()), { mode: 0o644 });
    chownSync(outside, 4_321, 4_321);
    symlinkSync(outside, join(folder.path, 'link.json'));
    const { directory } = await folder.open();
    expect(directory.files().map(({ name }) => name)).toEqual(['mine.json']);
    expect(directory.problems().map(({ name, code }) => `${name} ${code}`)).toEqual(['link.json foreign_link', 'theirs.json foreign_owner']);
  });

  it('a link to a file of ours is read and never written', async () => {
    const folder = makeAuthFolder();
    const outside = join(folder.path, '..', 'real.json');
    writeFileSync(outside, JSON.stringify(claude()), { mode: 0o600 });
    symlinkSync(outside, join(folder.path, 'link.json'));
    const { directory, tokenWriter, accountWriter } = await folder.open();
    expect(directory.files().map(({ name, isWritable }) => [name, isWritable])).toEqual([['link.json', false]]);
    const before = readFileSync(outside, 'utf8');
    expect(await tokenWriter.reserve('link.json')).toMatchObject({ ok: false, error: { kind: 'read_only' } });
    expect(await accountWriter.patch('link.json', { note: 'x' })).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    expect(await accountWriter.put('link.json', JSON.stringify(claude()), { mayReplace: true })).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    expect(await accountWriter.remove('link.json')).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    expect(readFileSync(outside, 'utf8')).toBe(before);
    expect(lstatSync(join(folder.path, 'link.json')).isSymbolicLink()).toBe(true);
  });

  it('what is no account file is passed over: other names, hidden files, backups, our own folder', async () => {
    const folder = makeAuthFolder();
    for (const name of ['notes.txt', '.hidden.json', 'a.json.bak', 'a.json~', '.a.json.swp']) folder.put(name, '{');
    mkdirSync(join(folder.path, '.keyward'));
    folder.put('.keyward/ledger.json', '{');
    const { directory } = await folder.open();
    expect([directory.files(), directory.problems()]).toEqual([[], []]);
  });

  it('temp files of ours that a crash left are swept, younger ones and those of others are not', async () => {
    const folder = makeAuthFolder();
    const old = new Date(Date.now() - 120_000);
    for (const name of ['.a.json.AbCdEf-_1234.tmp', '.b.json.AbCdEf-_1234.tmp', '.editor.tmp']) folder.put(name, 'x');
    for (const name of ['.a.json.AbCdEf-_1234.tmp', '.editor.tmp']) utimesSync(join(folder.path, name), old, old);
    await folder.open();
    expect(folder.names()).toEqual(['.b.json.AbCdEf-_1234.tmp', '.editor.tmp']);
  });

  it('a write in place that was interrupted is completed before the file is read', async () => {
    const folder = makeAuthFolder();
    const [before, after] = [JSON.stringify(claude({ note: 'before' })), JSON.stringify(claude({ note: 'after, and longer' }))];
    folder.put('a.json', after.slice(0, -5));
    folder.put('a.json.journal', { before: Buffer.from(before).toString('base64'), after: Buffer.from(after).toString('base64') });
    const { directory } = await folder.open();
    expect(directory.files().map(({ operator }) => operator.note)).toEqual(['after, and longer']);
    expect(existsSync(join(folder.path, 'a.json.journal'))).toBe(false);
  });
});

describe('a changed config', () => {
  it('counts for files that are the same: a type that is served now is used, one that is not any more is not', async () => {
    const types = new Set(['claude']);
    const folder = makeAuthFolder({ ofFileType: (type) => (types.has(type) ? ofFileType(type) : undefined) });
    folder.put('a.json', claude());
    folder.put('b.json', { type: 'corp', access_token: 'x' });
    const { directory } = await folder.open();
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
    types.add('corp').delete('claude');
    await directory.rescan();
    expect(directory.files().map(({ name }) => name)).toEqual(['b.json']);
    expect(directory.problems().map(({ name, code }) => `${name} ${code}`)).toEqual(['a.json unknown_type']);
  });
});
