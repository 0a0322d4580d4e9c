import type { Clock } from '../../clock/clock.ts';
import { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { Grant, Holder } from '../grant.ts';
import type { Principal } from '../principal.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import { countable, type Amounts, type BudgetSpan, type BudgetWindow } from './budget-window.ts';
import { HolderCounters, type Moment } from './holder-counters.ts';
import { costOf, type Price, type SpentTokens } from './price.ts';
import { refuseReached, type Reached } from './refused.ts';

/** What a request may use, before anybody knows. */
export interface Demand {
  readonly input: number;
  /** The most that its answer may have. */
  readonly output: number;
  /** Of the model; undefined where the operator named none. */
  readonly price: Price | undefined;
}

/** What an exchange used. */
export interface Use extends SpentTokens {
  /** An upstream was asked. */
  readonly wasSent: boolean;
}

/** A place within every limit of a caller. */
export interface Lease {
  /** Gives back what was not used and books what was. Only the first call counts. */
  readonly settle: (use: Use) => void;
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

/** One holder's part in a lease. The windows are those it began in: they get what it used, though another day has come. */
interface Share {
  readonly counters: HolderCounters;
  readonly tokensPerMinute: number | undefined;
  /** Reserved of `tokensPerMinute`, and when. */
  readonly rated: number;
  readonly atMs: number;
  readonly day: BudgetWindow | undefined;
  readonly month: BudgetWindow | undefined;
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

  const book = (share: Share, span: BudgetSpan, reserved: Amounts, spent: Amounts): void => {
    const window = span === 'day' ? share.day : share.month;
    if (window === undefined) return;
    window.settle(reserved, spent);
    if (spent.requests > 0 || spent.tokens > 0) ledger.add(share.counters.id, span, window.startMs, spent);
  };

  const takeShare = (counters: HolderCounters, { grant: { requestsPerMinute, tokensPerMinute } }: Holder, demand: Amounts, { monotonicMs }: Moment): Share => {
    counters.open++;
    counters.usedAtMs = monotonicMs;
    if (requestsPerMinute !== undefined) counters.requests.take(1, requestsPerMinute, monotonicMs);
    const rated = tokensPerMinute === undefined ? 0 : Math.min(demand.tokens, tokensPerMinute);
    if (tokensPerMinute !== undefined) counters.tokens.take(rated, tokensPerMinute, monotonicMs);
    counters.day?.reserve(demand);
    counters.month?.reserve(demand);
    return { counters, tokensPerMinute, rated, atMs: monotonicMs, day: counters.day, month: counters.month };
  };

  const settleShare = (share: Share, reserved: Amounts, spent: Amounts): void => {
    const { counters, tokensPerMinute, rated, atMs } = share;
    const nowMs = clock.monotonicMs();
    counters.open--;
    counters.usedAtMs = nowMs;
    if (tokensPerMinute !== undefined) counters.tokens.correct(rated, spent.tokens, { perMinute: tokensPerMinute, sinceMs: atMs, nowMs });
    book(share, 'day', reserved, spent);
    book(share, 'month', reserved, spent);
  };

  return {
    size: () => byId.size,
    admit: ({ holders = [] }, { input, output, price }) => {
      const moment = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
      const reserved = amountsOf(1, { input, output, cached: 0 }, price);
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
        const reached = counters.reached(holder.grant, reserved, moment);
        if (reached !== undefined && reached.waitMs > (worst?.reached.waitMs ?? 0)) worst = { reached, isOwn: place === 0 };
        limited.push({ holder, counters });
      }
      if (worst !== undefined) return err(refuseReached(worst.reached, worst.isOwn, moment.nowMs));
      const shares = limited.map(({ holder, counters }) => takeShare(counters, holder, reserved, moment));
      let isSettled = false;
      return ok({
        settle: (use) => {
          if (isSettled) return;
          isSettled = true;
          const spent = amountsOf(use.wasSent ? 1 : 0, use, price);
          for (const share of shares) settleShare(share, reserved, spent);
        },
      });
    },
  };
}

function amountsOf(requests: number, stated: SpentTokens, price: Price | undefined): Amounts {
  const tokens = { input: countable(stated.input), output: countable(stated.output), cached: countable(stated.cached) };
  return { requests, tokens: tokens.input + tokens.output, cost: price === undefined ? 0 : countable(costOf(price, tokens)) };
}

/** Where all are in use lately: the one seen first of those without an exchange. */
function forgetOne(byId: Map<string, HolderCounters>): void {
  for (const [id, { open }] of byId) {
    if (open > 0) continue;
    byId.delete(id);
    return;
  }
}
