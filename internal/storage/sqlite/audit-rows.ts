import type { Seal, SealKind, ChainedRow } from '../../audit/chain.ts';
import type { SqlDatabase, SqlValue } from './driver.ts';
import { readRow } from './read-row.ts';

const columns = ['id', 'at_ms', 'action', 'actor', 'actor_label', 'peer', 'request_id', 'target', 'code', 'outcome', 'count', 'before_json', 'after_json', 'previous', 'mac'] as const;

/** The column list of a row, for SQL. */
export const rowColumns = columns.join(', ');
export const rowPlaces = columns.map(() => '?').join(', ');

/** In the order of `rowColumns`. */
export function rowValues({ id, row, previous, mac }: ChainedRow): readonly SqlValue[] {
  return [id, row.atMs, row.action, row.actor, row.actorLabel, row.from, row.requestId, row.target, row.code, row.outcome, row.count, row.before, row.after, previous, mac];
}

export function readChainedRow(found: unknown): ChainedRow {
  const { text, number } = readRow(found);
  const optional = (column: string): string | null => {
    const value: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, column) : null;
    return value === null ? null : text(column);
  };
  return {
    id: number('id'),
    row: {
      atMs: number('at_ms'),
      action: text('action'),
      actor: text('actor'),
      actorLabel: text('actor_label'),
      from: text('peer'),
      requestId: text('request_id'),
      target: text('target'),
      code: text('code'),
      outcome: text('outcome'),
      count: number('count'),
      before: optional('before_json'),
      after: optional('after_json'),
    },
    previous: text('previous'),
    mac: text('mac'),
  };
}

/** The signed places of the chain in the database. */
export interface SealTable {
  readonly read: (kind: SealKind) => Seal | undefined;
  readonly write: (kind: SealKind, seal: Seal) => void;
}

export function createSealTable(database: SqlDatabase): SealTable {
  const read = database.prepare('SELECT id, mac, at_ms, key_id, signature FROM audit_seal WHERE kind = ?');
  return {
    read: (kind) => {
      const found = read.get(kind);
      if (found === undefined) return undefined;
      const { text, number } = readRow(found);
      return { id: number('id'), mac: text('mac'), atMs: number('at_ms'), keyId: text('key_id'), signature: text('signature') };
    },
    write: (kind, { id, mac, atMs, keyId, signature }) =>
      void database
        .prepare('INSERT INTO audit_seal (kind, id, mac, at_ms, key_id, signature) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET id = excluded.id, mac = excluded.mac, at_ms = excluded.at_ms, key_id = excluded.key_id, signature = excluded.signature')
        .run(kind, id, mac, atMs, keyId, signature),
  };
}

const rowsPerPage = 500;

/** Rows by rising id, those behind `afterId`, a page at a time. */
export function createRowPages(database: SqlDatabase): (afterId: number) => readonly ChainedRow[] {
  const select = database.prepare(`SELECT ${rowColumns} FROM audit_event WHERE id > ? ORDER BY id LIMIT ${rowsPerPage}`);
  return (afterId) => select.all(afterId).map(readChainedRow);
}
