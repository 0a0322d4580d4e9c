import { beforeEach, expect, it } from 'vitest';
import type { BudgetRow, BudgetStore } from '../../internal/clients/limits/budget-store.ts';

const dayMs = Date.UTC(2026, 10, 24);
const monthMs = Date.UTC(2026, 10, 1);
const day = (holderId: string, requests: number, tokens = 0, cost = 0): BudgetRow => ({ holderId, span: 'day', startMs: dayMs, requests, tokens, cost });
const month = (holderId: string, requests: number): BudgetRow => ({ holderId, span: 'month', startMs: monthMs, requests, tokens: 0, cost: 0 });

/** What every store of budgets promises. */
export function budgetStoreContract(open: () => BudgetStore): void {
  let store: BudgetStore;
  beforeEach(() => {
    store = open();
  });
  const load = (holderId: string, at = { dayMs, monthMs }): readonly BudgetRow[] => store.load(holderId, at).toSorted((a, b) => a.span.localeCompare(b.span));

  it('who spent nothing has nothing kept', () => {
    expect(load('ann')).toEqual([]);
  });

  it('what is spent adds up, by day and by month, fractions of money too', () => {
    store.add([day('ann', 1, 100, 0.25), month('ann', 1)]);
    store.add([day('ann', 2, 50, 0.125), month('ann', 2)]);
    expect(load('ann')).toEqual([day('ann', 3, 150, 0.375), month('ann', 3)]);
  });

  it('one call may add to a window twice', () => {
    store.add([day('ann', 1, 10), day('ann', 1, 5)]);
    expect(load('ann')).toEqual([day('ann', 2, 15)]);
  });

  it('holders and windows are kept apart, though a day and a month begin together', () => {
    const first = { ...day('ann', 7), startMs: monthMs };
    store.add([day('ann', 1), month('ann', 2), day('ben', 4), first]);
    expect(load('ann')).toEqual([day('ann', 1), month('ann', 2)]);
    expect(load('ann', { dayMs: monthMs, monthMs })).toEqual([first, month('ann', 2)]);
    expect(load('ben')).toEqual([day('ben', 4)]);
    expect(load('ann', { dayMs: dayMs + 86_400_000, monthMs: 0 })).toEqual([]);
  });

  it('old windows are removed, the oldest first, no more than asked for', () => {
    store.add([{ ...day('ann', 1), startMs: 1 }, { ...day('ben', 1), startMs: 2 }, { ...day('eve', 1), startMs: 3 }, day('ann', 1)]);
    expect(store.removeBefore(dayMs, 2)).toBe(2);
    expect(load('eve', { dayMs: 3, monthMs: 0 })).toHaveLength(1);
    expect(store.removeBefore(dayMs, 10)).toBe(1);
    expect(load('ann')).toEqual([day('ann', 1)]);
  });
}
