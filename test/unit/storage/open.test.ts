import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { migrations, type Migration } from '../../../internal/storage/sqlite/migrations.ts';
import { openSqlite } from '../../../internal/storage/sqlite/open.ts';
import { openSqliteStores } from '../../../internal/storage/sqlite/stores.ts';
import { usageRow } from '../../contract/usage-rows.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-open-'));
afterAll(() => rmSync(folder, { recursive: true }));

const clock = createManualClock();
const inFolder = (name: string): string => join(folder, name, 'keyward.db');
const mode = (path: string): number => statSync(path).mode & 0o777;
/** What the shipped schema is. */
const newest = migrations.length;
const added: Migration = { version: migrations.length + 1, subject: 'a later one', sql: 'CREATE TABLE later (id INTEGER) STRICT' };

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('opening the database', () => {
  it('makes the folder 0700 and the file with its companions 0600', () => {
    const file = inFolder('modes');
    const stores = openSqliteStores({ file, clock });
    stores.usage.append([usageRow()]);
    expect(mode(join(folder, 'modes'))).toBe(0o700);
    expect(readdirSync(join(folder, 'modes')).sort()).toEqual(['keyward.db', 'keyward.db-shm', 'keyward.db-wal']);
    for (const name of readdirSync(join(folder, 'modes'))) expect(mode(join(folder, 'modes', name))).toBe(0o600);
    stores.close();
  });

  it('takes a loose mode back', () => {
    const file = inFolder('loose');
    openSqlite({ file, clock }).close();
    chmodSync(file, 0o644);
    openSqlite({ file, clock }).close();
    expect(mode(file)).toBe(0o600);
  });

  it('keeps what was stored', () => {
    const file = inFolder('keeps');
    const first = openSqliteStores({ file, clock });
    first.usage.append([usageRow()]);
    first.close();
    const second = openSqliteStores({ file, clock });
    expect(second.usage.newest({ limit: 2 })).toEqual([usageRow()]);
    second.close();
  });

  it.each(['20.20.2', '22.21.9', '18.0.0'])('refuses Node %s with a sentence and touches no file', (nodeVersion) => {
    const file = inFolder(`node-${nodeVersion}`);
    const error = refusal(() => openSqlite({ file, clock, nodeVersion }));
    expect(error.code).toBe('storage_unavailable');
    expect(error.message).toContain(`this is Node ${nodeVersion}`);
    expect(existsSync(file)).toBe(false);
  });

  it.each(['22.22.0', '23.0.0', '24.21.0'])('accepts Node %s', (nodeVersion) => {
    const database = openSqlite({ file: inFolder(`node-${nodeVersion}`), clock, nodeVersion });
    expect(database.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 });
    database.close();
  });

  it('refuses a schema newer than it knows, and leaves it alone', () => {
    const file = inFolder('newer');
    openSqlite({ file, clock, migrations: [...migrations, added] }).close();
    expect(refusal(() => openSqlite({ file, clock })).message).toContain(`written by a newer Keyward (schema ${newest + 1}, this one knows ${newest})`);
    const again = openSqlite({ file, clock, migrations: [...migrations, added] });
    expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: newest + 1 });
    again.close();
  });

  it('copies the file before it migrates, 0600, and keeps the newest three copies', () => {
    const file = inFolder('backup');
    const stores = openSqliteStores({ file, clock });
    stores.usage.append([usageRow()]);
    stores.close();
    let steps = [...migrations];
    for (let version = newest + 1; version <= newest + 5; version += 1) {
      clock.advance(1_000);
      steps = [...steps, { ...added, version, sql: `CREATE TABLE later_${version} (id INTEGER) STRICT` }];
      openSqlite({ file, clock, migrations: steps }).close();
    }
    const backups = readdirSync(join(folder, 'backup')).filter((name) => name.endsWith('.bak')).sort(new Intl.Collator('en', { numeric: true }).compare);
    expect(backups.map((name) => /^keyward\.db\.schema-\d+/.exec(name)?.[0])).toEqual([2, 3, 4].map((step) => `keyward.db.schema-${newest + step}`));
    for (const name of backups) expect(mode(join(folder, 'backup', name))).toBe(0o600);
    const copy = openSqlite({ file: join(folder, 'backup', backups[0] ?? ''), clock, migrations: steps.slice(0, newest + 2) });
    expect(copy.prepare('SELECT count(*) AS rows FROM usage_exchange').get()).toEqual({ rows: 1 });
    copy.close();
  });

  it('makes no copy for a new file', () => {
    const file = inFolder('fresh');
    openSqlite({ file, clock }).close();
    expect(readdirSync(join(folder, 'fresh')).filter((name) => name.endsWith('.bak'))).toEqual([]);
  });

  it('a step that fails leaves schema and rows as they were', () => {
    const file = inFolder('halfway');
    openSqlite({ file, clock }).close();
    const broken = { ...added, sql: 'CREATE TABLE later (id INTEGER) STRICT; THIS IS NOT SQL' };
    expect(refusal(() => openSqlite({ file, clock, migrations: [...migrations, broken] })).code).toBe('storage_unavailable');
    const database = openSqlite({ file, clock });
    expect(database.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'later'").get()).toEqual({ tables: 0 });
    database.close();
  });

  it('says what is wrong with a file that is no database, or a link', () => {
    const text = inFolder('text');
    openSqlite({ file: text, clock }).close();
    writeFileSync(text, 'not a database at all, but long enough to have a header of its own'.repeat(20));
    expect(refusal(() => openSqlite({ file: text, clock })).message).toMatch(/keyward\.db cannot be used as database \(SQLITE_NOTADB\): it is not an SQLite file/);
    const link = join(folder, 'link.db');
    symlinkSync(inFolder('keeps'), link);
    expect(refusal(() => openSqlite({ file: link, clock })).message).toContain('symbolic link');
  });
});
