import { constants } from 'node:fs';
import { mkdir, open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of the log directory. */
export interface LogFileEntry {
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** The application log and its rotated predecessors. */
export const currentLogName = 'keyward.log';
export const isRotatedLog = (name: string): boolean => /^keyward-[\dTZ.-]+\.log$/.test(name);

/** What a name may look like when it comes from a request: one plain component ending in `.log`. */
export const isSafeLogName = (name: string): boolean => /^[\w.@-]{1,240}\.log$/.test(name) && !name.startsWith('.');

/** The id at the end of a request log's name, after the stamp; undefined for other files. */
export function requestIdOf(name: string): string | undefined {
  return /-\d{4}-\d\d-\d\dT\d+Z-([\w-]{1,64})\.log$/.exec(name)?.[1];
}

/** Opens for appending, 0600, never through a link; the directory is made 0700 where it is missing. */
export async function openLogFile(directory: string, name: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const handle = await open(join(directory, name), flags, 0o600);
  await handle.chmod(0o600);
  return handle;
}

/** The directory's log files, newest first; empty where there is no directory. */
export async function listLogFiles(directory: string, accept: (name: string) => boolean): Promise<readonly LogFileEntry[]> {
  const names = await readdir(directory).catch(() => []);
  const entries = await Promise.all(names.filter((name) => isSafeLogName(name) && accept(name)).map((name) => describe(directory, name)));
  return entries.filter((entry) => entry !== undefined).sort((a, b) => b.modifiedMs - a.modifiedMs || (a.name < b.name ? 1 : -1));
}

async function describe(directory: string, name: string): Promise<LogFileEntry | undefined> {
  try {
    const found = await stat(join(directory, name));
    return found.isFile() ? { name, size: found.size, modifiedMs: found.mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the named files; the number that went. */
export async function removeLogFiles(directory: string, names: readonly string[]): Promise<number> {
  const gone = await Promise.all(names.map((name) => unlink(join(directory, name)).then(() => true, () => false)));
  return gone.filter(Boolean).length;
}

/** Removes the oldest log files until all together are within `maxBytes`; the one being written stays. 0 keeps all. */
export async function pruneLogFiles(directory: string, maxBytes: number): Promise<void> {
  if (maxBytes <= 0) return;
  const files = await listLogFiles(directory, () => true);
  let total = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files.toReversed()) {
    if (total <= maxBytes) return;
    if (file.name === currentLogName) continue;
    if ((await removeLogFiles(directory, [file.name])) === 1) total -= file.size;
  }
}

/** The whole file, read without following a link; undefined where there is none. */
export async function readLogFile(directory: string, name: string, maxBytes: number): Promise<Uint8Array | undefined> {
  if (!isSafeLogName(name)) return undefined;
  let handle: FileHandle;
  try {
    handle = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, maxBytes));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, Math.max(0, size - bytes.length));
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** An instant as it stands in file names: `2026-11-24T021209123Z`. */
export function fileStamp(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[:.]/g, '');
}
