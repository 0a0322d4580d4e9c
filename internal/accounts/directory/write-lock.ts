import type { Clock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { takeKernelLock } from '../../files/kernel-lock.ts';
import { errorCode } from '../../files/synced-file.ts';
import { makeOwnFolder } from './folder.ts';
import { ownPathsOf } from './paths.ts';

/** Lets one writer of the directory in at a time, over all processes of this machine. */
export interface WriteLock {
  /** Runs `work` while the lock is held. The error says why it could not be had, as the rest of a sentence. Not to be nested. */
  readonly run: <T>(work: () => Promise<T>) => Promise<Result<T, string>>;
}

/** Writes take milliseconds; only a stopped process holds the lock longer. */
const patienceMs = 10_000;

/** The lock of one directory. One for each directory and process: within the process writers queue without asking the system. */
export function createWriteLock({ path, clock }: { readonly path: string; readonly clock: Clock }): WriteLock {
  const { writeLock } = ownPathsOf(path);
  let queue: Promise<unknown> = Promise.resolve();

  async function runLocked<T>(work: () => Promise<T>): Promise<Result<T, string>> {
    await makeOwnFolder(path);
    let lock;
    try {
      lock = await takeKernelLock(writeLock, { clock, patienceMs });
    } catch (thrown) {
      return err(`its directory cannot be written (${errorCode(thrown) || 'the lock file cannot be used'})`);
    }
    if (lock === undefined) return err('another process holds the write lock of its directory, and seems to be stopped');
    try {
      return ok(await work());
    } finally {
      lock.release();
    }
  }

  return {
    run: (work) => {
      const turn = queue.then(() => runLocked(work));
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}
