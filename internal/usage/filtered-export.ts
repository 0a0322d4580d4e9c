import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock/clock.ts';
import { buildSnapshot, maxDetails } from './snapshot.ts';
import { utcDay, utcHour, type StoredUsage, type UsageCount, type UsageStore, type UsageTotal } from './store.ts';
import type { UsageExport } from './transfer.ts';

/** Which exchanges: of one client, within a time. */
export interface UsageFilter {
  readonly clientId?: string;
  /** Inclusive. */
  readonly fromMs?: number;
  /** Exclusive. */
  readonly toMs?: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const rowsPerPage = 500;

/**
 * The exchanges that pass a filter: exact sums over all of them, by model, and the newest 100,000 one by one. Read hour by
 * hour from the newest, so that exchanges go on meanwhile.
 */
export async function exportFiltered(store: UsageStore, clock: Clock, filter: UsageFilter): Promise<UsageExport> {
  const sums = createSums();
  const details: StoredUsage[] = [];
  for (const { sinceMs, untilMs } of hoursOf(store, filter)) {
    for (let offset = 0; ; offset += rowsPerPage) {
      const page = store.newest({ limit: rowsPerPage, offset, sinceMs, untilMs, ...(filter.clientId === undefined ? {} : { clientId: filter.clientId }) });
      for (const row of page) {
        sums.add(row);
        if (details.length < maxDetails) details.push(row);
      }
      if (page.length < rowsPerPage) break;
      await setImmediate();
    }
    await setImmediate();
  }
  const usage = buildSnapshot(sums, details);
  return { version: 1, exported_at: new Date(clock.nowMs()).toISOString(), details_left_out: usage.total_requests - details.length, usage };
}

/** The hours of the days that have exchanges, newest first, clipped to the filter. */
function hoursOf(store: UsageStore, { fromMs = 0, toMs = Infinity }: UsageFilter): readonly { readonly sinceMs: number; readonly untilMs: number }[] {
  return store
    .countsByDay()
    .map(({ key }) => Date.parse(key))
    .filter((startMs) => startMs < toMs && startMs + dayMs > fromMs)
    .toReversed()
    .flatMap((startMs) => Array.from({ length: 24 }, (_, index) => startMs + (23 - index) * hourMs))
    .map((startMs) => ({ sinceMs: Math.max(startMs, fromMs), untilMs: Math.min(startMs + hourMs, toMs) }))
    .filter(({ sinceMs, untilMs }) => sinceMs < untilMs);
}

type Sums = Pick<UsageStore, 'totals' | 'countsByDay' | 'countsByHour'> & { readonly add: (row: StoredUsage) => void };

/** Rows come newest first: the first label of a client is its newest. */
function createSums(): Sums {
  const totals = new Map<string, UsageTotal>();
  const byDay = new Map<string, UsageCount>();
  const byHour = new Map<string, UsageCount>();
  const count = (counts: Map<string, UsageCount>, key: string, tokens: number): void => {
    const before = counts.get(key);
    counts.set(key, { key, requests: (before?.requests ?? 0) + 1, tokens: (before?.tokens ?? 0) + tokens });
  };
  return {
    add: ({ atMs, clientId, clientLabel, model, failed, totalTokens }) => {
      const key = `${clientId}\n${model}`;
      const total = totals.get(key) ?? { clientId, clientLabel, model, requests: 0, failures: 0, totalTokens: 0 };
      totals.set(key, { ...total, requests: total.requests + 1, failures: total.failures + (failed ? 1 : 0), totalTokens: total.totalTokens + totalTokens });
      count(byDay, utcDay(atMs), totalTokens);
      count(byHour, utcHour(atMs), totalTokens);
    },
    totals: () => [...totals.values()],
    countsByDay: () => sorted(byDay),
    countsByHour: () => sorted(byHour),
  };
}

function sorted(counts: ReadonlyMap<string, UsageCount>): readonly UsageCount[] {
  return [...counts.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
