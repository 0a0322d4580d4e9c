import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../internal/clock/clock.ts';
import { openConsoleSink } from '../../../internal/log/console-sink.ts';

/* Logs to a terminal that goes away meanwhile, then closes its log and leaves the marker file named in argv. */
process.on('SIGHUP', () => undefined);
const sink = openConsoleSink({ fd: 2, clock: systemClock, onDropped: () => undefined });
for (let index = 0; index < 15; index++) {
  sink.write(`line ${index}\n`);
  await sleep(100);
}
sink.write('the last line\n');
sink.close();
writeFileSync(process.argv[2] ?? '', 'stopped');
