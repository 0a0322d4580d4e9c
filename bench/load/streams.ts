import { quantile } from '../quantile.ts';
import { requestBody, shapeOf } from '../workloads.ts';
import { Connection, requestBytes } from './connection.ts';
import { FrameCheck } from './frame-check.ts';
import type { StreamsJob, StreamsResult } from './jobs.ts';

/** Beyond this a stream counts as stuck; its connections are closed. */
const limitMs = 120_000;

interface Tally {
  complete: number;
  failed: number;
  framesLost: number;
  framesWrong: number;
  opened: number;
  allOpenAtMs: number;
  firstDoneAtMs: number;
  readonly firstByteUs: number[];
  readonly gapUs: number[];
}

/** Streams on many connections at once, every numbered frame followed. */
export async function runStreams(job: StreamsJob): Promise<StreamsResult> {
  const frames = shapeOf(job.workload)?.frames;
  if (frames === undefined) throw new TypeError(`${job.workload} is no stream`);
  const request = requestBytes(job.endpoint, requestBody(job.workload));
  const connections = Array.from({ length: job.connections }, () => new Connection(job.endpoint));
  const tally: Tally = { complete: 0, failed: 0, framesLost: 0, framesWrong: 0, opened: 0, allOpenAtMs: 0, firstDoneAtMs: 0, firstByteUs: [], gapUs: [] };

  const startedAtMs = performance.now();
  const cut = setTimeout(() => connections.forEach((connection) => connection.destroy()), limitMs);
  await Promise.all(
    connections.map(async (connection) => {
      for (let turn = 0; turn < job.repeats; turn += 1) {
        await runOne(connection, request, frames, turn, job, tally);
        if (turn === job.repeats - 1 && tally.firstDoneAtMs === 0) tally.firstDoneAtMs = unixMs();
      }
    }),
  );
  const elapsedMs = performance.now() - startedAtMs;
  clearTimeout(cut);
  for (const connection of connections) connection.destroy();
  const { complete, failed, framesLost, framesWrong, firstByteUs, gapUs, allOpenAtMs, firstDoneAtMs } = tally;
  return {
    complete,
    failed,
    framesExpected: frames * job.connections * job.repeats,
    framesLost,
    framesWrong,
    elapsedMs,
    firstByteP50Us: quantile(firstByteUs, 0.5),
    gapP50Us: quantile(gapUs, 0.5),
    gapP99Us: quantile(gapUs, 0.99),
    allOpenAtMs,
    firstDoneAtMs,
  };
}

async function runOne(connection: Connection, request: Buffer, frames: number, turn: number, job: StreamsJob, tally: Tally): Promise<void> {
  const check = new FrameCheck(frames);
  let lastAtMs = 0;
  try {
    const exchange = await connection.exchange(request, (chunk, atMs) => {
      if (lastAtMs === 0) {
        if (turn === 0) {
          tally.opened += 1;
          if (tally.opened === job.connections) tally.allOpenAtMs = unixMs();
        }
      } else tally.gapUs.push((atMs - lastAtMs) * 1_000);
      lastAtMs = atMs;
      check.push(chunk);
    });
    tally.firstByteUs.push((exchange.firstByteAtMs - exchange.sentAtMs) * 1_000);
    const { lost, wrong, isDone } = check.count();
    tally.framesLost += lost;
    tally.framesWrong += wrong;
    if (exchange.status === 200 && lost === 0 && wrong === 0 && isDone) tally.complete += 1;
    else tally.failed += 1;
  } catch {
    tally.failed += 1;
    tally.framesLost += check.count().lost;
    tally.framesWrong += check.count().wrong;
  }
}

function unixMs(): number {
  return performance.timeOrigin + performance.now();
}
