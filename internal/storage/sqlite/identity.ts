import { encodeGrant } from '../../clients/managed-keys/grant-json.ts';
import type { IdentityStore, PageQuery } from '../../clients/issued/store.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Sealer } from '../sealer.ts';
import type { SqlDatabase, SqlValue } from './driver.ts';
import { clientColumns, personColumns, readClient, readPerson, readSession, readSigningKey, sealSigningKey, sessionColumns, valuesOfClient, valuesOfPerson, valuesOfSession } from './identity-rows.ts';
import { createProtocolObjects } from './protocol-objects.ts';
import { readRow } from './read-row.ts';

/** Ended logins stay listed this long. */
const keptEndedMs = 90 * 86_400_000;

/** What a sign-in writes of a person who is known. */
const signedIn = ['label', 'email', 'groups_json', 'scopes_json', 'provider_refresh_token', 'seen_at_ms'] as const;

/** OAuth clients, people, their logins and what the authorization server keeps, in SQLite. */
export function createSqliteIdentityStore(database: SqlDatabase, clock: Pick<Clock, 'nowMs'>, sealer: Sealer): IdentityStore {
  const objects = createProtocolObjects(database, clock);
  const marks = (columns: readonly string[]): string => columns.map(() => '?').join(', ');
  const selectClient = database.prepare(`SELECT ${clientColumns.join(', ')} FROM oauth_client WHERE id = ?`);
  const insertClient = database.prepare(`INSERT INTO oauth_client (${clientColumns.join(', ')}) VALUES (${marks(clientColumns)})`);
  const replaceClient = database.prepare(`UPDATE oauth_client SET ${clientColumns.map((column) => `${column} = ?`).join(', ')} WHERE id = ? AND revision = ?`);
  const deleteClient = database.prepare('DELETE FROM oauth_client WHERE id = ? AND revision = ?');
  const selectPerson = database.prepare(`SELECT ${personColumns.join(', ')} FROM person WHERE id = ?`);
  const savePerson = database.prepare(`INSERT INTO person (${personColumns.join(', ')}) VALUES (${marks(personColumns)}) ON CONFLICT (id) DO UPDATE SET ${signedIn.map((column) => `${column} = excluded.${column}`).join(', ')}`);
  const limitPerson = database.prepare('UPDATE person SET limits_json = ? WHERE id = ?');
  const selectSession = database.prepare(`SELECT ${sessionColumns.join(', ')} FROM oauth_session WHERE id = ?`);
  const insertSession = database.prepare(`INSERT INTO oauth_session (${sessionColumns.join(', ')}) VALUES (${marks(sessionColumns)})`);
  const endSession = database.prepare('UPDATE oauth_session SET ended_at_ms = ?, ended_by = ? WHERE id = ? AND ended_at_ms = 0');
  const endSessionsOfClient = database.prepare('UPDATE oauth_session SET ended_at_ms = ?, ended_by = ? WHERE client_id = ? AND ended_at_ms = 0');
  const noteUse = database.prepare('UPDATE oauth_session SET last_used_at_ms = ?, last_used_from = ? WHERE id = ? AND last_used_at_ms < ?');
  const forgetSessions = database.prepare('DELETE FROM oauth_session WHERE max(expires_at_ms, ended_at_ms) < ?');
  const endToken = database.prepare('INSERT INTO oauth_ended_token (jti, expires_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const selectEnded = database.prepare('SELECT 1 FROM oauth_ended_token WHERE jti = ?');
  const forgetEnded = database.prepare('DELETE FROM oauth_ended_token WHERE expires_at_ms < ?');
  const useOnce = database.prepare('INSERT INTO oauth_used_id (scope, jti, expires_at_ms) VALUES (?, ?, ?) ON CONFLICT (scope, jti) DO UPDATE SET expires_at_ms = excluded.expires_at_ms WHERE oauth_used_id.expires_at_ms < ?');
  const forgetUsed = database.prepare('DELETE FROM oauth_used_id WHERE expires_at_ms < ?');
  const selectKeys = database.prepare('SELECT kid, jwk_json, created_at_ms, retired_at_ms FROM oauth_signing_key ORDER BY created_at_ms DESC, kid');
  const insertKey = database.prepare('INSERT INTO oauth_signing_key (kid, jwk_json, created_at_ms, retired_at_ms) VALUES (?, ?, ?, 0)');
  const retireKeys = database.prepare('UPDATE oauth_signing_key SET retired_at_ms = ? WHERE retired_at_ms = 0');
  const forgetKeys = database.prepare('DELETE FROM oauth_signing_key WHERE retired_at_ms > 0 AND retired_at_ms < ?');
  const selectRevision = database.prepare('SELECT value FROM identity_revision');
  const raiseRevision = database.prepare('UPDATE identity_revision SET value = value + 1');
  const dataVersion = database.prepare('PRAGMA data_version');
  const readVersion = (): number => readRow(dataVersion.get()).number('data_version');
  let seenVersion = readVersion();
  let isBehind = false;

  const revision = (): number => readRow(selectRevision.get()).number('value');
  /** Of the newest write that is our own or was told of. */
  let seenRevision = revision();
  const write = <T>(work: (next: number) => T): T => {
    let next = 0;
    const result = database.inTransaction(() => {
      raiseRevision.run();
      next = revision();
      return work(next);
    });
    if (seenRevision === next - 1) seenRevision = next;
    return result;
  };
  const page = <T>(table: string, columns: readonly string[], conditions: Readonly<Record<string, string | undefined>>, { after, limit }: PageQuery, read: (row: unknown) => T, more?: { readonly sql: string; readonly values: readonly SqlValue[] }): readonly T[] => {
    const said = Object.entries(conditions).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const where = [...said.map(([column]) => `${column} = ?`), ...(more === undefined ? [] : [more.sql]), ...(after === undefined ? [] : ['(created_at_ms, id) < (?, ?)'])];
    const values: readonly SqlValue[] = [...said.map(([, value]) => value), ...(more?.values ?? []), ...(after === undefined ? [] : [after.createdAtMs, after.id]), limit];
    const sql = `SELECT ${columns.join(', ')} FROM ${table}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`} ORDER BY created_at_ms DESC, id DESC LIMIT ?`;
    return database.prepare(sql).all(...values).map(read);
  };

  return {
    objects,
    findClient: (id) => optional(selectClient.get(id), readClient),
    listClients: (query) => page('oauth_client', clientColumns, { minter_id: query.minterId }, query, readClient),
    insertClient: (client) =>
      write((next) => {
        const written = { ...client, revision: next };
        insertClient.run(...valuesOfClient(written));
        return written;
      }),
    updateClient: (client) =>
      write((next) => {
        const written = { ...client, revision: next };
        if (replaceClient.run(...valuesOfClient(written), client.id, client.revision).changes === 0) return undefined;
        if (written.revokedAtMs !== undefined) endSessionsOfClient.run(written.revokedAtMs, written.revokedBy, client.id);
        return written;
      }),
    removeClient: ({ id, revision: before }) =>
      write(() => {
        if (deleteClient.run(id, before).changes === 0) return false;
        endSessionsOfClient.run(clock.nowMs(), 'client removed', id);
        return true;
      }),
    findPerson: (id) => optional(selectPerson.get(id), (row) => readPerson(row, sealer)),
    savePerson: (person) => write(() => void savePerson.run(...valuesOfPerson(person, sealer))),
    limitPerson: (id, limits) => write(() => limitPerson.run(JSON.stringify(encodeGrant(limits)), id).changes === 1),
    listPeople: (query) => page('person', personColumns, {}, query, (row) => readPerson(row, sealer)),
    findSession: (id) => optional(selectSession.get(id), readSession),
    listSessions: ({ personId, clientId, visibleTo, ...query }) =>
      page('oauth_session', sessionColumns, { person_id: personId, client_id: clientId }, query, readSession, visibleTo === undefined ? undefined : { sql: '(person_id = ? OR client_id IN (SELECT id FROM oauth_client WHERE minter_id = ?))', values: [visibleTo, visibleTo] }),
    insertSession: (session) => void insertSession.run(...valuesOfSession(session)),
    endSession: (id, by) =>
      write(() => {
        objects.removeByGrant(id);
        return endSession.run(clock.nowMs(), by, id).changes === 1;
      }),
    noteSessionUses: (uses) => database.inTransaction(() => uses.forEach(({ id, atMs, from }) => noteUse.run(atMs, from, id, atMs))),
    endToken: (jti, expiresAtMs) => write(() => void endToken.run(jti, expiresAtMs)),
    isTokenEnded: (jti) => selectEnded.get(jti) !== undefined,
    isFirstUse: (scope, jti, expiresAtMs) => useOnce.run(scope, jti, expiresAtMs, clock.nowMs()).changes === 1,
    signingKeys: () => selectKeys.all().map((row) => readSigningKey(row, sealer)).filter((key) => key !== undefined),
    insertSigningKey: ({ kid, jwk, createdAtMs }, retirePrevious) =>
      write(() => {
        if (retirePrevious) retireKeys.run(createdAtMs);
        insertKey.run(kid, sealSigningKey(kid, jwk, sealer), createdAtMs);
      }),
    sweep: () => {
      const nowMs = clock.nowMs();
      objects.removeExpired();
      forgetEnded.run(nowMs);
      forgetUsed.run(nowMs);
      forgetSessions.run(nowMs - keptEndedMs);
      forgetKeys.run(nowMs - keptEndedMs);
    },
    hasChangedElsewhere: () => {
      const version = readVersion();
      isBehind ||= version !== seenVersion;
      seenVersion = version;
      if (!isBehind) return false;
      const newest = revision();
      isBehind = false;
      const hasChanged = newest !== seenRevision;
      seenRevision = newest;
      return hasChanged;
    },
  };
}

function optional<T>(row: unknown, read: (row: unknown) => T): T | undefined {
  return row === undefined ? undefined : read(row);
}
