import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import type { BudgetRow, BudgetStore } from './budget-store.ts';
import type { Amounts, BudgetSpan } from './budget-window.ts';

/** Writes what is spent behind the exchanges, and knows what is not written yet. */
export interface BudgetLedger {
  /** What was spent, written or not. Throws where the store cannot be read. */
  readonly load: (holderId: string, starts: { readonly dayMs: number; readonly monthMs: number }) => Readonly<Record<BudgetSpan, Amounts>>;
  /** Never blocks, never throws. */
  readonly add: (holderId: string, span: BudgetSpan, startMs: number, spent: Amounts) => void;
  /** Resolves when all that was spent so far is written, or cannot be. */
  readonly flush: () => Promise<void>;
  /** Stops the timer and writes what is left. Never rejects. */
  readonly close: () => Promise<void>;
}

export interface BudgetLedgerDeps {
  readonly store: BudgetStore;
  readonly clock: Pick<Clock, 'every'>;
  readonly log: Logger;
}

const flushEveryMs = 250;
const rowsPerSlice = 64;
/** Windows that wait while the store fails; what is spent in further ones is counted in memory alone. */
const maxPending = 50_000;
const nothing: Amounts = { requests: 0, tokens: 0, cost: 0 };

export function createBudgetLedger({ store, clock, log }: BudgetLedgerDeps): BudgetLedger {
  const pending = new Map<string, BudgetRow>();
  let running: Promise<void> | undefined;
  let isFailing = false;
  let hasLost = false;

  const add = (row: BudgetRow): void => {
    const key = `${row.span} ${row.startMs} ${row.holderId}`;
    const before = pending.get(key);
    if (before === undefined && pending.size >= maxPending) {
      if (!hasLost) log.error({ pending: pending.size }, 'what is spent of budgets can be kept no longer; a restart will forget a part of it');
      hasLost = true;
      return;
    }
    pending.set(key, before === undefined ? row : sum(before, row));
  };

  const drain = async (): Promise<void> => {
    while (pending.size > 0) {
      const slice = [...pending].slice(0, rowsPerSlice);
      try {
        store.add(slice.map(([, row]) => row));
      } catch (err) {
        if (!isFailing) log.error({ err, windows: pending.size }, 'what is spent of budgets cannot be stored; it waits in memory');
        isFailing = true;
        return;
      }
      for (const [key] of slice) pending.delete(key);
      if (isFailing) log.info('what is spent of budgets is stored again');
      isFailing = false;
      if (pending.size > 0) await setImmediate();
    }
  };

  const flush = (): Promise<void> => {
    running ??= drain().finally(() => {
      running = undefined;
    });
    return running;
  };

  const stopTimer = clock.every(flushEveryMs, () => {
    if (pending.size > 0) void flush();
  });

  return {
    load: (holderId, starts) => {
      const kept = store.load(holderId, starts);
      const spentIn = (span: BudgetSpan, startMs: number): Amounts => {
        const row = kept.find((each) => each.span === span && each.startMs === startMs) ?? nothing;
        return sum(row, pending.get(`${span} ${startMs} ${holderId}`) ?? nothing);
      };
      return { day: spentIn('day', starts.dayMs), month: spentIn('month', starts.monthMs) };
    },
    add: (holderId, span, startMs, spent) => add({ holderId, span, startMs, ...spent }),
    flush,
    close: async () => {
      stopTimer();
      await flush();
      await flush();
      if (pending.size > 0) log.error({ windows: pending.size }, 'what was spent of budgets is lost in part: the store took nothing until the end');
    },
  };
}

function sum<T extends Amounts>(row: T, more: Amounts): T {
  return { ...row, requests: row.requests + more.requests, tokens: row.tokens + more.tokens, cost: row.cost + more.cost };
}
