import BetterSqlite3 from 'better-sqlite3';

/** A daemon's database as somebody else may look at it, and break it. */
export interface Tables {
  readonly count: (sql: string) => number;
  readonly text: (sql: string) => string;
  readonly run: (sql: string) => void;
  readonly close: () => void;
}

export function openTables(file: string): Tables {
  const database = new BetterSqlite3(file, { fileMustExist: true, timeout: 5_000 });
  return {
    count: (sql) => Number(Reflect.get(Object(database.prepare(sql).get()), 'n')),
    text: (sql) => String(Reflect.get(Object(database.prepare(sql).get()), 't')),
    run: (sql) => void database.exec(sql),
    close: () => void database.close(),
  };
}
