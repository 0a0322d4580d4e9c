import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onBusyMachine } from '../../support/busy-machine.ts';
import { createManagedKeyService } from '../../../internal/clients/managed-keys/service.ts';
import type { KeyPlace, KeyQuery, ManagedKeyStore } from '../../../internal/clients/managed-keys/store.ts';
import type { SqlDatabase } from '../../../internal/storage/sqlite/driver.ts';
import { createSqliteManagedKeyStore } from '../../../internal/storage/sqlite/managed-keys.ts';
import { openSqlite } from '../../../internal/storage/sqlite/open.ts';
import { makeFolder } from '../../support/daemon.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const many = 60_000;
const folder = makeFolder();
const clock = createManualClock(10_000_000);
let database: SqlDatabase;
let store: ManagedKeyStore;

beforeAll(() => {
  database = openSqlite({ file: join(folder, 'keyward.db'), clock });
  const number = `WITH RECURSIVE each (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < ${many})`;
  // One in twenty thousand is tagged, revoked, and of another owner; all are minted from one.
  database.execute(`
    INSERT INTO client_key ${number} SELECT 'ck_' || n, 1, 'k', iif(n % 20000 = 0, 'bob', 'ann'), '', 'live', iif(n % 20000 = 0, '["rare"]', '[]'), '{}', n / 100, 'root', 'ck_top', 0, iif(n % 20000 = 0, 1, 0), '', 0 FROM each;
    INSERT INTO client_key_secret (digest, hint, created_at_ms, ends_at_ms, last_used_at_ms, last_used_from, key_id) ${number} SELECT 'd' || n, '', 1, 0, 0, '', 'ck_' || n FROM each;
  `);
  store = createSqliteManagedKeyStore(database);
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const rare = ['ck_60000', 'ck_40000', 'ck_20000'];
const filters: readonly Partial<KeyQuery>[] = [{ tag: 'rare' }, { status: 'revoked' }, { tag: 'rare', status: 'revoked' }, { owner: 'bob', minterId: 'ck_top' }, { minterId: 'ck_top', status: 'revoked' }];

describe('among very many keys', () => {
  it.each(filters)('a list by %j looks through few at a time and finds all of them', onBusyMachine, (filter) => {
    const found: string[] = [];
    const tookMs: number[] = [];
    let calls = 0;
    for (let after: KeyPlace | undefined; ; calls++) {
      const startedMs = performance.now();
      const page = store.list({ ...filter, nowMs: clock.nowMs(), limit: 2, after });
      tookMs.push(performance.now() - startedMs);
      found.push(...page.keys.map(({ id }) => id));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(found).toEqual(rare);
    expect(calls).toBeGreaterThan(50);
    // Some 3 ms; the whole table takes above 100. Of a busy machine one call says little.
    expect(tookMs.sort((one, other) => one - other)[tookMs.length >> 1]).toBeLessThan(40);
  });

  it('one answer gathers slices, with turns for others in between, and says where to go on when it has looked long enough', async () => {
    const service = createManagedKeyService({ store, clock, closeDoor: () => undefined, onChanged: () => undefined });
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const first = await service.list({ tag: 'rare', nowMs: clock.nowMs(), limit: 100 });
    isDone = true;
    expect(turns).toBeGreaterThan(40);
    expect([first.keys.map(({ id }) => id), first.next]).toEqual([rare, { createdAtMs: 100, id: 'ck_10001' }]);
    const second = await service.list({ tag: 'rare', nowMs: clock.nowMs(), limit: 100, after: first.next });
    expect(second).toEqual({ keys: [], next: undefined });
  });

  it.each([{}, { owner: 'ann' }, { minterId: 'ck_top' }])('a list by %j reads no more than its page', (filter) => {
    const tookMs = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      expect(store.list({ ...filter, nowMs: clock.nowMs(), limit: 10 }).keys).toHaveLength(10);
      return performance.now() - startedMs;
    });
    expect(Math.min(...tookMs)).toBeLessThan(20);
  });
});
