import * as v from 'valibot';
import { WebSocket } from 'ws';
import { Connection, requestBytes } from '../load/connection.ts';
import { quantile } from '../quantile.ts';
import { jobMessage, type OpenJob, type Place, type TurnsJob, type TurnsResult } from './jobs.ts';

/*
 * The load client of the socket bench, a process of its own: it holds the sockets and takes all times.
 */

const path = '/v1/responses';
const request = { model: 'bench', store: false, input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x'.repeat(800) }] }] };
const frame = JSON.stringify({ type: 'response.create', ...request });
const body = Buffer.from(JSON.stringify({ ...request, stream: true }));
/** What the last event of an answer has in it. */
const lastMark = Buffer.from('"response.completed"');

const sockets: WebSocket[] = [];

async function open({ place, count }: OpenJob): Promise<object> {
  const us: number[] = [];
  const openOne = async (): Promise<void> => {
    const startedAtMs = performance.now();
    const ws = new WebSocket(`ws://${place.host}:${place.port}${path}`, { headers: place.headers, perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
    });
    us.push((performance.now() - startedAtMs) * 1_000);
    sockets.push(ws);
  };
  // Few at one time, so that what is timed is a handshake and not a queue.
  const workers = Array.from({ length: 8 }, async () => {
    while (sockets.length + 8 <= count) await openOne();
  });
  await Promise.all(workers);
  while (sockets.length < count) await openOne();
  return { opened: sockets.length, p50Us: quantile(us, 0.5) };
}

interface Tally {
  complete: number;
  failed: number;
  readonly firstUs: number[];
  readonly us: number[];
}

async function runTurns({ place, via, active, turns }: TurnsJob): Promise<TurnsResult> {
  const tally: Tally = { complete: 0, failed: 0, firstUs: [], us: [] };
  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: active }, (_, index) => (via === 'http' ? overHttp(place, turns, tally) : overSocket(sockets[index], turns, tally))));
  const elapsedMs = performance.now() - startedAtMs;
  return { complete: tally.complete, failed: tally.failed, elapsedMs, firstP50Us: quantile(tally.firstUs, 0.5), p50Us: quantile(tally.us, 0.5), p99Us: quantile(tally.us, 0.99) };
}

async function overHttp(place: Place, turns: number, tally: Tally): Promise<void> {
  const connection = new Connection({ ...place, path });
  const bytes = requestBytes({ ...place, path }, body);
  for (let turn = 0; turn < turns; turn += 1) {
    const { status, sentAtMs, firstByteAtMs, endedAtMs } = await connection.exchange(bytes);
    if (status === 200) tally.complete += 1;
    else tally.failed += 1;
    tally.firstUs.push((firstByteAtMs - sentAtMs) * 1_000);
    tally.us.push((endedAtMs - sentAtMs) * 1_000);
  }
  connection.destroy();
}

async function overSocket(ws: WebSocket | undefined, turns: number, tally: Tally): Promise<void> {
  if (ws === undefined) throw new TypeError('more active sockets than open ones');
  for (let turn = 0; turn < turns; turn += 1) {
    const sentAtMs = performance.now();
    let firstAtMs = 0;
    const isWhole = await new Promise<boolean>((resolve) => {
      const onMessage = (data: Buffer): void => {
        if (firstAtMs === 0) firstAtMs = performance.now();
        const isError = data.includes('"type":"error"');
        if (!isError && !data.includes(lastMark)) return;
        ws.off('message', onMessage);
        resolve(!isError);
      };
      ws.on('message', onMessage);
      ws.send(frame);
    });
    if (isWhole) tally.complete += 1;
    else tally.failed += 1;
    tally.firstUs.push((firstAtMs - sentAtMs) * 1_000);
    tally.us.push((performance.now() - sentAtMs) * 1_000);
  }
}

process.on('message', (message: unknown) => {
  const job = v.parse(jobMessage, message);
  const work = job.kind === 'open' ? open(job) : runTurns(job);
  work.then(
    (result) => process.send?.({ ok: true, result }),
    (cause: unknown) => process.send?.({ ok: false, message: cause instanceof Error ? cause.message : String(cause) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: 0 });
