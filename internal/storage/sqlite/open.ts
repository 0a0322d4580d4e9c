import { chmodSync, closeSync, constants, fchmodSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { AppError } from '../../fault/app-error.ts';
import { openDriver, type SqlDatabase } from './driver.ts';
import { migrations, type Migration } from './migrations.ts';
import { readRow } from './read-row.ts';

export interface OpenOptions {
  /** Absolute path; made 0600 where it is missing, its folder 0700. */
  readonly file: string;
  readonly clock: Clock;
  /** Absent means this process's Node. */
  readonly nodeVersion?: string;
  /** Absent means the shipped schema. */
  readonly migrations?: readonly Migration[];
}

/** `engines` of package.json: better-sqlite3 13 crashes the process under Node 20. */
const oldestNode = [22, 22] as const;
/** While serving, a lock held by another process is waited for no longer than this: the wait blocks the event loop. */
const servingBusyTimeoutMs = 25;
const startBusyTimeoutMs = 3_000;
const keptBackups = 3;

/**
 * Opens the database and brings its schema up to date, after a copy of the file when there was one to change. Throws
 * `storage_unavailable` with a sentence that names the file and what to do: an unsupported Node, a schema newer than this
 * program, a file that is no database, a folder that cannot be written.
 */
export function openSqlite(options: OpenOptions): SqlDatabase {
  const { file } = options;
  refuseOldNode(options.nodeVersion ?? process.versions.node);
  try {
    createPrivately(file);
    const database = openDriver(file, startBusyTimeoutMs);
    try {
      database.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048; PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 16777216;');
      migrate(database, options);
      database.execute(`PRAGMA busy_timeout = ${servingBusyTimeoutMs}`);
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : describeOpenFailure(file, thrown);
  }
}

function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new AppError('storage_unavailable', { message: `Keyward needs Node ${oldestNode.join('.')} or newer for its database; this is Node ${version}. Install a current Node, or start Keyward through \`npm start\`, which brings its own.` });
}

/** SQLite gives `-wal` and `-shm` the mode of the file itself, so that mode is all there is to get right. */
function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  fchmodSync(descriptor, 0o600);
  closeSync(descriptor);
  for (const suffix of ['-wal', '-shm']) {
    try {
      chmodSync(`${file}${suffix}`, 0o600);
    } catch {
      // Not there yet.
    }
  }
}

function migrate(database: SqlDatabase, options: OpenOptions): void {
  const steps = options.migrations ?? migrations;
  const latest = steps.at(-1)?.version ?? 0;
  const present = schemaVersion(database);
  if (present > latest) {
    throw new AppError('storage_unavailable', { message: `${options.file} was written by a newer Keyward (schema ${present}, this one knows ${latest}). Install that version again, or move the file away to start with an empty one.` });
  }
  if (present === latest) return;
  if (present > 0) backUp(database, options, present);
  database.inTransaction(() => {
    // Another process may have done it while this one waited for the lock.
    const from = schemaVersion(database);
    for (const step of steps) {
      if (step.version > from) database.execute(step.sql);
    }
    database.execute(`PRAGMA user_version = ${Math.max(from, latest)}`);
  });
}

function schemaVersion(database: SqlDatabase): number {
  return readRow(database.prepare('PRAGMA user_version').get()).number('user_version');
}

/** A consistent copy beside the file, 0600; the newest few are kept. */
function backUp(database: SqlDatabase, options: OpenOptions, version: number): void {
  const stamp = new Date(options.clock.nowMs()).toISOString().replace(/[:.]/g, '');
  const target = `${options.file}.schema-${version}-${stamp}.bak`;
  // VACUUM INTO fills an empty file and keeps its mode; one it makes itself would follow the umask.
  closeSync(openSync(target, 'wx', 0o600));
  database.prepare('VACUUM INTO ?').run(target);
  const folder = dirname(target);
  const stampOf = (name: string): string => name.slice(name.lastIndexOf('-', name.length - stamp.length) + 1);
  const backups = readdirSync(folder)
    .filter((name) => name.startsWith(`${basename(options.file)}.schema-`) && name.endsWith('.bak'))
    .sort((a, b) => (stampOf(a) < stampOf(b) ? 1 : -1));
  for (const old of backups.slice(keptBackups)) rmSync(join(folder, old), { force: true });
}

function describeOpenFailure(file: string, thrown: unknown): AppError {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  const fix = fixes[typeof code === 'string' ? code : ''] ?? 'check that the folder exists, belongs to this user and has space.';
  return new AppError('storage_unavailable', { message: `${file} cannot be used as database (${typeof code === 'string' ? code : 'unknown error'}): ${fix}`, cause: thrown });
}

const fixes: Readonly<Record<string, string>> = {
  SQLITE_NOTADB: 'it is not an SQLite file. Move it away to start with an empty one.',
  SQLITE_CORRUPT: 'it is damaged. Move it away to start with an empty one, or restore a `.bak` beside it.',
  SQLITE_BUSY: 'another process holds it. Stop the other Keyward, or give this one its own `data-dir`.',
  ELOOP: 'it is a symbolic link. Put the file itself there, or set `data-dir` to where it is.',
  EACCES: 'this user may not write it. Correct its owner, or set another `data-dir`.',
  EROFS: 'the file system is read-only. Set `data-dir` to a writable place.',
  ENOSPC: 'the disk is full.',
};
