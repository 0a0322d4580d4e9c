import { chainStart, checkSeal, seal, signRow, type ChainKey, type ChainPlace, type Seal } from '../../audit/chain.ts';
import type { AuditRow } from '../../audit/row.ts';
import type { AuditStore } from '../../audit/store.ts';
import type { Clock } from '../../clock/clock.ts';
import { createListQuery, createPageQuery } from './audit-queries.ts';
import { createSealTable, rowColumns, rowPlaces, rowValues } from './audit-rows.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

export interface SqliteAuditDeps {
  readonly database: SqlDatabase;
  readonly key: ChainKey;
  readonly clock: Clock;
  /** Where the chain is known to have ended, whatever the database says. Absent: its beginning. */
  readonly head?: ChainPlace;
  /** Called with every new checkpoint once it is durable. */
  readonly onSealed?: (checkpoint: Seal) => void;
  readonly close?: () => Promise<void>;
}

export interface SqliteAuditStore extends AuditStore {
  /** `also` runs in the same transaction. */
  readonly append: (rows: readonly AuditRow[], also?: () => void) => readonly number[];
}

/**
 * Audit rows in SQLite, each signed together with its predecessor. A new row follows the newest signed place that is known,
 * in memory or in the database, and not simply the newest row: what was cut off leaves a gap.
 */
export function createSqliteAuditStore(deps: SqliteAuditDeps): SqliteAuditStore {
  const { database, key, clock } = deps;
  const seals = createSealTable(database);
  const insert = database.prepare(`INSERT INTO audit_event (${rowColumns}) VALUES (${rowPlaces})`);
  const newest = database.prepare('SELECT coalesce(max(id), 0) AS id FROM audit_event');
  const oldest = database.prepare('SELECT id, mac, at_ms FROM audit_event ORDER BY id LIMIT ?');
  const remove = database.prepare('DELETE FROM audit_event WHERE id <= ?');
  let head = deps.head ?? chainStart;

  const endOfChain = (): ChainPlace => {
    const stored = seals.read('checkpoint');
    return stored !== undefined && stored.id > head.id && checkSeal(key, 'checkpoint', stored) === undefined ? stored : head;
  };

  const link = (rows: readonly AuditRow[]): { readonly ids: readonly number[]; readonly checkpoint: Seal } => {
    let place = endOfChain();
    const ids = rows.map((row, index) => {
      // Rows that somebody put behind the chain keep their places, to be named.
      const id = (index === 0 ? Math.max(place.id, readRow(newest.get()).number('id')) : place.id) + 1;
      const mac = signRow(key, place.mac, id, row);
      insert.run(...rowValues({ id, row, previous: place.mac, mac }));
      place = { id, mac };
      return id;
    });
    const checkpoint = seal(key, 'checkpoint', place, clock.nowMs());
    seals.write('checkpoint', checkpoint);
    return { ids, checkpoint };
  };

  return {
    append: (rows, also) => {
      if (rows.length === 0) return [];
      const { ids, checkpoint } = durably(database, () => {
        also?.();
        return link(rows);
      });
      head = checkpoint;
      deps.onSealed?.(checkpoint);
      return ids;
    },
    list: createListQuery(database),
    page: createPageQuery(database),
    removeBefore: (beforeMs, limit) =>
      database.inTransaction(() => {
        const front = oldest.all(limit).map(readRow);
        // Ids are the order of what happened; a clock that stood wrong for a while must not keep what is behind.
        const last = front.findLast(({ number }) => number('at_ms') < beforeMs);
        if (last === undefined) return 0;
        const cutId = last.number('id');
        seals.write('cut', seal(key, 'cut', { id: cutId, mac: last.text('mac') }, clock.nowMs()));
        return remove.run(cutId).changes;
      }),
    close: () => deps.close?.() ?? Promise.resolve(),
  };
}

/** Synced on return. Other writes of this database are safe from a crash of the process alone, which is faster. */
function durably<T>(database: SqlDatabase, work: () => T): T {
  database.execute('PRAGMA synchronous = FULL');
  try {
    return database.inTransaction(work);
  } finally {
    database.execute('PRAGMA synchronous = NORMAL');
  }
}
