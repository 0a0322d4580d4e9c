import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { UsageRecorder, UsageRow } from './ports.ts';
import type { StoredUsage, UsageStore } from './store.ts';

export interface UsageRecorderDeps {
  readonly store: UsageStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: {
    readonly usageRowsQueued: (rows: number) => void;
    readonly usageRowsLost: (rows: number) => void;
  };
  /** Rows held while the store fails; further ones are lost. Absent means 20,000 (some 10 MB). */
  readonly maxQueuedRows?: number;
}

export interface RunningUsageRecorder extends UsageRecorder {
  /** False while the store refuses rows; they wait in memory meanwhile. */
  readonly isStoring: () => boolean;
  /** Stops the timer and makes what is queued durable; rows that cannot be are counted as lost. Never rejects. */
  readonly close: () => Promise<void>;
}

const flushEveryMs = 250;
const defaultMaxQueuedRows = 20_000;
/** How long one slice may block the event loop. */
const sliceBudgetMs = 1.5;
const smallestSlice = 8;
const largestSlice = 512;
const firstSlice = 32;

/**
 * Takes rows into memory and writes them behind the exchanges: every 250 ms, in slices sized by what the last one cost, one
 * transaction each. A store that fails keeps the rows queued up to a cap; serving never notices.
 */
export function createUsageRecorder(deps: UsageRecorderDeps): RunningUsageRecorder {
  const { store, clock, log, metrics } = deps;
  const maxQueuedRows = deps.maxQueuedRows ?? defaultMaxQueuedRows;
  let queue: UsageRow[] = [];
  let sliceRows = firstSlice;
  let running: Promise<boolean> | undefined;
  let failing = false;

  /** True when a slice was stored. */
  const writeSlice = (rows: readonly UsageRow[]): boolean => {
    const startedMs = clock.monotonicMs();
    try {
      store.append(rows.map(toStored));
    } catch (err) {
      sliceRows = smallestSlice;
      if (!failing) log.error({ err, queued: queue.length }, 'usage rows cannot be stored; they wait in memory');
      failing = true;
      return false;
    }
    if (failing) log.info('usage rows are stored again');
    failing = false;
    const tookMs = clock.monotonicMs() - startedMs;
    // A step of at most two: one slow disk write should not make slices tiny, nor one lucky slice huge.
    const factor = Math.min(2, Math.max(0.5, sliceBudgetMs / Math.max(tookMs, 0.01)));
    sliceRows = Math.round(Math.min(largestSlice, Math.max(smallestSlice, Math.min(sliceRows, rows.length) * factor)));
    return true;
  };

  const drain = async (): Promise<boolean> => {
    let stored = true;
    while (queue.length > 0 && stored) {
      const count = Math.min(sliceRows, queue.length);
      stored = writeSlice(queue.slice(0, count));
      if (stored) queue = queue.slice(count);
      metrics.usageRowsQueued(queue.length);
      if (queue.length > 0) await setImmediate();
    }
    return stored;
  };

  const drainOnce = (): Promise<boolean> => {
    running ??= drain().finally(() => {
      running = undefined;
    });
    return running;
  };

  const stopTimer = clock.every(flushEveryMs, () => {
    if (queue.length > 0) void drainOnce();
  });

  return {
    isStoring: () => !failing,
    record: (row) => {
      if (queue.length >= maxQueuedRows) {
        metrics.usageRowsLost(1);
        return;
      }
      queue.push(row);
    },
    flush: async () => {
      const stored = await drainOnce();
      if (!stored) throw new AppError('storage_unavailable');
    },
    close: async () => {
      stopTimer();
      await drainOnce();
      if (queue.length > 0) {
        metrics.usageRowsLost(queue.length);
        log.error({ lost: queue.length }, 'usage rows were lost: the store took none until the end');
        queue = [];
      }
    },
  };
}

/** More than any exchange has, and small enough that sums stay exact. */
const maxTokens = 1_000_000_000;
const maxTextLength = 256;

/** The row with every value in the range the store takes: one odd row must not hold up those behind it. */
export function toStored(row: UsageRow): StoredUsage {
  const tokens = {
    input: wholeCount(row.tokens.input, maxTokens),
    output: wholeCount(row.tokens.output, maxTokens),
    reasoning: wholeCount(row.tokens.reasoning, maxTokens),
    cached: wholeCount(row.tokens.cached, maxTokens),
    estimated: row.tokens.estimated,
  };
  return {
    requestId: short(row.requestId),
    atMs: wholeCount(row.atMs, Number.MAX_SAFE_INTEGER),
    clientId: short(row.clientId),
    clientLabel: short(row.clientLabel),
    accountId: short(row.accountId),
    accountLabel: short(row.accountLabel),
    provider: short(row.provider),
    model: short(row.model),
    endpoint: short(row.endpoint),
    status: wholeCount(row.status, 999),
    outcome: short(row.outcome),
    failed: row.failed,
    attempts: wholeCount(row.attempts, 100_000),
    latencyMs: duration(row.latencyMs),
    firstByteMs: duration(row.firstByteMs),
    tokens,
    totalTokens: tokens.input + tokens.output,
  };
}

function short(text: string): string {
  return text.length > maxTextLength ? text.slice(0, maxTextLength) : text;
}

function wholeCount(value: number, max: number): number {
  return value > 0 ? Math.min(Math.trunc(value), max) : 0;
}

function duration(ms: number): number {
  return ms > 0 && Number.isFinite(ms) ? Math.round(ms * 1_000) / 1_000 : 0;
}
