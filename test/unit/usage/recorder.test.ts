import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { createMemoryUsageStore } from '../../../internal/storage/memory/usage-store.ts';
import { createUsageRecorder, type RunningUsageRecorder } from '../../../internal/usage/recorder.ts';
import type { StoredUsage, UsageStore } from '../../../internal/usage/store.ts';
import { usageRow } from '../../contract/usage-rows.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

interface Setup {
  readonly clock: ManualClock;
  readonly store: UsageStore;
  readonly recorder: RunningUsageRecorder;
  readonly lost: () => number;
  readonly queued: () => number;
  readonly batches: readonly number[];
  readonly breakStore: (broken: boolean) => void;
}

function setUp(options: { readonly maxQueuedRows?: number; readonly msPerRow?: number } = {}): Setup {
  const clock = createManualClock();
  const memory = createMemoryUsageStore();
  const counts = { lost: 0, queued: 0, broken: false };
  const batches: number[] = [];
  const store: UsageStore = {
    ...memory,
    append: (rows: readonly StoredUsage[]) => {
      if (counts.broken) throw new Error('database or disk is full');
      batches.push(rows.length);
      clock.advance(rows.length * (options.msPerRow ?? 0));
      memory.append(rows);
    },
  };
  const recorder = createUsageRecorder({
    store,
    clock,
    log: silentLogger,
    metrics: { usageRowsQueued: (rows) => void (counts.queued = rows), usageRowsLost: (rows) => void (counts.lost += rows) },
    ...(options.maxQueuedRows === undefined ? {} : { maxQueuedRows: options.maxQueuedRows }),
  });
  return { clock, store, recorder, lost: () => counts.lost, queued: () => counts.queued, batches, breakStore: (broken) => void (counts.broken = broken) };
}

const record = (recorder: RunningUsageRecorder, count: number): void => {
  for (let n = 0; n < count; n += 1) recorder.record(usageRow({ requestId: `req_${n}` }));
};

describe('usage recorder', () => {
  it('stores rows within half a second without being asked', async () => {
    const { clock, store, recorder } = setUp();
    record(recorder, 3);
    expect(store.newest({ limit: 9 })).toHaveLength(0);
    clock.advance(500);
    await vi.waitFor(() => expect(store.newest({ limit: 9 })).toHaveLength(3));
  });

  it('flush resolves once every row recorded so far is stored, in order', async () => {
    const { store, recorder } = setUp();
    record(recorder, 1_000);
    await recorder.flush();
    expect(store.newest({ limit: 2_000 }).map((row) => row.requestId)).toEqual(Array.from({ length: 1_000 }, (_, n) => `req_${999 - n}`));
  });

  it('shrinks its slices until one takes less than two milliseconds', async () => {
    const { recorder, batches } = setUp({ msPerRow: 0.1 });
    record(recorder, 2_000);
    await recorder.flush();
    expect(Math.max(...batches.slice(3)) * 0.1).toBeLessThanOrEqual(2);
    expect(Math.min(...batches.slice(0, -1))).toBeGreaterThanOrEqual(8);
  });

  it('lets other work run between slices', async () => {
    const { recorder, batches } = setUp();
    record(recorder, 2_000);
    const seen: number[] = [];
    const flushed = recorder.flush();
    while (batches.reduce((sum, rows) => sum + rows, 0) < 2_000) {
      seen.push(batches.length);
      await new Promise(setImmediate);
    }
    await flushed;
    expect(new Set(seen).size).toBeGreaterThan(3);
  });

  it('keeps rows while the store fails, counts those beyond the cap as lost, and stores the rest later', async () => {
    const { recorder, store, lost, queued, breakStore } = setUp({ maxQueuedRows: 10 });
    breakStore(true);
    record(recorder, 12);
    await expect(recorder.flush()).rejects.toThrow(AppError);
    expect([lost(), queued()]).toEqual([2, 10]);
    breakStore(false);
    await recorder.flush();
    expect(store.newest({ limit: 99 })).toHaveLength(10);
    expect(queued()).toBe(0);
  });

  it('closing stores the rest; what the store refuses even then is counted as lost', async () => {
    const working = setUp();
    record(working.recorder, 5);
    await working.recorder.close();
    expect(working.store.newest({ limit: 9 })).toHaveLength(5);
    const broken = setUp();
    broken.breakStore(true);
    record(broken.recorder, 5);
    await broken.recorder.close();
    expect(broken.lost()).toBe(5);
  });

  it('an odd row is brought into range instead of holding up the others', async () => {
    const { recorder, store } = setUp();
    recorder.record(usageRow({ model: 'm'.repeat(5_000), latencyMs: NaN, firstByteMs: -1, status: 200.5, tokens: { input: 1.5, output: Infinity, reasoning: NaN, cached: -3, estimated: true } }));
    await recorder.flush();
    const [row] = store.newest({ limit: 1 });
    expect(row).toMatchObject({ latencyMs: 0, firstByteMs: 0, status: 200, tokens: { input: 1, output: 1_000_000_000, reasoning: 0, cached: 0 }, totalTokens: 1_000_000_001 });
    expect(row?.model).toHaveLength(256);
  });
});
