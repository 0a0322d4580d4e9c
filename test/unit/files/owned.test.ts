import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOwnedDirectory, checkOwnedFile, ensureOwnedDirectory } from '../../../internal/files/owned.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-owned-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('what is trusted on disk', () => {
  const make = (name: string, mode: number): string => {
    const path = join(folder, name);
    writeFileSync(path, 'x');
    chmodSync(path, mode);
    return path;
  };
  const uid = (): number => statSync(folder).uid;

  it('a plain file of ours that only we can write is fine', () => {
    expect(checkOwnedFile(make('mine', 0o644), uid()).ok).toBe(true);
  });

  it.each([0o664, 0o646, 0o666])('a file with mode %o is refused', (mode) => {
    expect(checkOwnedFile(make('loose', mode), uid())).toEqual({ ok: false, error: 'writable_by_others' });
  });

  it('a file of another user, a link, a directory and nothing are told apart', () => {
    const file = make('file', 0o600);
    symlinkSync(file, join(folder, 'link'));
    expect(checkOwnedFile(file, uid() + 1)).toEqual({ ok: false, error: 'foreign_owner' });
    expect(checkOwnedFile(join(folder, 'link'), uid())).toEqual({ ok: false, error: 'link' });
    expect(checkOwnedFile(folder, uid())).toEqual({ ok: false, error: 'not_regular' });
    expect(checkOwnedFile(join(folder, 'none'), uid())).toEqual({ ok: false, error: 'missing' });
    expect(checkOwnedDirectory(file, uid())).toEqual({ ok: false, error: 'not_directory' });
  });

  it('a directory we make is 0700; one that others can write is refused', () => {
    const made = join(folder, 'a', 'b');
    expect(ensureOwnedDirectory(made, uid()).ok).toBe(true);
    expect(statSync(made).mode & 0o777).toBe(0o700);
    mkdirSync(join(folder, 'loose'));
    chmodSync(join(folder, 'loose'), 0o777);
    expect(ensureOwnedDirectory(join(folder, 'loose'), uid())).toEqual({ ok: false, error: 'writable_by_others' });
  });
});
