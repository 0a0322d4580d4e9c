import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { anonymous } from '../../../internal/clients/principal.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { createDispatchers } from '../../../internal/egress/dispatchers.ts';
import { toAppError } from '../../../internal/fault/app-error.ts';
import { ok } from '../../../internal/fault/result.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { proxyLimits } from '../../../internal/proxy/limits.ts';
import { createSettle } from '../../../internal/proxy/settled.ts';
import { createUpstreams } from '../../../internal/proxy/upstreams.ts';
import { createRouter } from '../../../internal/routing/router.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import type { UsageRow } from '../../../internal/usage/ports.ts';
import { socketLimits } from '../../../internal/websocket/limits.ts';
import { createRealtimeSocket } from '../../../internal/websocket/realtime-socket.ts';
import { createSockets } from '../../../internal/websocket/sockets.ts';
import { callerLimits } from '../../support/caller-limits.ts';
import { configOf } from '../../support/config.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { createFakeKeeper, type FakeKeeper } from '../../support/fake-keeper.ts';
import { startHttpProxy, startSocksProxy } from '../../support/forward-proxies.ts';
import { makeSelfSigned } from '../../support/self-signed.ts';
import { openSocket } from '../../support/socket-client.ts';
import { refuseWith, startSocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

const key = 'sk-client-0123456789abcdef';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});
function keep<T extends { readonly close: () => unknown }>(made: T): T {
  cleanups.push(made.close);
  return made;
}
async function start(config: string, env: Readonly<Record<string, string>> = {}): Promise<RunningDaemon> {
  const daemon = await startDaemon({ config: `api-keys: ["${key}"]\n${config}`, env });
  cleanups.push(daemon.stop);
  return daemon;
}
const talk = (daemon: RunningDaemon): ReturnType<typeof openSocket> => openSocket(`${daemon.url}/v1/realtime?model=voice`, { headers: { authorization: `Bearer ${key}` } });
const entry = (url: string, more = ''): string => `openai-compatibility:\n  - { name: rt, base-url: "${url}/v1", api-key-entries: [{ api-key: "sk-up-0123456789" }], models: [{ name: voice }]${more} }\n`;

describe('the way to a realtime upstream', () => {
  it('leads through an HTTP proxy, by a tunnel and over TLS, as that of a request does', async () => {
    const pair = makeSelfSigned();
    const folder = makeFolder();
    cleanups.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'ca.pem'), pair.cert);
    const upstream = keep(await startSocketUpstream(pair));
    const proxy = keep(await startHttpProxy());
    const daemon = await start(`proxy-url: "http://user:pass@127.0.0.1:${proxy.port}"\n${entry(upstream.url)}`, { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') });
    upstream.setTalk(({ ws }) => ws.on('message', (data: Buffer) => ws.send(data.toString())));
    const client = await talk(daemon);
    client.send('{"type":"echo"}');
    await client.next('echo');
    expect([proxy.destinations, proxy.credentials]).toEqual([[new URL(upstream.url).host], ['user:pass']]);
    expect(upstream.sockets[0]?.headers['proxy-authorization']).toBeUndefined();
    await client.close();
  });

  it('leads through a SOCKS proxy', async () => {
    const upstream = keep(await startSocketUpstream());
    const proxy = keep(await startSocksProxy());
    const daemon = await start(entry(upstream.url, `, proxy-url: "socks5://127.0.0.1:${proxy.port}"`));
    upstream.setTalk(({ ws }) => ws.send('{"type":"session.created"}'));
    const client = await talk(daemon);
    await client.next('session.created');
    expect(proxy.destinations).toEqual([new URL(upstream.url).host]);
    await client.close();
  });

  it('leads to no address that Keyward does not connect to', async () => {
    const rig = await startLogin('http://169.254.169.254');
    rig.keeper.good.set('login-1', 'token');
    await expect(openSocket(rig.url)).rejects.toThrow('502 upstream_refused_address');
  });

  it('is told of as a 502 where nobody listens', async () => {
    const upstream = await startSocketUpstream();
    await upstream.close();
    const daemon = await start(entry(upstream.url));
    await expect(talk(daemon)).rejects.toThrow(/^502 .*"upstream_error"/);
  });
});

interface LoginRig {
  readonly url: string;
  readonly keeper: FakeKeeper;
  readonly rows: readonly UsageRow[];
  readonly openPlaces: () => number;
}

/** The realtime endpoint alone, with one login that spends its tokens at the upstream. */
async function startLogin(origin: string): Promise<LoginRig> {
  const config = configOf({ 'openai-compatibility': [{ name: 'corp', 'base-url': `${origin}/v1`, models: [{ name: 'voice' }] }] });
  const accounts = accountsFromConfig(config).accounts.map((account) => ({ ...account, credential: { kind: 'login', loginKey: 'login-1' } as const }));
  const snapshot = { routes: buildRoutingTable(accounts, config), limits: proxyLimits(config) };
  const keeper = createFakeKeeper();
  const rows: UsageRow[] = [];
  const dispatchers = keep(createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 }));
  const limits = () => socketLimits(config);
  const sockets = createSockets({ clock: systemClock, limits, metrics: { socketOpened: () => undefined, socketClosed: () => undefined }, log: silentLogger });
  cleanups.push(sockets.close);
  const handle = createRealtimeSocket({ clock: systemClock, sockets, socketLimits: limits, limits: callerLimits(systemClock).limits, router: createRouter(systemClock), upstreams: createUpstreams({ userAgent: 'keyward/test', dispatchers }), tokens: keeper, settle: createSettle(systemClock, (row) => void rows.push(row)), onOpened: () => undefined });
  const server = createServer();
  server.on('upgrade', (req, socket, head) => {
    const [path = '', query = ''] = (req.url ?? '').split('?');
    const opening = { id: 'req-1', target: { path, query }, endpoint: 'WS /v1/realtime', peer: { address: '127.0.0.1', isLocal: true, isControlSocket: false, throttleKey: '127.0.0.1' }, principal: anonymous, startedMs: systemClock.monotonicMs(), req, socket, head, snapshot: () => snapshot, readmit: () => ok(anonymous) };
    handle(opening).then(
      (refusal) => {
        if (refusal !== undefined) socket.end(`HTTP/1.1 ${refusal.status} Refused\r\ncontent-length: ${Buffer.byteLength(refusal.body)}\r\nconnection: close\r\n\r\n${refusal.body}`);
      },
      (thrown: unknown) => {
        const { status, code } = toAppError(thrown);
        socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: ${code.length}\r\nconnection: close\r\n\r\n${code}`);
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/v1/realtime?model=voice`, keeper, rows, openPlaces: sockets.count };
}

describe('a login upstream', () => {
  it('gets the login’s token, and after a 401 a new one, once', async () => {
    const upstream = keep(await startSocketUpstream());
    const rig = await startLogin(upstream.url);
    rig.keeper.good.set('login-1', 'token-old');
    upstream.setDoor(({ headers }) => (headers.authorization === 'Bearer token-old' ? refuseWith(401, { error: { message: 'expired' } }) : 'accept'));
    const client = await openSocket(rig.url);
    expect(upstream.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-old', expect.stringMatching(/^Bearer token-login-1-refreshed-1$/)]);
    await client.close();
    await until('it is settled', () => rig.rows.length > 0);
    expect(rig.rows).toMatchObject([{ endpoint: 'WS /v1/realtime', status: 101, outcome: 'ok', attempts: 2, model: 'voice' }]);
  });

  it('that refuses the new token too is account_unavailable', async () => {
    const upstream = keep(await startSocketUpstream());
    const rig = await startLogin(upstream.url);
    upstream.setDoor(() => refuseWith(401, { error: { message: 'no' } }));
    await expect(openSocket(rig.url)).rejects.toThrow('503 account_unavailable');
    expect(upstream.asked).toHaveLength(2);
    expect(rig.rows).toMatchObject([{ status: 503, outcome: 'account_unavailable' }]);
  });

  it('without a token is account_unavailable, and nothing is asked upstream', async () => {
    const upstream = keep(await startSocketUpstream());
    const rig = await startLogin(upstream.url);
    rig.keeper.faults.set('login-1', { kind: 'needs_login', reason: 'refresh_refused', detail: 'invalid_grant' });
    await expect(openSocket(rig.url)).rejects.toThrow('503 account_unavailable');
    expect(upstream.asked).toHaveLength(0);
  });

  it('whose token is waited for is not asked once the client has left', async () => {
    const upstream = keep(await startSocketUpstream());
    const rig = await startLogin(upstream.url);
    rig.keeper.hold('login-1');
    const ws = new WebSocket(rig.url.replace('http', 'ws'));
    ws.on('error', () => undefined);
    await until('the token is waited for', () => rig.keeper.held.has('login-1'));
    ws.terminate();
    expect(await until('the wait is over', () => rig.keeper.abandoned() === 1)).toBeLessThan(250);
    await until('it is settled', () => rig.rows.length > 0);
    expect(rig.rows).toMatchObject([{ status: 499, outcome: 'client_closed' }]);
    expect([upstream.asked.length, rig.openPlaces()]).toEqual([0, 0]);
  });
});
