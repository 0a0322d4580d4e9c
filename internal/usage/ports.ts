/** Cached tokens are part of `input`, reasoning tokens part of `output`. */
export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly reasoning: number;
  readonly cached: number;
  /** True when the upstream gave no usage and the counts are estimates. */
  readonly estimated: boolean;
}

/** One settled exchange. Holds no prompt, no answer, no key. */
export interface UsageRow {
  /** The exchange's `x-request-id`. */
  readonly requestId: string;
  readonly atMs: number;
  /** Principal id and its masked label. */
  readonly clientId: string;
  readonly clientLabel: string;
  /** Account id and label; empty when no account was reached. */
  readonly accountId: string;
  readonly accountLabel: string;
  readonly provider: string;
  /** As the client named it. */
  readonly model: string;
  /** `POST /v1/chat/completions` – the route's pattern, never the raw target. */
  readonly endpoint: string;
  /** Status the client saw; 499 when it left first. */
  readonly status: number;
  /** `ok`, or the error code, `client_closed`, `stream_truncated`. */
  readonly outcome: string;
  readonly failed: boolean;
  readonly attempts: number;
  readonly latencyMs: number;
  /** Until the first answer byte; equals `latencyMs` when nothing was answered. */
  readonly firstByteMs: number;
  readonly tokens: TokenCounts;
}

/** Takes rows on the hot path: never blocks, never throws; durable within a second. */
export interface UsageRecorder {
  readonly record: (row: UsageRow) => void;
  /** Resolves when all rows recorded so far are durable. */
  readonly flush: () => Promise<void>;
}
