/** A management change, a refused door, a revealed secret, a start or stop. */
export interface AuditEvent {
  readonly atMs: number;
  /** `config.changed`, `door.refused`, `management.refused`, `secret.revealed`, `usage.imported`, `logs.cleared`, `daemon.started`, `daemon.stopped`, … */
  readonly action: string;
  /** Principal id, or `anonymous`. */
  readonly actor: string;
  /** Peer address, or `unix`, or `file` for changes by an editor. */
  readonly from: string;
  readonly requestId: string;
  /** What it was done to: a dotted config path, a route, a file. */
  readonly target: string;
  /** Error code of a refusal; empty for what happened. */
  readonly code: string;
  /** JSON-able, secrets masked; absent where there is none. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** How many alike were folded into this one; absent means 1. */
  readonly count?: number;
}

export interface AuditLog {
  /** Never throws; durable within a second. Refused doors may be counted together when they come in floods. */
  readonly append: (event: AuditEvent) => void;
  /** Newest first. */
  readonly list: (query: AuditQuery) => readonly (AuditEvent & { readonly id: number })[];
  readonly flush: () => Promise<void>;
}

export interface AuditQuery {
  /** 1–1,000. */
  readonly limit: number;
  readonly beforeId?: number;
  readonly action?: string;
}
