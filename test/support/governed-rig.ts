import { once } from 'node:events';
import { createServer } from 'node:http';
import { accountsFromConfig } from '../../internal/accounts/from-config.ts';
import type { BudgetStore } from '../../internal/clients/limits/budget-store.ts';
import { systemClock } from '../../internal/clock/clock.ts';
import { createDispatchers } from '../../internal/egress/dispatchers.ts';
import { AppError } from '../../internal/fault/app-error.ts';
import { createDoor } from '../../internal/http/door.ts';
import { compileRoutes } from '../../internal/http/route-table.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import { createProxy } from '../../internal/proxy/forward.ts';
import { createRunningExchanges } from '../../internal/proxy/running.ts';
import { proxyLimits } from '../../internal/proxy/limits.ts';
import { createSettle } from '../../internal/proxy/settled.ts';
import { createUpstreams } from '../../internal/proxy/upstreams.ts';
import { createRouter } from '../../internal/routing/router.ts';
import { buildRoutingTable } from '../../internal/routing/table.ts';
import { routeTable } from '../../internal/server/app.ts';
import { createFront } from '../../internal/server/front.ts';
import { createLoginRoutes } from '../../internal/server/login-routes.ts';
import { createPages } from '../../internal/server/pages.ts';
import { createStatusPages } from '../../internal/server/status-pages.ts';
import { createMemoryResponseStore } from '../../internal/storage/memory/response-store.ts';
import type { UsageRow } from '../../internal/usage/ports.ts';
import { socketLimits } from '../../internal/websocket/limits.ts';
import { createRealtimeSocket } from '../../internal/websocket/realtime-socket.ts';
import { createResponsesSocket } from '../../internal/websocket/responses-socket.ts';
import { createSockets } from '../../internal/websocket/sockets.ts';
import { createTurnMemories } from '../../internal/websocket/turn-memory.ts';
import { callerLimits, type CallerLimits } from './caller-limits.ts';
import { configOf } from './config.ts';
import { loadedWith, rulesOf } from './door-fixtures.ts';
import { createFakeCredentials, type FakeCredentials } from './fake-credentials.ts';
import { createFakeKeeper } from './fake-keeper.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** Doors, routes, exchanges and sockets before upstreams of a test; who may do what is by credentials of the test. */
export interface GovernedRig {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly keys: FakeCredentials;
  readonly counted: CallerLimits;
  /** Rates and budgets go by it; all else by the clock on the wall. */
  readonly clock: ManualClock;
  /** While it is set no exchange may begin. */
  readonly setObstacle: (code: 'audit_unavailable' | undefined) => void;
  /** One each exchange that ended. */
  readonly settled: readonly UsageRow[];
  readonly close: () => Promise<void>;
}

export async function startGovernedRig(given: object, store?: BudgetStore): Promise<GovernedRig> {
  const settings = { 'client-auth': 'required', ...given };
  const config = configOf(settings);
  const clock = createManualClock();
  const counted = callerLimits(clock, store);
  const keys = createFakeCredentials();
  const settled: UsageRow[] = [];
  let obstacle: 'audit_unavailable' | undefined;
  const dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
  const owners = new Map<string, { readonly principalId: string; readonly accountId: string }>();
  const exchanges = {
    clock: systemClock,
    router: createRouter(systemClock),
    upstreams: createUpstreams({ userAgent: 'keyward/test', dispatchers }),
    tokens: createFakeKeeper(),
    settle: createSettle(systemClock, (row) => void settled.push(row)),
    limits: counted.limits,
    onOpened: () => undefined,
    obstacle: () => (obstacle === undefined ? undefined : new AppError(obstacle)),
  };
  const proxy = createProxy({
    ...exchanges,
    running: createRunningExchanges(),
    owners: { remember: (id, owner) => void owners.set(id, owner), find: (id) => owners.get(id) },
    store: createMemoryResponseStore(),
    spoolDir: '/nonexistent',
    requestLogs: { begin: () => ({ requestChunk: () => undefined, attempt: () => undefined, responseHead: () => undefined, responseChunk: () => undefined, end: () => undefined }) },
  });
  const snapshot = { loaded: loadedWith(settings), warnings: [], door: rulesOf(settings), routes: buildRoutingTable(accountsFromConfig(config).accounts, config), limits: proxyLimits(config) };
  const limits = () => socketLimits(config);
  const sockets = createSockets({ clock: systemClock, limits, metrics: { socketOpened: () => undefined, socketClosed: () => undefined }, log: silentLogger });
  const socketRoutes = {
    responses: createResponsesSocket({ clock: systemClock, sockets, limits, memories: createTurnMemories(() => limits().maxMemoryBytes), proxy, isKept: () => false, onFailure: () => undefined }),
    realtime: createRealtimeSocket({ ...exchanges, sockets, socketLimits: limits }),
  };
  const statusPages = createStatusPages({ version: 'test', readiness: () => ({ isServing: true, codes: [] }), metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }), listModels: ({ routes }) => Promise.resolve(routes.listModels()) });
  const logins = createLoginRoutes({ callback: () => Promise.resolve({ status: 303, headers: {}, body: '' }), result: () => ({ status: 404, headers: {}, body: '' }) });
  const pages = createPages(() => undefined);
  const front = createFront({
    clock: systemClock,
    routes: compileRoutes(routeTable(proxy, socketRoutes, statusPages, logins, undefined, [])),
    door: createDoor({ clock: systemClock, sources: [keys], onRefused: () => undefined }),
    snapshot: () => snapshot,
    pages: () => Promise.resolve(pages),
    hasManagementListener: false,
    isManagementOnUnixSocket: false,
    onFailure: () => undefined,
  });
  const server = createServer((req, res) => front.onRequest(req, res, 'main'));
  server.on('upgrade', (req, socket, head) => front.onUpgrade(req, socket, head, 'main'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    keys,
    counted,
    clock,
    setObstacle: (code) => {
      obstacle = code;
    },
    settled,
    close: async () => {
      sockets.close();
      server.closeAllConnections();
      server.close();
      await dispatchers.close();
    },
  };
}
