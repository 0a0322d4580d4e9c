/** `asked`: put on record before it is done, where no record means no service. */
export type AuditOutcome = 'ok' | 'refused' | 'failed' | 'asked';

/** A management change, a refused door, a revealed secret, a start or stop. */
export interface AuditEvent {
  readonly atMs: number;
  /** `config.changed`, `door.refused`, `management.refused`, `secret.revealed`, `usage.imported`, `logs.cleared`, `daemon.started`, `daemon.stopped`, … */
  readonly action: string;
  /** Principal id, or `anonymous`. */
  readonly actor: string;
  /** The principal's label: a name, a masked key. Absent where the id says all. */
  readonly actorLabel?: string;
  /** Peer address, or `unix`, or `file` for changes by an editor. */
  readonly from: string;
  readonly requestId: string;
  /** What it was done to: a dotted config path, a route, a file. */
  readonly target: string;
  /** Error code of a refusal; empty for what happened. */
  readonly code: string;
  /** Absent: `ok` without a code, else `refused` where the action ends so, else `failed`. */
  readonly outcome?: AuditOutcome;
  /** JSON-able, secrets masked; absent where there is none. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** How many alike were folded into this one; absent means 1. */
  readonly count?: number;
}

/** An event as it was stored. */
export interface AuditRecord extends AuditEvent {
  readonly id: number;
  readonly actorLabel: string;
  readonly outcome: AuditOutcome;
}

export interface AuditLog {
  /** Never throws; durable within a second. Refused doors may be counted together when they come in floods. */
  readonly append: (event: AuditEvent) => void;
  /** Newest first. Errors: `storage_unavailable`. */
  readonly list: (query: AuditQuery) => readonly AuditRecord[];
  /** Oldest first, a page at a time; undefined when there is no more. Errors: `storage_unavailable`. */
  readonly page: (query: AuditPageQuery) => AuditPage | undefined;
  /** Resolves when all that was appended is durable. Errors: `audit_unavailable`. */
  readonly flush: () => Promise<void>;
}

export interface AuditFilter {
  readonly action?: string;
  /** Principal id. */
  readonly actor?: string;
  /** Inclusive. */
  readonly fromMs?: number;
  /** Exclusive. */
  readonly toMs?: number;
}

export interface AuditQuery extends AuditFilter {
  /** 1–1,000. */
  readonly limit: number;
  readonly beforeId?: number;
}

export interface AuditPageQuery extends AuditFilter {
  /** 0 begins; then `nextAfterId` of the page before. */
  readonly afterId: number;
}

export interface AuditPage {
  /** Those of the page that pass the filter; may be none. */
  readonly records: readonly AuditRecord[];
  readonly nextAfterId: number;
}

export function passes(record: AuditRecord, { action, actor, fromMs = 0, toMs = Infinity }: AuditFilter): boolean {
  return (action === undefined || record.action === action) && (actor === undefined || record.actor === actor) && record.atMs >= fromMs && record.atMs < toMs;
}
