import { expect, it } from 'vitest';
import type { AuditEvent } from '../../internal/audit/ports.ts';
import { toRecord, toRow, type AuditRow } from '../../internal/audit/row.ts';
import type { AuditStore } from '../../internal/audit/store.ts';

const row = (change: Partial<AuditEvent> = {}): AuditRow =>
  toRow({ atMs: 1_000, action: 'config.changed', actor: 'root', from: '127.0.0.1', requestId: 'req_1', target: 'ws-auth', code: '', ...change });

/** What every audit store promises. `open` gives an empty one. */
export function auditStoreContract(open: () => AuditStore): void {
  it('gives back an event as it was stored, with and without before and after', () => {
    const store = open();
    const full = row({ before: { a: [1, null] }, after: false, count: 3, actorLabel: 'Ann', outcome: 'asked' });
    const [first = 0, second = 0] = store.append([row(), full]);
    expect(store.list({ limit: 10 })).toEqual([toRecord(second, full), toRecord(first, row())]);
    expect(store.list({ limit: 1 })).toMatchObject([{ before: { a: [1, null] }, after: false, count: 3, actorLabel: 'Ann', outcome: 'asked' }]);
  });

  it('lists newest first, page by page, by action, actor and time', () => {
    const store = open();
    const ids = store.append(['a', 'b', 'a', 'b'].map((action, index) => row({ action, actor: index < 2 ? 'root' : 'key_1', atMs: index })));
    const listed = (query: Parameters<AuditStore['list']>[0]): readonly number[] => store.list(query).map(({ id }) => id);
    expect(listed({ limit: 2 })).toEqual([ids[3], ids[2]]);
    expect(listed({ limit: 2, beforeId: ids[2] ?? 0 })).toEqual([ids[1], ids[0]]);
    expect(listed({ limit: 9, action: 'a' })).toEqual([ids[2], ids[0]]);
    expect(listed({ limit: 9, action: 'a', beforeId: ids[2] ?? 0 })).toEqual([ids[0]]);
    expect(listed({ limit: 9, actor: 'key_1' })).toEqual([ids[3], ids[2]]);
    expect(listed({ limit: 9, fromMs: 1, toMs: 3 })).toEqual([ids[2], ids[1]]);
  });

  it('gives all of it in pages, oldest first, those that pass a filter', () => {
    const store = open();
    store.append(Array.from({ length: 1_201 }, (_, index) => row({ atMs: index, action: index % 2 === 0 ? 'even' : 'odd' })));
    const seen: number[] = [];
    for (let page = store.page({ afterId: 0, action: 'even', fromMs: 10 }); page !== undefined; page = store.page({ afterId: page.nextAfterId, action: 'even', fromMs: 10 })) {
      seen.push(...page.records.map(({ atMs }) => atMs));
    }
    expect(seen).toEqual(Array.from({ length: 596 }, (_, index) => 10 + 2 * index));
  });

  it('removes from the front, and never gives an id twice', () => {
    const store = open();
    const ids = store.append([1, 2, 3].map((atMs) => row({ atMs })));
    expect(ids).toEqual([1, 2, 3]);
    expect(store.removeBefore(3, 1)).toBe(1);
    expect(store.list({ limit: 9 }).map(({ atMs }) => atMs)).toEqual([3, 2]);
    expect(store.removeBefore(10, 9)).toBe(2);
    expect(store.append([row()])).toEqual([4]);
  });

  it('what was stored while the clock stood wrong does not keep what is behind it', () => {
    const store = open();
    store.append([9_000, 1, 2, 9_000].map((atMs) => row({ atMs })));
    expect(store.removeBefore(100, 200)).toBe(3);
    expect(store.list({ limit: 9 }).map(({ id }) => id)).toEqual([4]);
  });

  it('takes odd text as it is or made harmless, and gives it back the same each time', () => {
    const store = open();
    const odd = row({ target: 'a\ud800b\0c\n"', before: { text: '\ud800 \0' }, atMs: 1.5, count: -3 });
    store.append([odd]);
    expect(store.list({ limit: 1 })).toEqual([toRecord(1, odd)]);
    expect(store.list({ limit: 1 })).toMatchObject([{ target: 'a\ufffdb\ufffdc\n"', atMs: 1 }]);
  });
}
