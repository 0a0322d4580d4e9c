import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDurably } from '../../../internal/files/durable-write.ts';
import { journalPath, recoverInPlaceWrite } from '../../../internal/files/in-place-write.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-durable-'));
  file = join(folder, 'config.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string): number => statSync(path).mode & 0o777;
const busy = (): Promise<void> => Promise.reject(Object.assign(new Error('busy'), { code: 'EBUSY' }));

describe('durable writes', () => {
  it('a new file holds the content, is 0600, and nothing else is left in the folder', async () => {
    expect(await writeDurably(file, 'a: 1\n')).toEqual({ ok: true, value: undefined });
    expect(readFileSync(file, 'utf8')).toBe('a: 1\n');
    expect(mode(file)).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('an old mode of 0644 does not survive, neither in the file nor in its backup', async () => {
    writeFileSync(file, 'old', { mode: 0o644 });
    await writeDurably(file, 'new');
    expect([mode(file), mode(`${file}.bak`)]).toEqual([0o600, 0o600]);
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('old');
  });

  it('three old versions are kept, the oldest goes', async () => {
    for (const version of ['1', '2', '3', '4', '5']) await writeDurably(file, version);
    expect(['', '.bak', '.bak.1', '.bak.2'].map((suffix) => readFileSync(file + suffix, 'utf8'))).toEqual(['5', '4', '3', '2']);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  it('a file that changed since it was read is left as it is', async () => {
    writeFileSync(file, 'edited by hand');
    const result = await writeDurably(file, 'mine', { expectedHash: sha256Hex('what I read') });
    expect(result).toEqual({ ok: false, error: { kind: 'changed' } });
    expect(readFileSync(file, 'utf8')).toBe('edited by hand');
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('a save made between the check and the rename is found in the backup', async () => {
    writeFileSync(file, 'read');
    const result = await writeDurably(file, 'mine', {
      expectedHash: sha256Hex('read'),
      rename: async (from, to) => {
        writeFileSync(to, 'saved by an editor');
        const { rename } = await import('node:fs/promises');
        await rename(from, to);
      },
    });
    expect(result.ok).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('saved by an editor');
  });

  it('a link is never written through', async () => {
    writeFileSync(join(folder, 'real.yaml'), 'real');
    symlinkSync('real.yaml', file);
    expect(await writeDurably(file, 'mine')).toEqual({ ok: false, error: { kind: 'link' } });
    expect(readFileSync(join(folder, 'real.yaml'), 'utf8')).toBe('real');
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
  });

  it('a directory in the file’s place is refused', async () => {
    mkdirSync(file);
    expect(await writeDurably(file, 'mine')).toEqual({ ok: false, error: { kind: 'not_regular' } });
  });

  it('a file that must not exist yet is not replaced', async () => {
    writeFileSync(file, 'there');
    expect(await writeDurably(file, 'mine', { expectedHash: 'absent' })).toEqual({ ok: false, error: { kind: 'changed' } });
  });

  it('a bind-mounted file is written in place, and its journal goes', async () => {
    writeFileSync(file, 'a longer old text');
    const inode = statSync(file).ino;
    expect((await writeDurably(file, 'short', { rename: busy })).ok).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('short');
    expect(statSync(file).ino).toBe(inode);
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('a longer old text');
    expect(readdirSync(folder).sort()).toEqual(['config.yaml', 'config.yaml.bak']);
  });

  it('another failure of the rename leaves the old file and says so', async () => {
    writeFileSync(file, 'old');
    const result = await writeDurably(file, 'new', { rename: () => Promise.reject(Object.assign(new Error('no'), { code: 'EPERM' })) });
    expect(result).toMatchObject({ ok: false, error: { kind: 'not_writable' } });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a write in place that was interrupted', () => {
  const journal = (before: string, after: string): void =>
    writeFileSync(journalPath(file), JSON.stringify({ before: Buffer.from(before).toString('base64'), after: Buffer.from(after).toString('base64') }));

  it.each([
    ['torn', 'AAA456789', '123456789', 'AAABBB', 'AAABBB', true],
    ['written but not yet cut', 'AAABBB789', '123456789', 'AAABBB', 'AAABBB', true],
    ['not begun', '123456789', '123456789', 'AAABBB', '123456789', false],
    ['complete', 'AAABBB', '123456789', 'AAABBB', 'AAABBB', false],
    ['edited by someone since', 'other: text', '123456789', 'AAABBB', 'other: text', false],
  ])('%s: the file is whole afterwards', async (_case, present, before, after, expected, mended) => {
    writeFileSync(file, present);
    journal(before, after);
    expect(await recoverInPlaceWrite(file)).toBe(mended);
    expect(readFileSync(file, 'utf8')).toBe(expected);
    expect(existsSync(journalPath(file))).toBe(false);
  });

  it('without a journal nothing is touched', async () => {
    writeFileSync(file, 'x');
    chmodSync(file, 0o400);
    expect(await recoverInPlaceWrite(file)).toBe(false);
  });
});
