import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Creates a file that must not exist yet, 0600, whole and synced. Rejects with the system's error. */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await writeFully(handle, bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Creates a file that must not exist yet, 0600, that takes `bytes` bytes on disk, synced. Filled with noise: a filesystem that
 * compresses would keep no room for zeros.
 */
export async function growNewFile(path: string, bytes: number): Promise<void> {
  await writeNewFile(path, randomBytes(bytes));
}

/** Writes all bytes from the start of the file, over as many system calls as it takes. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, offset);
    offset += bytesWritten;
  }
}

/** Makes renames and removals within the directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function errorCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** Writes over a file that is there, a link excepted, and syncs it. Not atomic: for files that nobody else reads yet, or under a journal. */
export async function overwriteFile(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await writeFully(handle, bytes);
    await handle.truncate(bytes.length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
