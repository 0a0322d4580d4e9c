import { existsSync } from 'node:fs';
import type { ReadManagedKeys } from '../clients/managed-keys/archive.ts';
import { err, ok } from '../fault/result.ts';
import { storagePlaces } from './places.ts';
import { openDriver, type SqlDatabase } from './sqlite/driver.ts';
import { createSqliteManagedKeyStore } from './sqlite/managed-keys.ts';

const busyTimeoutMs = 3_000;
const maxKeys = 10_000;

/** @see ReadManagedKeys */
export const readManagedKeys: ReadManagedKeys = (dataDir) => {
  const { database: file } = storagePlaces(dataDir);
  if (!existsSync(file)) return ok([]);
  let database: SqlDatabase | undefined;
  try {
    database = openDriver(file, busyTimeoutMs, 'read');
    // A database from before managed keys, as they are kept now, is brought up to date by the next start.
    if (database.prepare("SELECT 1 FROM pragma_table_info('client_key_secret') WHERE name = 'addresses_json'").get() === undefined) return ok([]);
    return ok(createSqliteManagedKeyStore(database).list({ nowMs: 0, limit: maxKeys }).keys);
  } catch (thrown) {
    const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
    return err(`${file} cannot be read (${typeof code === 'string' ? code : 'unknown error'})`);
  } finally {
    database?.close();
  }
};
