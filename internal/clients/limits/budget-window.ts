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

/** An amount that can be counted with: what is none, or negative, is 0. No counter ever holds anything else. */
export function countable(amount: number): number {
  return Number.isFinite(amount) && amount > 0 ? amount : 0;
}

const kinds = ['requests', 'tokens', 'cost'] as const;

/** One day or month of one holder: what is spent, and what exchanges under way may still spend. */
export class BudgetWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly used: { requests: number; tokens: number; cost: number };
  readonly #reserved = { requests: 0, tokens: 0, cost: 0 };

  constructor(span: BudgetSpan, startMs: number, used: Amounts) {
    this.startMs = startMs;
    this.endMs = windowEndMs(span, startMs);
    this.used = { requests: countable(used.requests), tokens: countable(used.tokens), cost: countable(used.cost) };
  }

  get reserved(): Amounts {
    return this.#reserved;
  }

  reserve(amounts: Amounts): void {
    for (const what of kinds) this.#reserved[what] += countable(amounts[what]);
  }

  /** Ends a reservation by what was really spent. */
  settle(reserved: Amounts, spent: Amounts): void {
    for (const what of kinds) {
      this.#reserved[what] = Math.max(0, this.#reserved[what] - countable(reserved[what]));
      this.used[what] += countable(spent[what]);
    }
    // Fractions of a token's price, added and taken away again, leave a rest.
    if (this.#reserved.requests === 0) this.#reserved.cost = 0;
  }
}
