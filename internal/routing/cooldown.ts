import type { AttemptOutcome } from './ports.ts';

type Failure = Extract<AttemptOutcome, { readonly kind: 'failure' }>;

/** What a cooldown keeps from use: the account, one model of it, or one model's endpoint. */
export type CooldownScope = 'account' | 'model' | 'endpoint';

/** How one scope of an account recovers from failures. ADR 0005 has the table. */
export interface Cooldown {
  readonly scope: CooldownScope;
  /** `*` for the whole account. */
  readonly model: string;
  readonly status: number;
  readonly reason: string;
  /** When it began; from `maxCooldownMs` later one request at a time may probe. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Place in the order of picks and failures; an attempt begun before it has a lower one. */
  readonly order: number;
  /**
   * Soft ones are passed over while anything healthier exists, and used when nothing is: a single account is never locked
   * away for a bad minute of its upstream.
   */
  readonly isSoft: boolean;
  /** Failures in a row, for the back-off. */
  readonly failures: number;
  /** The attempt that probes, while it does. */
  probe: object | undefined;
  /** When another may probe although this one has not ended. */
  probeUntilMs: number;
}

/** The worse, the higher. `due`: in cooldown past the cap, one request may try. `blocked`: until somebody acts. */
export const severities = { healthy: 0, due: 1, soft: 2, hard: 3, blocked: 4 } as const;
export type Severity = (typeof severities)[keyof typeof severities];

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const longestBackoffMs = 30 * minuteMs;
const longestSoftMs = minuteMs;
const credentialMs = 30 * minuteMs;
const missingMs = 12 * 60 * minuteMs;
const longestHintMs = 366 * 86_400_000;
/** A refusal comes at once; an answer that flows longer is a success that has not ended yet. */
const probeMs = minuteMs;

export function scopeOf(status: number): CooldownScope {
  if (status === 401 || status === 402 || status === 403) return 'account';
  return status === 404 ? 'endpoint' : 'model';
}

/** The upstream refuses the credential itself; waiting is no remedy. */
export function refusesCredential(cooldown: Cooldown): boolean {
  return cooldown.scope === 'account';
}

/** A clock that was set back by more than a minute ends it. */
export function isActive(cooldown: Cooldown, nowMs: number): boolean {
  return nowMs < cooldown.untilMs && nowMs > cooldown.sinceMs - minuteMs;
}

export function severityOf(cooldown: Cooldown, nowMs: number, maxCooldownMs: number): Severity {
  if (!isActive(cooldown, nowMs)) return severities.healthy;
  if (nowMs - cooldown.sinceMs >= maxCooldownMs && !isProbing(cooldown, nowMs)) return severities.due;
  return cooldown.isSoft ? severities.soft : severities.hard;
}

export function isProbing(cooldown: Cooldown, nowMs: number): boolean {
  return cooldown.probe !== undefined && nowMs < cooldown.probeUntilMs;
}

export function startProbe(cooldown: Cooldown, probe: object, nowMs: number): void {
  cooldown.probe = probe;
  cooldown.probeUntilMs = nowMs + probeMs;
}

/** When the scope may next be tried, as far as is known now. */
export function nextTryMs(cooldown: Cooldown, nowMs: number, maxCooldownMs: number): number {
  const dueMs = isProbing(cooldown, nowMs) ? nowMs + 5 * secondMs : cooldown.sinceMs + maxCooldownMs;
  return Math.min(cooldown.untilMs, dueMs);
}

/** Where and when a failure happened. */
export interface FailurePlace {
  readonly model: string;
  /** Of the attempt's pick; below the previous cooldown's, the attempt began before that cooldown did. */
  readonly pickOrder: number;
  readonly order: number;
  readonly nowMs: number;
}

/**
 * The cooldown a failure calls for, given what its scope had. Attempts that began before the previous cooldown did are its
 * echoes: they neither raise the back-off nor soften what is known.
 */
export function cooldownAfter(previous: Cooldown | undefined, failure: Failure, place: FailurePlace): Cooldown {
  const { nowMs } = place;
  const isSame = previous !== undefined && classOf(previous.status) === classOf(failure.status);
  const isEcho = previous !== undefined && place.pickOrder < previous.order;
  const isRecent = previous !== undefined && nowMs - previous.untilMs < longestBackoffMs;
  const failures = isSame && isRecent ? previous.failures + (isEcho ? 0 : 1) : 1;
  const { ms, isSoft } = lengthOf(failure, failures);
  const active = previous !== undefined && isActive(previous, nowMs) ? previous : undefined;
  if (active !== undefined && isEcho) {
    const isHinted = usableHint(failure.retryAfterMs) !== undefined;
    if (isSame && (!isHinted || nowMs + ms <= active.untilMs)) return active;
    if (isSoft && (!active.isSoft || nowMs + ms <= active.untilMs)) return active;
  }
  const keptUntilMs = active !== undefined && isSame && !isSoft ? active.untilMs : 0;
  return {
    scope: scopeOf(failure.status),
    model: scopeOf(failure.status) === 'account' ? '*' : place.model,
    status: failure.status,
    reason: reasonOf(failure),
    sinceMs: nowMs,
    untilMs: Math.max(nowMs + ms, keptUntilMs),
    order: place.order,
    isSoft,
    failures,
    probe: undefined,
    probeUntilMs: 0,
  };
}

/** Failures of one class count together for the back-off. */
function classOf(status: number): number {
  if (status === 402) return 401;
  return status === 401 || status === 403 || status === 404 || status === 429 ? status : 500;
}

function reasonOf({ status, retryAfterMs }: Failure): string {
  if (status === 401 || status === 402 || status === 403) return `the upstream refused the account (${status})`;
  if (status === 404) return 'the upstream does not know the model (404)';
  if (status === 429) return usableHint(retryAfterMs) === undefined ? 'rate limited (429), own back-off' : 'rate limited (429), as the upstream said';
  return status === 0 ? 'the upstream broke off or was not reached' : `the upstream failed (${status})`;
}

function lengthOf({ status, retryAfterMs }: Failure, failures: number): { readonly ms: number; readonly isSoft: boolean } {
  const hintMs = usableHint(retryAfterMs);
  if (status === 401 || status === 402) return { ms: credentialMs, isSoft: false };
  if (status === 403) {
    // Often about one request (moderation, region, a model not opened): it locks only when it keeps coming.
    const ms = backoffMs(failures, longestBackoffMs);
    return { ms, isSoft: ms <= longestSoftMs };
  }
  if (status === 404) return { ms: missingMs, isSoft: true };
  if (status === 429) return { ms: hintMs ?? backoffMs(failures, longestBackoffMs), isSoft: false };
  return { ms: hintMs === undefined ? backoffMs(failures, longestSoftMs) : Math.min(hintMs, longestBackoffMs), isSoft: true };
}

function usableHint(retryAfterMs: number | undefined): number | undefined {
  return retryAfterMs === undefined || !(retryAfterMs > 0) ? undefined : Math.min(retryAfterMs, longestHintMs);
}

/** 1 s, 2 s, 4 s … */
function backoffMs(failures: number, longestMs: number): number {
  return Math.min(longestMs, secondMs * 2 ** Math.min(failures - 1, 20));
}
