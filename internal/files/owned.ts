import { lstatSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { err, ok, type Result } from '../fault/result.ts';

/** Why a file or directory is not trusted. `link` and `not_regular` concern files alone. */
export type OwnershipFault = 'missing' | 'link' | 'not_regular' | 'not_directory' | 'foreign_owner' | 'writable_by_others';

/** Group and others' write bits. */
const othersWrite = 0o022;

/**
 * A regular file, no link, that belongs to `uid` and that nobody else can write. `uid` undefined (Windows) skips the
 * checks of owner and mode.
 */
export function checkOwnedFile(path: string, uid: number | undefined): Result<Stats, OwnershipFault> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return err('missing');
  if (stats.isSymbolicLink()) return err('link');
  if (!stats.isFile()) return err('not_regular');
  return checkOwner(stats, uid);
}

/** A directory (a link to one counts) that belongs to `uid` and that nobody else can write. */
export function checkOwnedDirectory(path: string, uid: number | undefined): Result<Stats, OwnershipFault> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return err('missing');
  if (!stats.isDirectory()) return err('not_directory');
  return checkOwner(stats, uid);
}

/** Makes the directory and what is missing above it, all 0700, and checks it. Directories that are there keep their mode. */
export function ensureOwnedDirectory(path: string, uid: number | undefined): Result<Stats, OwnershipFault> {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return checkOwnedDirectory(path, uid);
}

function checkOwner(stats: Stats, uid: number | undefined): Result<Stats, OwnershipFault> {
  if (uid === undefined) return ok(stats);
  if (stats.uid !== uid) return err('foreign_owner');
  return (stats.mode & othersWrite) === 0 ? ok(stats) : err('writable_by_others');
}
