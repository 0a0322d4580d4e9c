import { systemClock } from '../../internal/clock/clock.ts';
import { openSqliteStores } from '../../internal/storage/sqlite/stores.ts';

/** Somebody else who works on a daemon's data, over a connection of his own. */
export interface OtherProcess {
  readonly revoke: (id: string) => void;
  readonly close: () => void;
}

export function createManagedKeyStoreOn(file: string): OtherProcess {
  const stores = openSqliteStores({ file, clock: systemClock });
  return {
    revoke: (id) => {
      const key = stores.managedKeys.find(id);
      if (key === undefined || stores.managedKeys.update([{ ...key, revokedAtMs: systemClock.nowMs(), revokedBy: 'other' }]) === undefined) throw new Error(`${id} could not be revoked`);
    },
    close: stores.close,
  };
}
