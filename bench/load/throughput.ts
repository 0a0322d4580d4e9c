import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../quantile.ts';
import { requestBody } from '../workloads.ts';
import { Connection, requestBytes } from './connection.ts';
import type { ThroughputJob, ThroughputResult } from './jobs.ts';

/** What a connection waits after a failure, so that a dead target is not hammered. */
const failurePauseMs = 50;
/** What is still running this long after the end is cut off and counts as failed. */
const graceMs = 10_000;

/** As many exchanges as the connections carry, one after the other on each, for the given time. */
export async function runThroughput(job: ThroughputJob): Promise<ThroughputResult> {
  const request = requestBytes(job.endpoint, requestBody(job.workload));
  const connections = Array.from({ length: job.connections }, () => new Connection(job.endpoint));
  const latenciesUs: number[] = [];
  let failed = 0;
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + job.durationMs;

  const work = async (connection: Connection): Promise<void> => {
    while (performance.now() < endAtMs) {
      try {
        const exchange = await connection.exchange(request);
        if (exchange.status === 200) latenciesUs.push((exchange.endedAtMs - exchange.sentAtMs) * 1_000);
        else failed += 1;
      } catch {
        failed += 1;
        await sleep(failurePauseMs);
      }
    }
  };
  const cut = setTimeout(() => connections.forEach((connection) => connection.destroy()), job.durationMs + graceMs);
  await Promise.all(connections.map(work));
  const elapsedMs = performance.now() - startedAtMs;
  clearTimeout(cut);
  for (const connection of connections) connection.destroy();
  return { completed: latenciesUs.length, failed, elapsedMs, p50Us: quantile(latenciesUs, 0.5), p99Us: quantile(latenciesUs, 0.99) };
}
