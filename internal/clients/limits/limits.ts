import type { Clock } from '../../clock/clock.ts';
import { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { Grant, Holder } from '../grant.ts';
import type { Principal } from '../principal.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import { HolderCounters, type Draws, type Moment } from './holder-counters.ts';
import { amountsOf, takeLease, type Lease } from './lease.ts';
import type { Price } from './price.ts';
import { refuseReached, type Reached } from './refused.ts';

/** What a request may use, before anybody knows. */
export interface Demand {
  readonly input: number;
  /** The most that its answer may have. */
  readonly output: number;
  /** Of the model; undefined where the operator named none. */
  readonly price: Price | undefined;
  readonly draws: Draws;
}

/** Counts what callers use of their rates, budgets and places, by holder id: a rotated key goes on where it was. */
export interface Limits {
  /**
   * A lease on all holders' limits or on none. Codes: `rate_limit_exceeded`, `budget_exhausted`, `auth_unavailable` where
   * what was spent before cannot be read.
   */
  readonly admit: (principal: Principal, demand: Demand) => Result<Lease, AppError>;
  /** Holders remembered now. */
  readonly size: () => number;
}

export interface LimitsDeps {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly ledger: Pick<BudgetLedger, 'load' | 'add'>;
  /** Holders remembered; those with exchanges under way stay beyond it. */
  readonly maxHolders?: number;
}

/** Whether anything of a caller is to be counted. Mostly nothing is, and then nothing is looked up. */
export function isMetered({ holders }: Pick<Principal, 'holders'>): boolean {
  if (holders === undefined) return false;
  for (const { grant } of holders) if (isLimited(grant)) return true;
  return false;
}

function isLimited(grant: Grant): boolean {
  return grant.requestsPerMinute !== undefined || grant.tokensPerMinute !== undefined || grant.maxConcurrent !== undefined || grant.dailyBudget !== undefined || grant.monthlyBudget !== undefined;
}

const defaultMaxHolders = 50_000;
/** To look at every holder is too much for each new one. */
const sweepEveryMs = 10_000;
const storeRetrySeconds = '5';

export function createLimits({ clock, ledger, maxHolders = defaultMaxHolders }: LimitsDeps): Limits {
  const byId = new Map<string, HolderCounters>();
  let nextSweepMs = 0;

  const countersOf = (id: string, moment: Moment): HolderCounters => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    if (byId.size >= maxHolders && moment.monotonicMs >= nextSweepMs) {
      nextSweepMs = moment.monotonicMs + sweepEveryMs;
      for (const [other, counters] of byId) if (counters.isIdle(moment)) byId.delete(other);
    }
    if (byId.size >= maxHolders) forgetOne(byId);
    const fresh = new HolderCounters(id);
    byId.set(id, fresh);
    return fresh;
  };

  return {
    size: () => byId.size,
    admit: ({ holders = [] }, { input, output, price, draws }) => {
      const moment = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
      const reserved = amountsOf(draws === 'nothing' ? 0 : 1, { input, output, cached: 0 }, price);
      const limited: { readonly holder: Holder; readonly counters: HolderCounters }[] = [];
      let worst: { readonly reached: Reached; readonly isOwn: boolean } | undefined;
      for (const [place, holder] of holders.entries()) {
        if (!isLimited(holder.grant)) continue;
        const counters = countersOf(holder.id, moment);
        try {
          counters.openWindows(holder.grant, moment.nowMs, ledger.load);
        } catch (cause) {
          return err(new AppError('auth_unavailable', { message: 'What this key has spent cannot be read right now.', cause, headers: { 'retry-after': storeRetrySeconds } }));
        }
        const reached = counters.reached(holder.grant, { ...reserved, draws }, moment);
        if (reached !== undefined && reached.waitMs > (worst?.reached.waitMs ?? 0)) worst = { reached, isOwn: place === 0 };
        limited.push({ holder, counters });
      }
      if (worst !== undefined) return err(refuseReached(worst.reached, worst.isOwn, moment.nowMs));
      return ok(takeLease(limited, { clock, ledger, reserved, price }));
    },
  };
}

/** Where all are in use lately: the one seen first of those without an exchange. */
function forgetOne(byId: Map<string, HolderCounters>): void {
  for (const [id, { open }] of byId) {
    if (open > 0) continue;
    byId.delete(id);
    return;
  }
}
