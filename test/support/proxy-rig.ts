import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Account } from '../../internal/accounts/account.ts';
import { anonymous, type Principal } from '../../internal/clients/principal.ts';
import { createDispatchers } from '../../internal/egress/dispatchers.ts';
import type { Inbound } from '../../internal/http/inbound.ts';
import { createProxy, type Proxy } from '../../internal/proxy/forward.ts';
import { proxyLimits, type ProxySnapshot } from '../../internal/proxy/limits.ts';
import type { Tokens } from '../../internal/proxy/login-token.ts';
import { createMemoryResponseStore } from '../../internal/storage/memory/response-store.ts';
import { createRunningExchanges, type RunningExchanges } from '../../internal/proxy/running.ts';
import { operations } from '../../internal/proxy/operation.ts';
import { createSettle } from '../../internal/proxy/settled.ts';
import { createUpstreams } from '../../internal/proxy/upstreams.ts';
import type { Router, RoutingTable } from '../../internal/routing/ports.ts';
import { createRouter } from '../../internal/routing/router.ts';
import { buildRoutingTable } from '../../internal/routing/table.ts';
import type { UsageRow } from '../../internal/usage/ports.ts';
import { configOf } from './config.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** The data plane alone, without doors: every caller is let in. */
export interface ProxyRig {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly clock: ManualClock;
  readonly router: Router;
  readonly table: RoutingTable;
  /** One each exchange that ended. */
  readonly settled: readonly UsageRow[];
  /** What the log of exchanges was told. */
  readonly logged: () => string;
  readonly running: RunningExchanges;
  readonly close: () => Promise<void>;
}

export interface ProxyRigSetup {
  readonly accounts: readonly Account[];
  readonly tokens: Tokens;
  readonly config?: object;
  /** Who every request is by. */
  readonly principal?: Principal;
}

export async function startProxyRig({ accounts, tokens, config: given = {}, principal = anonymous }: ProxyRigSetup): Promise<ProxyRig> {
  const config = configOf(given);
  const clock = createManualClock();
  const router = createRouter(clock);
  const settled: UsageRow[] = [];
  const logged: unknown[] = [];
  const dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
  const log = (...told: readonly unknown[]): void => void logged.push(...told.map((each) => (each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each instanceof Error ? each.message : each)));
  const running = createRunningExchanges();
  const proxy = createProxy({
    clock,
    running,
    router,
    upstreams: createUpstreams({ userAgent: 'keyward/test', dispatchers }),
    tokens,
    owners: createOwners(),
    store: createMemoryResponseStore(),
    settle: createSettle(clock, (row) => void settled.push(row)),
    spoolDir: '/nonexistent',
    onOpened: () => undefined,
    requestLogs: { begin: () => ({ requestChunk: () => undefined, attempt: log, responseHead: () => undefined, responseChunk: log, end: log }) },
  });
  const snapshot: ProxySnapshot = { routes: buildRoutingTable(accounts, config), limits: proxyLimits(config) };
  const server = createServer((req, res) => {
    const [path = '', ...query] = (req.url ?? '').split('?');
    const spec = /^\/v1(?:beta)?\/models\/(.+)$/.exec(path)?.[1];
    const inbound: Inbound<ProxySnapshot> = {
      id: 'req-1',
      method: req.method ?? '',
      target: { path, query: query.join('?') },
      endpoint: `${req.method} ${path}`,
      params: { ...(spec === undefined ? {} : { spec }), id: path.replace(/\/input_items$/, '').split('/').at(-1) ?? '' },
      peer: { address: '127.0.0.1', isLocal: true, isControlSocket: false, throttleKey: '127.0.0.1' },
      principal,
      snapshot,
      startedMs: clock.monotonicMs(),
      req,
      res,
    };
    void handlerFor(proxy, path)(inbound);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    clock,
    router,
    table: snapshot.routes,
    settled,
    running,
    logged: () => JSON.stringify(logged),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await dispatchers.close();
    },
  };
}

function handlerFor(proxy: Proxy, path: string): Proxy['forwardGemini'] {
  const operation = Object.values(operations).find(({ tail }) => path === `/v1${tail}`);
  if (path.endsWith('/input_items')) return proxy.showInputItems;
  if (path.startsWith('/v1/responses/resp_')) return proxy.forwardStoredResponse;
  return operation === undefined ? proxy.forwardGemini : proxy.forward(operation);
}

function createOwners(): Parameters<typeof createProxy>[0]['owners'] {
  const owners = new Map<string, { readonly principalId: string; readonly accountId: string }>();
  return { remember: (id, owner) => void owners.set(id, owner), find: (id) => owners.get(id) };
}

/** The account with its base URL's origin replaced, path and all else as it is: what reaches a simulator is what the vendor would see. */
export function spentAt(account: Account, origin: string): Account {
  return { ...account, baseUrl: account.baseUrl.replace(new URL(account.baseUrl).origin, origin) };
}
