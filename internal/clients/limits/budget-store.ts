import type { Amounts, BudgetSpan } from './budget-window.ts';

/** What a holder spent within one day or month. */
export interface BudgetRow extends Amounts {
  readonly holderId: string;
  readonly span: BudgetSpan;
  /** Of the day or month, UTC. */
  readonly startMs: number;
}

/** Keeps what was spent of budgets. Synchronous; a call that fails throws. */
export interface BudgetStore {
  /** What is kept of the holder's day and month; nothing for those it spent nothing in. One indexed read. */
  readonly load: (holderId: string, starts: { readonly dayMs: number; readonly monthMs: number }) => readonly BudgetRow[];
  /** Adds to what is kept, all or nothing. */
  readonly add: (rows: readonly BudgetRow[]) => void;
  /** Removes windows that began before; at most `limit`. The number removed. */
  readonly removeBefore: (beforeMs: number, limit: number) => number;
}
