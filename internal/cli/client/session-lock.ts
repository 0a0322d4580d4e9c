import { join } from 'node:path';
import { systemClock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { takeKernelLock, type KernelLock } from '../../files/kernel-lock.ts';
import { errorCode } from '../../files/synced-file.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { clientPlaces } from './places.ts';
import { prepareFolders } from './vault.ts';

const patienceMs = 45_000;

/** Whoever changes or spends what is stored of a context holds its lock; it ends with its process. Errors: `storage_unwritable`, `busy`. */
export async function lockContext(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>, context: string): Promise<Result<KernelLock, StoreRefusal>> {
  return take(cli, join(clientPlaces(cli).state, `${context}.lock`));
}

/** For changes of `contexts.json`. */
export async function lockContexts(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>): Promise<Result<KernelLock, StoreRefusal>> {
  return take(cli, clientPlaces(cli).contextsLock);
}

async function take(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>, path: string): Promise<Result<KernelLock, StoreRefusal>> {
  const prepared = prepareFolders(cli);
  if (!prepared.ok) return prepared;
  try {
    const lock = await takeKernelLock(path, { clock: systemClock, patienceMs });
    return lock === undefined ? err({ code: 'busy', message: `Another keyward has been holding ${path} for ${patienceMs / 1_000} s; end it (is it stopped?) and try again.` }) : ok(lock);
  } catch (thrown) {
    return err({ code: 'storage_unwritable', message: `${path} cannot be locked (${errorCode(thrown)}); the folder must be on a local disk. KEYWARD_CLIENT_DIR names another.` });
  }
}
