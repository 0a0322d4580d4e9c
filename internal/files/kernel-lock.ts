import { closeSync, constants, lstatSync, openSync, type BigIntStats } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import type { Clock } from '../clock/clock.ts';
import { errorCode } from './synced-file.ts';

/** A lock held by this process. It ends with `release` or with the process, never by elapsed time (security rule 24). */
export interface KernelLock {
  /** False once the lock file was removed or exchanged: the next to come would not find this lock. */
  readonly isHeld: () => boolean;
  /** Harmless when called again. */
  readonly release: () => void;
}

/**
 * Takes the lock on a file, or gives undefined when another holder, in this process or any other on this machine, has it.
 * Never waits: a wait inside SQLite holds the event loop. The lock is `BEGIN EXCLUSIVE` on an SQLite file that stays empty;
 * local filesystems only. Throws the system's error when the file cannot be made, and for a link in its place.
 *
 * Nobody else in this process may open the lock file: POSIX drops a process's locks on a file when any of its descriptors
 * is closed. @see https://www.sqlite.org/lockingv3.html, fcntl(2) "Advisory record locking"
 */
export function tryKernelLock(path: string): KernelLock | undefined {
  const before = ensureLockFile(path);
  const database = new BetterSqlite3(path, { fileMustExist: true, timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    if (errorCode(thrown).startsWith('SQLITE_BUSY')) return undefined;
    throw thrown;
  }
  const isHeld = (): boolean => {
    const now = database.open ? lstatSync(path, { bigint: true, throwIfNoEntry: false }) : undefined;
    return now !== undefined && now.ino === before.ino && now.dev === before.dev;
  };
  // Taken on a file that somebody removed meanwhile: a lock that nobody else would see.
  if (!isHeld()) {
    database.close();
    return undefined;
  }
  return {
    isHeld,
    release: () => {
      if (database.open) database.close();
    },
  };
}

export interface LockPatience {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Gives up after this long. */
  readonly patienceMs: number;
  /** Called between tries; true ends the waiting, since the lock is no longer needed. */
  readonly isDone?: () => Promise<boolean>;
  /** For tests; absent means Math.random. */
  readonly random?: () => number;
}

const firstPauseMs = 4;
const longestPauseMs = 100;

/** Tries until the lock is taken, with pauses that grow and differ between waiters. Undefined: given up, or no longer needed. Rejects with the signal's reason. */
export async function takeKernelLock(path: string, wait: LockPatience): Promise<KernelLock | undefined> {
  const { clock, signal, patienceMs, isDone, random = Math.random } = wait;
  const untilMs = clock.monotonicMs() + patienceMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const lock = tryKernelLock(path);
    if (lock !== undefined) return lock;
    if (clock.monotonicMs() >= untilMs) return undefined;
    await clock.sleep(pauseMs * (0.5 + random()), signal);
    if (isDone !== undefined && (await isDone())) return undefined;
  }
}

function ensureLockFile(path: string): BigIntStats {
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (there === undefined) {
    try {
      closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600));
    } catch (thrown) {
      // Another process made it in this instant.
      if (errorCode(thrown) !== 'EEXIST') throw thrown;
    }
    return lstatSync(path, { bigint: true });
  }
  if (!there.isFile()) throw new Error(`${path} is no regular file; remove it`);
  return there;
}
