import { existsSync, renameSync, statSync } from 'node:fs';
import type { AuditRestarted, RestartAudit } from '../audit/archive.ts';
import { chainStart, checkSeal, isSigned, seal, type ChainKey, type ChainPlace } from '../audit/chain.ts';
import { toRow } from '../audit/row.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { silentLogger } from '../log/logger.ts';
import { createCheckpointFile, makeKeyFile, readCheckpointFile, readKeyFile } from './audit-files.ts';
import { storagePlaces, type StoragePlaces } from './places.ts';
import { createRowPages, createSealTable } from './sqlite/audit-rows.ts';
import { createSqliteAuditStore } from './sqlite/audit-store.ts';
import type { SqlDatabase } from './sqlite/driver.ts';
import { openSqlite } from './sqlite/open.ts';
import { readRow } from './sqlite/read-row.ts';

/** @see RestartAudit */
export function createRestartAudit(clock: Clock): RestartAudit {
  return async (dataDir, uid) => {
    const places = storagePlaces(dataDir);
    if (!existsSync(places.database)) return err(`There is no database at ${places.database}, so there is no chain to begin anew.`);
    const owner = statSync(dataDir).uid;
    if (uid !== undefined && uid !== owner) return err(`${dataDir} belongs to another user (uid ${owner}): run this as that user, or the daemon cannot read the new key.`);
    let database: SqlDatabase | undefined;
    try {
      database = openSqlite({ file: places.database, clock });
      return await restart(database, places, clock, uid);
    } catch (thrown) {
      if (thrown instanceof AppError) return err(thrown.message);
      throw thrown;
    } finally {
      database?.close();
    }
  };
}

async function restart(database: SqlDatabase, places: StoragePlaces, clock: Clock, uid: number | undefined): Promise<Result<AuditRestarted, string>> {
  const seals = createSealTable(database);
  const stored = seals.read('checkpoint');
  const beside = readCheckpointFile(places.auditCheckpoint, uid);
  const inFile = beside.kind === 'present' ? beside.seal : undefined;
  const present = readKeyFile(places.auditKey, uid);
  const isOurs = (key: ChainKey): boolean => [stored, inFile].some((found) => found !== undefined && checkSeal(key, 'checkpoint', found) === undefined) || createRowPages(database)(0).some((row) => isSigned(key, row));
  if (present.ok && present.value !== undefined && isOurs(present.value)) return err(`The audit key ${places.auditKey} is the one that the chain was made with; there is nothing to begin anew. \`keyward audit verify\` tells what is wrong with it.`);
  // The newest place that anybody claims: ids go on behind it, so that rows which are gone leave a gap.
  const place = [newestRow(database), stored, inFile].reduce<ChainPlace>((best, found) => (found !== undefined && found.id > best.id ? found : best), chainStart);
  if (place.id === 0) return err('There is no chain yet: the next start of the daemon begins one.');

  const kept: string[] = [];
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[:.]/g, '');
  for (const path of [places.auditKey, places.auditCheckpoint]) {
    if (!existsSync(path)) continue;
    renameSync(path, `${path}.before-${stamp}`);
    kept.push(`${path}.before-${stamp}`);
  }
  const key = await makeKeyFile(places.auditKey);
  if (!key.ok) return key;
  const file = createCheckpointFile(places.auditCheckpoint, silentLogger);
  const cut = seals.read('cut');
  const store = createSqliteAuditStore({ database, key: key.value, clock, head: place, onSealed: file.write });
  const row = toRow({ atMs: clock.nowMs(), action: 'audit.restarted', actor: 'keyward', actorLabel: uid === undefined ? '' : `user ${uid}`, from: 'command line', requestId: '', target: 'audit.key', code: '', after: { key: key.value.id, previous_key: (stored ?? inFile)?.keyId ?? null, unverifiable_up_to: place.id } });
  const [firstId = place.id + 1] = store.append([row], () => {
    seals.write('restart', seal(key.value, 'restart', place, clock.nowMs()));
    // What retention left is vouched for by the new key from now on; the old one cannot be asked.
    if (cut !== undefined) seals.write('cut', seal(key.value, 'cut', cut, clock.nowMs()));
  });
  await file.settle();
  return ok({ firstId, keyId: key.value.id, kept });
}

function newestRow(database: SqlDatabase): ChainPlace | undefined {
  const found = database.prepare('SELECT id, mac FROM audit_event ORDER BY id DESC LIMIT 1').get();
  return found === undefined ? undefined : { id: readRow(found).number('id'), mac: readRow(found).text('mac') };
}
