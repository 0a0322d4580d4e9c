import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { Login } from '../providers/login.ts';
import { takeLoginLocks, type LoginLocksDeps } from './login-locks.ts';
import { findOnDisk, type OnDiskDeps } from './on-disk.ts';

export type HoldDeps = Omit<LoginLocksDeps, 'ledgers'> & OnDiskDeps & Pick<LoginLocksDeps, 'ledgers'>;

/**
 * Runs `work` with the newest tokens of a login while no process refreshes it: for revoking and removing, where a token that is
 * exchanged at the same moment would live on. `busy`: another process's refresh takes too long.
 */
export async function holdLogin<T>(deps: HoldDeps, login: Login, work: (newest: TokenSet) => Promise<T>): Promise<Result<T, 'busy'>> {
  const locks = await takeLoginLocks(deps, login);
  if (locks === undefined) return err('busy');
  try {
    const { newest } = await findOnDisk(deps, login);
    return ok(await work(newest?.tokens ?? noTokens));
  } finally {
    locks.release();
  }
}
