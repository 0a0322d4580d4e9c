import type { Clock } from '../../clock/clock.ts';

/** Which tokens were exchanged already, so that each is once (security rule 33). */
export interface ReplayMemory {
  /**
   * Notes an id (64 hex digits) and tells whether it was there: one step, so that of several at one time one is `first`. Kept until
   * `untilMs` at least. `full`: it can note no more, so nothing is to be issued. What throws is no `first` either.
   */
  readonly useOnce: (id: string, untilMs: number) => 'first' | 'again' | 'full';
}

/** A memory that ends with the process. What has ended goes when room is needed. */
export function createReplayMemory({ clock, maxIds = 100_000 }: { readonly clock: Pick<Clock, 'nowMs'>; readonly maxIds?: number }): ReplayMemory {
  const used = new Map<string, number>();
  let nextEndMs = Infinity;

  const forgetEnded = (nowMs: number): void => {
    nextEndMs = Infinity;
    for (const [id, untilMs] of used) {
      if (untilMs <= nowMs) used.delete(id);
      else nextEndMs = Math.min(nextEndMs, untilMs);
    }
  };

  return {
    useOnce: (id, untilMs) => {
      const nowMs = clock.nowMs();
      const knownUntilMs = used.get(id);
      if (knownUntilMs !== undefined && nowMs < knownUntilMs) return 'again';
      // Looked through only when something has ended, so that a full memory is not walked for every request.
      if (used.size >= maxIds && nextEndMs <= nowMs) forgetEnded(nowMs);
      if (used.size >= maxIds && knownUntilMs === undefined) return 'full';
      used.set(id, untilMs);
      nextEndMs = Math.min(nextEndMs, untilMs);
      return 'first';
    },
  };
}
