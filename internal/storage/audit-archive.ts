import { existsSync } from 'node:fs';
import type { AuditTrouble, OpenAuditArchive } from '../audit/archive.ts';
import { isSigned, type ChainKey } from '../audit/chain.ts';
import { describeFinding } from '../audit/findings.ts';
import { createVerifier, isOfAnotherKey, type AuditReport, type SealState, type VerifyInput } from '../audit/verify.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { readCheckpointFile, readKeyFile } from './audit-files.ts';
import { storagePlaces } from './places.ts';
import { createListQuery, createPageQuery } from './sqlite/audit-queries.ts';
import { createRowPages, createSealTable } from './sqlite/audit-rows.ts';
import { openDriver, type SqlDatabase } from './sqlite/driver.ts';

const busyTimeoutMs = 3_000;

/** @see OpenAuditArchive */
export const openAuditArchive: OpenAuditArchive = (dataDir, uid) => {
  const places = storagePlaces(dataDir);
  const { database: file, auditKey } = places;
  if (!existsSync(file)) return err(`There is no database at ${file}: no daemon has run on this data-dir yet, or --config names another one.`);
  let database: SqlDatabase;
  try {
    database = openDriver(file, busyTimeoutMs, 'read');
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit_seal'").get() === undefined) {
      database.close();
      return err(`${file} is from before audit rows were chained: start this Keyward's daemon on it once.`);
    }
  } catch (thrown) {
    const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
    return err(`${file} cannot be read (${typeof code === 'string' ? code : 'unknown error'}): check that it belongs to this user and is a database of Keyward's.`);
  }
  return ok({
    list: createListQuery(database),
    page: createPageQuery(database),
    verify: () => {
      const key = readKeyFile(auditKey, uid);
      if (!key.ok) return err(`Nothing can be verified: ${key.error}.`);
      if (key.value === undefined) return err(`Nothing can be verified: the audit key ${auditKey} is missing; put it back from a backup.`);
      // Before the rows, which may grow meanwhile.
      return verifyDatabase(database, key.value, readCheckpointFile(places.auditCheckpoint, uid));
    },
    look: () => {
      const inTheWay = (sentence: string): readonly AuditTrouble[] => [{ isInTheWay: true, sentence: `${sentence}; the daemon does not start so` }];
      const key = readKeyFile(auditKey, uid);
      if (!key.ok) return inTheWay(key.error);
      if (key.value === undefined) return inTheWay(`the audit key ${auditKey} is missing, and there is an audit chain that was made with it`);
      const input = { ...sealsOf(database, readCheckpointFile(places.auditCheckpoint, uid)), key: key.value };
      if (isOfAnotherKey(input)) return inTheWay(`the audit key ${auditKey} (${key.value.id}) is not the one that the audit chain was made with`);
      return createVerifier(input).end().findings.filter(({ kind }) => kind === 'seal' || kind === 'restarted').map((finding) => ({ isInTheWay: false, sentence: describeFinding(finding) }));
    },
    close: database.close,
  });
};

/** Walks all rows as of one moment, a page in memory at a time. */
export function verifyDatabase(database: SqlDatabase, key: ChainKey, checkpointFile: SealState): Result<AuditReport, string> {
  database.execute('BEGIN');
  try {
    const input = { key, ...sealsOf(database, checkpointFile) };
    // Whoever changes the seals alone does not make the key another one.
    if (isOfAnotherKey(input) && !createRowPages(database)(0).some((chained) => isSigned(key, chained))) return err(`Nothing can be verified: the chain was made with another audit key than this one (${key.id}); put that one back from a backup.`);
    const verifier = createVerifier(input);
    const pageAfter = createRowPages(database);
    for (let rows = pageAfter(Number.MIN_SAFE_INTEGER); rows.length > 0; rows = pageAfter(rows.at(-1)?.id ?? Number.MAX_SAFE_INTEGER)) rows.forEach(verifier.take);
    return ok(verifier.end());
  } finally {
    database.execute('COMMIT');
  }
}

function sealsOf(database: SqlDatabase, checkpointFile: SealState): Omit<VerifyInput, 'key'> {
  const seals = createSealTable(database);
  const checkpoint = seals.read('checkpoint');
  return { cut: seals.read('cut'), restart: seals.read('restart'), checkpoint: checkpoint === undefined ? { kind: 'missing' } : { kind: 'present', seal: checkpoint }, checkpointFile };
}
