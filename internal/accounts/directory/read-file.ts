import { constants, lstat as lstatThen, stat as statThen, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../files/synced-file.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { AuthFileProblem } from '../auth-file/auth-file.ts';

/** Contract §13. */
export const maxFileBytes = 256 * 1_024;

/** What `stat` tells of a file; a file whose stamp is the same need not be read again. */
export type Stamp = string;

export type FileRead =
  | { readonly kind: 'read'; readonly stamp: Stamp; readonly bytes: Buffer; readonly hash: string; readonly modifiedAtMs: number; readonly mode: number; readonly isLink: boolean }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly stamp: Stamp; readonly code: AuthFileProblem['code']; readonly message: string };

/**
 * Reads a file of the auth directory if it may be trusted: regular, ours, not huge. A link is followed when what it leads
 * to is ours (Kubernetes links its secrets through `..data`). Whoever exchanges the file meanwhile gains nothing: what is
 * judged is the opened file. Never rejects; pipes and devices are not opened.
 */
export async function readAuthFile(folder: string, name: string, uid: number | undefined): Promise<FileRead> {
  const path = join(folder, name);
  const seen = await lookAt(path);
  if (seen === undefined) return { kind: 'missing' };
  const refuse = (code: AuthFileProblem['code'], message: string): FileRead => ({ kind: 'refused', stamp: seen.stamp, code, message });
  if (seen.target === undefined) return refuse('foreign_link', 'The file is a link that leads nowhere.');
  const wrong = judge(seen.target, seen.isLink, uid);
  if (wrong !== undefined) return refuse(wrong.code, wrong.message);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (seen.isLink ? 0 : constants.O_NOFOLLOW));
    const stats = await handle.stat({ bigint: true });
    const changed = judge(stats, seen.isLink, uid);
    if (changed !== undefined) return refuse(changed.code, changed.message);
    const bytes = await handle.readFile();
    if (bytes.length > maxFileBytes) return refuse('too_large', tooLarge);
    return { kind: 'read', stamp: seen.stamp, bytes, hash: sha256Hex(bytes), modifiedAtMs: Number(stats.mtimeMs), mode: Number(stats.mode) & 0o777, isLink: seen.isLink };
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'ENOENT') return { kind: 'missing' };
    return refuse('unreadable', `The file cannot be read (${code || 'unknown error'}).`);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** The file's stamp; undefined when it is not there. Never rejects. */
export async function stampOf(path: string): Promise<Stamp | undefined> {
  return (await lookAt(path))?.stamp;
}

const tooLarge = `The file is larger than ${maxFileBytes / 1_024} kB.`;

function judge(stats: BigIntStats, isLink: boolean, uid: number | undefined): { readonly code: AuthFileProblem['code']; readonly message: string } | undefined {
  const what = isLink ? 'The file is a link to something that' : 'The file';
  if (!stats.isFile()) return { code: 'not_regular', message: `${what} is no regular file.` };
  if (uid !== undefined && stats.uid !== BigInt(uid)) return { code: isLink ? 'foreign_link' : 'foreign_owner', message: `${what} belongs to another user.` };
  return stats.size > BigInt(maxFileBytes) ? { code: 'too_large', message: tooLarge } : undefined;
}

interface Look {
  readonly stamp: Stamp;
  readonly isLink: boolean;
  /** What the file, or the link, is in the end; undefined for a link that leads nowhere. */
  readonly target: BigIntStats | undefined;
}

async function lookAt(path: string): Promise<Look | undefined> {
  const own = await lstat(path);
  if (own === undefined) return undefined;
  if (!own.isSymbolicLink()) return { stamp: stampText(own), isLink: false, target: own };
  const target = await stat(path);
  return { stamp: `${stampText(own)} ${target === undefined ? 'nowhere' : stampText(target)}`, isLink: true, target };
}

/** Nanoseconds, since two saves within a millisecond happen; `ctime` tells of modes and owners. */
function stampText(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}

// By callback: a tenth of what a promise of node:fs costs, and a thousand files are looked at each second.
function lstat(path: string): Promise<BigIntStats | undefined> {
  return new Promise((done) => lstatThen(path, { bigint: true }, (thrown, stats) => done(thrown === null ? stats : undefined)));
}

function stat(path: string): Promise<BigIntStats | undefined> {
  return new Promise((done) => statThen(path, { bigint: true }, (thrown, stats) => done(thrown === null ? stats : undefined)));
}
