import type { Migration } from './migrations.ts';

/** Keys minted from one key, in the order of the list, and those that still count; where keys were used from. */
export function keyIndexes(version: number): Migration {
  return {
    version,
    subject: 'indexes over minted keys, addresses of use',
    sql: `
      DROP INDEX client_key_by_minter;
      CREATE INDEX client_key_by_minter ON client_key (minter_id, created_at_ms, id) WHERE minter_id <> '';
      CREATE INDEX client_key_living ON client_key (minter_id, expires_at_ms) WHERE minter_id <> '' AND revoked_at_ms = 0;
      ALTER TABLE client_key_secret ADD COLUMN addresses_json TEXT NOT NULL DEFAULT '[]';
    `,
  };
}
