import type { Credential } from '../accounts/account.ts';
import { AppError } from '../fault/app-error.ts';
import type { AttemptOutcome } from '../routing/ports.ts';
import type { AttemptEnd } from './attempt.ts';
import { saysModelIsMissing } from './missing-model.ts';
import { readResetHint } from './reset-hints.ts';

type Failed = Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }>;

/** What a failed attempt means: for the router, for the next try, and for the client should nothing better come. */
export interface Verdict {
  readonly outcome: AttemptOutcome;
  /** Another account may fare better. */
  readonly isRetryable: boolean;
  /** The upstream's own answer is passed on as it came; otherwise `error` is the answer. */
  readonly passesOn: boolean;
  readonly error: AppError;
}

/** What was asked, of whom and when. */
export interface Circumstances {
  readonly credential: Credential['kind'];
  /** As the upstream calls it. */
  readonly upstreamModel: string;
  /** The request may go to that account alone, since it refers to what the account made. */
  readonly isPinned: boolean;
  readonly nowMs: number;
}

/** Judges a failed attempt by status and error codes, never by message text but for what a 404 is about. */
export function judge(end: Failed, circumstances: Circumstances): Verdict {
  return end.kind === 'broken' ? judgeBroken(end) : judgeRefused(end, circumstances);
}

function judgeBroken(end: Extract<Failed, { readonly kind: 'broken' }>): Verdict {
  if (end.cause instanceof AppError) return { outcome: { kind: 'failure', status: 0 }, isRetryable: true, passesOn: false, error: end.cause };
  const code = errorCode(end.cause);
  if (code === 'KEYWARD_ADDRESS_REFUSED') {
    return { outcome: { kind: 'failure', status: 0 }, isRetryable: true, passesOn: false, error: new AppError('upstream_refused_address', { cause: end.cause }) };
  }
  const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT';
  const error = isTimeout
    ? new AppError('upstream_timeout', { cause: end.cause })
    : new AppError('upstream_error', { message: `The upstream could not be reached or broke off (${code}).`, cause: end.cause });
  return { outcome: { kind: 'failure', status: 0 }, isRetryable: true, passesOn: false, error };
}

function judgeRefused(end: Extract<Failed, { readonly kind: 'refused' }>, { credential, upstreamModel, isPinned, nowMs }: Circumstances): Verdict {
  const { status, headers } = end;
  // Another account would give the same answer, which could not be told either.
  if (end.isBlameless === true) return { outcome: { kind: 'neutral' }, isRetryable: false, passesOn: false, error: new AppError('upstream_error', end.ownWords === undefined ? {} : { message: end.ownWords }) };
  const hint = readResetHint(headers, end.upstreamBody, nowMs);
  const failure: AttemptOutcome = hint === undefined ? { kind: 'failure', status } : { kind: 'failure', status, retryAfterMs: hint.afterMs, isAccountWide: hint.isAccountWide };
  const base = { outcome: failure, isRetryable: true };
  if (status < 400) return { ...base, passesOn: false, error: new AppError('upstream_error', { message: 'The upstream answered with a redirect, which Keyward does not follow.', fields: { upstream_status: status } }) };
  if (status === 401 || status === 402 || status === 403) {
    return {
      ...base,
      /*
       * A vendor that serves only its own program refuses a login's token with 403 and says so; Keyward names itself, so
       * that word is the only one there is, and it is shown as it came. A 401 is not: to a client it means its own key,
       * which is good, and SDKs would ask a person for another one.
       */
      passesOn: status === 403 && credential === 'login',
      error: new AppError('account_unavailable', { message: 'The upstream refuses the account that serves this model; the operator sees which in `keyward status`.', fields: { reason: 'upstream_refused_credential', upstream_status: status } }),
    };
  }
  if (status === 404) {
    // What the request refers to may be known to another account; that this one does not know it is no failure.
    const isOfModel = !isPinned && saysModelIsMissing(end.upstreamBody, upstreamModel);
    return { ...base, ...(isOfModel ? {} : { outcome: { kind: 'neutral' } }), passesOn: true, error: new AppError('upstream_error') };
  }
  if (status === 429) return { ...base, passesOn: true, error: new AppError('upstream_error') };
  if (status === 408 || status >= 500) {
    if (end.ownWords !== undefined) return { ...base, passesOn: false, error: new AppError('upstream_error', { message: end.ownWords }) };
    const retryAfter = timeIn(headers['retry-after']);
    const headersOut = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    return { ...base, passesOn: false, error: new AppError('upstream_error', { message: `The upstream failed with status ${status}.`, fields: { upstream_status: status }, headers: headersOut }) };
  }
  return { outcome: { kind: 'neutral' }, isRetryable: false, passesOn: true, error: new AppError('upstream_error') };
}

/** A `retry-after` as an answer of Keyward's own may have it: seconds, or a date. @see RFC 9110 §10.2.3 */
function timeIn(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const isDate = /^[A-Z][a-z]{2}, [\w :-]{15,24} GMT$/.test(value) && Number.isFinite(Date.parse(value));
  return isDate || /^\d{1,9}(?:\.\d{1,9})?$/.test(value) ? value : undefined;
}

/** The connection broke as pooled ones do; the same account may be asked once more. */
export function isConnectionLoss(cause: Error): boolean {
  const code = errorCode(cause);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function errorCode(cause: Error): string {
  const own: unknown = Reflect.get(cause, 'code');
  if (typeof own === 'string') return own;
  return cause.cause instanceof Error ? errorCode(cause.cause) : 'no code';
}
