import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../fault/app-error.ts';
import { asStorage } from '../as-storage.ts';
import type { ManagedKey } from './managed-key.ts';
import type { ManagedKeyStore } from './store.ts';

export interface EndingDeps {
  readonly store: Pick<ManagedKeyStore, 'childrenOf' | 'update'>;
  readonly nowMs: () => number;
  /** Called with every write, once it is durable. */
  readonly announce: (keys: readonly ManagedKey[]) => void;
}

export interface Ending {
  /** The key first, which ends all that hang on it by itself; then those one by one, for the record. Gives the key, then what this call has ended. */
  readonly revoke: (key: ManagedKey, actorId: string) => Promise<readonly ManagedKey[]>;
  /** What the key has minted goes over to its minter first, so that none of it is cut off meanwhile; the rest together with the key's end. */
  readonly handOver: (key: ManagedKey, actorId: string) => Promise<readonly ManagedKey[]>;
}

/** Keys that are written before others get a turn: some milliseconds. */
const slice = 100;
/** Of another process that writes the same keys at the same time. */
const maxRaces = 10;

/** Errors: `storage_unavailable`, `precondition_failed`. What was written before stays. */
export function createEnding({ store, nowMs, announce }: EndingDeps): Ending {
  const save = (keys: readonly ManagedKey[]): readonly ManagedKey[] | undefined => {
    const written = asStorage(() => store.update(keys));
    if (written !== undefined) announce(written);
    return written;
  };
  const ended = (key: ManagedKey, actorId: string): ManagedKey => ({ ...key, revokedAtMs: nowMs(), revokedBy: actorId });

  /** What hangs on a key directly, itself not, as a damaged store may have it. */
  const childrenOf = (key: ManagedKey): readonly ManagedKey[] => asStorage(() => store.childrenOf(key.id, slice)).filter(({ id }) => id !== key.id);

  const endChildren = async (parent: ManagedKey, actorId: string): Promise<readonly ManagedKey[]> => {
    const all: ManagedKey[] = [];
    for (let races = 0; ; ) {
      // First, so that what the key's own end brings with it is done before the long rest.
      await setImmediate();
      const children = childrenOf(parent);
      if (children.length === 0) return all;
      const written = save(children.map((child) => ended(child, actorId)));
      if (written !== undefined) all.push(...written);
      else if (++races > maxRaces) throw new AppError('precondition_failed');
    }
  };

  return {
    revoke: async (key, actorId) => {
      const [own = key] = key.revokedAtMs === undefined ? (save([ended(key, actorId)]) ?? stale()) : [key];
      const all = [own];
      for (const one of all) all.push(...(await endChildren(one, actorId)));
      return all;
    },
    handOver: async (key, actorId) => {
      const others: ManagedKey[] = [];
      for (let races = 0; ; ) {
        const moved = childrenOf(key).map((child) => ({ ...child, minterId: key.minterId }));
        const isLast = moved.length < slice - 1;
        const own = isLast && key.revokedAtMs === undefined ? [ended(key, actorId)] : [];
        const written = own.length + moved.length === 0 ? [] : save([...own, ...moved]);
        if (written !== undefined) others.push(...written.slice(own.length));
        else if (++races > maxRaces) throw new AppError('precondition_failed');
        if (written !== undefined && isLast) return [written[own.length - 1] ?? key, ...others];
        await setImmediate();
      }
    },
  };
}

function stale(): never {
  throw new AppError('precondition_failed');
}
