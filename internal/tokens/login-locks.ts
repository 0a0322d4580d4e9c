import type { Clock } from '../clock/clock.ts';
import { takeKernelLock, type KernelLock } from '../files/kernel-lock.ts';
import type { Login } from '../providers/login.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { Ledgers } from './ledger.ts';

export interface LoginLocksDeps {
  readonly clock: Clock;
  readonly ledgers: Pick<Ledgers, 'lockPath' | 'prepare'>;
  /** How long another holder is waited for. */
  readonly lockPatienceMs: number;
}

export interface LoginLocks {
  /** False once somebody has removed or exchanged one of the lock files: others would not see it any more. */
  readonly areHeld: () => boolean;
  readonly release: () => void;
}

export interface LocksWait {
  readonly signal?: AbortSignal;
  /** True ends the waiting, since the locks are no longer needed. */
  readonly isDone?: () => Promise<boolean>;
}

/**
 * The login's lock, then its files', always in this order. A daemon with another config, and this one before a reload, may
 * know the same file under another name or token endpoint, and so by another key: over the file they meet all the same.
 * Undefined: given up, or no longer needed. Rejects with the signal's reason, and with the system's error.
 */
export async function takeLoginLocks({ clock, ledgers, lockPatienceMs }: LoginLocksDeps, login: Login, wait: LocksWait = {}): Promise<LoginLocks | undefined> {
  await ledgers.prepare();
  const names = [login.key, ...[...login.fileNames].sort().map((name) => `file-${sha256Hex(name).slice(0, 32)}`)];
  const held: KernelLock[] = [];
  const release = (): void => {
    for (const lock of held.toReversed()) lock.release();
  };
  try {
    for (const name of names) {
      const lock = await takeKernelLock(ledgers.lockPath(name), { clock, patienceMs: lockPatienceMs, ...wait });
      if (lock === undefined) {
        release();
        return undefined;
      }
      held.push(lock);
    }
  } catch (thrown) {
    release();
    throw thrown;
  }
  return { areHeld: () => held.every((lock) => lock.isHeld()), release };
}
