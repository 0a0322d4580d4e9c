import type { Migration } from './migrations.ts';

/**
 * Audit rows that are appended and never changed (ADR 0016). Rows of before wait in a table of their own until the key of
 * the chain is at hand; `openAudit` takes them in.
 */
export function auditChain(version: number): Migration {
  return {
    version,
    subject: 'audit rows in a signed chain',
    sql: `
      DROP INDEX audit_event_at;
      DROP INDEX audit_event_action;
      ALTER TABLE audit_event RENAME TO audit_event_unchained;

      CREATE TABLE audit_event (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        action TEXT NOT NULL,
        actor TEXT NOT NULL,
        actor_label TEXT NOT NULL,
        peer TEXT NOT NULL,
        request_id TEXT NOT NULL,
        target TEXT NOT NULL,
        code TEXT NOT NULL,
        outcome TEXT NOT NULL,
        count INTEGER NOT NULL,
        before_json TEXT,
        after_json TEXT,
        previous TEXT NOT NULL,
        mac TEXT NOT NULL
      ) STRICT;
      CREATE INDEX audit_event_at ON audit_event (at_ms);
      CREATE INDEX audit_event_action ON audit_event (action, id);
      CREATE INDEX audit_event_actor ON audit_event (actor, id);

      CREATE TABLE audit_seal (
        kind TEXT PRIMARY KEY CHECK (kind IN ('checkpoint', 'cut')),
        id INTEGER NOT NULL,
        mac TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        signature TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- Against mistakes; against intent there is the chain.
      CREATE TRIGGER audit_event_append_only BEFORE INSERT ON audit_event
        WHEN EXISTS (SELECT 1 FROM audit_event WHERE id >= NEW.id)
        BEGIN SELECT RAISE(ABORT, 'audit rows are only appended'); END;
      CREATE TRIGGER audit_event_unchanged BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
      CREATE TRIGGER audit_event_kept BEFORE DELETE ON audit_event
        WHEN OLD.id > (SELECT coalesce(max(id), 0) FROM audit_seal WHERE kind = 'cut')
        BEGIN SELECT RAISE(ABORT, 'audit rows are removed by retention alone'); END;
    `,
  };
}
