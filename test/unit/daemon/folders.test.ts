import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareFolders } from '../../../internal/daemon/folders.ts';

const scratch = mkdtempSync(join(tmpdir(), 'keyward-folders-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the data folder', () => {
  it('is made 0700, with what stands in it', () => {
    const folders = prepareFolders(join(scratch, 'new'));
    expect([join(scratch, 'new'), folders.logs, folders.spool].map(modeOf)).toEqual(['700', '700', '700']);
  });

  it('is closed to others when it is ours by what it holds', () => {
    const folder = join(scratch, 'ours');
    prepareFolders(folder);
    for (const name of ['config.yaml', 'audit.key', 'audit.checkpoint', 'auth-dir.key']) writeFileSync(join(folder, name), '');
    chmodSync(folder, 0o755);
    prepareFolders(folder);
    expect(modeOf(folder)).toBe('700');
  });

  it('is refused, and left as it is, when others may enter it and something else stands there', () => {
    const folder = join(scratch, 'shared');
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'passwd'), '');
    expect(() => prepareFolders(folder)).toThrow(/open to others and holds something .*passwd.*chmod 700/);
    expect(modeOf(folder)).toBe('755');
  });

  it('may hold other things when it is closed already', () => {
    const folder = join(scratch, 'mine');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'notes.txt'), '');
    expect(() => prepareFolders(folder)).not.toThrow();
  });

  it('is swept of forms that a crash left', () => {
    const { spool } = prepareFolders(join(scratch, 'swept'));
    writeFileSync(join(spool, 'form-x.spool'), 'secret');
    prepareFolders(join(scratch, 'swept'));
    expect(() => statSync(join(spool, 'form-x.spool'))).toThrow();
  });
});
