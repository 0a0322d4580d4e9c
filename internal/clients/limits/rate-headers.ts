/** How much of a rate is left. */
export interface RateState {
  readonly of: 'requests' | 'tokens';
  /** A minute's worth. */
  readonly limit: number;
  readonly remaining: number;
  /** Until it is as it should be: all of it, or on a refusal as much as is missing. */
  readonly resetMs: number;
}

/** Whose words rates are told in: most clients read OpenAI's, Anthropic's their own. */
export type RateWords = 'openai' | 'anthropic';

/**
 * Rates as headers, flat.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 * @see https://docs.claude.com/en/api/rate-limits#response-headers
 */
export function rateHeaders(states: readonly RateState[], words: RateWords, nowMs: number): readonly string[] {
  return states.flatMap(({ of, limit, remaining, resetMs }) => {
    const left = String(Math.max(0, Math.floor(remaining)));
    return words === 'openai'
      ? [`x-ratelimit-limit-${of}`, String(limit), `x-ratelimit-remaining-${of}`, left, `x-ratelimit-reset-${of}`, durationText(resetMs)]
      : [`anthropic-ratelimit-${of}-limit`, String(limit), `anthropic-ratelimit-${of}-remaining`, left, `anthropic-ratelimit-${of}-reset`, new Date(nowMs + Math.ceil(resetMs)).toISOString()];
  });
}

/** `12ms`, `8.64s`, `6m0s`. */
export function durationText(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole > 0 && whole < 1_000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${(whole - minutes * 60_000) / 1_000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
