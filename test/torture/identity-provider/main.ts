import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { announceListening } from '../../../bench/process/announce.ts';
import { createRandom } from '../../conformance/fuzz/random.ts';
import { answerJson, readBody } from './bodies.ts';
import { createTokenBook } from './token-book.ts';
import { createTokenEndpoint } from './token-endpoint.ts';
import { createUpstream } from './upstream.ts';
import { faultPlan, newLogin, noFaults, type FaultPlan, type Stats } from './wire.ts';

/*
 * The identity provider of the burn test, the API behind it and their control endpoint, three ports of one process: one
 * clock says when a token ends. The port that is announced is the control endpoint's.
 *   --life-ms    how long access tokens live
 *   --answer-ms  how long the API thinks
 *   --seed       of the faults
 */

const { values: flags } = parseArgs({ options: { 'life-ms': { type: 'string', default: '2000' }, 'answer-ms': { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } } });
const nowMs = Date.now;
const random = createRandom(Number(flags.seed));
const connections = new WeakMap<Socket, number>();
let connectionCount = 0;
let plan: FaultPlan = { delayMs: 0, rates: noFaults };

const book = createTokenBook({ nowMs, accessLifeMs: Number(flags['life-ms']) });
const upstream = createUpstream(book, Number(flags['answer-ms']));
const endpoint = createTokenEndpoint({ book, nowMs, plan: () => plan, random: () => random.int(1_000_000) / 1_000_000, connectionOf: (socket) => connections.get(socket) ?? 0 });

const tokenServer = createServer((req, res) => void guard(req, res, endpoint.answer));
tokenServer.on('connection', (socket) => {
  connectionCount++;
  connections.set(socket, connectionCount);
  endpoint.cutConnection(socket);
});
const tokenUrl = `${await open(tokenServer)}/token`;
const upstreamUrl = await open(createServer((req, res) => void guard(req, res, upstream.answer)));
// Ctrl-C reaches the whole group of processes; the harness ends this one when it has read what it needs.
process.on('SIGINT', () => undefined);
announceListening(createServer((req, res) => void guard(req, res, control)));

async function open(server: Server): Promise<string> {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function control(req: IncomingMessage, res: ServerResponse): Promise<void> {
  switch (`${req.method} ${req.url}`) {
    case 'GET /control/stats': {
      const stats: Stats = { tokenUrl, upstreamUrl, families: [...book.families()], requestCount: book.requests().length, reuseCount: book.requests().filter(({ outcome }) => outcome === 'reuse').length, ...upstream.counts() };
      answerJson(res, 200, stats);
      return;
    }
    case 'GET /control/requests':
      answerJson(res, 200, { requests: book.requests() });
      return;
    case 'POST /control/faults':
      plan = v.parse(faultPlan, JSON.parse(await readBody(req)));
      answerJson(res, 200, {});
      return;
    case 'POST /control/families': {
      const { identity, lifeMs } = v.parse(newLogin, JSON.parse(await readBody(req)));
      answerJson(res, 200, book.startFamily(identity, lifeMs));
      return;
    }
    default:
      answerJson(res, 404, { error: 'not_found' });
  }
}

/** A caller that left in the middle is no fault of ours. */
async function guard(req: IncomingMessage, res: ServerResponse, answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>): Promise<void> {
  try {
    await answer(req, res);
  } catch (cause) {
    if (req.complete && !req.destroyed) process.stderr.write(`${req.method} ${req.url}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
    res.destroy();
  }
}
