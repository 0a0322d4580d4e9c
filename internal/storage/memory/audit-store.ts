import { passes, type AuditRecord } from '../../audit/ports.ts';
import { toRecord } from '../../audit/row.ts';
import type { AuditStore } from '../../audit/store.ts';

const recordsPerPage = 500;

/** Audit rows that live as long as the process, without a chain; for tests and for running without a disk. */
export function createMemoryAuditStore(): AuditStore {
  let records: AuditRecord[] = [];
  let lastId = 0;
  return {
    append: (rows) =>
      rows.map((row) => {
        lastId += 1;
        records.push(toRecord(lastId, row));
        return lastId;
      }),
    list: ({ limit, beforeId = Infinity, ...filter }) => records.filter((record) => record.id < beforeId && passes(record, filter)).toReversed().slice(0, limit),
    page: ({ afterId, ...filter }) => {
      const page = records.filter(({ id }) => id > afterId).slice(0, recordsPerPage);
      const last = page.at(-1);
      if (last === undefined) return undefined;
      return { records: page.filter((record) => passes(record, filter)), nextAfterId: last.id };
    },
    removeBefore: (beforeMs, limit) => {
      const last = records.slice(0, limit).findLast(({ atMs }) => atMs < beforeMs);
      if (last === undefined) return 0;
      const before = records.length;
      records = records.filter(({ id }) => id > last.id);
      return before - records.length;
    },
    close: () => Promise.resolve(),
  };
}
