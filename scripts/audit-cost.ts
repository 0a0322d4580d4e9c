import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditLog } from '../internal/audit/audit-log.ts';
import type { AuditEvent } from '../internal/audit/ports.ts';
import { toRow } from '../internal/audit/row.ts';
import { systemClock } from '../internal/clock/clock.ts';
import { silentLogger } from '../internal/log/logger.ts';
import { openAuditArchive } from '../internal/storage/audit-archive.ts';
import { openAudit } from '../internal/storage/open-audit.ts';
import { storagePlaces } from '../internal/storage/places.ts';
import { openSqliteStores } from '../internal/storage/sqlite/stores.ts';

/*
 * `node scripts/audit-cost.ts [rows]`: what the audit costs. Exchanges write no audit row; what can come in numbers are
 * refusals and management changes. Prints figures of docs/adr/0016-audit-chain.md.
 */

const rows = Number(process.argv[2] ?? 200_000);
const dataDir = mkdtempSync(join(tmpdir(), 'keyward-audit-cost-'));
const places = storagePlaces(dataDir);
mkdirSync(join(dataDir, 'state'), { mode: 0o700 });
const event = (n: number): AuditEvent => ({ atMs: systemClock.nowMs(), action: 'config.changed', actor: 'root', actorLabel: 'management secret', from: '127.0.0.1', requestId: `req_${n}`, target: 'request-retry', code: '', before: { 'request-retry': n }, after: { 'request-retry': n + 1 } });
const refusal = (n: number, from: string): AuditEvent => ({ ...event(n), action: 'door.refused', actor: 'anonymous', from, code: 'invalid_api_key' });
const tell = (text: string): void => void process.stdout.write(`${text}\n`);

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

const stores = openSqliteStores({ file: places.database, clock: systemClock });
const store = await openAudit({ tables: stores.audit, places, uid: process.getuid?.(), clock: systemClock, log: silentLogger });

const batch = 64;
const appendMs = timed(() => {
  for (let n = 0; n < rows; n += batch) store.append(Array.from({ length: Math.min(batch, rows - n) }, (_, index) => toRow(event(n + index))));
});
tell(`append in batches of ${batch}, signed and synced: ${((appendMs / rows) * 1_000).toFixed(1)} µs a row`);

const singles = 300;
const singleMs = timed(() => {
  for (let n = 0; n < singles; n += 1) store.append([toRow(event(n))]);
});
tell(`append one by one, signed and synced (what audit.fail-closed adds to a change): ${(singleMs / singles).toFixed(2)} ms`);

const audit = createAuditLog({ store, clock: systemClock, log: silentLogger, onLost: () => undefined });
const flood = 1_000_000;
const onePeerMs = timed(() => {
  for (let n = 0; n < flood; n += 1) audit.append(refusal(n, '192.0.2.1'));
});
tell(`refusals from one peer, folded: ${((onePeerMs / flood) * 1_000).toFixed(2)} µs each`);
const manyPeersMs = timed(() => {
  for (let n = 0; n < flood; n += 1) audit.append(refusal(n, `192.0.${n & 63}.${n & 255}`));
});
tell(`refusals from many peers, folded: ${((manyPeersMs / flood) * 1_000).toFixed(2)} µs each`);
tell(`storing what these ${(2 * flood).toLocaleString('en')} refusals came to: ${timed(() => void audit.flush()).toFixed(1)} ms`);
await audit.close();
stores.close();

const heapBefore = process.memoryUsage().rss;
const archive = openAuditArchive(dataDir, process.getuid?.());
if (!archive.ok) throw new Error(archive.error);
const verifyMs = timed(() => {
  const report = archive.value.verify();
  if (!report.ok || !report.value.intact) throw new Error('the chain is not intact');
  tell(`rows verified: ${report.value.rows.toLocaleString('en')}`);
});
tell(`verify: ${verifyMs.toFixed(0)} ms, ${((verifyMs / rows) * 1_000).toFixed(1)} µs a row, ${((process.memoryUsage().rss - heapBefore) / 1_048_576).toFixed(0)} MB more resident`);
archive.value.close();
rmSync(dataDir, { recursive: true });
