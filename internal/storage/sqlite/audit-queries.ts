import { passes, type AuditPage, type AuditPageQuery, type AuditQuery, type AuditRecord } from '../../audit/ports.ts';
import { toRecord } from '../../audit/row.ts';
import { createRowPages, readChainedRow, rowColumns } from './audit-rows.ts';
import type { SqlDatabase, SqlStatement, SqlValue } from './driver.ts';

/** Oldest first; what does not pass the filter is looked at all the same, so that a page costs the same whatever is asked for. */
export function createPageQuery(database: SqlDatabase): (query: AuditPageQuery) => AuditPage | undefined {
  const pageAfter = createRowPages(database);
  return ({ afterId, ...filter }) => {
    const rows = pageAfter(afterId);
    const last = rows.at(-1);
    return last === undefined ? undefined : { records: rows.map(({ id, row }) => toRecord(id, row)).filter((record) => passes(record, filter)), nextAfterId: last.id };
  };
}

/** Newest first. */
export function createListQuery(database: SqlDatabase): (query: AuditQuery) => readonly AuditRecord[] {
  const statements = new Map<string, SqlStatement>();
  return ({ limit, beforeId, action, actor, fromMs, toMs }) => {
    const wanted: readonly (readonly [string, SqlValue | undefined])[] = [['id < ?', beforeId], ['action = ?', action], ['actor = ?', actor], ['at_ms >= ?', fromMs], ['at_ms < ?', toMs]];
    const given = wanted.flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
    const where = given.map(({ condition }) => condition).join(' AND ') || 'TRUE';
    const statement = statements.get(where) ?? database.prepare(`SELECT ${rowColumns} FROM audit_event WHERE ${where} ORDER BY id DESC LIMIT ?`);
    statements.set(where, statement);
    return statement.all(...given.map(({ value }) => value), limit).map((found) => {
      const { id, row } = readChainedRow(found);
      return toRecord(id, row);
    });
  };
}
