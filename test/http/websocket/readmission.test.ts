import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../../internal/clients/principal.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { AppError, toAppError } from '../../../internal/fault/app-error.ts';
import { err, ok, type Result } from '../../../internal/fault/result.ts';
import { proxyLimits } from '../../../internal/proxy/limits.ts';
import { socketLimits } from '../../../internal/websocket/limits.ts';
import { createResponsesSocket } from '../../../internal/websocket/responses-socket.ts';
import { createSockets } from '../../../internal/websocket/sockets.ts';
import { createTurnMemories } from '../../../internal/websocket/turn-memory.ts';
import { configOf, tableOf } from '../../support/config.ts';
import { isEnd, openSocket } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

const given = { 'openai-compatibility': [{ name: 'x', 'base-url': 'https://x.example/v1', models: [{ name: 'm' }] }] };
const ann: Principal = { id: 'managed_ann', kind: 'static-key', label: 'ann' };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Sockets alone, before a door that a test decides for: as with credentials that no config holds. */
async function startSockets(isKept: () => boolean = () => false) {
  const config = configOf(given);
  const limits = () => socketLimits(config);
  let verdict: Result<Principal, AppError> = ok(ann);
  const servedTo: Principal[] = [];
  const closed: string[] = [];
  const logged: object[] = [];
  const failures: unknown[] = [];
  const sockets = createSockets({ clock: systemClock, limits, metrics: { socketOpened: () => undefined, socketClosed: (_endpoint, reason) => void closed.push(reason) }, log: { info: (fields: object | string, message?: string) => void logged.push({ fields, message }) } });
  const handle = createResponsesSocket({
    clock: systemClock,
    sockets,
    limits,
    memories: createTurnMemories(() => 1_000_000),
    proxy: {
      serveTurn: (inbound) => {
        servedTo.push(inbound.principal);
        inbound.res.writeHead(200, { 'content-type': 'text/event-stream' });
        inbound.res.end('data: {"type":"response.completed","response":{"id":"r","output":[]}}\n\n');
        return Promise.resolve();
      },
    },
    isKept,
    onFailure: (_requestId, thrown) => void failures.push(thrown),
  });
  const server = createServer();
  server.on('upgrade', (req, socket, head) => {
    const opening = { id: 'req-1', target: { path: '/v1/responses', query: '' }, endpoint: 'WS /v1/responses', peer: { address: '127.0.0.1', isLocal: true, isControlSocket: false, throttleKey: '127.0.0.1' }, principal: ann, startedMs: 0, req, socket, head, snapshot: () => ({ routes: tableOf(given), limits: proxyLimits(config) }), readmit: () => verdict };
    handle(opening).catch((thrown: unknown) => socket.end(`HTTP/1.1 ${toAppError(thrown).status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close(), sockets.close);
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1/responses`;
  return {
    url,
    sockets,
    servedTo,
    logged,
    failures,
    closed,
    decide: (next: Result<Principal, AppError>) => {
      verdict = next;
    },
  };
}

const create = { type: 'response.create', model: 'm', input: 'x' };

describe('a credential that no config holds', () => {
  it('closes its socket within a second of being taken back', async () => {
    const rig = await startSockets();
    const client = await openSocket(rig.url);
    rig.decide(err(new AppError('key_revoked')));
    const startedMs = performance.now();
    expect(await client.closed()).toEqual({ code: 1008, reason: 'key_revoked' });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect([rig.sockets.count(), rig.closed]).toEqual([0, ['revoked']]);
  });

  it('closes it at once when told of a change', async () => {
    const rig = await startSockets();
    const client = await openSocket(rig.url);
    rig.decide(err(new AppError('key_expired')));
    rig.sockets.readmitAll();
    expect(await client.closed(300)).toEqual({ code: 1008, reason: 'key_expired' });
  });

  it.each(['auth_unavailable', 'too_many_failures'] as const)('that cannot be judged just now (%s) leaves it open', async (code) => {
    const rig = await startSockets();
    const client = await openSocket(rig.url);
    rig.decide(err(new AppError(code)));
    await new Promise((next) => setTimeout(next, 1_200));
    client.send(create);
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    await client.close();
  });

  it('whose rights change counts with its new ones; one that becomes another’s closes', async () => {
    const rig = await startSockets();
    const client = await openSocket(rig.url);
    rig.decide(ok({ ...ann, holders: [{ id: ann.id, grant: { models: ['only-this'] } }] }));
    rig.sockets.readmitAll();
    client.send(create);
    await client.next(isEnd);
    expect(rig.servedTo).toEqual([{ ...ann, holders: [{ id: ann.id, grant: { models: ['only-this'] } }] }]);
    client.send({ ...create, generate: false });
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 403, error: { code: 'model_not_allowed' } });
    rig.decide(ok({ ...ann, id: 'managed_bob' }));
    expect(await client.closed(1_500)).toMatchObject({ code: 1008 });
  });

  it('that is taken back while its upgrade is answered gets no open socket', async () => {
    const rig = await startSockets();
    rig.decide(err(new AppError('key_revoked')));
    const client = await openSocket(rig.url);
    expect(await client.closed(500)).toEqual({ code: 1008, reason: 'key_revoked' });
  });
});

it('each socket is told of in the log as it opens and as it closes, by whom and how, without what was said', async () => {
  const rig = await startSockets();
  const client = await openSocket(`${rig.url}?api_key=sk-secret`);
  for (let turn = 0; turn < 2; turn++) {
    client.send({ ...create, input: 'a secret thought' });
    await client.next(isEnd);
  }
  client.ws.close(4321, 'a private reason');
  await until('the second line', () => rig.logged.length === 2);
  const who = { requestId: 'req-1', path: '/v1/responses', peer: '127.0.0.1', client: ann.id };
  expect(rig.logged).toEqual([
    { message: 'a socket opened', fields: who },
    { message: 'a socket closed', fields: { ...who, code: 4321, reason: 'client', turns: 2, durationMs: expect.any(Number) } },
  ]);
  const revoked = await openSocket(rig.url);
  rig.decide(err(new AppError('key_revoked')));
  rig.sockets.readmitAll();
  await revoked.closed();
  await until('the fourth line', () => rig.logged.length === 4);
  expect(rig.logged[3]).toMatchObject({ fields: { code: 1008, reason: 'revoked', turns: 0 } });
});

it('a daemon that stops opens no further socket', async () => {
  const rig = await startSockets();
  rig.sockets.stop();
  await expect(openSocket(rig.url)).rejects.toThrow(/^503/);
});

describe('a turn that has ended', () => {
  it('ends once, though what follows fails; the log is told, and the socket goes on from the turn', async () => {
    const rig = await startSockets(() => {
      throw new Error('disk I/O error');
    });
    const client = await openSocket(rig.url);
    for (const more of [{}, { previous_response_id: 'r' }]) {
      client.send({ ...create, ...more });
      expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    }
    await until('both were logged', () => rig.failures.length === 2);
    client.send({ ...create, previous_response_id: 'r', input: { role: 'user' } });
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 400, error: { code: 'invalid_request', param: 'input' } });
    await client.close();
  });
});
