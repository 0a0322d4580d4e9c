import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStores } from '../../../internal/storage/sqlite/stores.ts';
import { keyOf } from '../../contract/managed-key-store.contract.ts';
import { createManualClock } from '../../support/manual-clock.ts';

it('thousands of changes by another process are told as many, so that nobody waits for all of them to be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-keys-'));
  const stores = openSqliteStores({ file: join(folder, 'a.db'), clock: createManualClock() });
  onTestFinished(() => {
    stores.close();
    rmSync(folder, { recursive: true });
  });
  const store = stores.managedKeys;
  store.insert(Array.from({ length: 5_001 }, (_, index) => keyOf(`ck_${index}`)));
  expect(store.changedSince(0)).toBe('many');
  expect(store.changedSince(store.revision())).toEqual([]);
});
