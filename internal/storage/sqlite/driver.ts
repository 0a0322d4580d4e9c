import BetterSqlite3 from 'better-sqlite3';

export type SqlValue = string | number | null;

export interface SqlStatement {
  /** The number of rows changed, and the id of the newest row. */
  readonly run: (...values: readonly SqlValue[]) => { readonly changes: number; readonly lastId: number };
  readonly get: (...values: readonly SqlValue[]) => unknown;
  readonly all: (...values: readonly SqlValue[]) => readonly unknown[];
}

/** The little that Keyward needs of an SQLite library, so that the library can be exchanged. All calls are synchronous. */
export interface SqlDatabase {
  /** Runs one or more statements without values. */
  readonly execute: (sql: string) => void;
  /** A statement to keep and use often. */
  readonly prepare: (sql: string) => SqlStatement;
  /** Runs `work` inside `BEGIN IMMEDIATE`; a throw rolls everything back. Not nestable. */
  readonly inTransaction: <T>(work: () => T) => T;
  readonly close: () => void;
}

/** Opens an existing file. Not to be called before the runtime was checked: the library crashes old Nodes. */
export function openDriver(file: string, busyTimeoutMs: number, access: 'read-write' | 'read' = 'read-write'): SqlDatabase {
  const database = new BetterSqlite3(file, { fileMustExist: true, timeout: busyTimeoutMs, readonly: access === 'read' });
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  return {
    execute: (sql) => void database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare<SqlValue[]>(sql);
      return {
        run: (...values) => {
          const result = statement.run(...values);
          return { changes: result.changes, lastId: Number(result.lastInsertRowid) };
        },
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    inTransaction: (work) => {
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (thrown) {
        // SQLite has rolled back by itself on a full disk; a second rollback would hide the cause.
        if (database.inTransaction) rollback.run();
        throw thrown;
      }
    },
    close: () => void database.close(),
  };
}
