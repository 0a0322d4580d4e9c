import type { Migration } from './migrations.ts';

/** A chain may go on with another key, behind a signed place (`keyward audit restart`). */
export function auditRestarts(version: number): Migration {
  return {
    version,
    subject: 'audit chains that go on with another key',
    sql: `
      DROP TRIGGER audit_event_kept;
      CREATE TABLE audit_seal_next (
        kind TEXT PRIMARY KEY CHECK (kind IN ('checkpoint', 'cut', 'restart')),
        id INTEGER NOT NULL,
        mac TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        signature TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      INSERT INTO audit_seal_next SELECT kind, id, mac, at_ms, key_id, signature FROM audit_seal;
      DROP TABLE audit_seal;
      ALTER TABLE audit_seal_next RENAME TO audit_seal;
      CREATE TRIGGER audit_event_kept BEFORE DELETE ON audit_event
        WHEN OLD.id > (SELECT coalesce(max(id), 0) FROM audit_seal WHERE kind = 'cut')
        BEGIN SELECT RAISE(ABORT, 'audit rows are removed by retention alone'); END;
    `,
  };
}
