import { auditChain } from './migration-audit-chain.ts';
import { identityTables } from './migration-identity.ts';
import { auditRestarts } from './migration-audit-restarts.ts';
import { keyIndexes } from './migration-key-indexes.ts';

/** One step of the schema. Shipped steps are never edited; a change is a new step. */
export interface Migration {
  /** What `PRAGMA user_version` is after it; 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly subject: string;
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    subject: 'usage, audit and bindings of stored responses',
    sql: `
      -- What many exchanges have in common, once: it keeps the rows small.
      CREATE TABLE usage_series (
        id INTEGER PRIMARY KEY,
        client_id TEXT NOT NULL,
        client_label TEXT NOT NULL,
        account_id TEXT NOT NULL,
        account_label TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        status INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        failed INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        UNIQUE (client_id, account_id, model, endpoint, status, outcome, failed, estimated, client_label, account_label, provider)
      ) STRICT;

      CREATE TABLE usage_exchange (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        series_id INTEGER NOT NULL REFERENCES usage_series (id),
        request_id TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        latency_ms REAL NOT NULL,
        first_byte_ms REAL NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        total_tokens INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX usage_exchange_at ON usage_exchange (at_ms);

      CREATE TABLE usage_day (
        day TEXT NOT NULL,
        client_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        model TEXT NOT NULL,
        client_label TEXT NOT NULL,
        account_label TEXT NOT NULL,
        provider TEXT NOT NULL,
        requests INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        total_tokens INTEGER NOT NULL,
        latency_ms_sum REAL NOT NULL,
        first_byte_ms_sum REAL NOT NULL,
        PRIMARY KEY (day, client_id, account_id, model)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE usage_hour (
        day TEXT NOT NULL,
        hour TEXT NOT NULL,
        requests INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        PRIMARY KEY (day, hour)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE audit_event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        action TEXT NOT NULL,
        actor TEXT NOT NULL,
        peer TEXT NOT NULL,
        request_id TEXT NOT NULL,
        target TEXT NOT NULL,
        code TEXT NOT NULL,
        count INTEGER NOT NULL,
        before_json TEXT,
        after_json TEXT
      ) STRICT;
      CREATE INDEX audit_event_at ON audit_event (at_ms);
      CREATE INDEX audit_event_action ON audit_event (action, id);

      CREATE TABLE response_owner (
        digest TEXT PRIMARY KEY,
        principal_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX response_owner_at ON response_owner (at_ms);
    `,
  },
  {
    version: 2,
    subject: 'responses kept for upstreams that keep none',
    sql: `
      CREATE TABLE stored_response (
        digest TEXT PRIMARY KEY,
        principal_id TEXT NOT NULL,
        previous_id TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        response_json TEXT NOT NULL,
        input_json TEXT NOT NULL,
        output_json TEXT NOT NULL
      ) STRICT;
      CREATE INDEX stored_response_at ON stored_response (at_ms);
    `,
  },
  {
    version: 3,
    subject: 'managed client keys',
    sql: `
      CREATE TABLE client_key (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        purpose TEXT NOT NULL,
        environment TEXT NOT NULL,
        tags_json TEXT NOT NULL,
        grant_json TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        minter_id TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        revoked_at_ms INTEGER NOT NULL,
        revoked_by TEXT NOT NULL,
        imported INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX client_key_by_created ON client_key (created_at_ms, id);
      CREATE INDEX client_key_by_owner ON client_key (owner, created_at_ms, id);
      CREATE INDEX client_key_by_revision ON client_key (revision);
      CREATE INDEX client_key_by_minter ON client_key (minter_id) WHERE minter_id <> '';
      CREATE INDEX client_key_by_imported ON client_key (imported) WHERE imported = 1;

      CREATE TABLE client_key_secret (
        digest TEXT PRIMARY KEY,
        key_id TEXT NOT NULL REFERENCES client_key (id),
        hint TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        ends_at_ms INTEGER NOT NULL,
        last_used_at_ms INTEGER NOT NULL,
        last_used_from TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX client_key_secret_by_key ON client_key_secret (key_id);

      -- What other processes have to forget.
      CREATE TABLE client_key_gone (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        digests_json TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX client_key_gone_by_revision ON client_key_gone (revision);

      -- One row: the newest write of any process.
      CREATE TABLE client_key_revision (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        value INTEGER NOT NULL
      ) STRICT;
      INSERT INTO client_key_revision (id, value) VALUES (1, 0);
      `,
    },
  auditChain(4),
  {
    version: 5,
    subject: 'what was spent of budgets',
    sql: `
      CREATE TABLE budget_spent (
        holder_id TEXT NOT NULL,
        span TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        cost REAL NOT NULL,
        PRIMARY KEY (holder_id, span, start_ms)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX budget_spent_start ON budget_spent (start_ms);
    `,
  },
  keyIndexes(6),
  auditRestarts(7),
  identityTables(8),
];
