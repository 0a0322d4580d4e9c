import type { Clock } from '../clock/clock.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import { instruments, type InstrumentName, type InstrumentRow } from './instruments.ts';
import { createDistributions, createValues, type Distribution, type Family, type Value } from './registry.ts';

/** What the metrics learn of a settled exchange. */
export interface SettledExchange {
  readonly dialect: Dialect;
  readonly operation: Operation;
  /** As the client saw it; 499 when it left first. */
  readonly status: number;
  /** `ok`, or the error code, `client_closed`, `stream_truncated`. */
  readonly outcome: string;
  readonly latencyMs: number;
  readonly firstByteMs: number;
  /** The upstream's name of the model, where an account was reached; empty otherwise, so that junk names take no series. */
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly cachedTokens: number;
}

export type AttemptResult = 'success' | 'neutral' | 'failure';
export type AccountStateName = 'ready' | 'cooling' | 'needs_login' | 'disabled';

export type RefreshResult = 'ok' | 'refused' | 'failed' | 'lost';

/** All that is counted. No method throws or waits; those of the data plane take about a microsecond. */
export interface Metrics {
  readonly exchangeOpened: () => void;
  /** Ends what `exchangeOpened` began. */
  readonly exchangeSettled: (exchange: SettledExchange) => void;
  readonly socketOpened: (endpoint: string) => void;
  /** Ends what `socketOpened` began. */
  readonly socketClosed: (endpoint: string, reason: string) => void;
  readonly attemptSettled: (provider: string, result: AttemptResult) => void;
  readonly doorRefused: (door: 'client' | 'management' | 'guard', code: string) => void;
  readonly configReloaded: (result: 'applied' | 'unchanged' | 'refused') => void;
  /** A token request of the keeper ended. `provider` is the login's name. */
  readonly tokenRefreshed: (provider: string, result: RefreshResult) => void;
  readonly loginEnded: (provider: string, result: 'done' | 'failed' | 'cancelled') => void;
  /** `kind` is one of a few words of ours. */
  readonly identityUnusual: (kind: string) => void;
  readonly usageRowsQueued: (rows: number) => void;
  readonly usageRowsLost: (rows: number) => void;
  readonly auditEventsLost: (events: number) => void;
  readonly logLinesDropped: (sink: 'console' | 'file' | 'request-log', lines: number) => void;
  /** The whole page in the Prometheus text format. */
  readonly render: () => string;
}

export interface MetricsDeps {
  readonly clock: Clock;
  readonly version: string;
  /** Asked at every scrape. */
  readonly accountStates: () => Readonly<Record<AccountStateName, number>>;
  /** Asked at every scrape; absent: there is no auth directory. */
  readonly authFiles?: () => { readonly used: number; readonly refused: number };
}

/** `Content-Type` of `render()`. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

interface BoundExchange {
  readonly count: Value;
  readonly duration: Distribution;
  readonly firstByte: Distribution;
}
interface BoundTokens {
  readonly input: Value;
  readonly output: Value;
  readonly reasoning: Value;
  readonly cached: Value;
}

const maxModels = 99;

export function createMetrics(deps: MetricsDeps): Metrics {
  const rendered: Family<unknown>[] = [];
  const row = (name: InstrumentName): InstrumentRow => instruments[name];
  const values = (name: InstrumentName): Family<Value> => {
    const family = createValues(name, row(name));
    rendered.push(family);
    return family;
  };
  const distributions = (name: InstrumentName): Family<Distribution> => {
    const family = createDistributions(name, row(name));
    rendered.push(family);
    return family;
  };

  const exchanges = values('keyward_exchanges_total');
  const durations = distributions('keyward_exchange_duration_seconds');
  const firstBytes = distributions('keyward_exchange_first_byte_seconds');
  const open = values('keyward_open_exchanges').at();
  const openSockets = values('keyward_open_sockets');
  const closedSockets = values('keyward_sockets_closed_total');
  const attempts = values('keyward_upstream_attempts_total');
  const truncated = values('keyward_streams_truncated_total');
  const aborts = values('keyward_client_aborts_total');
  const tokens = values('keyward_tokens_total');
  const refusals = values('keyward_door_refusals_total');
  const reloads = values('keyward_config_reloads_total');
  const refreshes = values('keyward_token_refreshes_total');
  const logins = values('keyward_logins_total');
  const unusual = values('keyward_identity_unusual_total');
  const authFiles = values('keyward_auth_files');
  const accounts = values('keyward_accounts');
  const queued = values('keyward_usage_rows_queued').at();
  const lost = values('keyward_usage_rows_lost_total').at();
  const auditLost = values('keyward_audit_events_lost_total').at();
  const dropped = values('keyward_log_lines_dropped_total');
  values('keyward_build_info').at(deps.version, process.versions.node).value = 1;
  const observeProcess = createProcessObserver(deps.clock, values);

  const boundExchanges = new Map<string, BoundExchange>();
  const boundTokens = new Map<string, BoundTokens>();

  const bindExchange = (key: string, exchange: SettledExchange): BoundExchange => {
    const bound = {
      count: exchanges.at(exchange.dialect, exchange.operation, statusClass(exchange.status), exchange.outcome),
      duration: durations.at(exchange.dialect),
      firstByte: firstBytes.at(exchange.dialect),
    };
    // Outcomes are error codes, so the map stays small; the cap holds even where one is not.
    if (boundExchanges.size < 1_000) boundExchanges.set(key, bound);
    return bound;
  };

  const bindTokens = (model: string): BoundTokens => {
    const known = boundTokens.get(model);
    if (known !== undefined) return known;
    // All four kinds of a model are kept or none, else their sums could not be compared.
    if (boundTokens.size >= maxModels && model !== 'other') return bindTokens('other');
    const bound = { input: tokens.at(model, 'input'), output: tokens.at(model, 'output'), reasoning: tokens.at(model, 'reasoning'), cached: tokens.at(model, 'cached') };
    boundTokens.set(model, bound);
    return bound;
  };

  return {
    exchangeOpened: () => {
      open.value += 1;
    },
    exchangeSettled: (exchange) => {
      open.value -= 1;
      const key = `${exchange.dialect} ${exchange.operation} ${exchange.status} ${exchange.outcome}`;
      const bound = boundExchanges.get(key) ?? bindExchange(key, exchange);
      bound.count.value += 1;
      bound.duration.observe(exchange.latencyMs / 1_000);
      bound.firstByte.observe(exchange.firstByteMs / 1_000);
      if (exchange.outcome === 'client_closed') aborts.at(exchange.dialect).value += 1;
      if (exchange.outcome === 'stream_truncated') truncated.at(exchange.dialect).value += 1;
      if (exchange.model === '' || exchange.inputTokens + exchange.outputTokens === 0) return;
      const counts = bindTokens(exchange.model);
      counts.input.value += exchange.inputTokens;
      counts.output.value += exchange.outputTokens;
      counts.reasoning.value += exchange.reasoningTokens;
      counts.cached.value += exchange.cachedTokens;
    },
    socketOpened: (endpoint) => {
      openSockets.at(endpoint).value += 1;
    },
    socketClosed: (endpoint, reason) => {
      openSockets.at(endpoint).value -= 1;
      closedSockets.at(endpoint, reason).value += 1;
    },
    attemptSettled: (provider, result) => {
      attempts.at(provider, result).value += 1;
    },
    doorRefused: (door, code) => {
      refusals.at(door, code).value += 1;
    },
    configReloaded: (result) => {
      reloads.at(result).value += 1;
    },
    tokenRefreshed: (provider, result) => {
      refreshes.at(provider, result).value += 1;
    },
    loginEnded: (provider, result) => {
      logins.at(provider, result).value += 1;
    },
    identityUnusual: (kind) => {
      unusual.at(kind).value += 1;
    },
    usageRowsQueued: (rows) => {
      queued.value = rows;
    },
    usageRowsLost: (rows) => {
      lost.value += rows;
    },
    auditEventsLost: (events) => {
      auditLost.value += events;
    },
    logLinesDropped: (sink, lines) => {
      dropped.at(sink).value += lines;
    },
    render: () => {
      for (const [state, count] of Object.entries(deps.accountStates())) accounts.at(state).value = count;
      for (const [state, count] of Object.entries(deps.authFiles?.() ?? {})) authFiles.at(state).value = count;
      observeProcess();
      const out: string[] = [];
      for (const family of rendered) family.render(out);
      return out.join('');
    },
  };
}

/** `2xx` … `5xx`. */
function statusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}

function createProcessObserver(clock: Clock, values: (name: InstrumentName) => Family<Value>): () => void {
  const cpu = values('process_cpu_seconds_total').at();
  const resident = values('process_resident_memory_bytes').at();
  const heap = values('process_heap_bytes').at();
  const external = values('process_external_memory_bytes').at();
  const utilization = values('nodejs_eventloop_utilization').at();
  values('process_start_time_seconds').at().value = clock.nowMs() / 1_000 - process.uptime();
  let lastLoop = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const loop = performance.eventLoopUtilization();
    cpu.value = (user + system) / 1_000_000;
    resident.value = memory.rss;
    heap.value = memory.heapUsed;
    external.value = memory.external;
    utilization.value = performance.eventLoopUtilization(loop, lastLoop).utilization;
    lastLoop = loop;
  };
}
