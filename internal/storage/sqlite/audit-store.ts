import type { AuditEvent } from '../../audit/ports.ts';
import type { AuditStore } from '../../audit/store.ts';
import type { SqlDatabase, SqlValue } from './driver.ts';
import { readRow } from './read-row.ts';

/** Audit rows in SQLite. Ids are never reused, so a gap shows that rows went. */
export function createSqliteAuditStore(database: SqlDatabase): AuditStore {
  const insert = database.prepare('INSERT INTO audit_event (at_ms, action, actor, peer, request_id, target, code, count, before_json, after_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const setCount = database.prepare('UPDATE audit_event SET count = ? WHERE id = ?');
  const list = database.prepare('SELECT * FROM audit_event WHERE id < ? ORDER BY id DESC LIMIT ?');
  const listAction = database.prepare('SELECT * FROM audit_event WHERE action = ? AND id < ? ORDER BY id DESC LIMIT ?');
  const remove = database.prepare('DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE at_ms < ? ORDER BY at_ms LIMIT ?)');
  return {
    append: (events) =>
      database.inTransaction(() =>
        events.map(
          (event) =>
            insert.run(event.atMs, event.action, event.actor, event.from, event.requestId, event.target, event.code, event.count ?? 1, encode(event.before), encode(event.after))
              .lastId,
        ),
      ),
    setCounts: (counts) =>
      database.inTransaction(() => {
        for (const { id, count } of counts) setCount.run(count, id);
      }),
    list: ({ limit, beforeId = Number.MAX_SAFE_INTEGER, action }) =>
      (action === undefined ? list.all(beforeId, limit) : listAction.all(action, beforeId, limit)).map(readEvent),
    removeBefore: (beforeMs, limit) => remove.run(beforeMs, limit).changes,
  };
}

function encode(value: unknown): SqlValue {
  return value === undefined ? null : (JSON.stringify(value) ?? null);
}

function readEvent(row: unknown): AuditEvent & { readonly id: number } {
  const { text, number } = readRow(row);
  const count = number('count');
  return {
    id: number('id'),
    atMs: number('at_ms'),
    action: text('action'),
    actor: text('actor'),
    from: text('peer'),
    requestId: text('request_id'),
    target: text('target'),
    code: text('code'),
    ...(count > 1 ? { count } : {}),
    ...optional(row, 'before_json', 'before'),
    ...optional(row, 'after_json', 'after'),
  };
}

function optional(row: unknown, column: string, name: 'before' | 'after'): { readonly before?: unknown; readonly after?: unknown } {
  const value: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, column) : null;
  return typeof value === 'string' ? { [name]: JSON.parse(value) } : {};
}
