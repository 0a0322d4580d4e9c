import { closeSync, constants, fsyncSync, lstatSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../fault/app-error.ts';

/** Beside the database. As long as it is there nobody comes in without a credential, whatever the config says (security rule 2). */
function latchPath(dataDir: string): string {
  return join(dataDir, 'state', 'client-auth-required');
}

/** Anything but "there is none" keeps the door closed. */
export function isLatched(dataDir: string): boolean {
  try {
    lstatSync(latchPath(dataDir));
    return true;
  } catch (thrown) {
    const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

/** Durable when it returns. Errors: `storage_unavailable`. */
export function setLatch(dataDir: string): void {
  const path = latchPath(dataDir);
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      writeSync(file, 'Managed keys were made, people log in, or an issuer is trusted: callers need a credential. See docs/keys.md before removing this file.\n', 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const folder = openSync(dirname(path), constants.O_RDONLY);
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    throw new AppError('storage_unavailable', { message: 'The mark that closes the door to callers without a credential cannot be written beside the database, so no key was made: check space and owner of `data-dir`.', cause });
  }
}
