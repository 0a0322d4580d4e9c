import type { AuditStore } from '../../audit/store.ts';
import type { UsageStore } from '../../usage/store.ts';
import { createSqliteAuditStore } from './audit-store.ts';
import { openSqlite, type OpenOptions } from './open.ts';
import { createSqliteUsageStore } from './usage-store.ts';

/** All that is kept in the one database file. */
export interface Stores {
  readonly usage: UsageStore;
  readonly audit: AuditStore;
  /** No store may be used afterwards. */
  readonly close: () => void;
}

/** @see openSqlite for what it refuses. */
export function openSqliteStores(options: OpenOptions): Stores {
  const database = openSqlite(options);
  return { usage: createSqliteUsageStore(database), audit: createSqliteAuditStore(database), close: database.close };
}
