import { setTimeout as sleep } from 'node:timers/promises';
import { get } from 'node:http';
import * as v from 'valibot';
import { quantile } from '../quantile.ts';
import { requestBody, type WorkloadName } from '../workloads.ts';
import { Connection, requestBytes } from './connection.ts';
import type { AbortsJob, AbortsResult, Endpoint } from './jobs.ts';

const framesBeforeLeaving = 3;
const openLimitMs = 10_000;
const arriveLimitMs = 3_000;

const journalSchema = v.object({ opened: v.array(v.string()), aborted: v.array(v.object({ tag: v.string(), atNs: v.string() })) });
type Journal = v.InferOutput<typeof journalSchema>;

/**
 * Clients that leave, all at once: before any answer, or within a stream. Then the upstream's journal is asked who was
 * seen leaving, and when; both processes read the same monotonic clock.
 */
export async function runAborts(job: AbortsJob): Promise<AbortsResult> {
  const workload: WorkloadName = job.phase === 'mid-stream' ? 'paced' : 'hold';
  const tags = Array.from({ length: job.clients }, (_, index) => `${job.tag}-${index}`);
  const connections = tags.map(() => new Connection(job.endpoint));
  let streaming = 0;
  connections.forEach((connection, index) => {
    let chunks = 0;
    const request = requestBytes(job.endpoint, requestBody(workload, tags[index]));
    connection
      .exchange(request, () => {
        chunks += 1;
        if (chunks === framesBeforeLeaving) streaming += 1;
      })
      .catch(() => undefined);
  });
  const openUntilMs = performance.now() + openLimitMs;
  let opened: readonly string[] = [];
  while (performance.now() < openUntilMs) {
    opened = (await readJournal(job.upstream, job.tag)).opened;
    if (opened.length === job.clients && (job.phase === 'before-headers' || streaming === job.clients)) break;
    await sleep(20);
  }
  const leftAtNs = new Map<string, bigint>();
  connections.forEach((connection, index) => {
    const tag = tags[index];
    if (tag !== undefined) leftAtNs.set(tag, process.hrtime.bigint());
    connection.destroy();
  });
  const arriveUntilMs = performance.now() + arriveLimitMs;
  let journal = await readJournal(job.upstream, job.tag);
  while (journal.aborted.length < opened.length && performance.now() < arriveUntilMs) {
    await sleep(20);
    journal = await readJournal(job.upstream, job.tag);
  }
  const delaysMs = journal.aborted.flatMap(({ tag, atNs }) => {
    const left = leftAtNs.get(tag);
    return left === undefined ? [] : [Number(BigInt(atNs) - left) / 1e6];
  });
  return { left: opened.length, arrived: delaysMs.length, p50Ms: quantile(delaysMs, 0.5), maxMs: quantile(delaysMs, 1) };
}

function readJournal(upstream: Endpoint, tag: string): Promise<Journal> {
  return new Promise((resolve, reject) => {
    const req = get({ host: upstream.host, port: upstream.port, path: `/journal?tag=${encodeURIComponent(tag)}`, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => void chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), journalSchema), text);
        if (parsed.success) resolve(parsed.output);
        else reject(new Error('the upstream answered no journal'));
      });
    });
    req.on('error', reject);
  });
}
