import { constants, type Stats } from 'node:fs';
import { chmod, copyFile, link, lstat, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';
import { randomToken, sha256Hex } from '../secret/digest.ts';
import { overwriteInPlace } from './in-place-write.ts';
import { errorCode, syncDirectory, writeNewFile } from './synced-file.ts';

export interface DurableWriteOptions {
  /**
   * SHA-256 (hex) of what the file must still hold just before it is replaced; `absent` when it must not exist.
   * Undefined replaces whatever is there.
   */
  readonly expectedHash?: string | undefined;
  /** Old versions kept as `<name>.bak`, `<name>.bak.1` …; 0 keeps none. Default 3. */
  readonly generations?: number;
  /** For tests: what puts the new file in place. */
  readonly rename?: (from: string, to: string) => Promise<void>;
}

/**
 * `link` and `not_regular`: the target is not a plain file; `changed`: its content is not the expected; `not_writable`:
 * the system refused, with the cause.
 */
export interface DurableWriteFault {
  readonly kind: 'link' | 'not_regular' | 'changed' | 'not_writable';
  readonly cause?: unknown;
}

/**
 * Replaces a file so that after a crash it holds the old or the new content whole: random temp name opened with
 * O_EXCL|O_NOFOLLOW, 0600, written fully, synced, renamed, directory synced. A bind-mounted file, onto which no rename is
 * possible, is written in place under a journal. The old version is kept by its inode, so a save that an editor makes
 * at that very moment stands in `<name>.bak`. Callers serialise their writes to one path.
 */
export async function writeDurably(path: string, content: string | Uint8Array, options: DurableWriteOptions = {}): Promise<Result<undefined, DurableWriteFault>> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const temp = join(dirname(path), `.${basename(path)}.${randomToken(9)}.tmp`);
  try {
    const stats = await lstatIfThere(path);
    if (stats?.isSymbolicLink()) return err({ kind: 'link' });
    if (stats !== undefined && !stats.isFile()) return err({ kind: 'not_regular' });
    await writeNewFile(temp, bytes);
    const before = stats === undefined ? undefined : await readFile(path);
    if (!isExpected(before, options.expectedHash)) return err({ kind: 'changed' });
    if (before !== undefined) await keepOldVersion(path, options.generations ?? 3);
    try {
      await (options.rename ?? rename)(temp, path);
    } catch (thrown) {
      if (errorCode(thrown) !== 'EBUSY' || before === undefined) throw thrown;
      await replaceBackup(path, before, options.generations ?? 3);
      await overwriteInPlace(path, before, bytes);
    }
    await syncDirectory(dirname(path));
    return ok(undefined);
  } catch (cause) {
    return err({ kind: 'not_writable', cause });
  } finally {
    await rm(temp, { force: true }).catch(() => undefined);
  }
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function isExpected(before: Uint8Array | undefined, expectedHash: string | undefined): boolean {
  if (expectedHash === undefined) return true;
  return before === undefined ? expectedHash === 'absent' : sha256Hex(before) === expectedHash;
}

async function keepOldVersion(path: string, generations: number): Promise<void> {
  if (generations < 1) return;
  const name = (generation: number): string => (generation === 0 ? `${path}.bak` : `${path}.bak.${generation}`);
  for (let generation = generations - 2; generation >= 0; generation--) {
    await rename(name(generation), name(generation + 1)).catch(ignoreMissing);
  }
  await rm(name(0), { force: true });
  try {
    await link(path, name(0));
  } catch {
    // No hard links here (other owner, bind mount, foreign filesystem): a copy has to do.
    await copyFile(path, name(0), constants.COPYFILE_EXCL);
  }
  await chmod(name(0), 0o600);
}

/** A backup that shares the file's inode would be overwritten along with it. */
async function replaceBackup(path: string, before: Uint8Array, generations: number): Promise<void> {
  if (generations < 1) return;
  await rm(`${path}.bak`, { force: true });
  await writeNewFile(`${path}.bak`, before);
}

function ignoreMissing(thrown: unknown): void {
  if (errorCode(thrown) !== 'ENOENT') throw thrown;
}
