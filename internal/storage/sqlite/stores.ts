import type { BudgetStore } from '../../clients/limits/budget-store.ts';
import type { IdentityStore } from '../../clients/issued/store.ts';
import type { ManagedKeyStore } from '../../clients/managed-keys/store.ts';
import type { UsageStore } from '../../usage/store.ts';
import type { Sealer } from '../sealer.ts';
import { createAuditTables, type AuditTables } from './audit-tables.ts';
import { createSqliteBudgetStore } from './budget-store.ts';
import { createSqliteIdentityStore } from './identity.ts';
import { createSqliteManagedKeyStore } from './managed-keys.ts';
import { createResponseOwners, type DurableResponseOwners } from './response-owners.ts';
import { openSqlite, type OpenOptions } from './open.ts';
import { createSqliteResponseStore, type SqliteResponseStore } from './stored-responses.ts';
import { createSqliteUsageStore } from './usage-store.ts';

/** All that is kept in the one database file. */
export interface Stores {
  readonly usage: UsageStore;
  readonly audit: AuditTables;
  readonly responseOwners: DurableResponseOwners;
  readonly responses: SqliteResponseStore;
  readonly managedKeys: ManagedKeyStore;
  readonly budgets: BudgetStore;
  /** Opened at its first use: most daemons issue no tokens. */
  readonly identity: (sealer: Sealer) => IdentityStore;
  /** No store may be used afterwards. */
  readonly close: () => void;
}

/** @see openSqlite for what it refuses. */
export function openSqliteStores(options: OpenOptions & { readonly onFailure?: (thrown: unknown) => void; readonly maxStoredResponseBytes?: () => number }): Stores {
  const database = openSqlite(options);
  const responseOwners = createResponseOwners({ database, clock: options.clock, onFailure: options.onFailure ?? (() => undefined) });
  let identity: IdentityStore | undefined;
  return {
    usage: createSqliteUsageStore(database),
    audit: createAuditTables(database),
    responseOwners,
    budgets: createSqliteBudgetStore(database),
    identity: (sealer) => (identity ??= createSqliteIdentityStore(database, options.clock, sealer)),
    responses: createSqliteResponseStore({ database, clock: options.clock, maxTotalBytes: options.maxStoredResponseBytes ?? (() => Infinity), onFailure: options.onFailure ?? (() => undefined) }),
    managedKeys: createSqliteManagedKeyStore(database),
    close: () => {
      responseOwners.close();
      database.close();
    },
  };
}
