import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';

export interface RetainedTable {
  readonly name: string;
  /** Read at every run, so that a changed setting counts from the next one. */
  readonly keepDays: () => number;
  readonly removeBefore: (beforeMs: number, limit: number) => number;
}

export interface RetentionDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tables: readonly RetainedTable[];
}

export interface Retention {
  /** Resolves when what is too old now is gone; a failure is logged and tried again the next day. */
  readonly run: () => Promise<void>;
  /** Waits for a running pass to end early. */
  readonly stop: () => Promise<void>;
}

const dayMs = 86_400_000;
/** Small enough that one delete stays below some two milliseconds. */
const rowsPerSlice = 200;

/** Removes what is older than its retention, at once and then daily, in slices that let the event loop breathe. */
export function startRetention(deps: RetentionDeps): Retention {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const removeOld = async (table: RetainedTable): Promise<void> => {
    const beforeMs = deps.clock.nowMs() - table.keepDays() * dayMs;
    let removed = 0;
    try {
      for (let slice = rowsPerSlice; slice === rowsPerSlice && !stopping.signal.aborted; ) {
        await setImmediate();
        slice = table.removeBefore(beforeMs, rowsPerSlice);
        removed += slice;
      }
      if (removed > 0) deps.log.info({ table: table.name, removed }, 'rows beyond their retention removed');
    } catch (err) {
      deps.log.warn({ err, table: table.name, removed }, 'retention failed; it is tried again tomorrow');
    }
  };

  const run = (): Promise<void> => {
    running = running.then(async () => {
      for (const table of deps.tables) if (!stopping.signal.aborted) await removeOld(table);
    });
    return running;
  };

  const stopTimer = deps.clock.every(dayMs, () => void run());
  void run();
  return {
    run,
    stop: () => {
      stopping.abort();
      stopTimer();
      return running;
    },
  };
}
