/** The spans that budgets are counted by, in UTC. */
export type BudgetSpan = 'day' | 'month';

export function windowStartMs(span: BudgetSpan, nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), span === 'day' ? now.getUTCDate() : 1);
}

export function windowEndMs(span: BudgetSpan, startMs: number): number {
  const start = new Date(startMs);
  return span === 'day' ? startMs + 86_400_000 : Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}

/** What was spent, or is to be. */
export interface Amounts {
  readonly requests: number;
  readonly tokens: number;
  readonly cost: number;
}

/** One day or month of one holder: what is spent, and what exchanges under way may still spend. */
export class BudgetWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly used: { requests: number; tokens: number; cost: number };
  readonly reserved = { requests: 0, tokens: 0, cost: 0 };

  constructor(span: BudgetSpan, startMs: number, used: Amounts) {
    this.startMs = startMs;
    this.endMs = windowEndMs(span, startMs);
    this.used = { requests: used.requests, tokens: used.tokens, cost: used.cost };
  }

  reserve({ requests, tokens, cost }: Amounts): void {
    this.reserved.requests += requests;
    this.reserved.tokens += tokens;
    this.reserved.cost += cost;
  }

  /** Ends a reservation by what was really spent. */
  settle(reserved: Amounts, spent: Amounts): void {
    this.reserve({ requests: -reserved.requests, tokens: -reserved.tokens, cost: -reserved.cost });
    this.used.requests += spent.requests;
    this.used.tokens += spent.tokens;
    this.used.cost += spent.cost;
  }
}
