import type { Budget, Grant } from '../grant.ts';
import { BudgetWindow, windowStartMs, type Amounts, type BudgetSpan } from './budget-window.ts';
import { RateBucket } from './rate-bucket.ts';
import type { LimitName, Reached } from './refused.ts';

/** The time by both clocks: rates follow the monotonic one, budgets the calendar. */
export interface Moment {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export type LoadSpent = (holderId: string, starts: { readonly dayMs: number; readonly monthMs: number }) => Readonly<Record<BudgetSpan, Amounts>>;

/** What a request may come to. */
export interface Asked extends Amounts {
  readonly draws: Draws;
}

/** Which budgets a request draws on: all, be it that no tokens are estimated; that of requests; or none, and it counts for rates and places alone. */
export type Draws = 'tokens' | 'requests' | 'nothing';

/** How long a refusal says to wait where nobody knows: for an exchange under way to end. */
const heldWaitMs = 1_000;

/** What one holder has taken of its limits. */
export class HolderCounters {
  readonly id: string;
  readonly requests = new RateBucket();
  readonly tokens = new RateBucket();
  open = 0;
  usedAtMs = 0;
  day: BudgetWindow | undefined;
  month: BudgetWindow | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Makes the windows of now those that the grant has budgets for. Throws where what was spent before cannot be read. */
  openWindows({ dailyBudget, monthlyBudget }: Grant, nowMs: number, load: LoadSpent): void {
    if (dailyBudget === undefined) this.day = undefined;
    if (monthlyBudget === undefined) this.month = undefined;
    const needsDay = dailyBudget !== undefined && !(this.day !== undefined && nowMs >= this.day.startMs && nowMs < this.day.endMs);
    const needsMonth = monthlyBudget !== undefined && !(this.month !== undefined && nowMs >= this.month.startMs && nowMs < this.month.endMs);
    if (!needsDay && !needsMonth) return;
    const starts = { dayMs: windowStartMs('day', nowMs), monthMs: windowStartMs('month', nowMs) };
    // In a window that has just begun nothing was spent before it; all else is for the store to say.
    const isKnown = (!needsDay || isBefore(this.day, nowMs)) && (!needsMonth || isBefore(this.month, nowMs));
    const spent = isKnown ? undefined : load(this.id, starts);
    if (needsDay) this.day = new BudgetWindow('day', starts.dayMs, spent?.day ?? nothing);
    if (needsMonth) this.month = new BudgetWindow('month', starts.monthMs, spent?.month ?? nothing);
  }

  /** The limit that keeps a request out for the longest; undefined where all let it in. Takes nothing. */
  reached(grant: Grant, demand: Asked, { nowMs, monotonicMs }: Moment): Reached | undefined {
    let longest: Reached | undefined;
    const note = (limit: LimitName, value: number, remaining: number, waitMs: number, isHeld: boolean): void => {
      if (waitMs > 0 && waitMs > (longest?.waitMs ?? 0)) longest = { limit, value, remaining, waitMs, isHeld };
    };
    const { maxConcurrent, requestsPerMinute, tokensPerMinute, dailyBudget, monthlyBudget } = grant;
    if (maxConcurrent !== undefined && this.open >= maxConcurrent) note('max_concurrent', maxConcurrent, 0, heldWaitMs, true);
    if (requestsPerMinute !== undefined) {
      const waitMs = this.requests.waitMs(1, requestsPerMinute, monotonicMs);
      if (waitMs > 0) note('requests_per_minute', requestsPerMinute, requestsPerMinute - this.requests.takenAt(monotonicMs, requestsPerMinute), waitMs, false);
    }
    if (tokensPerMinute !== undefined) {
      const waitMs = this.tokens.waitMs(demand.tokens, tokensPerMinute, monotonicMs);
      if (waitMs > 0) note('tokens_per_minute', tokensPerMinute, tokensPerMinute - this.tokens.takenAt(monotonicMs, tokensPerMinute), waitMs, false);
    }
    if (dailyBudget !== undefined && this.day !== undefined) noteBudget('daily', dailyBudget, this.day, demand, nowMs, note);
    if (monthlyBudget !== undefined && this.month !== undefined) noteBudget('monthly', monthlyBudget, this.month, demand, nowMs, note);
    return longest;
  }

  /** Whether forgetting it would change nothing that the store does not know. */
  isIdle({ monotonicMs }: Moment): boolean {
    return this.open === 0 && monotonicMs - this.usedAtMs > idleMs;
  }
}

/** Long enough for rates to have come back, but for what is owed over many minutes. */
const idleMs = 10 * 60_000;
const nothing: Amounts = { requests: 0, tokens: 0, cost: 0 };

function isBefore(window: BudgetWindow | undefined, nowMs: number): boolean {
  return window !== undefined && window.endMs <= nowMs;
}

type Note = (limit: LimitName, value: number, remaining: number, waitMs: number, isHeld: boolean) => void;

/**
 * A request fits where its estimate does. One that is estimated higher than what is left is let in alone, while nothing else is
 * held: an estimate is no measure, and what is left would never be used. So a budget is exceeded by the last exchange at most.
 */
function noteBudget(word: 'daily' | 'monthly', budget: Budget, window: BudgetWindow, demand: Asked, nowMs: number, note: Note): void {
  for (const what of ['requests', 'tokens', 'cost'] as const) {
    const limit = budget[what];
    if (limit === undefined || demand.draws === 'nothing' || (what !== 'requests' && demand.draws !== 'tokens')) continue;
    const [used, reserved] = [window.used[what], window.reserved[what]];
    // Where all is used up, a request of which nothing is estimated is let in no more than any other.
    const isUsedUp = used >= limit;
    const fits = demand[what] === 0 || used + reserved + demand[what] <= limit || (what !== 'requests' && window.reserved.requests === 0);
    if (!isUsedUp && fits) continue;
    const isHeld = !isUsedUp && reserved > 0;
    note(`${word}_${what}`, limit, Math.max(0, limit - used - reserved), isHeld ? heldWaitMs : window.endMs - nowMs, isHeld);
  }
}

/** The budget in tokens or money that is used up in these windows, the longest to wait for first. */
export function usedUp({ dailyBudget, monthlyBudget }: Grant, { day, month }: Pick<HolderCounters, 'day' | 'month'>, nowMs: number): Reached | undefined {
  return usedUpIn('monthly', monthlyBudget, month, nowMs) ?? usedUpIn('daily', dailyBudget, day, nowMs);
}

function usedUpIn(word: 'daily' | 'monthly', budget: Budget | undefined, window: BudgetWindow | undefined, nowMs: number): Reached | undefined {
  if (budget === undefined || window === undefined) return undefined;
  for (const what of ['tokens', 'cost'] as const) {
    const limit = budget[what];
    if (limit !== undefined && window.used[what] >= limit) return { limit: `${word}_${what}`, value: limit, remaining: 0, waitMs: Math.max(1, window.endMs - nowMs), isHeld: false };
  }
  return undefined;
}
