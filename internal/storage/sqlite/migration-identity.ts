import type { Migration } from './migrations.ts';

/** What tokens of ours rest on (ADR 0017). */
export function identityTables(version: number): Migration {
  return {
    version,
    subject: 'OAuth clients, people, their logins, and what the authorization server keeps',
    sql: `
      CREATE TABLE oauth_client (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        name TEXT NOT NULL,
        organization TEXT NOT NULL,
        authentication TEXT NOT NULL,
        grants_json TEXT NOT NULL,
        grant_json TEXT NOT NULL,
        redirect_uris_json TEXT NOT NULL,
        jwks_json TEXT NOT NULL,
        secrets_json TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        minter_id TEXT NOT NULL,
        revoked_at_ms INTEGER NOT NULL,
        revoked_by TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX oauth_client_by_created ON oauth_client (created_at_ms, id);

      CREATE TABLE person (
        id TEXT PRIMARY KEY,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        label TEXT NOT NULL,
        email TEXT NOT NULL,
        groups_json TEXT NOT NULL,
        scopes_json TEXT NOT NULL,
        limits_json TEXT NOT NULL,
        provider_refresh_token TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        seen_at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX person_by_created ON person (created_at_ms, id);

      CREATE TABLE oauth_session (
        id TEXT PRIMARY KEY,
        person_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        scopes_json TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        created_from TEXT NOT NULL,
        user_agent TEXT NOT NULL,
        last_used_at_ms INTEGER NOT NULL,
        last_used_from TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        ended_at_ms INTEGER NOT NULL,
        ended_by TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX oauth_session_by_created ON oauth_session (created_at_ms, id);
      CREATE INDEX oauth_session_by_person ON oauth_session (person_id, created_at_ms, id);
      CREATE INDEX oauth_session_by_client ON oauth_session (client_id, created_at_ms, id);

      -- Codes and tokens by the digest of their text; nobody who reads this file has one.
      CREATE TABLE oauth_object (
        model TEXT NOT NULL,
        id TEXT NOT NULL,
        payload_json TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        user_code TEXT NOT NULL,
        uid TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        consumed_at_ms INTEGER NOT NULL,
        PRIMARY KEY (model, id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX oauth_object_by_grant ON oauth_object (grant_id) WHERE grant_id <> '';
      CREATE UNIQUE INDEX oauth_object_by_user_code ON oauth_object (user_code) WHERE user_code <> '';
      CREATE INDEX oauth_object_by_uid ON oauth_object (uid) WHERE uid <> '';
      CREATE INDEX oauth_object_by_end ON oauth_object (expires_at_ms) WHERE expires_at_ms > 0;

      CREATE TABLE oauth_ended_token (
        jti TEXT PRIMARY KEY,
        expires_at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX oauth_ended_token_by_end ON oauth_ended_token (expires_at_ms);

      -- Ids of tokens that count once: client assertions, tokens brought for exchange, proofs.
      CREATE TABLE oauth_used_id (
        scope TEXT NOT NULL,
        jti TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        PRIMARY KEY (scope, jti)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX oauth_used_id_by_end ON oauth_used_id (expires_at_ms);

      CREATE TABLE oauth_signing_key (
        kid TEXT PRIMARY KEY,
        jwk_json TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        retired_at_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- One row: the newest write of any process that bears on rights.
      CREATE TABLE identity_revision (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        value INTEGER NOT NULL
      ) STRICT;
      INSERT INTO identity_revision (id, value) VALUES (1, 0);
    `,
  };
}
