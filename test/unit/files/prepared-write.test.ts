import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isTempName, prepareDurableWrite, type PreparedWrite } from '../../../internal/files/prepared-write.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-prepared-'));
  file = join(folder, 'a.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function prepare(room = 0): Promise<PreparedWrite> {
  const prepared = await prepareDurableWrite(file, { room });
  if (!prepared.ok) throw new Error(prepared.error.kind);
  return prepared.value;
}
const temps = (): readonly string[] => readdirSync(folder).filter(isTempName);
const bytes = (text: string): Buffer => Buffer.from(text);

describe('a prepared write', () => {
  it('has its room on disk beside the target, 0600, before anything is committed', async () => {
    writeFileSync(file, 'old');
    await prepare(50_000);
    const [temp = ''] = temps();
    const stats = statSync(join(folder, temp));
    expect([stats.size, (stats.mode & 0o777).toString(8), stats.blocks * 512 >= 50_000]).toEqual([50_000, '600', true]);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it('commits into that room, leaving nothing of what filled it, and can be discarded afterwards', async () => {
    writeFileSync(file, 'old');
    const prepared = await prepare(50_000);
    const inode = statSync(join(folder, temps()[0] ?? '')).ino;
    expect(await prepared.commit(bytes('new'), { generations: 0 })).toEqual({ ok: true, value: { overwritten: undefined } });
    expect([readFileSync(file, 'utf8'), statSync(file).ino]).toEqual(['new', inode]);
    await prepared.discard();
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('can be committed again after a refusal, and after a success', async () => {
    writeFileSync(file, 'edited');
    const prepared = await prepare(100);
    expect(await prepared.commit(bytes('mine'), { expectedHash: sha256Hex('read') })).toEqual({ ok: false, error: { kind: 'changed' } });
    expect(readFileSync(file, 'utf8')).toBe('edited');
    expect((await prepared.commit(bytes('mine'), { expectedHash: sha256Hex('edited') })).ok).toBe(true);
    expect((await prepared.commit(bytes('mine again'), { expectedHash: sha256Hex('mine') })).ok).toBe(true);
    await prepared.discard();
    expect(readFileSync(file, 'utf8')).toBe('mine again');
  });

  it('tells what it replaced where that is not what was expected', async () => {
    writeFileSync(file, 'read');
    const prepared = await prepare();
    const rename = async (from: string, to: string): Promise<void> => {
      writeFileSync(to, 'saved by an editor');
      renameSync(from, to);
    };
    const committed = await prepared.commit(bytes('mine'), { expectedHash: sha256Hex('read'), rename });
    expect(committed.ok && Buffer.from(committed.value.overwritten ?? []).toString()).toBe('saved by an editor');
  });

  it('a file that comes between is not replaced by one that must be new', async () => {
    const prepared = await prepare();
    writeFileSync(file, 'theirs');
    expect(await prepared.commit(bytes('mine'), { expectedHash: 'absent' })).toEqual({ ok: false, error: { kind: 'changed' } });
    rmSync(file);
    expect((await prepared.commit(bytes('mine'), { expectedHash: 'absent' })).ok).toBe(true);
    expect([readFileSync(file, 'utf8'), statSync(file).nlink]).toEqual(['mine', 1]);
    await prepared.discard();
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('a file that goes between counts as changed', async () => {
    writeFileSync(file, 'read');
    const prepared = await prepare();
    rmSync(file);
    expect(await prepared.commit(bytes('mine'), { expectedHash: sha256Hex('read') })).toEqual({ ok: false, error: { kind: 'changed' } });
    expect(existsSync(file)).toBe(false);
  });

  it('refuses links and folders at the start and at the end', async () => {
    symlinkSync('elsewhere', file);
    expect(await prepareDurableWrite(file, { room: 0 })).toEqual({ ok: false, error: { kind: 'link' } });
    rmSync(file);
    const prepared = await prepare();
    mkdirSync(file);
    expect(await prepared.commit(bytes('mine'))).toEqual({ ok: false, error: { kind: 'not_regular' } });
    rmSync(file, { recursive: true });
    symlinkSync('elsewhere', file);
    expect(await prepared.commit(bytes('mine'))).toEqual({ ok: false, error: { kind: 'link' } });
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  it('old versions go where they are wanted, and a hard link elsewhere is not written through', async () => {
    mkdirSync(join(folder, 'old'));
    writeFileSync(file, 'one');
    linkSync(file, join(folder, 'other-name'));
    const prepared = await prepare();
    await prepared.commit(bytes('two'), { backup: join(folder, 'old', 'a.json'), generations: 2 });
    await prepared.commit(bytes('three'), { backup: join(folder, 'old', 'a.json'), generations: 2 });
    await prepared.discard();
    expect(readdirSync(join(folder, 'old')).map((name) => readFileSync(join(folder, 'old', name), 'utf8'))).toEqual(['two', 'one']);
    expect([readFileSync(join(folder, 'other-name'), 'utf8'), readdirSync(folder).sort()]).toEqual(['one', ['a.json', 'old', 'other-name']]);
  });

  it('a directory that takes no files is told of before anything is begun', async () => {
    file = join(folder, 'none', 'a.json');
    expect(await prepareDurableWrite(file, { room: 10 })).toMatchObject({ ok: false, error: { kind: 'not_writable' } });
  });
});
