import { homedir } from 'node:os';
import { createAuditLog } from '../audit/audit-log.ts';
import { createBudgetLedger } from '../clients/limits/budget-ledger.ts';
import { createLimits } from '../clients/limits/limits.ts';
import type { Clock } from '../clock/clock.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigChange, ConfigStore } from '../config/ports.ts';
import { AppError } from '../fault/app-error.ts';
import { createDoor } from '../http/door.ts';
import { compileRoutes } from '../http/route-table.ts';
import { createDispatchers } from '../egress/dispatchers.ts';
import type { LogHandle } from '../log/create-logger.ts';
import type { FileLog } from '../log/file-log.ts';
import { createLogFiles } from '../log/log-files.ts';
import { createRequestLogs } from '../log/request-log.ts';
import type { ManagementDeps } from '../management/context.ts';
import { configViews } from '../management/config-views.ts';
import { managementRoutes } from '../management/routes.ts';
import { createMetrics, metricsContentType } from '../metrics/metrics.ts';
import { createFetchedModels } from '../proxy/fetched-models.ts';
import { createProxy } from '../proxy/forward.ts';
import { createRunningExchanges } from '../proxy/running.ts';
import { createSettle } from '../proxy/settled.ts';
import { createUpstreams } from '../proxy/upstreams.ts';
import { createRouter } from '../routing/router.ts';
import { randomToken } from '../secret/digest.ts';
import { createFront } from '../server/front.ts';
import type { Handlers } from '../server/listen.ts';
import type { Pages } from '../server/pages.ts';
import { routeTable } from '../server/app.ts';
import { createOAuthRoutes } from '../server/oauth-routes.ts';
import { createLoginRoutes } from '../server/login-routes.ts';
import { createStatusPages } from '../server/status-pages.ts';
import { openAudit } from '../storage/open-audit.ts';
import { openSealer } from '../storage/sealer.ts';
import { startRetention } from '../storage/retention.ts';
import { openSqliteStores } from '../storage/sqlite/stores.ts';
import { createTokenGrants } from '../upstreamauth/grants.ts';
import { createLogins } from '../upstreamauth/logins.ts';
import { createRevoke } from '../upstreamauth/revoke.ts';
import { createUsageRecorder } from '../usage/recorder.ts';
import { socketLimits } from '../websocket/limits.ts';
import { createRealtimeSocket } from '../websocket/realtime-socket.ts';
import { createResponsesSocket } from '../websocket/responses-socket.ts';
import { createSockets } from '../websocket/sockets.ts';
import { createTurnMemories } from '../websocket/turn-memory.ts';
import type { Folders } from './folders.ts';
import type { Live } from './live.ts';
import { countStates } from './account-states.ts';
import { callbackUrl } from './callback-url.ts';
import { observeEdits, recordLife, recordLoginFirst, recordsOrNothing } from './audit-events.ts';
import { observeAttempts, observeExchanges, observeLogins } from './observe.ts';
import { keepClientAuth } from './client-auth.ts';
import type { OpenIdentity } from './identity.ts';
import { openManagedKeys } from './managed-keys.ts';
import type { DaemonOptions } from './options.ts';
import { openWorkloads } from './workloads.ts';
import { openUpstreamAccounts, type UpstreamAccounts } from './upstream-accounts.ts';

export interface Parts {
  readonly options: DaemonOptions;
  readonly clock: Clock;
  readonly live: Live;
  readonly config: ConfigStore;
  readonly folders: Folders;
  readonly logs: LogHandle;
  readonly fileLog: FileLog;
  /** What `GET /status` says of the listeners. */
  readonly binds: () => readonly string[];
  /** True once a stop was asked for. */
  readonly isDraining: () => boolean;
  readonly configLoadedAtMs: () => number;
  readonly onLogLinesDropped: (listener: (sink: 'console' | 'file', lines: number) => void) => void;
  /** Of edits that an editor made; at most one listener. */
  readonly onConfigEdited: (listener: (previous: LoadedConfig, change: ConfigChange) => void) => void;
}

export interface Assembled {
  readonly handlers: Handlers;
  readonly openCount: () => number;
  /** A stop has begun: sockets close as soon as nothing runs on them. */
  readonly stopSockets: () => void;
  /** Begins what goes on by itself: following the auth directory, refreshing ahead. */
  readonly start: () => Promise<void>;
  /** Makes everything durable and lets go, in the reverse order of opening. */
  readonly close: () => Promise<void>;
}

/** Builds every part from the ones below it; the only place that knows them all. Resolves when the accounts of the auth directory are live. */
export async function assemble(parts: Parts): Promise<Assembled> {
  const { options, clock, live, config, folders, logs, fileLog } = parts;
  const log = logs.logger;
  const startedAtMs = clock.nowMs();
  const authDirEncryption = live.snapshot().loaded.config['auth-dir-encryption'];
  const settings = () => live.snapshot().loaded.config;
  const lifetime = new AbortController();

  const stores = openSqliteStores({ file: folders.database, clock, maxStoredResponseBytes: () => settings()['stored-responses']['max-total-mb'] * 1_048_576, onFailure: (err) => log.error({ err }, 'stored responses, or whose they are, cannot be kept') });
  const router = createRouter(clock, log);
  let accounts: UpstreamAccounts | undefined;
  const metrics = createMetrics({
    clock,
    version: options.version,
    accountStates: () => {
      const { routes, logins: known } = live.snapshot();
      const waiting = new Set(known.filter(({ key }) => accounts?.keeper.stateOf(key).kind === 'needs_login').map(({ accountId }) => accountId));
      return countStates(router.states(routes), (accountId) => waiting.has(accountId));
    },
    authFiles: () => ({ used: accounts?.directory().files().length ?? 0, refused: accounts?.directory().problems().filter(({ severity }) => severity === 'error').length ?? 0 }),
  });
  parts.onLogLinesDropped((sink, lines) => metrics.logLinesDropped(sink, lines));
  let queuedRows = 0;
  const recorder = createUsageRecorder({
    store: stores.usage,
    clock,
    log,
    metrics: {
      usageRowsLost: metrics.usageRowsLost,
      usageRowsQueued: (rows) => {
        queuedRows = rows;
        metrics.usageRowsQueued(rows);
      },
    },
  });
  const auditStore = await openAudit({ tables: stores.audit, places: folders, uid: process.getuid?.(), clock, log });
  const audit = createAuditLog({ store: auditStore, clock, log, onLost: metrics.auditEventsLost });
  parts.onConfigEdited(observeEdits({ audit, clock, views: configViews }));
  const obstacle = recordsOrNothing({ isClosed: () => settings().audit['fail-closed'], isStoring: () => recorder.isStoring() && audit.isStoring() });
  const retention = startRetention({
    clock,
    log,
    tables: [
      { name: 'usage', keepDays: () => settings()['usage-retention-days'], removeBefore: stores.usage.removeBefore },
      { name: 'audit', keepDays: () => settings().audit['retention-days'], removeBefore: auditStore.removeBefore },
      // A month that is over counts for nothing any more; the year tells an operator what was spent.
      { name: 'budgets', keepDays: () => 400, removeBefore: stores.budgets.removeBefore },
      { name: 'stored responses', keepDays: () => settings()['stored-responses']['retention-days'], removeBefore: stores.responses.removeBefore },
    ],
  });
  const budgets = createBudgetLedger({ store: stores.budgets, clock, log });
  const logFiles = createLogFiles({ directory: folders.logs, fileLog });
  const maxTotalBytes = () => settings()['logs-max-total-size-mb'] * 1_048_576;
  const requestLogs = createRequestLogs({
    directory: folders.logs,
    clock,
    isEnabled: () => settings()['request-log'],
    maxErrorFiles: () => settings()['error-logs-max-files'],
    maxTotalBytes,
    onDropped: () => metrics.logLinesDropped('request-log', 1),
  });

  const userAgent = `keyward/${options.version}`;
  const environment = {
    httpProxy: options.env['HTTP_PROXY'] ?? options.env['http_proxy'],
    httpsProxy: options.env['HTTPS_PROXY'] ?? options.env['https_proxy'],
    noProxy: options.env['NO_PROXY'] ?? options.env['no_proxy'],
  };
  const connectTimeoutMs = (): number => live.snapshot().limits.connectTimeoutMs;
  const dispatchers = createDispatchers({ environment, connectTimeoutMs });
  // Apart from the exchanges: a token request must not meet a connection that the vendor is about to close.
  const tokenDispatchers = createDispatchers({ environment, connectTimeoutMs });
  const vendors = { clock, log, dispatchers: tokenDispatchers, userAgent, proxyUrl: () => settings()['proxy-url'] };
  const upstreamAccounts = await openUpstreamAccounts({
    live,
    clock,
    log,
    env: options.env,
    home: options.home === '' ? homedir() : options.home,
    uid: process.getuid?.(),
    grants: createTokenGrants(vendors),
    ...observeLogins({ router, metrics, audit, clock }),
  });
  accounts = upstreamAccounts;
  const logins = createLogins({
    ...vendors,
    profiles: () => live.snapshot().profiles,
    storeLogin: async (login) => {
      if (settings().audit['fail-closed']) await recordLoginFirst({ audit, clock }, login.type);
      const stored = await upstreamAccounts.writer().storeLogin(login);
      if (stored.ok) {
        await upstreamAccounts.directory().rescan();
        // What the old tokens' refusals left behind says nothing of the new ones.
        const renewed = live.snapshot().logins.find(({ fileNames }) => fileNames.includes(stored.value.name));
        if (renewed !== undefined) router.resetCooldowns(renewed.accountId);
        // Nor does a refusal of the very token that the provider has now given again.
        if (renewed !== undefined && upstreamAccounts.keeper.stateOf(renewed.key).kind === 'needs_login') upstreamAccounts.keeper.retry(renewed.key);
      }
      return stored;
    },
    isKnown: (login) => upstreamAccounts.writer().knows(login),
    callbackBase: () => ({ url: callbackUrl(settings(), parts.binds()), isServed: true }),
  });
  const upstreams = createUpstreams({ userAgent, dispatchers });
  const fetchedModels = createFetchedModels({ clock, log, upstreams, tokens: upstreamAccounts.keeper });
  const exchanges = {
    clock,
    router: observeAttempts(router, metrics),
    upstreams,
    tokens: upstreamAccounts.keeper,
    settle: createSettle(clock, observeExchanges({ usage: recorder, metrics, log: logs })),
    limits: createLimits({ clock, ledger: budgets }),
    onOpened: metrics.exchangeOpened,
    obstacle,
  };
  const limits = () => socketLimits(settings());
  const sockets = createSockets({ clock, limits, log, metrics });
  const running = createRunningExchanges();
  let identity: OpenIdentity | undefined;
  const managedKeys = openManagedKeys({ store: stores.managedKeys, clock, log, live, dataDir: live.snapshot().loaded.dataDir, running, readmitSockets: sockets.readmitAll, outside: (id) => identity?.rightsOf(id) });
  const clientAuth = keepClientAuth({ live, config, views: configViews, audit, clock, log, dataDir: live.snapshot().loaded.dataDir });
  const workloads = openWorkloads({ clock, log, live, tokenDispatchers, userAgent, running, readmitSockets: sockets.readmitAll });
  // Off, nothing of it is even loaded.
  identity = settings().identity.enabled ? (await import('./identity.ts')).openIdentity({ metrics, tokenDispatchers, userAgent, store: stores.identity(await openSealer(folders.identityKey, process.getuid?.(), log)), clock, log, audit, live, workloads, running, readmitSockets: sockets.readmitAll, keys: managedKeys }) : undefined;
  const proxy = createProxy({ ...exchanges, running, owners: stores.responseOwners, store: stores.responses, spoolDir: folders.spool, requestLogs });

  const management: ManagementDeps = {
    config,
    views: configViews,
    usageStore: stores.usage,
    usageRecorder: recorder,
    audit,
    clientKeys: managedKeys.service,
    identity: identity === undefined ? undefined : { clients: identity.clients, sessions: identity.sessions, devices: identity.server.devices, approvalCodes: identity.people.approvalCodes, rotateSigningKey: () => identity.server.signingKeys.rotate().kid },
    principalOf: (id) => managedKeys.principalOf(id) ?? identity?.principalOf(id),
    logs: logFiles,
    router,
    routingTable: () => live.snapshot().routes,
    accounts: {
      directory: upstreamAccounts.directory,
      writer: upstreamAccounts.writer,
      logins: () => live.snapshot().logins,
      problems: () => live.snapshot().accountProblems,
      profiles: () => live.snapshot().profiles,
      keeper: upstreamAccounts.keeper,
      vendorLogins: logins,
      revoke: createRevoke({ ...vendors, profiles: () => live.snapshot().profiles }),
    },
    metrics,
    daemon: () => ({
      version: options.version,
      pid: process.pid,
      startedAtMs,
      binds: parts.binds(),
      configLoadedAtMs: parts.configLoadedAtMs(),
      authDirEncryption,
      warnings: live.snapshot().warnings,
      openExchanges: proxy.openCount(),
      usageQueueLength: queuedRows,
      storage: recorder.isStoring() && audit.isStoring() ? { healthy: true, detail: '' } : { healthy: false, detail: 'usage or audit rows cannot be stored and wait in memory; the log has the cause' },
    }),
    clock,
    tagSecret: randomToken(32),
  };
  const statusPages = createStatusPages({
    version: options.version,
    readiness: () => ({
      isServing: !parts.isDraining() && obstacle() === undefined,
      codes: [...(config.lastRefusal() === undefined ? [] : ['config_refused']), ...(live.snapshot().routes.accounts.some((account) => !account.disabled) ? [] : ['no_accounts']), ...(live.snapshot().logins.some(({ key, disabled }) => !disabled && upstreamAccounts.keeper.stateOf(key).kind === 'needs_login') ? ['account_needs_login'] : []), ...(recorder.isStoring() && audit.isStoring() ? [] : ['storage_unavailable']), ...(parts.isDraining() ? ['draining'] : [])],
    }),
    metrics: () => Promise.resolve({ contentType: metricsContentType, text: metrics.render() }),
    listModels: fetchedModels.listModels,
  });

  const door = createDoor({
    clock,
    sources: [managedKeys.source, ...(identity === undefined ? [] : [identity.source]), workloads.source],
    checkProof: identity?.checkProof,
    signal: lifetime.signal,
    onRefused: (refusal) => {
      metrics.doorRefused(refusal.access === 'client' ? 'client' : refusal.access === 'open' ? 'guard' : 'management', refusal.code);
      audit.append({
        atMs: clock.nowMs(),
        action: refusal.access === 'management' || refusal.access === 'metrics' ? 'management.refused' : 'door.refused',
        actor: refusal.actor ?? 'anonymous',
        from: refusal.from,
        requestId: refusal.requestId,
        target: `${refusal.method} ${refusal.path.slice(0, 256)}`,
        code: refusal.code,
      });
    },
  });
  const onFailure = (requestId: string, err: unknown): void => {
    if (err instanceof AppError) log.warn({ err, requestId }, 'a request could not be served');
    else log.error({ err, requestId }, 'a request failed inside Keyward');
  };
  const isKept = (id: string, principalId: string): boolean => stores.responseOwners.find(id)?.principalId === principalId || (live.snapshot().limits.storesResponses && stores.responses.measure(id, principalId) !== undefined);
  const socketRoutes = {
    responses: createResponsesSocket({ clock, sockets, limits, memories: createTurnMemories(() => limits().maxMemoryBytes), proxy, isKept, onFailure }),
    realtime: createRealtimeSocket({ ...exchanges, sockets, socketLimits: limits }),
  };
  const oauthRoutes = identity === undefined ? undefined : createOAuthRoutes({ ...identity, audit, clock, pages: identity.people.pages });
  let isStarted = false;
  let pages: Promise<Pages> | undefined;
  const handlers = createFront({
    clock,
    routes: compileRoutes(routeTable(proxy, socketRoutes, statusPages, createLoginRoutes(logins.pages), oauthRoutes, managementRoutes(management))),
    door,
    snapshot: live.snapshot,
    pages: () => (pages ??= import('../server/pages.ts').then(({ createPages }) => createPages((inbound, thrown) => onFailure(inbound.id, thrown)))),
    hasManagementListener: settings()['remote-management'].listen !== '',
    isManagementOnUnixSocket: settings()['remote-management'].listen.startsWith('unix:'),
    onFailure,
  });

  return {
    handlers,
    openCount: proxy.openCount,
    stopSockets: sockets.stop,
    start: async () => {
      await upstreamAccounts.start();
      isStarted = true;
      await clientAuth.writeDown();
      recordLife({ audit, clock }, 'daemon.started', options.version);
    },
    close: async () => {
      lifetime.abort();
      sockets.close();
      await clientAuth.close();
      await logins.close();
      await fetchedModels.close();
      // What was sent to a token endpoint is waited for: its answer is worth more than a quick end.
      await upstreamAccounts.close();
      await tokenDispatchers.close();
      await dispatchers.close();
      await retention.stop();
      await recorder.close();
      await budgets.close();
      if (isStarted) recordLife({ audit, clock }, 'daemon.stopped', options.version);
      await audit.close();
      await requestLogs.close();
      managedKeys.close();
      identity?.close();
      workloads.close();
      stores.close();
    },
  };
}
