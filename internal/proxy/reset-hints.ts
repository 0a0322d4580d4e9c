import type { IncomingHttpHeaders } from 'node:http';
import { listOf, memberOf, numberOf, parseJson, textOf } from '../dialect/ir/json.ts';

/** When a vendor will serve again, and whether that is the account's limit or one model's. */
export interface ResetHint {
  /** From now. */
  readonly afterMs: number;
  readonly isAccountWide: boolean;
}

/**
 * The vendor's own word on when to come back: `Retry-After` where it is sent, else what each vendor says in its own way.
 * `body` as the upstream sent it.
 */
export function readResetHint(headers: IncomingHttpHeaders, body: Buffer, nowMs: number): ResetHint | undefined {
  const isAccountWide = textOf(headers['anthropic-ratelimit-unified-status']) === 'rejected' || isPlanLimit(body);
  const afterMs = retryAfter(headers, nowMs) ?? unifiedReset(headers, nowMs) ?? openaiReset(headers) ?? bodyReset(body, nowMs);
  return afterMs === undefined ? undefined : { afterMs, isAccountWide };
}

/** `Retry-After` in seconds or as a date, or `retry-after-ms`; milliseconds from now. @see RFC 9110 §10.2.3 */
function retryAfter(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const exact = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const stated = headers['retry-after'];
  if (stated === undefined) return undefined;
  const seconds = Number(stated);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  const dateMs = Date.parse(stated);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/** Anthropic's plans: seconds since the epoch. */
function unifiedReset(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const atSeconds = Number(headers['anthropic-ratelimit-unified-reset'] ?? Number.NaN);
  return Number.isFinite(atSeconds) && atSeconds > 0 ? Math.max(0, atSeconds * 1_000 - nowMs) : undefined;
}

/** OpenAI's limits that are used up, as durations. @see https://platform.openai.com/docs/guides/rate-limits */
function openaiReset(headers: IncomingHttpHeaders): number | undefined {
  const waits = ['requests', 'tokens'].flatMap((what) => (headers[`x-ratelimit-remaining-${what}`] === '0' ? [durationMs(textOf(headers[`x-ratelimit-reset-${what}`]) ?? '')] : [])).filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1s`, `6m0s`, `34.07s`, `1h2m`; undefined for anything else. */
function durationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
}

const maxHintBytes = 64 * 1024;

function errorOf(body: Buffer): unknown {
  const parsed = body.length > maxHintBytes ? undefined : parseJson(body.toString('utf8'));
  // Gemini's streams wrap their error in a list.
  return memberOf(Array.isArray(parsed) ? parsed[0] : parsed, 'error');
}

/** ChatGPT's plans have one limit over all their models. */
function isPlanLimit(body: Buffer): boolean {
  return body.includes('usage_limit_reached') && memberOf(errorOf(body), 'type') === 'usage_limit_reached';
}

/** ChatGPT's `resets_in_seconds` and `resets_at`; Google's RetryInfo. @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto */
function bodyReset(body: Buffer, nowMs: number): number | undefined {
  if (!body.includes('resets_') && !body.includes('retryDelay')) return undefined;
  const error = errorOf(body);
  const inSeconds = numberOf(memberOf(error, 'resets_in_seconds'));
  if (inSeconds !== undefined) return Math.max(0, inSeconds * 1_000);
  const atSeconds = numberOf(memberOf(error, 'resets_at'));
  if (atSeconds !== undefined) return Math.max(0, atSeconds * 1_000 - nowMs);
  for (const detail of listOf(memberOf(error, 'details'))) {
    const ms = durationMs(textOf(memberOf(detail, 'retryDelay')) ?? '');
    if (ms !== undefined) return ms;
  }
  return undefined;
}
