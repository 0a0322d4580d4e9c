import { parseInstant } from '../clock/instant.ts';
import { AppError } from '../fault/app-error.ts';
import { utcDay, type StoredUsage, type UsageCount, type UsageStore, type UsageTotal } from './store.ts';

export interface SnapshotQuery {
  /** Details at or after this instant; sums count whole UTC days from its day on. Absent means all. */
  readonly sinceMs?: number;
  /** Details at most, the newest; absent means 1,000. */
  readonly limit?: number;
}

/** One exchange in the spelling of the Go program, with more members of ours behind its own. */
export interface UsageDetail {
  readonly timestamp: string;
  /** The account's label, or the client's when no account was reached. */
  readonly source: string;
  readonly auth_index: string;
  readonly tokens: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly reasoning_tokens: number;
    readonly cached_tokens: number;
    readonly total_tokens: number;
  };
  readonly failed: boolean;
  readonly request_id: string;
  readonly status: number;
  readonly outcome: string;
  readonly endpoint: string;
  readonly provider: string;
  readonly account_label: string;
  readonly attempts: number;
  readonly latency_ms: number;
  readonly first_byte_ms: number;
  readonly estimated: boolean;
}

export interface UsageModel {
  total_requests: number;
  total_tokens: number;
  readonly details: UsageDetail[];
}

export interface UsageApi {
  readonly client_id: string;
  readonly client_label: string;
  total_requests: number;
  total_tokens: number;
  readonly models: Record<string, UsageModel>;
}

/** The member `usage` of `GET /usage` and of an export. Keys of `apis` are masked labels; two clients with one label get their ids behind it. */
export interface UsageSnapshot {
  readonly total_requests: number;
  readonly success_count: number;
  readonly failure_count: number;
  readonly total_tokens: number;
  readonly apis: Readonly<Record<string, UsageApi>>;
  readonly requests_by_day: Readonly<Record<string, number>>;
  readonly requests_by_hour: Readonly<Record<string, number>>;
  readonly tokens_by_day: Readonly<Record<string, number>>;
  readonly tokens_by_hour: Readonly<Record<string, number>>;
}

export interface UsageAnswer {
  readonly usage: UsageSnapshot;
  readonly failed_requests: number;
}

const defaultDetails = 1_000;
export const maxDetails = 100_000;

/** Reads `since` (RFC 3339, or Unix seconds) and `limit` (0–100,000) of a query; `invalid_request` names the one that is wrong. */
export function parseSnapshotQuery(query: URLSearchParams): SnapshotQuery {
  const since = query.get('since');
  const limit = query.get('limit');
  return { ...(since === null ? {} : { sinceMs: parseSince(since) }), ...(limit === null ? {} : { limit: parseLimit(limit) }) };
}

function parseSince(text: string): number {
  const atMs = parseInstant(text);
  if (atMs === undefined) throw new AppError('invalid_request', { message: '`since` must be an RFC 3339 time or Unix seconds.', fields: { field: 'since' } });
  return atMs;
}

function parseLimit(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(limit <= maxDetails)) throw new AppError('invalid_request', { message: `\`limit\` must be a whole number from 0 to ${maxDetails}.`, fields: { field: 'limit' } });
  return limit;
}

/** What `GET /usage` answers: sums from the rollups, details bounded. */
export function readUsageAnswer(store: UsageStore, query: SnapshotQuery = {}): UsageAnswer {
  const details = store.newest({ limit: query.limit ?? defaultDetails, ...(query.sinceMs === undefined ? {} : { sinceMs: query.sinceMs }) });
  const usage = buildSnapshot(store, details, query.sinceMs === undefined ? undefined : utcDay(query.sinceMs));
  return { usage, failed_requests: usage.failure_count };
}

/** The sums from `fromDay` on (absent: all), and the given details, newest first. */
export function buildSnapshot(store: Pick<UsageStore, 'totals' | 'countsByDay' | 'countsByHour'>, details: readonly StoredUsage[], fromDay?: string): UsageSnapshot {
  const totals = store.totals(fromDay);
  const byDay = store.countsByDay(fromDay);
  const byHour = store.countsByHour(fromDay);
  const requests = sum(totals, (total) => total.requests);
  const failures = sum(totals, (total) => total.failures);
  return {
    total_requests: requests,
    success_count: requests - failures,
    failure_count: failures,
    total_tokens: sum(totals, (total) => total.totalTokens),
    apis: buildApis(totals, details),
    requests_by_day: record(byDay, (count) => count.requests),
    requests_by_hour: record(byHour, (count) => count.requests),
    tokens_by_day: record(byDay, (count) => count.tokens),
    tokens_by_hour: record(byHour, (count) => count.tokens),
  };
}

function buildApis(totals: readonly UsageTotal[], details: readonly StoredUsage[]): Record<string, UsageApi> {
  const labels = new Map(totals.map((total) => [total.clientId, total.clientLabel]));
  for (const row of details) if (!labels.has(row.clientId)) labels.set(row.clientId, row.clientLabel);
  const holders = new Map<string, number>();
  for (const label of labels.values()) holders.set(label, (holders.get(label) ?? 0) + 1);

  const apis = new Map<string, UsageApi>();
  const models = new Map<string, Map<string, UsageModel>>();
  for (const [clientId, label] of labels) {
    apis.set(clientId, { client_id: clientId, client_label: label, total_requests: 0, total_tokens: 0, models: {} });
    models.set(clientId, new Map());
  }
  const modelOf = (clientId: string, name: string): UsageModel => {
    const ofClient = models.get(clientId);
    const model = ofClient?.get(name) ?? { total_requests: 0, total_tokens: 0, details: [] };
    ofClient?.set(name, model);
    return model;
  };
  for (const total of totals) {
    const model = modelOf(total.clientId, total.model);
    model.total_requests += total.requests;
    model.total_tokens += total.totalTokens;
    const api = apis.get(total.clientId);
    if (api === undefined) continue;
    api.total_requests += total.requests;
    api.total_tokens += total.totalTokens;
  }
  // Oldest first within a model, as the Go program lists them.
  for (const row of details.toReversed()) modelOf(row.clientId, row.model).details.push(describe(row));

  const named = [...apis.values()].map((api) => {
    const name = (holders.get(api.client_label) ?? 0) > 1 ? `${api.client_label} (${api.client_id})` : api.client_label;
    // `fromEntries` defines members, so a model named `__proto__` is one.
    return [name, { ...api, models: Object.fromEntries(models.get(api.client_id) ?? []) }] as const;
  });
  return Object.fromEntries(named);
}

function describe(row: StoredUsage): UsageDetail {
  return {
    timestamp: new Date(row.atMs).toISOString(),
    source: row.accountLabel === '' ? row.clientLabel : row.accountLabel,
    auth_index: row.accountId,
    tokens: {
      input_tokens: row.tokens.input,
      output_tokens: row.tokens.output,
      reasoning_tokens: row.tokens.reasoning,
      cached_tokens: row.tokens.cached,
      total_tokens: row.totalTokens,
    },
    failed: row.failed,
    request_id: row.requestId,
    status: row.status,
    outcome: row.outcome,
    endpoint: row.endpoint,
    provider: row.provider,
    account_label: row.accountLabel,
    attempts: row.attempts,
    latency_ms: row.latencyMs,
    first_byte_ms: row.firstByteMs,
    estimated: row.tokens.estimated,
  };
}

function record(counts: readonly UsageCount[], pick: (count: UsageCount) => number): Record<string, number> {
  return Object.fromEntries(counts.map((count) => [count.key, pick(count)]));
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}
