import type { Seal } from '../../audit/chain.ts';
import { toRow } from '../../audit/row.ts';
import type { AuditStore } from '../../audit/store.ts';
import { createSealTable } from './audit-rows.ts';
import { createSqliteAuditStore, type SqliteAuditDeps } from './audit-store.ts';
import type { SqlDatabase } from './driver.ts';
import { createEarlierRows } from './earlier-audit-rows.ts';
import { readRow } from './read-row.ts';

/** The audit of a database before its key is at hand. */
export interface AuditTables {
  readonly checkpoint: () => Seal | undefined;
  /** 0 where there are no rows. */
  readonly newestId: () => number;
  /** Takes rows of before into the chain, once. */
  readonly open: (deps: Omit<SqliteAuditDeps, 'database'>) => AuditStore;
}

const rowsPerSlice = 500;

export function createAuditTables(database: SqlDatabase): AuditTables {
  return {
    checkpoint: () => createSealTable(database).read('checkpoint'),
    newestId: () => readRow(database.prepare('SELECT coalesce(max(id), 0) AS id FROM audit_event').get()).number('id'),
    open: (deps) => {
      const earlier = createEarlierRows(database);
      let adopted = 0;
      const store = createSqliteAuditStore({ ...deps, database });
      for (let slice = earlier.first(rowsPerSlice); slice.length > 0; slice = earlier.first(rowsPerSlice)) {
        const lastId = slice.at(-1)?.id ?? 0;
        store.append(slice.map(({ row }) => row), () => earlier.dropUpTo(lastId));
        adopted += slice.length;
      }
      if (adopted > 0) store.append([toRow({ atMs: deps.clock.nowMs(), action: 'audit.chained', actor: 'keyward', from: 'daemon', requestId: '', target: 'audit', code: '', after: { earlier_rows: adopted } })]);
      return store;
    },
  };
}
