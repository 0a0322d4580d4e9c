import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { utcDay, type StoredUsage, type UsageStore } from '../../internal/usage/store.ts';
import { noonMs, usageRow } from './usage-rows.ts';

const dayMs = 86_400_000;

/** What every usage store promises. `open` gives an empty one. */
export function usageStoreContract(open: () => UsageStore): void {
  it('gives back a row as it was stored', () => {
    const store = open();
    const row = usageRow({ failed: true, status: 502, outcome: 'upstream_error', tokens: { input: 1, output: 2, reasoning: 1, cached: 1, estimated: true }, totalTokens: 3 });
    store.append([row]);
    expect(store.newest({ limit: 10 })).toEqual([row]);
  });

  it('lists newest first, bounded, since an instant, page by page', () => {
    const store = open();
    store.append([1, 3, 2, 4].map((n) => usageRow({ requestId: `req_${n}`, atMs: noonMs + n })));
    const ids = (query: Parameters<UsageStore['newest']>[0]): readonly string[] => store.newest(query).map((row) => row.requestId);
    expect(ids({ limit: 3 })).toEqual(['req_4', 'req_3', 'req_2']);
    expect(ids({ limit: 10, sinceMs: noonMs + 3 })).toEqual(['req_4', 'req_3']);
    expect(ids({ limit: 10, sinceMs: noonMs + 2, untilMs: noonMs + 4 })).toEqual(['req_3', 'req_2']);
    expect(ids({ limit: 10, clientId: 'key_ffffffffffff' })).toEqual([]);
    expect(ids({ limit: 1, clientId: usageRow().clientId })).toEqual(['req_4']);
    expect(ids({ limit: 2, offset: 2 })).toEqual(['req_2', 'req_1']);
    expect(ids({ limit: 0 })).toEqual([]);
  });

  it('sums a day, client, account and model', () => {
    const store = open();
    store.append([usageRow(), usageRow({ requestId: 'req_2', failed: true, clientLabel: 'renamed' })]);
    store.append([usageRow({ requestId: 'req_3' }), usageRow({ requestId: 'req_4', model: 'other' }), usageRow({ requestId: 'req_5', atMs: noonMs + dayMs, clientLabel: 'newest' })]);
    expect(store.days()).toHaveLength(3);
    expect(store.days()[0]).toEqual({
      day: '2026-11-24',
      clientId: 'key_0123456789ab',
      clientLabel: 'sk-a…9f3c',
      accountId: 'openai:0123456789ab',
      accountLabel: 'openai (sk-o…11aa)',
      provider: 'openai',
      model: 'gpt-5-mini',
      requests: 3,
      failures: 1,
      inputTokens: 30,
      outputTokens: 15,
      reasoningTokens: 6,
      cachedTokens: 12,
      totalTokens: 45,
      latencyMsSum: 361.5,
      firstByteMsSum: 90.75,
    });
    expect(store.days('2026-11-25')).toHaveLength(1);
    expect(store.totals()).toEqual([
      { clientId: 'key_0123456789ab', clientLabel: 'newest', model: 'gpt-5-mini', requests: 4, failures: 1, totalTokens: 60 },
      { clientId: 'key_0123456789ab', clientLabel: 'sk-a…9f3c', model: 'other', requests: 1, failures: 0, totalTokens: 15 },
    ]);
  });

  it('counts by day and by hour of the day, UTC', () => {
    const store = open();
    store.append([usageRow(), usageRow({ requestId: 'req_2', atMs: noonMs + dayMs }), usageRow({ requestId: 'req_3', atMs: Date.UTC(2026, 10, 24, 23, 59, 59, 999) })]);
    expect(store.countsByDay()).toEqual([
      { key: '2026-11-24', requests: 2, tokens: 30 },
      { key: '2026-11-25', requests: 1, tokens: 15 },
    ]);
    expect(store.countsByHour()).toEqual([
      { key: '12', requests: 2, tokens: 30 },
      { key: '23', requests: 1, tokens: 15 },
    ]);
    expect(store.countsByHour('2026-11-25')).toEqual([{ key: '12', requests: 1, tokens: 15 }]);
  });

  it('adds only what is new, also within one call', () => {
    const store = open();
    store.append([usageRow()]);
    const added = store.appendNew([usageRow(), usageRow({ requestId: 'req_2' }), usageRow({ requestId: 'req_2' }), usageRow({ atMs: noonMs + 1 })]);
    expect(added).toBe(2);
    expect(store.newest({ limit: 10 })).toHaveLength(3);
    expect(store.totals()[0]?.requests).toBe(3);
  });

  it('keeps models apart whatever characters their names hold', () => {
    const store = open();
    const names = ['a', 'a\nb', '__proto__', 'it\'s "quoted"', '模型', 'x'.repeat(256)];
    store.append(names.map((model, index) => usageRow({ requestId: `req_${index}`, model })));
    expect(store.totals().map((total) => total.model).sort()).toEqual([...names].sort());
  });

  it('removes the oldest rows up to the limit, and the sums of whole days with the last', () => {
    const store = open();
    store.append([0, 1, 2, 3].map((n) => usageRow({ requestId: `req_${n}`, atMs: noonMs + n * dayMs })));
    const beforeMs = noonMs + 2 * dayMs;
    expect(store.removeBefore(beforeMs, 1)).toBe(1);
    expect(store.newest({ limit: 10 }).map((row) => row.requestId)).toEqual(['req_3', 'req_2', 'req_1']);
    expect(store.removeBefore(beforeMs, 10)).toBe(1);
    expect(store.removeBefore(beforeMs, 10)).toBe(0);
    expect(store.days().map((day) => day.day)).toEqual([utcDay(noonMs + 2 * dayMs), utcDay(noonMs + 3 * dayMs)]);
    expect(store.countsByDay()).toHaveLength(2);
  });

  it('its sums equal the sums over its rows, for any rows in any batches', () => {
    const row = fc.record({ minute: fc.integer({ min: 0, max: 5_000 }), client: fc.constantFrom('a', 'b'), model: fc.constantFrom('m', 'n', 'o'), failed: fc.boolean(), tokens: fc.integer({ min: 0, max: 1_000_000 }) });
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 6 }), (batches) => {
        const store = open();
        const rows = batches.map((batch, outer) =>
          batch.map((item, inner): StoredUsage =>
            usageRow({ requestId: `req_${outer}_${inner}`, atMs: noonMs + item.minute * 60_000, clientId: item.client, model: item.model, failed: item.failed, totalTokens: item.tokens }),
          ),
        );
        for (const batch of rows) store.append(batch);
        const all = rows.flat();
        const total = (pick: (item: StoredUsage) => number): number => all.reduce((sum, item) => sum + pick(item), 0);
        const sums = store.totals();
        expect(sums.reduce((sum, item) => sum + item.requests, 0)).toBe(all.length);
        expect(sums.reduce((sum, item) => sum + item.failures, 0)).toBe(total((item) => (item.failed ? 1 : 0)));
        expect(sums.reduce((sum, item) => sum + item.totalTokens, 0)).toBe(total((item) => item.totalTokens));
        expect(store.countsByHour().reduce((sum, item) => sum + item.tokens, 0)).toBe(total((item) => item.totalTokens));
        expect(store.newest({ limit: 1_000 })).toHaveLength(all.length);
      }),
      { numRuns: 25 },
    );
  });
}
