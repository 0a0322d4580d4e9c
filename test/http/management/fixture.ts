import { Hono } from 'hono';
import { createAuditLog } from '../../../internal/audit/audit-log.ts';
import type { AuditStore } from '../../../internal/audit/store.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { createManagedKeyService, type ManagedKeyService } from '../../../internal/clients/managed-keys/service.ts';
import { createManagedKeySource, type ManagedKeySource } from '../../../internal/clients/managed-keys/source.ts';
import type { ManagedKeyStore } from '../../../internal/clients/managed-keys/store.ts';
import { root, type Principal } from '../../../internal/clients/principal.ts';
import { toAppError } from '../../../internal/fault/app-error.ts';
import { renderFault } from '../../../internal/http/fault-wire.ts';
import type { ConfigStore } from '../../../internal/config/ports.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import type { LogFiles } from '../../../internal/log/ports.ts';
import { configViews } from '../../../internal/management/config-views.ts';
import { managementBase, type ManagementDeps, type ManagementRoute } from '../../../internal/management/context.ts';
import type { DaemonStatus } from '../../../internal/management/ports.ts';
import { managementRoutes } from '../../../internal/management/routes.ts';
import { isObject, type JsonObject } from '../../../internal/management/values.ts';
import type { AccountState, RoutingTable } from '../../../internal/routing/ports.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import { createMemoryAuditStore } from '../../../internal/storage/memory/audit-store.ts';
import { createMemoryManagedKeyStore } from '../../../internal/storage/memory/managed-keys.ts';
import { createMemoryUsageStore } from '../../../internal/storage/memory/usage-store.ts';
import type { UsageStore } from '../../../internal/usage/store.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { createConfigOnDisk, type ConfigOnDisk } from './config-on-disk.ts';
import { createFakeAccounts, type FakeAccounts } from './fake-accounts.ts';

/** Somebody whom the management door lets in, but who does not hold the root secret. */
export const operator: Principal = { id: 'key_0123456789ab', kind: 'local', label: 'operator' };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `{}` where the body is no JSON object. */
  readonly body: JsonObject;
  /** `error.code`, empty where there is none. */
  readonly code: string;
}

export interface Management {
  readonly config: ConfigOnDisk;
  readonly usageStore: UsageStore;
  /** Actions, targets and codes of the audit, oldest first. */
  readonly audited: () => readonly { readonly action: string; readonly target: string; readonly code: string; readonly before?: unknown; readonly after?: unknown }[];
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>;
  readonly resets: (string | undefined)[];
  /** What the door would say of managed keys. */
  readonly keySource: ManagedKeySource;
  readonly keyStore: ManagedKeyStore;
  readonly clientKeys: ManagedKeyService;
  readonly clock: ManualClock;
  readonly accounts: FakeAccounts;
  readonly routes: () => Promise<readonly ManagementRoute[]>;
  /** `provider result` of every login that ended. */
  readonly loginsEnded: string[];
}

export interface SendOptions {
  readonly json?: unknown;
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: Principal;
}

export interface Overrides {
  readonly logs?: LogFiles;
  readonly states?: readonly AccountState[];
  readonly daemon?: Partial<DaemonStatus>;
  readonly accounts?: FakeAccounts;
  readonly principalOf?: ManagementDeps['principalOf'];
  readonly auditStore?: AuditStore;
}

export const noLogs: LogFiles = {
  isEnabled: () => false,
  tail: () => Promise.resolve({ lines: [], latestMs: 0 }),
  clear: () => Promise.resolve(0),
  listErrorLogs: () => Promise.resolve([]),
  readErrorLog: () => Promise.resolve(undefined),
  readRequestLog: () => Promise.resolve(undefined),
};

/** The management rows on a Hono app, a test principal in front, over the real store of a config of the given text. */
export function openManagement(yaml: string, overrides: Overrides = {}): Management {
  const clock = createManualClock();
  const config = createConfigOnDisk(yaml, clock);
  const usageStore = createMemoryUsageStore();
  const audit = createAuditLog({ store: overrides.auditStore ?? createMemoryAuditStore(), clock, log: silentLogger, onLost: () => undefined });
  const keyStore = createMemoryManagedKeyStore();
  const keySource = createManagedKeySource({ store: keyStore, clock });
  const clientKeys = createManagedKeyService({ store: keyStore, clock, closeDoor: () => undefined, onChanged: keySource.apply });
  const resets: (string | undefined)[] = [];
  const accounts = overrides.accounts ?? createFakeAccounts();
  const loginsEnded: string[] = [];
  const table = (): RoutingTable => buildRoutingTable([...accountsFromConfig(config.current().config).accounts, ...accounts.accounts().accounts], config.current().config);
  const depsOver = (store: ConfigStore): ManagementDeps => ({
    config: store,
    views: configViews,
    usageStore,
    usageRecorder: { flush: () => Promise.resolve() },
    audit,
    clientKeys,
    logs: overrides.logs ?? noLogs,
    router: {
      explain: (_table, { model, dialect = 'openai-chat' }) => ({ model, dialect, operation: 'chat', atMs: clock.nowMs(), strategy: 'round-robin', maxCooldownMs: 900_000, affinity: { ttlMs: undefined, boundSessions: 0 }, candidates: [] }),
      resetCooldowns: (accountId) => resets.push(accountId),
      states: () => overrides.states ?? [],
    },
    routingTable: table,
    accounts: accounts.parts(() => store),
    metrics: { loginEnded: (provider, result) => void loginsEnded.push(`${provider} ${result}`) },
    daemon: () => ({ version: '1.2.3', pid: 42, startedAtMs: clock.nowMs() - 5_000, binds: ['127.0.0.1:8317'], configLoadedAtMs: clock.nowMs() - 5_000, authDirEncryption: 'off', warnings: [], openExchanges: 3, usageQueueLength: 7, storage: { healthy: true, detail: 'ok' }, ...overrides.daemon }),
    clock,
    principalOf: overrides.principalOf,
    tagSecret: 'tag secret of the test',
  });
  const callers: Principal[] = [];
  const rows = config.opened.then((store) => managementRoutes(depsOver(store)));
  const mounted = rows.then((routes) => mount(routes, (place) => callers[place] ?? operator));
  return {
    config,
    usageStore,
    resets,
    keySource,
    keyStore,
    clientKeys,
    clock,
    accounts,
    loginsEnded,
    routes: () => rows,
    audited: () => audit.list({ limit: 1_000 }).toReversed(),
    send: async (method, path, options = {}) => {
      const { json, body = json === undefined ? undefined : JSON.stringify(json), headers = {}, as: principal = root } = options;
      const type = json === undefined ? {} : { 'content-type': 'application/json' };
      const app = await mounted;
      const answer = await app.request(`${managementBase}${path}`, { method, headers: { ...type, ...headers, 'x-test-principal': String(callers.push(principal) - 1) }, ...(body === undefined ? {} : { body }) });
      return readAnswer(answer);
    },
  };
}

function mount(routes: readonly ManagementRoute[], callerAt: (place: number) => Principal): Hono {
  const app = new Hono();
  for (const route of routes) {
    // Hono has no endings behind parameters, but patterns for them.
    const [, ending = ''] = /\((.+)\)$/.exec(route.path) ?? [];
    const path = route.path.replace(/\((.+)\)$/, '{.+$1}');
    app.on(route.method, `${managementBase}${path}`, (c) => {
      const given: Record<string, string> = c.req.param();
      const params = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.slice(0, value.length - ending.length)]));
      return route.handle(c, { principal: callerAt(Number(c.req.header('x-test-principal'))), peer: { address: '127.0.0.1' }, requestId: 'req-test', params });
    });
  }
  app.onError((thrown) => {
    const wire = renderFault(toAppError(thrown), 'management', 'req-test');
    return new Response(wire.body, { status: wire.status, headers: wire.headers });
  });
  return app;
}

async function readAnswer(answer: Response): Promise<Answer> {
  const text = await answer.text();
  const body = parseObject(text);
  const error = body['error'];
  const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : '';
  return { status: answer.status, headers: answer.headers, text, body, code };
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** `error.message` of a refusal. */
export function messageOf(answer: Answer): string {
  const error = answer.body['error'];
  return isObject(error) ? String(error['message']) : '';
}
