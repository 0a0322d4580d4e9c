import type { Clock } from '../clock/clock.ts';
import { takeKernelLock } from '../files/kernel-lock.ts';
import type { Ledgers, LedgerState } from './ledger.ts';

export interface ForgetDeps {
  readonly ledgers: Ledgers;
  readonly clock: Clock;
  /** How long another process's refresh is waited for. */
  readonly lockPatienceMs: number;
}

/** After a logout or a removed file no live token is left beside it; digests of spent ones stay, or a backup could bring one back. */
export function forgetNewest(deps: ForgetDeps, loginKey: string): Promise<void> {
  return change(deps, loginKey, ({ newest: _newest, unopened: _unopened, ...kept }) => ({ ...kept, newest: undefined }));
}

/** An operator asks for another try of what the vendor refused. */
export function forgetDead(deps: ForgetDeps, loginKey: string): Promise<void> {
  return change(deps, loginKey, (state) => ({ ...state, dead: [] }));
}

async function change({ ledgers, clock, lockPatienceMs }: ForgetDeps, loginKey: string, edit: (state: LedgerState) => LedgerState): Promise<void> {
  await ledgers.prepare();
  const lock = await takeKernelLock(ledgers.lockPath(loginKey), { clock, patienceMs: lockPatienceMs });
  if (lock === undefined) return;
  try {
    const state = await ledgers.read(loginKey);
    if (state.newest !== undefined || state.unopened !== undefined || state.dead.length > 0) await ledgers.write(loginKey, edit(state));
  } finally {
    lock.release();
  }
}
