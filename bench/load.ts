import * as v from 'valibot';
import { runAborts } from './load/aborts.ts';
import { jobMessage, type Job } from './load/jobs.ts';
import { runPaired } from './load/paired.ts';
import { runStreams } from './load/streams.ts';
import { runThroughput } from './load/throughput.ts';

/*
 * The load client, a process of its own and the only place where times of exchanges are taken: what a client would see.
 * Jobs come and results go over IPC, one at a time.
 */

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'throughput':
      return runThroughput(job);
    case 'paired':
      return runPaired(job);
    case 'streams':
      return runStreams(job);
    case 'aborts':
      return runAborts(job);
  }
}

process.on('message', (message: unknown) => {
  const { id, job } = v.parse(jobMessage, message);
  run(job).then(
    (result) => process.send?.({ id, ok: true, result }),
    (cause: unknown) => process.send?.({ id, ok: false, message: cause instanceof Error ? cause.message : String(cause) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: 0 });
