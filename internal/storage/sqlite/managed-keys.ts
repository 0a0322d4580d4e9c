import { mergeAddresses } from '../../clients/managed-keys/key-addresses.ts';
import type { KeySecret, KeyStatus, ManagedKey } from '../../clients/managed-keys/managed-key.ts';
import type { KeyChange, KeyQuery, ManagedKeyStore } from '../../clients/managed-keys/store.ts';
import type { SqlDatabase, SqlValue } from './driver.ts';
import { atOrZero, keyColumns, readAddresses, readManagedKey, readTexts, secretColumns, valuesOfKey } from './managed-key-rows.ts';
import { readRow } from './read-row.ts';

/** Forgotten keys are told of to other processes for as long as they might not have heard. */
const keptGone = 10_000;
/** Rows that a filter without an index looks through at a time: some milliseconds. */
const rowsPerSlice = 1_000;
const newestFirst = 'ORDER BY created_at_ms DESC, id DESC';
/** More changes than this are not told one by one. */
const maxTold = 5_000;

class Stale extends Error {}

/** Managed keys in SQLite. Deleted keys leave their digests behind, so that other processes forget them too. */
export function createSqliteManagedKeyStore(database: SqlDatabase): ManagedKeyStore {
  const selectKey = database.prepare(`SELECT ${keyColumns.join(', ')} FROM client_key WHERE id = ?`);
  const selectSecrets = database.prepare(`SELECT ${secretColumns.join(', ')}, addresses_json FROM client_key_secret WHERE key_id = ? ORDER BY ends_at_ms = 0 DESC, created_at_ms DESC`);
  const selectOwner = database.prepare('SELECT key_id FROM client_key_secret WHERE digest = ?');
  const selectChildren = database.prepare(`SELECT ${keyColumns.join(', ')} FROM client_key WHERE minter_id = ? AND minter_id <> '' AND revoked_at_ms = 0 LIMIT ?`);
  // UNION drops what was seen, so that a damaged store does not lead in a circle.
  const livingOf = (end: string): string => `SELECT child.id FROM under JOIN client_key AS child ON child.minter_id = under.id WHERE child.minter_id <> '' AND child.revoked_at_ms = 0 AND child.expires_at_ms ${end}`;
  const countUnder = database.prepare(`WITH RECURSIVE under (id) AS (SELECT ? UNION ${livingOf('= 0')} UNION ${livingOf('> ?')} LIMIT ?) SELECT count(*) - 1 AS living FROM under`);
  const selectChanged = database.prepare(`SELECT ${keyColumns.join(', ')} FROM client_key WHERE revision > ? ORDER BY revision`);
  const selectGone = database.prepare('SELECT id, revision, digests_json FROM client_key_gone WHERE revision > ? ORDER BY revision');
  const countChanged = database.prepare('SELECT (SELECT count(*) FROM client_key WHERE revision > ?) + (SELECT count(*) FROM client_key_gone WHERE revision > ?) AS changed');
  const selectImported = database.prepare('SELECT 1 FROM client_key WHERE imported = 1 LIMIT 1');
  const selectRevision = database.prepare('SELECT value FROM client_key_revision');
  const raiseRevision = database.prepare('UPDATE client_key_revision SET value = value + 1');
  const insertKey = database.prepare(`INSERT INTO client_key (${keyColumns.join(', ')}) VALUES (${keyColumns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`);
  const replaceKey = database.prepare(`UPDATE client_key SET ${keyColumns.map((column) => `${column} = ?`).join(', ')} WHERE id = ? AND revision = ?`);
  const deleteKey = database.prepare('DELETE FROM client_key WHERE id = ? AND revision = ?');
  const insertSecret = database.prepare(`INSERT INTO client_key_secret (${secretColumns.join(', ')}, key_id) VALUES (${secretColumns.map(() => '?').join(', ')}, ?) ON CONFLICT DO NOTHING`);
  const endSecret = database.prepare('UPDATE client_key_secret SET ends_at_ms = ? WHERE digest = ? AND key_id = ?');
  const deleteSecret = database.prepare('DELETE FROM client_key_secret WHERE digest = ?');
  const insertGone = database.prepare('INSERT INTO client_key_gone (id, revision, digests_json) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision, digests_json = excluded.digests_json');
  const deleteGone = database.prepare('DELETE FROM client_key_gone WHERE id = ?');
  const trimGone = database.prepare('DELETE FROM client_key_gone WHERE id IN (SELECT id FROM client_key_gone ORDER BY revision DESC LIMIT -1 OFFSET ?)');
  const saveUse = database.prepare('UPDATE client_key_secret SET last_used_at_ms = ?, last_used_from = ? WHERE digest = ? AND last_used_at_ms < ?');
  const selectAddresses = database.prepare('SELECT addresses_json FROM client_key_secret WHERE digest = ?');
  const saveAddresses = database.prepare('UPDATE client_key_secret SET addresses_json = ? WHERE digest = ?');
  const dataVersion = database.prepare('PRAGMA data_version');
  const listQueries = new Map<string, ReturnType<SqlDatabase['prepare']>>();
  const readVersion = (): number => readRow(dataVersion.get()).number('data_version');
  let seenVersion = readVersion();

  const withSecrets = (row: unknown): ManagedKey => readManagedKey(row, selectSecrets.all(readRow(row).text('id')));
  const nextRevision = (): number => {
    raiseRevision.run();
    return readRow(selectRevision.get()).number('value');
  };

  /** Undefined where something was not as the writer believed; nothing is written then. */
  const write = <T>(work: (revision: number) => T): T | undefined => {
    try {
      return database.inTransaction(() => work(nextRevision()));
    } catch (thrown) {
      if (thrown instanceof Stale) return undefined;
      throw thrown;
    }
  };
  const demand = ({ changes }: { readonly changes: number }): void => {
    if (changes !== 1) throw new Stale();
  };
  const addSecret = (key: ManagedKey, { digest, hint, createdAtMs, endsAtMs, lastUsedAtMs, lastUsedFrom }: KeySecret): void =>
    demand(insertSecret.run(digest, hint, createdAtMs, atOrZero(endsAtMs), atOrZero(lastUsedAtMs), lastUsedFrom, key.id));
  const saveSecrets = (key: ManagedKey): void => {
    const stored = selectSecrets.all(key.id).map((row) => readRow(row).text('digest'));
    for (const digest of stored) if (!key.secrets.some((secret) => secret.digest === digest)) deleteSecret.run(digest);
    for (const secret of key.secrets) {
      if (stored.includes(secret.digest)) endSecret.run(atOrZero(secret.endsAtMs), secret.digest, key.id);
      else addSecret(key, secret);
    }
  };

  return {
    find: (id) => {
      const row = selectKey.get(id);
      return row === undefined ? undefined : withSecrets(row);
    },
    findByDigest: (digest) => {
      const owner = selectOwner.get(digest);
      const row = owner === undefined ? undefined : selectKey.get(readRow(owner).text('key_id'));
      return row === undefined ? undefined : withSecrets(row);
    },
    list: (query) => {
      const { rows, isFiltered, page } = listSql(query);
      const prepared = (sql: string): ReturnType<SqlDatabase['prepare']> => {
        const statement = listQueries.get(sql) ?? database.prepare(sql);
        listQueries.set(sql, statement);
        return statement;
      };
      const keys = prepared(page.sql).all(...page.values).map(withSecrets);
      if (keys.length >= query.limit) return { keys, next: keys.at(-1) };
      const last = isFiltered ? prepared(`SELECT created_at_ms, id FROM client_key${rows.where} ${newestFirst} LIMIT 1 OFFSET ?`).get(...rows.values, rowsPerSlice - 1) : undefined;
      return { keys, next: last === undefined ? undefined : { createdAtMs: readRow(last).number('created_at_ms'), id: readRow(last).text('id') } };
    },
    childrenOf: (id, limit) => selectChildren.all(id, limit).map(withSecrets),
    countUnder: (id, nowMs, limit) => readRow(countUnder.get(id, nowMs, limit + 1)).number('living'),
    hasImported: () => selectImported.get() !== undefined,
    insert: (keys) =>
      write((revision) =>
        keys.map((key) => {
          const written = { ...key, revision };
          demand(insertKey.run(...valuesOfKey(written)));
          for (const secret of key.secrets) addSecret(key, secret);
          deleteGone.run(key.id);
          return written;
        }),
      ),
    update: (keys) =>
      write((revision) =>
        keys.map((key) => {
          const written = { ...key, revision };
          demand(replaceKey.run(...valuesOfKey(written), key.id, key.revision));
          saveSecrets(written);
          return written;
        }),
      ),
    remove: (keys) =>
      write((revision) => {
        const gone = keys.map(({ id, secrets, revision: before }): KeyChange => {
          const digests = secrets.map(({ digest }) => digest);
          for (const digest of digests) deleteSecret.run(digest);
          demand(deleteKey.run(id, before));
          insertGone.run(id, revision, JSON.stringify(digests));
          return { id, revision, digests, key: undefined };
        });
        trimGone.run(keptGone);
        return gone;
      }),
    saveUses: (uses) =>
      database.inTransaction(() => {
        for (const { digest, atMs, from, addresses } of uses) {
          saveUse.run(atMs, from, digest, atMs);
          const found = addresses === undefined ? undefined : selectAddresses.get(digest);
          if (addresses === undefined || found === undefined) continue;
          saveAddresses.run(JSON.stringify(mergeAddresses(readAddresses(readRow(found).text('addresses_json')), addresses)), digest);
        }
      }),
    revision: () => readRow(selectRevision.get()).number('value'),
    changedSince: (revision) => {
      if (readRow(countChanged.get(revision, revision)).number('changed') > maxTold) return 'many';
      const changed = selectChanged.all(revision).map(withSecrets).map((key): KeyChange => ({ id: key.id, revision: key.revision, digests: key.secrets.map(({ digest }) => digest), key }));
      const gone = selectGone.all(revision).map((row): KeyChange => ({ id: readRow(row).text('id'), revision: readRow(row).number('revision'), digests: readTexts(readRow(row).text('digests_json')), key: undefined }));
      return [...changed, ...gone].sort((one, other) => one.revision - other.revision);
    },
    mayHaveChanged: () => {
      const version = readVersion();
      if (version === seenVersion) return false;
      seenVersion = version;
      return true;
    },
  };
}

const statusConditions = {
  revoked: { sql: 'revoked_at_ms > 0', uses: 0 },
  expired: { sql: 'revoked_at_ms = 0 AND expires_at_ms > 0 AND expires_at_ms <= ?', uses: 1 },
  active: { sql: 'revoked_at_ms = 0 AND (expires_at_ms = 0 OR expires_at_ms > ?) AND NOT EXISTS (SELECT 1 FROM client_key_secret WHERE key_id = client_key.id AND ends_at_ms > ?)', uses: 2 },
  rotating: { sql: 'revoked_at_ms = 0 AND (expires_at_ms = 0 OR expires_at_ms > ?) AND EXISTS (SELECT 1 FROM client_key_secret WHERE key_id = client_key.id AND ends_at_ms > ?)', uses: 2 },
} as const satisfies Record<KeyStatus, { readonly sql: string; readonly uses: number }>;

interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** `rows`: what an index leads to, in order. `page`: what of them is asked for; where that is not all, of a slice of them. */
function listSql({ owner, tag, status, minterId, nowMs, after, limit }: KeyQuery): { readonly rows: { readonly where: string; readonly values: readonly SqlValue[] }; readonly isFiltered: boolean; readonly page: Condition } {
  const byOwner: readonly Condition[] = owner === undefined ? [] : [{ sql: 'owner = ?', values: [owner] }];
  const byMinter: readonly Condition[] = minterId === undefined ? [] : [{ sql: "minter_id = ? AND minter_id <> ''", values: [minterId] }];
  const indexed = [...(byMinter.length > 0 ? byMinter : byOwner), ...(after === undefined ? [] : [{ sql: '(created_at_ms, id) < (?, ?)', values: [after.createdAtMs, after.id] }])];
  const others: readonly Condition[] = [
    ...(byMinter.length > 0 ? byOwner : []),
    ...(tag === undefined ? [] : [{ sql: 'EXISTS (SELECT 1 FROM json_each(tags_json) WHERE json_each.value = ?)', values: [tag] }]),
    ...(status === undefined ? [] : [{ sql: statusConditions[status].sql, values: Array.from({ length: statusConditions[status].uses }, () => nowMs) }]),
  ];
  const rows = { where: whereAll(indexed), values: indexed.flatMap(({ values }) => values) };
  const found = `SELECT ${keyColumns.join(', ')} FROM client_key${rows.where} ${newestFirst} LIMIT ?`;
  if (others.length === 0) return { rows, isFiltered: false, page: { sql: found, values: [...rows.values, limit] } };
  const page = { sql: `SELECT * FROM (${found}) AS client_key${whereAll(others)} ${newestFirst} LIMIT ?`, values: [...rows.values, rowsPerSlice, ...others.flatMap(({ values }) => values), limit] };
  return { rows, isFiltered: true, page };
}

function whereAll(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`;
}
