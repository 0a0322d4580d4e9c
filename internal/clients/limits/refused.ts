import { AppError } from '../../fault/app-error.ts';
import { rateHeaders } from './rate-headers.ts';

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
  const { limit, value, waitMs, isHeld } = reached;
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  const isBudget = limit.startsWith('daily_') || limit.startsWith('monthly_');
  const resetAt = new Date(nowMs + waitMs).toISOString();
  const whose = isOwn ? 'this key' : 'the key that minted this one';
  const held = isBudget ? 'Exchanges under way hold what is left of it.' : 'So many are under way.';
  return new AppError(isBudget ? 'budget_exhausted' : 'rate_limit_exceeded', {
    message: `The limit ${limit} of ${whose} is ${value}${isHeld ? `. ${held}` : `; it lets this request in at ${resetAt}.`}`,
    fields: { limit, limit_value: value, limit_of: isOwn ? 'key' : 'minter', ...(isHeld ? { held: true } : {}), reset_seconds: seconds, reset_time: resetAt },
    headers: { 'retry-after': String(seconds), ...(isHeld ? {} : { 'retry-after-ms': String(Math.max(1, Math.ceil(waitMs))) }), ...ratesIn(reached) },
  });
}

function ratesIn({ limit, value, remaining, waitMs }: Reached): Readonly<Record<string, string>> {
  const of = limit === 'requests_per_minute' ? 'requests' : limit === 'tokens_per_minute' ? 'tokens' : undefined;
  if (of === undefined) return {};
  const flat = rateHeaders([{ of, limit: value, remaining, resetMs: waitMs }], 'openai', 0);
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])));
}
