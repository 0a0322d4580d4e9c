import type { UsageRow } from './ports.ts';

/** A row as it is kept. Cached tokens are part of the input and reasoning tokens of the output, so the total is their sum unless an import says otherwise. */
export interface StoredUsage extends UsageRow {
  readonly totalTokens: number;
}

/** Sums over one client and model. */
export interface UsageTotal {
  readonly clientId: string;
  /** The newest label seen for the client. */
  readonly clientLabel: string;
  readonly model: string;
  readonly requests: number;
  readonly failures: number;
  readonly totalTokens: number;
}

/** Sums over one (UTC day, client, account, model). */
export interface UsageDay {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly clientId: string;
  readonly clientLabel: string;
  readonly accountId: string;
  readonly accountLabel: string;
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly failures: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly cachedTokens: number;
  readonly totalTokens: number;
  readonly latencyMsSum: number;
  readonly firstByteMsSum: number;
}

export interface UsageCount {
  /** `YYYY-MM-DD`, or the hour of the day `00`–`23`; UTC. */
  readonly key: string;
  readonly requests: number;
  readonly tokens: number;
}

/**
 * Where usage is kept. Every call is synchronous and short; callers slice. Throws what the backend throws; after a throw
 * nothing of that call is stored.
 */
export interface UsageStore {
  /** Adds the rows and their share of the rollups, all or none; durable against the end of the process on return. */
  readonly append: (rows: readonly StoredUsage[]) => void;
  /** As `append`, leaving out rows whose time and request id are stored already; the number added. */
  readonly appendNew: (rows: readonly StoredUsage[]) => number;
  /** `fromDay` is inclusive; absent means all. Ordered by client id, then model. */
  readonly totals: (fromDay?: string) => readonly UsageTotal[];
  /** Ordered by day, then client, account and model. */
  readonly days: (fromDay?: string) => readonly UsageDay[];
  readonly countsByDay: (fromDay?: string) => readonly UsageCount[];
  readonly countsByHour: (fromDay?: string) => readonly UsageCount[];
  /** Newest first, at most `limit`, at or after `sinceMs` and before `untilMs`, of one client or all, leaving out the first `offset`. */
  readonly newest: (query: { readonly limit: number; readonly sinceMs?: number; readonly untilMs?: number; readonly clientId?: string; readonly offset?: number }) => readonly StoredUsage[];
  /** Removes at most `limit` rows older than `beforeMs`; rollups of whole days before it go with the last of them. The number of rows removed. */
  readonly removeBefore: (beforeMs: number, limit: number) => number;
}

/** `YYYY-MM-DD` of an instant, UTC. */
export function utcDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** `00`–`23` of an instant, UTC. */
export function utcHour(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 13);
}
