import type { Failure, RunRecord } from '../record.ts';
import { overlapOf, overlaps, type Interval } from './intervals.ts';
import { heldRefresh, tokenGapsOf } from './token-gaps.ts';

/** Why a failed request breaks no promise. */
export type Excuse =
  /** Its daemon was killed, or not up again. */
  | 'daemon_killed'
  /** Its account had been lost, and nobody had logged in anew (or less than two seconds ago). */
  | 'account_lost'
  /** 503 while the daemon that held the refresh was stopped past the token's life (clarification 4). */
  | 'holder_stopped'
  /** 503 while the token endpoint was still thinking and the old token had ended. */
  | 'endpoint_slow'
  /** 503 after a refresh met a fault and the old token had ended. */
  | 'endpoint_faulty';

/** A connection may break a moment after its daemon is up again. */
const afterRestartMs = 250;
/** A changed file is live within this (contract §10). */
const liveWithinMs = 2_000;
/** A holder that wakes must still finish what it began. */
const afterWakingMs = 1_000;
const slowFromMs = 1_000;
/** A refresh that failed is tried again when the old token has ended. */
const faultBeforeMs = 5_000;

interface ExcusedWindow extends Interval {
  readonly excuse: Excuse;
}

/** Judges failures one by one; undefined: the failure has no excuse. */
export function createJudge(record: RunRecord): (failure: Failure) => Excuse | undefined {
  const windows = new Map(record.identities.map((identity) => [identity, tokenGapsOf(record, identity).flatMap((gap) => windowsIn(record, identity, gap))] as const));

  const ofIdentity = (failure: Failure, identity: string): Excuse | undefined => {
    if (record.losses.some((loss) => loss.identity === identity && overlaps(failure, lossWindow(record, loss, failure.daemon)))) return 'account_lost';
    return windows.get(identity)?.find((window) => overlaps(failure, window))?.excuse;
  };
  return (failure) => {
    if (failure.status === 0) return record.kills.some((kill) => kill.daemon === failure.daemon && overlaps(failure, { fromMs: kill.atMs, toMs: kill.upAgainMs + afterRestartMs })) ? 'daemon_killed' : undefined;
    if (failure.status !== 503) return undefined;
    if (failure.identity !== '') return ofIdentity(failure, failure.identity);
    // Any account would have done: each must have been out of reach.
    const all = record.identities.map((identity) => ofIdentity(failure, identity));
    return all.includes(undefined) ? undefined : all[0];
  };
}

function lossWindow(record: RunRecord, loss: RunRecord['losses'][number], daemon: string): Interval {
  const fromMs = loss.revokedAtMs ?? loss.noticedAtMs - liveWithinMs;
  if (loss.reloggedInAtMs === undefined) return { fromMs, toMs: Infinity };
  const liveAtMs = loss.reloggedInAtMs + liveWithinMs;
  // A daemon that was held then sees the new file when it wakes.
  const held = record.stops.find((stop) => stop.daemon === daemon && overlaps({ fromMs: stop.fromMs, toMs: stop.toMs }, { fromMs: loss.noticedAtMs, toMs: liveAtMs }));
  return { fromMs, toMs: held === undefined ? liveAtMs : Math.max(liveAtMs, held.toMs + liveWithinMs) };
}

/** The parts of a time without a living token in which a 503 is by rule. */
function windowsIn(record: RunRecord, identity: string, gap: Interval): readonly ExcusedWindow[] {
  const windows: ExcusedWindow[] = [];
  const add = (excuse: Excuse, window: Interval): void => {
    const common = overlapOf(gap, window);
    if (common !== undefined) windows.push({ ...common, excuse });
  };
  for (const stop of record.stops) {
    const window = { fromMs: stop.fromMs, toMs: stop.toMs + afterWakingMs };
    if (overlaps(gap, window) && heldRefresh(record, identity, stop)) add('holder_stopped', window);
  }
  for (const request of record.tokenRequests) {
    const endedAtMs = request.answeredAtMs ?? request.brokenAtMs ?? Infinity;
    if (request.identity === identity && endedAtMs - request.readAtMs >= slowFromMs) add('endpoint_slow', { fromMs: request.readAtMs, toMs: endedAtMs + slowFromMs });
    if (request.fault !== undefined && (request.identity === identity || request.identity === '') && request.readAtMs >= gap.fromMs - faultBeforeMs && request.readAtMs <= gap.toMs) add('endpoint_faulty', { fromMs: gap.fromMs, toMs: gap.toMs });
  }
  return windows;
}
