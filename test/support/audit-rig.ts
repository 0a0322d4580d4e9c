import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '../../internal/audit/ports.ts';
import { toRow } from '../../internal/audit/row.ts';
import type { AuditStore } from '../../internal/audit/store.ts';
import type { AuditReport } from '../../internal/audit/verify.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import { openAuditArchive } from '../../internal/storage/audit-archive.ts';
import { openAudit } from '../../internal/storage/open-audit.ts';
import { storagePlaces, type StoragePlaces } from '../../internal/storage/places.ts';
import { openDriver, type SqlDatabase } from '../../internal/storage/sqlite/driver.ts';
import { openSqliteStores } from '../../internal/storage/sqlite/stores.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A data-dir with an audit in it, and a hand that reaches into its database as somebody would who owns the disk. */
export interface AuditRig {
  readonly dataDir: string;
  readonly places: StoragePlaces;
  readonly clock: ManualClock;
  /** Opens it as a start of the daemon does, for as long as `work` takes. */
  readonly run: <T>(work: (store: AuditStore) => T) => Promise<T>;
  readonly append: (count: number) => Promise<void>;
  /** SQL on the file, triggers out of the way. */
  readonly tamper: (work: (database: SqlDatabase) => void) => void;
  readonly verify: () => AuditReport;
  /** What was done to it is undone. */
  readonly restore: () => void;
  readonly save: () => void;
  readonly remove: () => void;
}

export const auditEvent = (change: Partial<AuditEvent> = {}): AuditEvent => ({ atMs: 1_000, action: 'config.changed', actor: 'root', from: '127.0.0.1', requestId: 'req_1', target: 'ws-auth', code: '', ...change });

export function createAuditRig(): AuditRig {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-audit-'));
  const saved = mkdtempSync(join(tmpdir(), 'keyward-audit-saved-'));
  const places = storagePlaces(dataDir);
  mkdirSync(join(dataDir, 'state'), { mode: 0o700 });
  const clock = createManualClock();
  const uid = process.getuid?.();
  let count = 0;

  const run = async <T>(work: (store: AuditStore) => T): Promise<T> => {
    const stores = openSqliteStores({ file: places.database, clock });
    try {
      const store = await openAudit({ tables: stores.audit, places, uid, clock, log: silentLogger });
      const result = work(store);
      await store.close();
      return result;
    } finally {
      stores.close();
    }
  };

  const files = [places.database, places.auditCheckpoint, places.auditKey].map((path, index) => ({ path, copy: join(saved, String(index)) }));
  return {
    dataDir,
    places,
    clock,
    run,
    append: (rows) =>
      run((store) => {
        for (let n = 0; n < rows; n += 1) {
          count += 1;
          store.append([toRow(auditEvent({ atMs: clock.nowMs() + count, target: `setting-${count}`, ...(count % 3 === 0 ? { code: 'storage_unavailable' } : { before: count, after: { to: count + 1 } }) }))]);
        }
      }),
    tamper: (work) => {
      const database = openDriver(places.database, 1_000);
      for (const name of ['append_only', 'unchanged', 'kept']) database.execute(`DROP TRIGGER IF EXISTS audit_event_${name}`);
      work(database);
      database.close();
    },
    verify: () => {
      const archive = openAuditArchive(dataDir, uid);
      if (!archive.ok) throw new Error(archive.error);
      const report = archive.value.verify();
      archive.value.close();
      if (!report.ok) throw new Error(report.error);
      return report.value;
    },
    save: () => files.forEach(({ path, copy }) => copyFileSync(path, copy)),
    restore: () => files.forEach(({ path, copy }) => copyFileSync(copy, path)),
    remove: () => {
      rmSync(dataDir, { recursive: true });
      rmSync(saved, { recursive: true });
    },
  };
}
