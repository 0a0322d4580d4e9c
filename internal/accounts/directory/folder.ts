import { chmod, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { journalPath, recoverInPlaceWrite } from '../../files/in-place-write.ts';
import { isTempName } from '../../files/prepared-write.ts';
import { errorCode } from '../../files/synced-file.ts';
import type { Logger } from '../../log/logger.ts';
import type { AuthFileProblem } from '../auth-file/auth-file.ts';
import { ownPathsOf } from './paths.ts';

/** The name that problems of the directory itself are listed under. */
export const directoryName = '.';

/** Makes the directory and `.keyward` in it where they are missing, 0700 both. Never rejects: what could not be made shows when it is used. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch(() => undefined);
  await makeOwnFolder(path);
}

/** `.keyward` alone: a directory that was moved away while it is in use must not come up again. Never rejects. */
export async function makeOwnFolder(path: string): Promise<void> {
  const own = ownPathsOf(path).folder;
  await mkdir(own, { mode: 0o700 }).catch(() => undefined);
  const stats = await stat(own).catch(() => undefined);
  if (stats !== undefined && (stats.mode & 0o077) !== 0) await chmod(own, 0o700).catch(() => undefined);
}

/** What is wrong with the directory itself; an `error` means that nothing in it is trusted. Open modes are narrowed on the way. Never rejects. */
export async function checkFolder(path: string, uid: number | undefined, log: Logger): Promise<readonly AuthFileProblem[]> {
  const problem = (code: AuthFileProblem['code'], severity: AuthFileProblem['severity'], message: string): readonly AuthFileProblem[] => [{ name: directoryName, code, severity, message }];
  try {
    const stats = await stat(path);
    if (!stats.isDirectory()) return problem('not_regular', 'error', 'The path of `auth-dir` is no directory.');
    if (uid === undefined) return [];
    if (stats.uid !== uid) return problem('foreign_owner', 'error', 'The auth directory belongs to another user; nothing in it is used.');
    const mode = stats.mode & 0o777;
    if ((mode & 0o077) === 0) return [];
    try {
      await chmod(path, 0o700);
      log.warn({ path, was: mode.toString(8) }, 'the auth directory was open to others and was narrowed to 0700');
      return [];
    } catch (thrown) {
      return problem('mode', 'warning', `The auth directory is open to others (mode ${mode.toString(8)}) and cannot be narrowed (${errorCode(thrown)}).`);
    }
  } catch (thrown) {
    return problem('unreadable', 'error', `The auth directory cannot be read (${errorCode(thrown) || 'unknown error'}); files that were loaded stay in use.`);
  }
}

export async function hasInterruptedWrites(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => [])).some((name) => name.endsWith(journalPath('')));
}

/** Finishes writes in place that a crash interrupted. Callers hold the write lock. Never rejects. */
export async function mendInterruptedWrites(path: string, log: Logger): Promise<void> {
  const ending = journalPath('');
  for (const name of await readdir(path).catch(() => [])) {
    if (!name.endsWith(ending)) continue;
    const mended = await recoverInPlaceWrite(join(path, name.slice(0, -ending.length))).catch(() => false);
    if (mended) log.warn({ file: name.slice(0, -ending.length) }, 'a write that was interrupted was completed');
  }
}

/** Reservations live as long as a token request; younger temp files may be another process's. */
const staleTempMs = 60_000;

/** Removes temp files that a crash left. `nowMs` is compared with when they were written. Never rejects. */
export async function sweepTempFiles(folder: string, names: readonly string[], nowMs: number): Promise<void> {
  for (const name of names.filter(isTempName)) {
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() === true && nowMs - stats.mtimeMs > staleTempMs) await rm(path, { force: true }).catch(() => undefined);
  }
}
