import { toRow, type AuditRow } from '../../audit/row.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

/** Rows from before there was a chain, oldest first. */
export interface EarlierRows {
  readonly first: (limit: number) => readonly { readonly id: number; readonly row: AuditRow }[];
  readonly dropUpTo: (id: number) => void;
}

export function createEarlierRows(database: SqlDatabase): EarlierRows {
  const select = database.prepare('SELECT * FROM audit_event_unchained ORDER BY id LIMIT ?');
  const drop = database.prepare('DELETE FROM audit_event_unchained WHERE id <= ?');
  return {
    first: (limit) =>
      select.all(limit).map((found) => {
        const { text, number } = readRow(found);
        const json = (column: string): string | null => {
          const value: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, column) : null;
          return typeof value === 'string' ? value : null;
        };
        const event = { atMs: number('at_ms'), action: text('action'), actor: text('actor'), from: text('peer'), requestId: text('request_id'), target: text('target'), code: text('code'), count: number('count') };
        return { id: number('id'), row: { ...toRow(event), before: json('before_json'), after: json('after_json') } };
      }),
    dropUpTo: (id) => void drop.run(id),
  };
}
