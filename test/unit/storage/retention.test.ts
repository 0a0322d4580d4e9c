import { expect, it } from 'vitest';
import { silentLogger } from '../../../internal/log/logger.ts';
import { createMemoryUsageStore } from '../../../internal/storage/memory/usage-store.ts';
import { startRetention } from '../../../internal/storage/retention.ts';
import { usageRow } from '../../contract/usage-rows.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const dayMs = 86_400_000;

it('removes what is too old at the start, in slices, and again a day later by the setting of then', async () => {
  const clock = createManualClock();
  const store = createMemoryUsageStore();
  store.append(Array.from({ length: 450 }, (_, n) => usageRow({ requestId: `old_${n}`, atMs: clock.nowMs() - 11 * dayMs })));
  store.append([usageRow({ requestId: 'nine', atMs: clock.nowMs() - 9 * dayMs }), usageRow({ requestId: 'now', atMs: clock.nowMs() })]);
  let keepDays = 10;
  const slices: number[] = [];
  const retention = startRetention({
    clock,
    log: silentLogger,
    tables: [{ name: 'usage', keepDays: () => keepDays, removeBefore: (beforeMs, limit) => slices[slices.push(store.removeBefore(beforeMs, limit)) - 1] ?? 0 }],
  });
  await retention.run();
  expect(store.newest({ limit: 9 }).map((row) => row.requestId)).toEqual(['now', 'nine']);
  expect(Math.max(...slices)).toBeLessThanOrEqual(200);

  keepDays = 5;
  clock.advance(dayMs);
  await retention.run();
  expect(store.newest({ limit: 9 }).map((row) => row.requestId)).toEqual(['now']);
  await retention.stop();
});

it('a store that fails costs that pass alone', async () => {
  const clock = createManualClock();
  const store = createMemoryUsageStore();
  store.append([usageRow({ atMs: 0 })]);
  let fails = true;
  const retention = startRetention({
    clock,
    log: silentLogger,
    tables: [{
      name: 'usage',
      keepDays: () => 1,
      removeBefore: (beforeMs, limit) => {
        if (fails) throw new Error('disk I/O error');
        return store.removeBefore(beforeMs, limit);
      },
    }],
  });
  await retention.run();
  expect(store.newest({ limit: 9 })).toHaveLength(1);
  fails = false;
  clock.advance(dayMs);
  await retention.run();
  expect(store.newest({ limit: 9 })).toHaveLength(0);
  await retention.stop();
});
