import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import type { ManagedKeySource } from './source.ts';
import type { KeyChange, KeyUse, ManagedKeyStore } from './store.ts';

export interface FollowDeps {
  readonly store: Pick<ManagedKeyStore, 'mayHaveChanged' | 'changedSince' | 'revision' | 'saveUses'>;
  readonly source: Pick<ManagedKeySource, 'takeUses'>;
  readonly clock: Pick<Clock, 'every'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly onChanged: (changes: readonly KeyChange[] | 'many') => void;
}

/** Twice a second, so that a revocation by another process counts within one (security rule 37). */
const lookMs = 500;
const saveUsesMs = 5_000;
const maxWaitingUses = 50_000;

/**
 * Hears of what other processes write, and writes down uses now and then. A store that cannot be read is asked again; nothing
 * that was written meanwhile is passed over. Own writes are heard of too, which changes nothing.
 */
export function followManagedKeys({ store, source, clock, log, onChanged }: FollowDeps): { readonly close: () => void } {
  let seenRevision = store.revision();
  let isBehind = false;
  let wasBroken = false;
  let waiting = new Map<string, KeyUse>();

  const look = (): void => {
    try {
      isBehind = store.mayHaveChanged() || isBehind;
      if (!isBehind) return;
      // Read first: what is written in between is told twice rather than never.
      const revision = store.revision();
      const changes = store.changedSince(seenRevision);
      seenRevision = revision;
      isBehind = false;
      if (wasBroken) log.info('the key store can be read again');
      wasBroken = false;
      if (changes.length > 0) onChanged(changes);
    } catch (err) {
      if (!wasBroken) log.warn({ err }, 'the key store cannot be read: known keys go on, others are answered 503, and revocations by other processes are not heard of');
      wasBroken = true;
    }
  };

  const saveUses = (): void => {
    for (const use of source.takeUses()) if (waiting.size < maxWaitingUses || waiting.has(use.digest)) waiting.set(use.digest, use);
    if (waiting.size === 0) return;
    try {
      store.saveUses([...waiting.values()]);
      waiting = new Map();
    } catch (err) {
      log.warn({ err, waiting: waiting.size }, 'when keys were last used could not be written down; it is tried again');
    }
  };

  const stopLooking = clock.every(lookMs, look);
  const stopSaving = clock.every(saveUsesMs, saveUses);
  return {
    close: () => {
      stopLooking();
      stopSaving();
      saveUses();
    },
  };
}
