import type { Clock } from '../../clock/clock.ts';
import type { AppError } from '../../fault/app-error.ts';
import type { Holder } from '../grant.ts';
import type { Principal } from '../principal.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import { countable, type Amounts, type BudgetSpan, type BudgetWindow } from './budget-window.ts';
import { usedUp, type HolderCounters } from './holder-counters.ts';
import { costOf, type Price, type SpentTokens } from './price.ts';
import { rateHeaders, type RateState, type RateWords } from './rate-headers.ts';
import { refuseReached } from './refused.ts';

/** What an exchange used. */
export interface Use extends SpentTokens {
  /** An upstream was asked. */
  readonly wasSent: boolean;
}

/** A place within every limit of a caller. */
export interface Lease {
  /** Books what was used so far, where an exchange is long; what is reserved stays reserved, for what it does next. */
  readonly spend: (use: SpentTokens) => void;
  /** The budget in tokens or money that is used up, by whomever, as `budget_exhausted`. By the limits that the caller has now. */
  readonly exhausted: (principal: Pick<Principal, 'holders'>) => AppError | undefined;
  /** What is left of the rates, as headers of a good answer, flat; empty where none of its holders has one. */
  readonly rateHeaders: (words: RateWords) => readonly string[];
  /** Gives back what was not used and books what was, all of the exchange taken together. Only the first call counts. */
  readonly settle: (use: Use) => void;
}

/** One holder's part in a lease. The windows are those it began in: they get what it used, though another day has come. */
interface Share {
  readonly counters: HolderCounters;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  /** Reserved of `tokensPerMinute`, and when. */
  readonly rated: number;
  readonly atMs: number;
  readonly day: BudgetWindow | undefined;
  readonly month: BudgetWindow | undefined;
}

export interface LeaseOptions {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly ledger: Pick<BudgetLedger, 'add'>;
  readonly reserved: Amounts;
  readonly price: Price | undefined;
}

/** Takes what is reserved from every holder. */
export function takeLease(limited: readonly { readonly holder: Holder; readonly counters: HolderCounters }[], { clock, ledger, reserved, price }: LeaseOptions): Lease {
  const atMs = clock.monotonicMs();
  const shares = limited.map(({ holder, counters }) => takeShare(counters, holder, reserved, atMs));
  let booked: SpentTokens = { input: 0, output: 0, cached: 0 };
  let isSettled = false;

  const book = (share: Share, span: BudgetSpan, spent: Amounts, given: Amounts): void => {
    const window = span === 'day' ? share.day : share.month;
    if (window === undefined) return;
    window.settle(given, spent);
    if (spent.requests > 0 || spent.tokens > 0) ledger.add(share.counters.id, span, window.startMs, spent);
  };

  return {
    spend: (use) => {
      if (isSettled) return;
      booked = { input: booked.input + countable(use.input), output: booked.output + countable(use.output), cached: booked.cached + countable(use.cached) };
      const spent = amountsOf(0, use, price);
      const nowMs = clock.monotonicMs();
      for (const share of shares) {
        const { counters, tokensPerMinute } = share;
        counters.usedAtMs = nowMs;
        if (tokensPerMinute !== undefined) counters.tokens.take(spent.tokens, tokensPerMinute, nowMs);
        book(share, 'day', spent, nothing);
        book(share, 'month', spent, nothing);
      }
    },
    exhausted: ({ holders = [] }) => {
      const nowMs = clock.nowMs();
      for (const [place, { id, grant }] of holders.entries()) {
        const share = shares.find(({ counters }) => counters.id === id);
        const reached = share === undefined ? undefined : usedUp(grant, share, nowMs);
        if (reached !== undefined) return refuseReached(reached, place === 0, nowMs);
      }
      return undefined;
    },
    rateHeaders: (words) => {
      const [requests, tokens] = [tightest(shares, 'requests', clock.monotonicMs()), tightest(shares, 'tokens', clock.monotonicMs())];
      return requests === undefined && tokens === undefined ? none : rateHeaders([requests, tokens].filter((state) => state !== undefined), words, clock.nowMs());
    },
    settle: (use) => {
      if (isSettled) return;
      isSettled = true;
      const rest = { input: use.input - booked.input, output: use.output - booked.output, cached: use.cached - booked.cached };
      const spent = amountsOf(use.wasSent ? 1 : 0, rest, price);
      const nowMs = clock.monotonicMs();
      for (const share of shares) {
        const { counters, tokensPerMinute, rated } = share;
        counters.open--;
        counters.usedAtMs = nowMs;
        if (tokensPerMinute !== undefined) counters.tokens.correct(rated, spent.tokens, { perMinute: tokensPerMinute, sinceMs: share.atMs, nowMs });
        book(share, 'day', spent, reserved);
        book(share, 'month', spent, reserved);
      }
    },
  };
}

function takeShare(counters: HolderCounters, { grant: { requestsPerMinute, tokensPerMinute } }: Holder, reserved: Amounts, atMs: number): Share {
  counters.open++;
  counters.usedAtMs = atMs;
  if (requestsPerMinute !== undefined) counters.requests.take(1, requestsPerMinute, atMs);
  const rated = tokensPerMinute === undefined ? 0 : Math.min(reserved.tokens, tokensPerMinute);
  if (tokensPerMinute !== undefined) counters.tokens.take(rated, tokensPerMinute, atMs);
  counters.day?.reserve(reserved);
  counters.month?.reserve(reserved);
  return { counters, requestsPerMinute, tokensPerMinute, rated, atMs, day: counters.day, month: counters.month };
}

/** Of the holders with such a rate the one that has the least left of it. */
function tightest(shares: readonly Share[], of: RateState['of'], nowMs: number): RateState | undefined {
  let least: RateState | undefined;
  for (const { counters, requestsPerMinute, tokensPerMinute } of shares) {
    const limit = of === 'requests' ? requestsPerMinute : tokensPerMinute;
    if (limit === undefined) continue;
    const taken = counters[of].takenAt(nowMs, limit);
    if (least === undefined || limit - taken < least.remaining) least = { of, limit, remaining: limit - taken, resetMs: (taken / limit) * 60_000 };
  }
  return least;
}

const none: readonly string[] = [];
const nothing: Amounts = { requests: 0, tokens: 0, cost: 0 };

export function amountsOf(requests: number, stated: SpentTokens, price: Price | undefined): Amounts {
  const tokens = { input: countable(stated.input), output: countable(stated.output), cached: countable(stated.cached) };
  return { requests, tokens: tokens.input + tokens.output, cost: price === undefined ? 0 : countable(costOf(price, tokens)) };
}
