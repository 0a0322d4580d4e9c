import { lstatSync, readFileSync, renameSync, type Stats } from 'node:fs';
import { link, lstat, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';
import { randomToken, sha256Hex } from '../secret/digest.ts';
import { overwriteInPlace } from './in-place-write.ts';
import { keepOldVersion, replaceOldVersion, type OldVersions } from './old-versions.ts';
import { errorCode, growNewFile, overwriteFile, syncDirectory } from './synced-file.ts';

/**
 * `link` and `not_regular`: the target is not a plain file; `changed`: its content is not the expected; `not_writable`:
 * the system refused, with the cause.
 */
export interface DurableWriteFault {
  readonly kind: 'link' | 'not_regular' | 'changed' | 'not_writable';
  readonly cause?: unknown;
}

export interface CommitOptions {
  /**
   * SHA-256 (hex) of what the file must still hold just before it is replaced; `absent` when it must not exist.
   * Undefined replaces whatever is there.
   */
  readonly expectedHash?: string | undefined;
  /** Where the newest old version is kept, on the same filesystem. Default `<name>.bak` beside the file. */
  readonly backup?: string;
  /** Old versions kept: `backup`, `<backup>.1` …; 0 keeps none. Default 3. */
  readonly generations?: number;
  /** For tests: what puts the new file in place. */
  readonly rename?: (from: string, to: string) => Promise<void>;
}

export interface Committed {
  /**
   * What was replaced, where that is not what was expected: a save that somebody made in the last instant, and that the
   * caller may want to unite with its own. Known only where an old version is kept.
   */
  readonly overwritten: Uint8Array | undefined;
}

/** A synced temp file beside a target, with room for the target's next content. */
export interface PreparedWrite {
  /** Puts `bytes` in the target's place as `writeDurably` describes. May be called again, after a failure or for newer bytes. */
  readonly commit: (bytes: Uint8Array, options?: CommitOptions) => Promise<Result<Committed, DurableWriteFault>>;
  /** Removes the temp file where there still is one. Never rejects. */
  readonly discard: () => Promise<void>;
}

/** Name of a temp file beside `path`; begins with a dot, so that nobody takes it for a file of its directory. */
const tempName = (path: string): string => join(dirname(path), `.${basename(path)}.${randomToken(9)}.tmp`);

/** True for names that `prepareDurableWrite` makes: what a crash left of them may be removed. */
export function isTempName(name: string): boolean {
  return /^\..+\.[\w-]{12}\.tmp$/.test(name);
}

/** Makes the temp file, `room` bytes long on disk, before anything irrevocable is begun. Faults: `link`, `not_regular`, `not_writable`. */
export async function prepareDurableWrite(path: string, { room }: { readonly room: number }): Promise<Result<PreparedWrite, DurableWriteFault>> {
  let temp = tempName(path);
  try {
    const fault = await checkTarget(path);
    if (fault !== undefined) return err(fault);
    await growNewFile(temp, room);
    // Without room nothing was promised that a crash could take away.
    if (room > 0) await syncDirectory(dirname(path));
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined);
    return err({ kind: 'not_writable', cause });
  }

  async function commit(bytes: Uint8Array, options: CommitOptions = {}): Promise<Result<Committed, DurableWriteFault>> {
    try {
      const fault = await checkTarget(path);
      if (fault !== undefined) return err(fault);
      temp = await fillTemp(temp, path, bytes);
      return await replace(path, temp, bytes, options);
    } catch (cause) {
      return err({ kind: 'not_writable', cause });
    }
  }

  return ok({ commit, discard: () => rm(temp, { force: true }).catch(() => undefined) });
}

async function replace(path: string, temp: string, bytes: Uint8Array, options: CommitOptions): Promise<Result<Committed, DurableWriteFault>> {
  const { expectedHash } = options;
  const oldVersions: OldVersions = { path: options.backup ?? `${path}.bak`, generations: options.generations ?? 3 };
  const before = await readIfThere(path);
  if (!isExpected(before, expectedHash)) return err({ kind: 'changed' });
  try {
    if (before !== undefined) await keepOldVersion(path, oldVersions);
    if (options.rename !== undefined) await options.rename(temp, path);
    else if (!(await putInPlace(temp, path, expectedHash))) return err({ kind: 'changed' });
  } catch (thrown) {
    if (expectedHash !== undefined && errorCode(thrown) === 'ENOENT' && (await lstatIfThere(path)) === undefined) return err({ kind: 'changed' });
    if (errorCode(thrown) !== 'EBUSY' || before === undefined) throw thrown;
    await replaceOldVersion(before, oldVersions);
    await overwriteInPlace(path, before, bytes);
  }
  await syncDirectory(dirname(path));
  if (before === undefined || oldVersions.generations < 1) return ok({ overwritten: undefined });
  const replaced = await readIfThere(oldVersions.path);
  return ok({ overwritten: replaced === undefined || replaced.equals(before) ? undefined : replaced });
}

/**
 * The last look and the rename are one turn of the event loop, two system calls apart. What a program renames into place
 * between those is lost; what it writes into the file is kept by its inode.
 */
async function putInPlace(temp: string, path: string, expectedHash: string | undefined): Promise<boolean> {
  if (expectedHash === 'absent') return linkInPlace(temp, path);
  if (expectedHash !== undefined) {
    const seen = lstatSync(path, { bigint: true });
    if (sha256Hex(readFileSync(path)) !== expectedHash) return false;
    // Reading and hashing takes several times as long as asking whether it still holds.
    const now = lstatSync(path, { bigint: true });
    if (now.ino !== seen.ino || now.mtimeNs !== seen.mtimeNs || now.size !== seen.size) return false;
  }
  renameSync(temp, path);
  return true;
}

/** Unlike a rename, a link never replaces a file that came meanwhile. */
async function linkInPlace(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path);
  } catch (thrown) {
    if (errorCode(thrown) === 'EEXIST') return false;
    // A filesystem without hard links.
    renameSync(temp, path);
    return true;
  }
  await rm(temp, { force: true });
  return true;
}

/** Writes into the temp file that is there, whose blocks are ours already; a new one where it is gone. Its name. */
async function fillTemp(temp: string, path: string, bytes: Uint8Array): Promise<string> {
  try {
    await overwriteFile(temp, bytes);
    return temp;
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw thrown;
  }
  const fresh = tempName(path);
  await growNewFile(fresh, 0);
  return fillTemp(fresh, path, bytes);
}

async function checkTarget(path: string): Promise<DurableWriteFault | undefined> {
  const stats = await lstatIfThere(path);
  if (stats?.isSymbolicLink()) return { kind: 'link' };
  return stats === undefined || stats.isFile() ? undefined : { kind: 'not_regular' };
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function isExpected(before: Uint8Array | undefined, expectedHash: string | undefined): boolean {
  if (expectedHash === undefined) return true;
  return before === undefined ? expectedHash === 'absent' : sha256Hex(before) === expectedHash;
}
