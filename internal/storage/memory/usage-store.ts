import { utcDay, utcHour, type StoredUsage, type UsageCount, type UsageStore, type UsageTotal } from '../../usage/store.ts';
import { sumByDay } from '../usage-sums.ts';

/** Usage that lives as long as the process; for tests and for running without a disk. Sums are made when asked for. */
export function createMemoryUsageStore(): UsageStore {
  let rows: StoredUsage[] = [];
  const since = (fromDay: string): readonly StoredUsage[] => rows.filter((row) => utcDay(row.atMs) >= fromDay);
  const isStored = (row: StoredUsage): boolean => rows.some((other) => other.atMs === row.atMs && other.requestId === row.requestId);

  return {
    append: (added) => void rows.push(...added),
    appendNew: (added) => {
      const before = rows.length;
      for (const row of added) if (!isStored(row)) rows.push(row);
      return rows.length - before;
    },
    totals: (fromDay = '') => {
      const totals = new Map<string, UsageTotal>();
      for (const day of sumByDay(since(fromDay)).toSorted((a, b) => compare(a.day, b.day))) {
        const key = JSON.stringify([day.clientId, day.model]);
        const sum = totals.get(key);
        totals.set(key, {
          clientId: day.clientId,
          clientLabel: day.clientLabel,
          model: day.model,
          requests: day.requests + (sum?.requests ?? 0),
          failures: day.failures + (sum?.failures ?? 0),
          totalTokens: day.totalTokens + (sum?.totalTokens ?? 0),
        });
      }
      return [...totals.values()].sort((a, b) => compare(a.clientId, b.clientId) || compare(a.model, b.model));
    },
    days: (fromDay = '') =>
      sumByDay(since(fromDay)).toSorted((a, b) => compare(a.day, b.day) || compare(a.clientId, b.clientId) || compare(a.accountId, b.accountId) || compare(a.model, b.model)),
    countsByDay: (fromDay = '') => count(since(fromDay), (row) => utcDay(row.atMs)),
    countsByHour: (fromDay = '') => count(since(fromDay), (row) => utcHour(row.atMs)),
    newest: ({ limit, sinceMs = 0, untilMs = Infinity, clientId, offset = 0 }) =>
      rows.filter((row) => row.atMs >= sinceMs && row.atMs < untilMs && (clientId === undefined || row.clientId === clientId)).toReversed().toSorted((a, b) => b.atMs - a.atMs).slice(offset, offset + limit),
    removeBefore: (beforeMs, limit) => {
      const old = new Set(rows.filter((row) => row.atMs < beforeMs).toSorted((a, b) => a.atMs - b.atMs).slice(0, limit));
      rows = rows.filter((row) => !old.has(row));
      return old.size;
    },
  };
}

function count(rows: readonly StoredUsage[], keyOf: (row: StoredUsage) => string): readonly UsageCount[] {
  const counts = new Map<string, UsageCount>();
  for (const row of rows) {
    const key = keyOf(row);
    const sum = counts.get(key);
    counts.set(key, { key, requests: 1 + (sum?.requests ?? 0), tokens: row.totalTokens + (sum?.tokens ?? 0) });
  }
  return [...counts.values()].sort((a, b) => compare(a.key, b.key));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
