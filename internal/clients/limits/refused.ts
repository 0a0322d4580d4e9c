import { AppError } from '../../fault/app-error.ts';

export type LimitName = 'requests_per_minute' | 'tokens_per_minute' | 'max_concurrent' | `${'daily' | 'monthly'}_${'requests' | 'tokens' | 'cost'}`;

/** One limit that does not let a request in now. */
export interface Reached {
  readonly limit: LimitName;
  readonly value: number;
  /** What is left of it. */
  readonly remaining: number;
  readonly waitMs: number;
  /** What is missing is not spent yet: exchanges under way hold it, and nobody knows when they end. */
  readonly isHeld: boolean;
}

/**
 * The refusal that a caller gets: which limit, how high it is, whose, and when it lets the next one in. Of a minter no more is
 * told than that. Codes: `rate_limit_exceeded`, `budget_exhausted`.
 */
export function refuseReached(reached: Reached, isOwn: boolean, nowMs: number): AppError {
  const { limit, value, waitMs, isHeld, remaining } = reached;
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const isBudget = limit.startsWith('daily_') || limit.startsWith('monthly_');
  const resetAt = new Date(nowMs + waitMs).toISOString();
  const whose = isOwn ? 'this key' : 'the key that minted this one';
  const held = isBudget ? 'Exchanges under way hold what is left of it.' : 'So many are under way.';
  return new AppError(isBudget ? 'budget_exhausted' : 'rate_limit_exceeded', {
    message: `The limit ${limit} of ${whose} is ${value}${isHeld ? `. ${held}` : `; it lets this request in at ${resetAt}.`}`,
    fields: { limit, limit_value: value, limit_of: isOwn ? 'key' : 'minter', ...(isHeld ? { held: true } : {}), reset_seconds: seconds, reset_time: resetAt },
    headers: { 'retry-after': String(seconds), ...(isHeld ? {} : { 'retry-after-ms': String(Math.max(1, Math.ceil(waitMs))) }), ...rateHeaders(limit, value, remaining, waitMs) },
  });
}

/** In OpenAI's words, which many clients read. */
function rateHeaders(limit: LimitName, value: number, remaining: number, waitMs: number): Readonly<Record<string, string>> {
  const what = limit === 'requests_per_minute' ? 'requests' : limit === 'tokens_per_minute' ? 'tokens' : undefined;
  if (what === undefined) return {};
  return { [`x-ratelimit-limit-${what}`]: String(value), [`x-ratelimit-remaining-${what}`]: String(Math.max(0, Math.floor(remaining))), [`x-ratelimit-reset-${what}`]: `${Math.max(1, Math.ceil(waitMs))}ms` };
}
