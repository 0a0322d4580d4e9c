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
  /** The upstream named the time at which it ends. */
  readonly isHinted: boolean;
  /** In a row, whatever they were. */
  readonly failures: number;
  /** Of these the last ones of one class, for the back-offs that refuse. */
  readonly likeFailures: number;
  /** The attempt that probes, while it does. */
  probe: object | undefined;
  /** When another may probe although this one has not ended. */
  probeUntilMs: number;
}

/**
 * The worse, the higher. `due`: one request may try, because a cooldown has ended or has lasted for the cap; `onTrial`: that
 * request is under way; `blocked`: until somebody acts.
 */
export const severities = { healthy: 0, due: 1, onTrial: 2, soft: 3, hard: 4, blocked: 5 } as const;
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

export function scopeOf({ status, isAccountWide }: Failure): CooldownScope {
  if (isRefusalOfCredential(status) || (status === 429 && isAccountWide === true)) return 'account';
  return status === 404 ? 'endpoint' : 'model';
}

/** The upstream refuses the credential itself; waiting is no remedy. */
export function refusesCredential({ status }: Cooldown): boolean {
  return isRefusalOfCredential(status);
}

function isRefusalOfCredential(status: number): boolean {
  return status === 401 || status === 402 || status === 403;
}

/** A clock that was set back by more than a minute ends it. */
export function isActive(cooldown: Cooldown, nowMs: number): boolean {
  return nowMs < cooldown.untilMs && nowMs > cooldown.sinceMs - minuteMs;
}

/** It has ended, and no success has shown yet that what it came of has. */
export function isUnproven(cooldown: Cooldown, nowMs: number): boolean {
  return nowMs >= cooldown.untilMs && nowMs - cooldown.untilMs < longestBackoffMs;
}

export function severityOf(cooldown: Cooldown, nowMs: number, maxCooldownMs: number): Severity {
  if (!isActive(cooldown, nowMs)) {
    if (!isUnproven(cooldown, nowMs)) return severities.healthy;
    return isProbing(cooldown, nowMs) ? severities.onTrial : severities.due;
  }
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
  const afterProbeMs = nowMs + 5 * secondMs;
  if (!isActive(cooldown, nowMs)) return isProbing(cooldown, nowMs) ? afterProbeMs : nowMs;
  return Math.min(cooldown.untilMs, isProbing(cooldown, nowMs) ? afterProbeMs : cooldown.sinceMs + maxCooldownMs);
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
 * echoes: they neither raise the back-off nor soften what is known, and do not end the trial that is under way.
 */
export function cooldownAfter(previous: Cooldown | undefined, failure: Failure, place: FailurePlace): Cooldown {
  const { nowMs } = place;
  const known = previous !== undefined && nowMs - previous.untilMs < longestBackoffMs ? previous : undefined;
  const active = known !== undefined && isActive(known, nowMs) ? known : undefined;
  const isSame = known !== undefined && classOf(known.status) === classOf(failure.status);
  const isEcho = known !== undefined && place.pickOrder < known.order;
  const step = isEcho ? 0 : 1;
  const failures = (known?.failures ?? 0) + (known === undefined ? 1 : step);
  const likeFailures = isSame ? known.likeFailures + step : 1;
  const { ms, isSoft, isHinted } = lengthOf(failure, { failures, likeFailures });
  if (isEcho) {
    const saysLonger = isHinted && nowMs + ms > known.untilMs;
    if (isSame ? !saysLonger : isSoft && !(known.isSoft && saysLonger)) return known;
  }
  // A newer attempt's hint replaces the older one; among those that were refused together the later end counts.
  const isNews = !isEcho && usableHint(failure.retryAfterMs) !== undefined;
  const keptUntilMs = active !== undefined && isSame && !isSoft && !isNews ? active.untilMs : 0;
  const scope = scopeOf(failure);
  return {
    scope,
    model: scope === 'account' ? '*' : place.model,
    status: failure.status,
    reason: reasonOf(failure),
    sinceMs: nowMs,
    untilMs: Math.max(nowMs + ms, keptUntilMs),
    order: place.order,
    isSoft,
    isHinted: nowMs + ms >= keptUntilMs ? isHinted : active?.isHinted === true,
    failures,
    likeFailures,
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
  if (isRefusalOfCredential(status)) return `the upstream refused the account (${status})`;
  if (status === 404) return 'the upstream does not know the model (404)';
  if (status === 429) return usableHint(retryAfterMs) === undefined ? 'rate limited (429), own back-off' : 'rate limited (429), as the upstream said';
  return status === 0 ? 'the upstream broke off or was not reached' : `the upstream failed (${status})`;
}

interface Length {
  readonly ms: number;
  readonly isSoft: boolean;
  readonly isHinted: boolean;
}

function lengthOf({ status, retryAfterMs }: Failure, { failures, likeFailures }: Pick<Cooldown, 'failures' | 'likeFailures'>): Length {
  const hintMs = usableHint(retryAfterMs);
  const own = (ms: number, isSoft: boolean): Length => ({ ms, isSoft, isHinted: false });
  if (status === 401 || status === 402) return own(credentialMs, false);
  if (status === 403) {
    // Often about one request (moderation, region, a model not opened): it locks only when it keeps coming.
    const ms = backoffMs(likeFailures, longestBackoffMs);
    return own(ms, ms <= longestSoftMs);
  }
  if (status === 404) return own(missingMs, true);
  const isSoft = status !== 429;
  if (hintMs === undefined) return isSoft ? own(backoffMs(failures, longestSoftMs), true) : own(backoffMs(likeFailures, longestBackoffMs), false);
  const statedMs = isSoft ? Math.min(hintMs, longestBackoffMs) : hintMs;
  // A hint that was kept to in vain is not believed again as it stands: some upstreams say one second for hours.
  const provedMs = likeFailures > 1 ? backoffMs(likeFailures - 1, longestSoftMs) : 0;
  return statedMs >= provedMs ? { ms: statedMs, isSoft, isHinted: true } : own(provedMs, isSoft);
}

function usableHint(retryAfterMs: number | undefined): number | undefined {
  return retryAfterMs === undefined || !(retryAfterMs > 0) ? undefined : Math.min(retryAfterMs, longestHintMs);
}

/** 1 s, 2 s, 4 s … */
function backoffMs(failures: number, longestMs: number): number {
  return Math.min(longestMs, secondMs * 2 ** Math.min(failures - 1, 20));
}
