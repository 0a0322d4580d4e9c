import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { createChainKey } from '../../internal/audit/chain.ts';
import { createManagedKeyData, createMemoryManagedKeyStore } from '../../internal/storage/memory/managed-keys.ts';
import { createMemoryAuditStore } from '../../internal/storage/memory/audit-store.ts';
import { createMemoryBudgetStore } from '../../internal/storage/memory/budget-store.ts';
import { createMemoryResponseStore } from '../../internal/storage/memory/response-store.ts';
import { createMemoryUsageStore } from '../../internal/storage/memory/usage-store.ts';
import { openSqliteStores, type Stores } from '../../internal/storage/sqlite/stores.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { auditStoreContract } from './audit-store.contract.ts';
import { managedKeyStoreContract } from './managed-key-store.contract.ts';
import { budgetStoreContract } from './budget-store.contract.ts';
import { responseStoreContract } from './response-store.contract.ts';
import { usageStoreContract } from './usage-store.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-stores-'));
const opened: Stores[] = [];

function openSqlite(name = opened.length): Stores {
  const stores = openSqliteStores({ file: join(folder, `${name}.db`), clock: createManualClock() });
  opened.push(stores);
  return stores;
}

afterAll(() => {
  for (const stores of opened) stores.close();
  rmSync(folder, { recursive: true });
});

describe('usage store in memory', () => usageStoreContract(createMemoryUsageStore));
describe('usage store in SQLite', () => usageStoreContract(() => openSqlite().usage));
describe('response store in memory', () => responseStoreContract(createMemoryResponseStore));
describe('response store in SQLite', () => responseStoreContract(() => openSqlite().responses));
describe('budget store in memory', () => budgetStoreContract(createMemoryBudgetStore));
describe('budget store in SQLite', () => budgetStoreContract(() => openSqlite().budgets));
describe('audit store in memory', () => auditStoreContract(createMemoryAuditStore));
describe('audit store in SQLite', () => auditStoreContract(() => openSqlite().audit.open({ key: createChainKey(new Uint8Array(32)), clock: createManualClock() })));
describe('managed key store in memory', () =>
  managedKeyStoreContract(() => {
    const data = createManagedKeyData();
    return [createMemoryManagedKeyStore(data), createMemoryManagedKeyStore(data)];
  }));
describe('managed key store in SQLite', () =>
  managedKeyStoreContract(() => {
    const name = opened.length;
    return [openSqlite(name).managedKeys, openSqlite(name).managedKeys];
  }));
