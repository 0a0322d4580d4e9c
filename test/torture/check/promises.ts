import type { Failure, Loss, RunRecord } from '../record.ts';
import type { Scenario } from '../scenarios.ts';
import type { Judgement } from './judgement.ts';
import { at, timelineAround } from './timeline.ts';

export interface Verdict {
  /** What was promised. */
  readonly promise: string;
  readonly isKept: boolean;
  /** What was seen instead, a line each. */
  readonly broken: readonly string[];
}

const shownCount = 24;

/** Every promise of security rules 24–26 that the run can speak of, and whether it was kept. */
export function checkPromises(scenario: Scenario, record: RunRecord, judgement: Judgement): readonly Verdict[] {
  const unexplained = judgement.failures.filter(({ excuse }) => excuse === undefined).map(({ failure }) => failure);
  const line = (failure: Failure): string => `${failure.status} ${failure.code} of ${failure.daemon} for ${failure.identity || 'any account'} ${at(record, failure.fromMs)}–${at(record, failure.toMs)}`;
  const verdict = (promise: string, broken: readonly string[]): Verdict => ({ promise, isKept: broken.length === 0, broken: broken.length > shownCount ? [...broken.slice(0, shownCount), `… ${broken.length} in all`] : broken });
  const requestLines = (outcome: string): readonly string[] => record.tokenRequests.filter((each) => each.outcome === outcome).map((each) => `request ${each.seq} of ${each.daemon || 'nobody known'} at ${at(record, each.readAtMs)}${each.spentBy === undefined ? '' : `: spent before by request ${each.spentBy}`}`);

  return [
    verdict('the run was a real one', hollowness(scenario, record)),
    ...(scenario.mayLose ? [] : [verdict('no spent token was presented', requestLines('reuse')), verdict('no account was lost', record.losses.map((loss) => lossLine(record, loss)))]),
    ...(scenario.mayLose ? lossVerdicts(record, judgement, verdict) : []),
    verdict('every request was answered, but where a killed or stopped daemon, a slow or faulty token endpoint or a lost account explains it', [...firstTimeline(record, unexplained), ...unexplained.map(line)]),
    verdict('no client with a valid key was told 401', record.failures.filter(({ status }) => status === 401).map(line)),
    verdict('no request was served by another account than the one it named', record.failures.filter(({ code }) => code === 'wrong_account').map(line)),
    verdict('nothing but refresh tokens of this provider was sent to it', [...requestLines('unknown'), ...requestLines('malformed')]),
    verdict('nothing but access tokens of this provider was sent to the API', record.upstream.unknownAccessCount === 0 ? [] : [`${record.upstream.unknownAccessCount} unknown access tokens`]),
    verdict('every account was kept fresh again once it was calm', record.isSettled ? [] : ['some account was not refreshed']),
    verdict('the newest refresh token of every account is on disk at the end', record.finalFiles.filter(({ hasNewest }) => !hasNewest).map(({ identity }) => identity)),
    verdict('no field of the operator was lost', record.finalFiles.filter(({ isNoteKept }) => !isNoteKept).map(({ identity }) => identity)),
    verdict('no daemon ended but when it was told to, and then well', record.badEndings),
    verdict('the harness saw everything', record.troubles),
  ];
}

function lossVerdicts(record: RunRecord, { losses, killsInsideIntents, resetsInsideIntents }: Judgement, verdict: (promise: string, broken: readonly string[]) => Verdict): readonly Verdict[] {
  const bound = killsInsideIntents + resetsInsideIntents;
  const silent = record.losses.flatMap((loss) => loss.tellings.filter(({ afterMs }) => afterMs === undefined).map(({ daemon, reason, isInReadyz }) => `${daemon} on ${lossLine(record, loss)} (reason "${reason}", ${isInReadyz ? '' : 'not '}in readyz)`));
  const lostFamilies = new Set(record.losses.map(({ family }) => family));
  return [
    verdict('losses ≤ kills and resets inside recorded intents', losses.length <= bound ? [] : [`${losses.length} losses, ${bound} kills and resets inside intents`]),
    verdict('each loss has its own kill or reset, inside an intent that stood on disk', losses.filter(({ cause }) => cause?.isRecorded !== true).map(({ loss, cause }) => `${lossLine(record, loss)}: ${cause === undefined ? 'nothing explains it' : `${cause.kind}, but no intent was recorded`}`)),
    verdict('every daemon says of each lost account that it needs a login, and why', silent),
    verdict('the identity provider revoked no family that the daemons are silent about', record.families.filter(({ id, revokedAtMs }) => revokedAtMs !== undefined && !lostFamilies.has(id)).map(({ id }) => id)),
    verdict('a new login brings a lost account back', record.losses.filter(({ cameBackAfterMs }) => cameBackAfterMs === undefined).map((loss) => lossLine(record, loss))),
  ];
}

/** Why the run shows nothing; a check that sees nothing must not pass. */
function hollowness(scenario: Scenario, record: RunRecord): readonly string[] {
  const issued = record.tokenRequests.filter(({ outcome }) => outcome === 'issued').length;
  const reasons: string[] = [];
  const want = (isThere: boolean, reason: string): void => void (isThere || reasons.push(reason));
  want(record.okCount > record.daemons.length * record.clientsPerDaemon, `only ${record.okCount} requests were answered`);
  want(new Set(record.tokenRequests.filter(({ outcome }) => outcome === 'issued').map(({ daemon }) => daemon)).size > 1 || record.daemons.length === 1 || scenario.accessLifeMs > 10_000, 'fewer than two daemons refreshed');
  want(issued >= record.identities.length, `only ${issued} refreshes`);
  want(scenario.stops === undefined || record.stops.length > 0, 'no daemon was stopped');
  want(scenario.kills === undefined || record.kills.length > 0, 'no daemon was killed');
  want(Object.values(scenario.faults.rates).every((rate) => rate === 0) || record.tokenRequests.some(({ fault }) => fault !== undefined), 'no token request met a fault');
  return reasons;
}

/** What happened around the first of them, for whoever looks for the cause. */
function firstTimeline(record: RunRecord, unexplained: readonly Failure[]): readonly string[] {
  const first = unexplained.find(({ identity }) => identity !== '');
  return first === undefined ? [] : [`around ${first.daemon} for ${first.identity} at ${at(record, first.fromMs)}:`, ...timelineAround(record, first.identity, first.fromMs).map((each) => `  ${each}`)];
}

function lossLine(record: RunRecord, { family, noticedAtMs }: Loss): string {
  return `${family} noticed at ${at(record, noticedAtMs)}`;
}
