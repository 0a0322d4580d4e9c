import { faultKinds, type FaultKind, type Phase } from './faults.ts';
import { maxCooldownMs, phaseAt, type ClientFailure, type Outcome, type SimulatedAccount } from './world.ts';

const minuteMs = 60_000;

/** What one kind of fault cost. */
export interface KindFigures {
  readonly kind: FaultKind;
  readonly phases: number;
  /** Attempts made in vain, and of these before the first had told. */
  readonly attempts: number;
  readonly unaware: number;
  /** Most attempts that began within any minute once the fault was known. */
  readonly mostPerMinute: number;
  /** From the fault's end to the next attempt, the longest. */
  readonly slowestReturnMs: number;
}

export interface Figures {
  readonly requests: number;
  readonly attempts: number;
  readonly saved: number;
  readonly failures: number;
  /** Clients that saw a failure although an account had been well for the cap and the time an answer takes to begin. */
  readonly needlessFailures: number;
  /** Of the failures those at which an upstream was well again, and Keyward waited for the end of its cooldown. */
  readonly believedFailures: number;
  readonly mostPerMinute: number;
  readonly slowestReturnMs: number;
  /** Longest time that an account which was well and known to be went without a request. */
  readonly longestIdleMs: number;
  /** Least and most work of accounts over their well time, as a share of their model's mean. */
  readonly leastShare: number;
  readonly mostShare: number;
  readonly byKind: readonly KindFigures[];
}

export function measure(outcome: Outcome): Figures {
  const { accounts, failures } = outcome;
  const byKind = faultKinds.map((kind) => measureKind(kind, outcome));
  const shares = sharesOf(outcome);
  return {
    requests: outcome.requests,
    attempts: accounts.reduce((sum, { attempts }) => sum + attempts.length, 0),
    saved: outcome.saved,
    failures: failures.length,
    needlessFailures: failures.filter((failure) => couldServe(failure, outcome, maxCooldownMs + 2 * minuteMs)).length,
    believedFailures: failures.filter((failure) => couldServe(failure, outcome, 0)).length,
    mostPerMinute: Math.max(0, ...byKind.map(({ mostPerMinute }) => mostPerMinute)),
    slowestReturnMs: Math.max(0, ...byKind.map(({ slowestReturnMs }) => slowestReturnMs)),
    longestIdleMs: Math.max(0, ...accounts.map((account) => longestIdle(account, outcome))),
    leastShare: Math.min(...shares),
    mostShare: Math.max(...shares),
    byKind,
  };
}

/** An account that had not failed the request itself was well at that moment, and had been for so long. */
function couldServe({ atMs, model, failedBy }: ClientFailure, { accounts }: Outcome, forMs: number): boolean {
  return accounts.some((account) => account.model === model && !failedBy.has(account.label) && phaseAt(account, atMs) === undefined && !account.phases.some(({ untilMs }) => untilMs <= atMs && atMs - untilMs < forMs));
}

function measureKind(kind: FaultKind, { accounts, endMs }: Outcome): KindFigures {
  const found = accounts.flatMap((account) => account.phases.filter((phase) => phase.kind === kind && phase.untilMs < endMs).map((phase) => measurePhase(account, phase)));
  const most = (read: (each: PhaseFigures) => number): number => Math.max(0, ...found.map(read));
  return {
    kind,
    phases: found.length,
    attempts: found.reduce((sum, { attempts }) => sum + attempts, 0),
    unaware: found.reduce((sum, { unaware }) => sum + unaware, 0),
    mostPerMinute: most(({ mostPerMinute }) => mostPerMinute),
    slowestReturnMs: most(({ returnMs }) => returnMs),
  };
}

interface PhaseFigures {
  readonly attempts: number;
  readonly unaware: number;
  readonly mostPerMinute: number;
  readonly returnMs: number;
}

function measurePhase(account: SimulatedAccount, phase: Phase): PhaseFigures {
  const within = account.attempts.filter((attempt) => attempt.phase === phase);
  const knownMs = within.reduce((earliest, { endMs }) => Math.min(earliest, endMs), Infinity);
  const aware = within.filter(({ atMs }) => atMs >= knownMs).map(({ atMs }) => atMs);
  const next = account.attempts.find(({ atMs }) => atMs >= phase.untilMs);
  // Only a fault that was met could keep the account away.
  const returnMs = within.length === 0 || next === undefined ? 0 : next.atMs - phase.untilMs;
  return { attempts: within.length, unaware: within.length - aware.length, mostPerMinute: mostWithinAMinute(aware), returnMs };
}

function mostWithinAMinute(times: readonly number[]): number {
  let most = 0;
  let first = 0;
  times.forEach((atMs, index) => {
    while (atMs - (times[first] ?? atMs) >= minuteMs) first++;
    most = Math.max(most, index - first + 1);
  });
  return most;
}

/** Calm times, each from the first success after a fault to the next fault. */
function calmTimes({ phases, attempts }: SimulatedAccount, { startMs, endMs }: Outcome): readonly { readonly fromMs: number; readonly untilMs: number }[] {
  const begins = [startMs, ...phases.map(({ untilMs }) => untilMs)];
  return begins.flatMap((beginMs, index) => {
    const untilMs = Math.min(endMs, phases[index]?.fromMs ?? endMs);
    const proof = attempts.find(({ atMs, isWell }) => isWell && atMs >= beginMs);
    return proof === undefined || proof.endMs >= untilMs ? [] : [{ fromMs: proof.endMs, untilMs }];
  });
}

function longestIdle(account: SimulatedAccount, outcome: Outcome): number {
  let longestMs = 0;
  for (const { fromMs, untilMs } of calmTimes(account, outcome)) {
    let lastMs = fromMs;
    for (const { atMs } of account.attempts) {
      if (atMs < fromMs || atMs >= untilMs) continue;
      longestMs = Math.max(longestMs, atMs - lastMs);
      lastMs = atMs;
    }
    longestMs = Math.max(longestMs, untilMs - lastMs);
  }
  return longestMs;
}

/** Requests per time of calm, against the mean of the model's accounts. */
function sharesOf(outcome: Outcome): readonly number[] {
  const paces = outcome.accounts.map((account) => ({ model: account.model, pace: paceOf(account, outcome) }));
  return paces.map(({ model, pace }) => {
    const fellows = paces.filter((each) => each.model === model);
    return pace / (fellows.reduce((sum, each) => sum + each.pace, 0) / fellows.length);
  });
}

function paceOf(account: SimulatedAccount, outcome: Outcome): number {
  let requests = 0;
  let ms = 0;
  for (const { fromMs, untilMs } of calmTimes(account, outcome)) {
    ms += untilMs - fromMs;
    for (const { atMs } of account.attempts) if (fromMs <= atMs && atMs < untilMs) requests++;
  }
  return ms === 0 ? 0 : requests / ms;
}
