import { appendFileSync } from 'node:fs';
import { systemClock } from '../../../internal/clock/clock.ts';
import { takeKernelLock } from '../../../internal/files/kernel-lock.ts';

/** A process that takes a lock and holds it, or goes through many short sections: `node lock-child.ts <lock> hold | <sections> <log>`. */
const [lockPath = '', mode = '', logPath = ''] = process.argv.slice(2);

async function enter(): Promise<() => void> {
  const lock = await takeKernelLock(lockPath, { clock: systemClock, patienceMs: 60_000 });
  if (lock === undefined) throw new Error('no lock within a minute');
  return lock.release;
}

if (mode === 'hold') {
  const release = await enter();
  process.stdout.write('held\n');
  process.on('SIGTERM', () => {
    release();
    process.exit(0);
  });
  setInterval(() => undefined, 1_000);
} else {
  for (let section = 0; section < Number(mode); section++) {
    const release = await enter();
    appendFileSync(logPath, `in ${process.pid}\n`);
    appendFileSync(logPath, `out ${process.pid}\n`);
    release();
  }
}
