import type { BudgetRow, BudgetStore } from '../../clients/limits/budget-store.ts';

/** What was spent of budgets, for as long as the process lives; for tests and for running without a disk. */
export function createMemoryBudgetStore(): BudgetStore {
  const kept = new Map<string, BudgetRow>();
  const keyOf = ({ holderId, span, startMs }: Pick<BudgetRow, 'holderId' | 'span' | 'startMs'>): string => `${span} ${startMs} ${holderId}`;
  return {
    load: (holderId, { dayMs, monthMs }) => {
      const day = kept.get(keyOf({ holderId, span: 'day', startMs: dayMs }));
      const month = kept.get(keyOf({ holderId, span: 'month', startMs: monthMs }));
      return [...(day === undefined ? [] : [day]), ...(month === undefined ? [] : [month])];
    },
    add: (rows) => {
      for (const row of rows) {
        const before = kept.get(keyOf(row));
        kept.set(keyOf(row), before === undefined ? row : { ...row, requests: before.requests + row.requests, tokens: before.tokens + row.tokens, cost: before.cost + row.cost });
      }
    },
    removeBefore: (beforeMs, limit) => {
      const old = [...kept].filter(([, { startMs }]) => startMs < beforeMs).toSorted(([, a], [, b]) => a.startMs - b.startMs).slice(0, limit);
      for (const [key] of old) kept.delete(key);
      return old.length;
    },
  };
}
