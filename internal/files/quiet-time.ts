import type { Clock } from '../clock/clock.ts';

export interface QuietTimeOptions {
  readonly clock: Clock;
  readonly forMs: number;
  /** Ends waits; what they waited for is not run. */
  readonly closing: AbortSignal;
}

/**
 * Runs `work` once nothing has been told of for `forMs`: later events restart the time, so a caller who wants a bound sweeps
 * as well. The promise of each event ends with its wait, that of the last one with the work.
 */
export function afterQuietTime({ clock, forMs, closing }: QuietTimeOptions, work: () => Promise<void>): () => Promise<void> {
  let eventCount = 0;
  return async () => {
    const mine = ++eventCount;
    try {
      await clock.sleep(forMs, closing);
    } catch {
      return;
    }
    if (mine === eventCount) await work();
  };
}
