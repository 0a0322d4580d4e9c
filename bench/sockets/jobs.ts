import * as v from 'valibot';

/*
 * What the socket bench asks of its load process and what it hears back, both over IPC and both decoded.
 */

const place = v.object({ host: v.string(), port: v.number(), headers: v.record(v.string(), v.string()) });
export type Place = v.InferOutput<typeof place>;

const openJob = v.object({ kind: v.literal('open'), place, count: v.number() });
const turnsJob = v.object({ kind: v.literal('turns'), place, via: v.picklist(['http', 'socket']), active: v.number(), turns: v.number() });
export const jobMessage = v.variant('kind', [openJob, turnsJob]);
export type OpenJob = v.InferOutput<typeof openJob>;
export type TurnsJob = v.InferOutput<typeof turnsJob>;

const figure = v.union([v.number(), v.nan()]);
export const openResult = v.object({ opened: v.number(), p50Us: figure });
export const turnsResult = v.object({ complete: v.number(), failed: v.number(), elapsedMs: figure, firstP50Us: figure, p50Us: figure, p99Us: figure });
export type TurnsResult = v.InferOutput<typeof turnsResult>;
