import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import type { Keyring } from '../auth-file/keyring.ts';
import { createAccountWriter } from './account-writer.ts';
import { followDirectory } from './auth-directory.ts';
import { createFileTable } from './file-table.ts';
import { hasInterruptedWrites, makeFolder, mendInterruptedWrites } from './folder.ts';
import type { AccountWriter, AuthDirectory, TokenWriter } from './ports.ts';
import { createTokenWriter } from './token-writer.ts';
import { createWriteLock } from './write-lock.ts';

export interface AuthDirectoryDeps {
  /** Absolute; made 0700 where it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this process; undefined (Windows) skips the checks of owner and mode. */
  readonly uid: number | undefined;
  /** The login profile that a file's `type` (lower case) belongs to. Asked anew at each `rescan`, so that a changed config counts. */
  readonly ofFileType: (type: string) => { readonly name: string } | undefined;
  readonly keyring: Keyring;
  /** False: no file system events, the sweep alone. Default true. */
  readonly hasEvents?: boolean;
}

export interface OpenAuthDirectory {
  readonly directory: AuthDirectory;
  readonly tokenWriter: TokenWriter;
  readonly accountWriter: AccountWriter;
}

/** Makes and checks the directory, mends what a crash left, and scans it once. Never rejects: what is wrong is in `problems`. */
export async function openAuthDirectory(deps: AuthDirectoryDeps): Promise<OpenAuthDirectory> {
  const { path, clock, log } = deps;
  await makeFolder(path);
  const lock = createWriteLock({ path, clock });
  // Without such a file the lock is not waited for: another process may hold it, stopped.
  if (await hasInterruptedWrites(path)) await lock.run(() => mendInterruptedWrites(path, log));
  const table = createFileTable(deps);
  const { directory, noteWritten, scan } = followDirectory({ path, clock, log, table, hasEvents: deps.hasEvents ?? true });
  await directory.rescan();
  const writers = { ...deps, lock, noteWritten, scan, table };
  return { directory, tokenWriter: createTokenWriter(writers), accountWriter: createAccountWriter(writers) };
}
