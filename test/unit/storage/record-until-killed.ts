import { systemClock } from '../../../internal/clock/clock.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { openSqliteStores } from '../../../internal/storage/sqlite/stores.ts';
import { createUsageRecorder } from '../../../internal/usage/recorder.ts';
import { usageRow } from '../../contract/usage-rows.ts';

// Records without end and says what it recorded, one line a batch: `<time> <rows so far>`.
const stores = openSqliteStores({ file: process.argv[2] ?? '', clock: systemClock });
const ignore = (): void => undefined;
const recorder = createUsageRecorder({ store: stores.usage, clock: systemClock, log: silentLogger, metrics: { usageRowsQueued: ignore, usageRowsLost: ignore } });
let recorded = 0;
setInterval(() => {
  for (let n = 0; n < 10; n += 1) {
    recorded += 1;
    recorder.record(usageRow({ requestId: `req_${recorded}`, atMs: systemClock.nowMs() }));
  }
  process.stdout.write(`${systemClock.nowMs()} ${recorded}\n`);
}, 5);
