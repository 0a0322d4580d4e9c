import type { AttemptOutcome } from './ports.ts';

/** How one account, or one of its models, is recovering from failures. */
export interface Cooldown {
  /** `*` for the whole account. */
  readonly model: string;
  readonly status: number;
  readonly reason: string;
  /** When it began; a probe is let through `maxCooldownMs` later. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /**
   * Soft ones (the upstream broke, or does not know the model) are skipped while anything healthier exists, and used when
   * nothing is: a single account is never locked away for a bad minute of its upstream.
   */
  readonly isSoft: boolean;
  /** Failures in a row, for the back-off. */
  readonly failures: number;
}

/** How a candidate of a query stands now. */
export type Health =
  | { readonly kind: 'healthy' }
  /** In cooldown past the cap: one request may try. */
  | { readonly kind: 'probe'; readonly cooldown: Cooldown }
  | { readonly kind: 'cooling'; readonly cooldown: Cooldown };

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const longestBackoffMs = 30 * minuteMs;
const longestSoftMs = minuteMs;

/** The cooldown that a failure calls for; `previous` is what the same scope had. ADR 0005 has the table. */
export function cooldownFor(outcome: Extract<AttemptOutcome, { readonly kind: 'failure' }>, model: string, previous: Cooldown | undefined, nowMs: number): Cooldown {
  const failures = (previous?.failures ?? 0) + 1;
  const { status, retryAfterMs } = outcome;
  const sinceMs = previous !== undefined && previous.untilMs > nowMs ? previous.sinceMs : nowMs;
  const make = (scope: string, reason: string, ms: number, isSoft: boolean): Cooldown => ({ model: scope, status, reason, sinceMs, untilMs: nowMs + ms, isSoft, failures });
  if (status === 401 || status === 402 || status === 403) return make('*', `the upstream refused the account (${status})`, 30 * minuteMs, false);
  if (status === 404) return make(model, 'the upstream does not know the model (404)', longestSoftMs, true);
  if (status === 429) return make(model, retryAfterMs === undefined ? 'rate limited (429), own back-off' : 'rate limited (429), as the upstream said', retryAfterMs ?? backoffMs(failures, longestBackoffMs), false);
  const reason = status === 0 ? 'the upstream broke off or was not reached' : `the upstream failed (${status})`;
  return make(model, reason, Math.min(retryAfterMs ?? backoffMs(failures, longestSoftMs), longestSoftMs), true);
}

/** 1 s, 2 s, 4 s … */
function backoffMs(failures: number, longestMs: number): number {
  return Math.min(longestMs, secondMs * 2 ** Math.min(failures - 1, 20));
}
