import { createBudgetLedger, type BudgetLedger } from '../../internal/clients/limits/budget-ledger.ts';
import type { BudgetStore } from '../../internal/clients/limits/budget-store.ts';
import { createLimits, type Limits } from '../../internal/clients/limits/limits.ts';
import type { Clock } from '../../internal/clock/clock.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import { createMemoryBudgetStore } from '../../internal/storage/memory/budget-store.ts';

export interface CallerLimits {
  readonly limits: Limits;
  readonly ledger: BudgetLedger;
  readonly store: BudgetStore;
}

/** What callers may use, counted over a store in memory unless another is given. */
export function callerLimits(clock: Clock, store: BudgetStore = createMemoryBudgetStore(), maxHolders?: number): CallerLimits {
  const ledger = createBudgetLedger({ store, clock, log: silentLogger });
  return { ledger, store, limits: createLimits({ clock, ledger, ...(maxHolders === undefined ? {} : { maxHolders }) }) };
}
