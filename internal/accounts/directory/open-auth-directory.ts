import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import type { Keyring } from '../auth-file/keyring.ts';
import type { AccountWriter, AuthDirectory, TokenWriter } from './ports.ts';

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
export function openAuthDirectory(_deps: AuthDirectoryDeps): Promise<OpenAuthDirectory> {
  throw new TypeError('not built yet');
}
