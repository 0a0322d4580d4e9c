import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { openSqliteStores } from '../../../internal/storage/sqlite/stores.ts';
import { createManualClock } from '../../support/manual-clock.ts';

it('kill -9 under load loses at most the last second of usage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-kill-'));
  const file = join(folder, 'keyward.db');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'record-until-killed.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const said: { readonly atMs: number; readonly rows: number }[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [atMs = 0, rows = 0] = line.split(' ').map(Number);
    said.push({ atMs, rows });
    if (atMs - (said[0]?.atMs ?? atMs) > 2_200) child.kill('SIGKILL');
  }
  await exited;

  const last = said.at(-1);
  const promised = said.findLast((line) => line.atMs < (last?.atMs ?? 0) - 1_000)?.rows ?? 0;
  const stores = openSqliteStores({ file, clock: createManualClock() });
  const kept = stores.usage.newest({ limit: 1_000_000 });
  const sums = stores.usage.totals();
  stores.close();
  rmSync(folder, { recursive: true });

  expect(promised).toBeGreaterThan(100);
  expect(kept.length).toBeGreaterThanOrEqual(promised);
  const numbers = kept.map((row) => Number(row.requestId.slice(4))).sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(sums.reduce((total, sum) => total + sum.requests, 0)).toBe(kept.length);
});
