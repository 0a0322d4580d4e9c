import { expect, it } from 'vitest';
import type { AuditEvent } from '../../internal/audit/ports.ts';
import type { AuditStore } from '../../internal/audit/store.ts';

const event = (change: Partial<AuditEvent> = {}): AuditEvent => ({
  atMs: 1_000,
  action: 'config.changed',
  actor: 'root',
  from: '127.0.0.1',
  requestId: 'req_1',
  target: 'ws-auth',
  code: '',
  ...change,
});

/** What every audit store promises. `open` gives an empty one. */
export function auditStoreContract(open: () => AuditStore): void {
  it('gives back an event as it was stored, with and without before and after', () => {
    const store = open();
    const full = event({ before: { a: [1, null] }, after: false, count: 3 });
    const ids = store.append([event(), full]);
    expect(store.list({ limit: 10 })).toEqual([
      { ...full, id: ids[1] },
      { ...event(), id: ids[0] },
    ]);
  });

  it('lists newest first, page by page, by action', () => {
    const store = open();
    const ids = store.append(['a', 'b', 'a', 'b'].map((action) => event({ action })));
    expect(store.list({ limit: 2 }).map((row) => row.id)).toEqual([ids[3], ids[2]]);
    expect(store.list({ limit: 2, beforeId: ids[2] ?? 0 }).map((row) => row.id)).toEqual([ids[1], ids[0]]);
    expect(store.list({ limit: 9, action: 'a' }).map((row) => row.id)).toEqual([ids[2], ids[0]]);
    expect(store.list({ limit: 9, action: 'a', beforeId: ids[2] ?? 0 }).map((row) => row.id)).toEqual([ids[0]]);
  });

  it('raises the count of one event', () => {
    const store = open();
    const ids = store.append([event(), event()]);
    store.setCounts([{ id: ids[0] ?? 0, count: 7 }]);
    expect(store.list({ limit: 2 }).map((row) => row.count)).toEqual([undefined, 7]);
  });

  it('removes the oldest first, and never gives an id twice', () => {
    const store = open();
    const ids = store.append([1, 2, 3].map((atMs) => event({ atMs })));
    expect(store.removeBefore(3, 1)).toBe(1);
    expect(store.list({ limit: 9 }).map((row) => row.atMs)).toEqual([3, 2]);
    expect(store.removeBefore(10, 9)).toBe(2);
    const [next = 0] = store.append([event()]);
    expect(next).toBeGreaterThan(ids[2] ?? 0);
  });
}
