import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkManagedKey, examineManagedKeys } from '../../../internal/cli/doctor/managed-keys.ts';
import type { KeySecret, ManagedKey } from '../../../internal/clients/managed-keys/managed-key.ts';
import { readManagedKeys } from '../../../internal/storage/managed-key-archive.ts';
import { storagePlaces } from '../../../internal/storage/places.ts';
import { createSqliteManagedKeyStore } from '../../../internal/storage/sqlite/managed-keys.ts';
import { openSqlite } from '../../../internal/storage/sqlite/open.ts';
import { keyOf } from '../../contract/managed-key-store.contract.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { createFolder } from './fake-process.ts';

const dayMs = 86_400_000;
const nowMs = 1_000 * dayMs;
const text: KeySecret = { digest: 'a'.repeat(64), hint: 'kw_live_a…', createdAtMs: nowMs - 10 * dayMs, endsAtMs: undefined, lastUsedAtMs: nowMs - dayMs, lastUsedFrom: '10.0.0.7' };

const placesOf = (count: number, agoMs: number) => Array.from({ length: count }, (_, index) => ({ address: `192.0.2.${index}`, atMs: nowMs - agoMs }));

/** A key that nothing is wrong with, changed. */
const key = (change: Partial<ManagedKey> = {}): ManagedKey => keyOf('ck_a', { createdAtMs: nowMs - 100 * dayMs, expiresAtMs: nowMs + 30 * dayMs, secrets: [text], ...change });
const codes = (change: Partial<ManagedKey>): readonly string[] => checkManagedKey(key(change), nowMs).map(({ code }) => code);

describe('doctor on managed keys', () => {
  it.each<[string, Partial<ManagedKey>, readonly string[]]>([
    ['a sound key', {}, []],
    ['a key without an end', { expiresAtMs: undefined }, ['key-never-expires']],
    ['a key that ends within seven days', { expiresAtMs: nowMs + 7 * dayMs }, ['key-expires-soon']],
    ['a key that ends later than that', { expiresAtMs: nowMs + 7 * dayMs + 1 }, []],
    ['a key unused for sixty days', { secrets: [{ ...text, createdAtMs: nowMs - 90 * dayMs, lastUsedAtMs: nowMs - 60 * dayMs }] }, ['key-unused']],
    ['an old key never used', { secrets: [{ ...text, createdAtMs: nowMs - 90 * dayMs, lastUsedAtMs: undefined }] }, ['key-unused']],
    ['a new key never used', { createdAtMs: nowMs - dayMs, secrets: [{ ...text, createdAtMs: nowMs - dayMs, lastUsedAtMs: undefined }] }, []],
    ['models and management in one key', { grant: { scopes: ['models:use', 'usage:read'] } }, ['key-over-scoped']],
    ['management alone', { grant: { scopes: ['usage:read'] } }, []],
    ['a key that makes keys', { grant: { scopes: ['keys:write'] } }, ['key-mints-keys']],
    ['an old text used after the rotation', { secrets: [text, { ...text, digest: 'b'.repeat(64), endsAtMs: nowMs + dayMs }] }, ['key-old-text-used']],
    ['an old text not used since', { secrets: [text, { ...text, digest: 'b'.repeat(64), endsAtMs: nowMs + dayMs, lastUsedAtMs: nowMs - 11 * dayMs }] }, []],
    ['a key used from six places within a day', { secrets: [{ ...text, addresses: placesOf(6, 1) }] }, ['key-shared']],
    ['a key used from five', { secrets: [{ ...text, addresses: placesOf(5, 1) }] }, []],
    ['a key used from many, each long ago', { secrets: [{ ...text, addresses: placesOf(9, 2 * dayMs) }] }, []],
    ['a key used from one network of IPv6', { secrets: [{ ...text, addresses: Array.from({ length: 9 }, (_each, index) => ({ address: `2001:db8:0:1::${index}`, atMs: nowMs - 1 })) }] }, []],
    ['a revoked key', { expiresAtMs: undefined, revokedAtMs: nowMs - dayMs }, []],
    ['an expired key', { expiresAtMs: nowMs - dayMs, secrets: [{ ...text, createdAtMs: 0, lastUsedAtMs: undefined }] }, []],
  ])('%s', (_, change, expected) => {
    expect(codes(change)).toEqual(expected);
  });

  it('a key made for less than a week is told of, and no warning', () => {
    const [found] = checkManagedKey(key({ createdAtMs: nowMs, expiresAtMs: nowMs + dayMs / 2, secrets: [{ ...text, createdAtMs: nowMs, lastUsedAtMs: undefined }] }), nowMs);
    expect(found).toMatchObject({ level: 'info', code: 'key-expires-soon' });
  });

  it('reads a database with a daemon on it and after that, and leaves the file as it is', () => {
    const dataDir = createFolder();
    const { database: file } = storagePlaces(dataDir);
    const database = openSqlite({ file, clock: createManualClock(nowMs) });
    createSqliteManagedKeyStore(database).insert([key({ expiresAtMs: undefined })]);
    const look = (): readonly string[] => examineManagedKeys(readManagedKeys, dataDir, nowMs).map(({ code }) => code);
    expect(look()).toEqual(['key-never-expires']);
    database.close();
    const before = readFileSync(file);
    expect(look()).toEqual(['key-never-expires']);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('has nothing to say where no daemon has run, and says so of a file that is no database', () => {
    const dataDir = createFolder();
    expect(examineManagedKeys(readManagedKeys, dataDir, nowMs)).toEqual([]);
    const { database: file } = storagePlaces(dataDir);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'no database at all '.repeat(100));
    expect(examineManagedKeys(readManagedKeys, dataDir, nowMs).map(({ code }) => code)).toEqual(['keys-unreadable']);
  });
});
