import * as v from 'valibot';

/*
 * What the bench asks of the load process and what it hears back, both over IPC and both decoded.
 */

/** A measured number; NaN where there was nothing to measure. */
const figure = v.union([v.number(), v.nan()]);

const endpoint = v.object({
  host: v.string(),
  port: v.number(),
  path: v.string(),
  /** Credentials and what else the target wants on every request. */
  headers: v.record(v.string(), v.string()),
});
export type Endpoint = v.InferOutput<typeof endpoint>;

const workload = v.picklist(['small', 'large', 'hold', 'paced', 'burst', 'short']);

const throughputJob = v.object({
  kind: v.literal('throughput'),
  endpoint,
  workload,
  connections: v.number(),
  durationMs: v.number(),
});
const pairedJob = v.object({
  kind: v.literal('paired'),
  /** Usually direct; each request to it is followed by one to the target. */
  base: endpoint,
  target: endpoint,
  workload,
  pairs: v.number(),
});
const streamsJob = v.object({
  kind: v.literal('streams'),
  endpoint,
  workload,
  connections: v.number(),
  /** Streams after one another on each connection. */
  repeats: v.number(),
});
const abortsJob = v.object({
  kind: v.literal('aborts'),
  endpoint,
  /** The upstream itself, for its journal. */
  upstream: endpoint,
  phase: v.picklist(['before-headers', 'mid-stream']),
  clients: v.number(),
  /** Starts every tag of this job; unique in a run. */
  tag: v.string(),
});

export const jobMessage = v.object({ id: v.number(), job: v.variant('kind', [throughputJob, pairedJob, streamsJob, abortsJob]) });
export type Job = v.InferOutput<typeof jobMessage>['job'];
export type ThroughputJob = v.InferOutput<typeof throughputJob>;
export type PairedJob = v.InferOutput<typeof pairedJob>;
export type StreamsJob = v.InferOutput<typeof streamsJob>;
export type AbortsJob = v.InferOutput<typeof abortsJob>;

export const throughputResult = v.object({
  completed: figure,
  /** Broken connections and any status but 200. */
  failed: figure,
  elapsedMs: figure,
  p50Us: figure,
  p99Us: figure,
});
export type ThroughputResult = v.InferOutput<typeof throughputResult>;

export const pairedResult = v.object({
  /** Whole exchange and first byte of the body; one entry a pair, in microseconds. */
  baseUs: v.array(figure),
  targetUs: v.array(figure),
  baseFirstUs: v.array(figure),
  targetFirstUs: v.array(figure),
  failed: figure,
});
export type PairedResult = v.InferOutput<typeof pairedResult>;

export const streamsResult = v.object({
  /** Streams that began and ended as they should, every frame in order and [DONE] last. */
  complete: figure,
  failed: figure,
  framesExpected: figure,
  framesLost: figure,
  /** Frames doubled or out of order. */
  framesWrong: figure,
  elapsedMs: figure,
  firstByteP50Us: figure,
  gapP50Us: figure,
  gapP99Us: figure,
  /** From when to when every connection had its stream open, in Unix milliseconds; 0 when that never was. */
  allOpenAtMs: figure,
  firstDoneAtMs: figure,
});
export type StreamsResult = v.InferOutput<typeof streamsResult>;

export const abortsResult = v.object({
  /** Clients whose request had reached the upstream when they left. */
  left: figure,
  arrived: figure,
  p50Ms: figure,
  maxMs: figure,
});
export type AbortsResult = v.InferOutput<typeof abortsResult>;

export const jobAnswer = v.variant('ok', [
  v.object({ id: v.number(), ok: v.literal(true), result: v.unknown() }),
  v.object({ id: v.number(), ok: v.literal(false), message: v.string() }),
]);
