import { describe, expect, it } from 'vitest';
import { createMemoryUsageStore } from '../../../internal/storage/memory/usage-store.ts';
import { parseSnapshotQuery, readUsageAnswer } from '../../../internal/usage/snapshot.ts';
import { noonMs, usageRow } from '../../contract/usage-rows.ts';

describe('GET /usage', () => {
  it('has the shape that scripts for the Go program read', () => {
    const store = createMemoryUsageStore();
    store.append([usageRow(), usageRow({ requestId: 'req_2', failed: true, status: 502, outcome: 'upstream_error', accountId: '', accountLabel: '' })]);
    const { usage, failed_requests } = readUsageAnswer(store);
    expect(failed_requests).toBe(1);
    expect(usage).toMatchObject({
      total_requests: 2,
      success_count: 1,
      failure_count: 1,
      total_tokens: 30,
      requests_by_day: { '2026-11-24': 2 },
      requests_by_hour: { '12': 2 },
      tokens_by_day: { '2026-11-24': 30 },
      tokens_by_hour: { '12': 30 },
    });
    expect(Object.keys(usage.apis)).toEqual(['sk-a…9f3c']);
    const api = usage.apis['sk-a…9f3c'];
    expect(api).toMatchObject({ total_requests: 2, total_tokens: 30 });
    expect(api?.models['gpt-5-mini']).toMatchObject({ total_requests: 2, total_tokens: 30 });
    expect(api?.models['gpt-5-mini']?.details[0]).toMatchObject({
      timestamp: '2026-11-24T12:00:00.000Z',
      source: 'openai (sk-o…11aa)',
      auth_index: 'openai:0123456789ab',
      tokens: { input_tokens: 10, output_tokens: 5, reasoning_tokens: 2, cached_tokens: 4, total_tokens: 15 },
      failed: false,
    });
    expect(api?.models['gpt-5-mini']?.details[1]).toMatchObject({ source: 'sk-a…9f3c', auth_index: '', failed: true });
  });

  it('is whole when nothing happened yet', () => {
    expect(readUsageAnswer(createMemoryUsageStore())).toEqual({
      usage: { total_requests: 0, success_count: 0, failure_count: 0, total_tokens: 0, apis: {}, requests_by_day: {}, requests_by_hour: {}, tokens_by_day: {}, tokens_by_hour: {} },
      failed_requests: 0,
    });
  });

  it('two clients whose keys have one mask stay two', () => {
    const store = createMemoryUsageStore();
    store.append([usageRow({ clientId: 'key_a' }), usageRow({ clientId: 'key_b', requestId: 'req_2' }), usageRow({ clientId: 'key_c', clientLabel: 'alone', requestId: 'req_3' })]);
    const { apis } = readUsageAnswer(store).usage;
    expect(Object.keys(apis).sort()).toEqual(['alone', 'sk-a…9f3c (key_a)', 'sk-a…9f3c (key_b)']);
    expect(Object.values(apis).map((api) => api.total_requests)).toEqual([1, 1, 1]);
  });

  it('sums everything but lists the newest details only, a thousand unless told', () => {
    const store = createMemoryUsageStore();
    store.append(Array.from({ length: 1_200 }, (_, n) => usageRow({ requestId: `req_${n}`, atMs: noonMs + n })));
    const details = (limit?: number): readonly string[] =>
      readUsageAnswer(store, limit === undefined ? {} : { limit }).usage.apis['sk-a…9f3c']?.models['gpt-5-mini']?.details.map((detail) => detail.request_id) ?? [];
    expect(details()).toHaveLength(1_000);
    expect(details(2)).toEqual(['req_1198', 'req_1199']);
    expect(readUsageAnswer(store, { limit: 2 }).usage.total_requests).toBe(1_200);
  });

  it('counts days from `since` on', () => {
    const store = createMemoryUsageStore();
    store.append([usageRow(), usageRow({ requestId: 'req_2', atMs: noonMs + 86_400_000 })]);
    expect(readUsageAnswer(store, { sinceMs: noonMs + 43_200_000 }).usage).toMatchObject({ total_requests: 1, requests_by_day: { '2026-11-25': 1 } });
  });

  it('a model named like a member of objects is a model', () => {
    const store = createMemoryUsageStore();
    store.append([usageRow({ model: '__proto__', clientLabel: '__proto__' })]);
    expect(JSON.stringify(readUsageAnswer(store).usage.apis)).toContain('"__proto__":{"client_id"');
    expect(JSON.stringify(readUsageAnswer(store).usage.apis)).toContain('"models":{"__proto__":{');
  });

  it.each([
    ['since=2026-11-24T12:00:00Z', { sinceMs: noonMs }],
    ['since=1795521600&limit=5', { sinceMs: 1_795_521_600_000, limit: 5 }],
    ['', {}],
    ['limit=0', { limit: 0 }],
  ])('reads the query "%s"', (query, expected) => {
    expect(parseSnapshotQuery(new URLSearchParams(query))).toEqual(expected);
  });

  it.each(['since=yesterday', 'since=', 'since=2026-99-99', 'limit=-1', 'limit=1e3', 'limit=100001', 'limit='])('refuses "%s" and names the parameter', (query) => {
    expect(() => parseSnapshotQuery(new URLSearchParams(query))).toThrow(`\`${query.split('=')[0]}\``);
  });
});
