import type { AuditEvent } from '../../audit/ports.ts';
import type { AuditStore } from '../../audit/store.ts';

/** Audit rows that live as long as the process; for tests and for running without a disk. */
export function createMemoryAuditStore(): AuditStore {
  let rows: (AuditEvent & { readonly id: number })[] = [];
  let lastId = 0;
  return {
    append: (events) =>
      events.map((event) => {
        lastId += 1;
        rows.push({ ...event, id: lastId });
        return lastId;
      }),
    setCounts: (counts) => {
      const byId = new Map(counts.map(({ id, count }) => [id, count]));
      rows = rows.map((row) => {
        const count = byId.get(row.id);
        return count === undefined ? row : { ...row, count };
      });
    },
    list: ({ limit, beforeId = Infinity, action }) =>
      rows.filter((row) => row.id < beforeId && (action === undefined || row.action === action)).toReversed().slice(0, limit),
    removeBefore: (beforeMs, limit) => {
      const old = new Set(rows.filter((row) => row.atMs < beforeMs).toSorted((a, b) => a.atMs - b.atMs).slice(0, limit));
      rows = rows.filter((row) => !old.has(row));
      return old.size;
    },
  };
}
