import type { Family, TokenRequest } from '../identity-provider/wire.ts';
import type { Loss, RunRecord } from '../record.ts';
import { scenarios, type Scenario } from '../scenarios.ts';

/*
 * Records as a run would leave them, written by hand: one daemon pair, two accounts, time from 0 on. Each test changes the
 * one thing it is about.
 */

export const lifeMs = 2_000;

export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new TypeError(`no scenario ${name}`);
  return found;
}

/** Refreshes of `identity` each 1.8 s from `fromMs` on, the daemons by turns, so that a living token is always there. */
export function steadyRefreshes(identity: string, fromMs: number, toMs: number, firstSeq: number): TokenRequest[] {
  const requests: TokenRequest[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += 1_800) {
    const seq = firstSeq + requests.length;
    requests.push({ seq, daemon: seq % 2 === 0 ? 'd1' : 'd2', connection: 1, readAtMs: atMs, digest: digestOf(seq), family: `${identity}#1`, identity, outcome: 'issued', issuedAtMs: atMs + 40, accessExpiresAtMs: atMs + 40 + lifeMs, answeredAtMs: atMs + 40 });
  }
  return requests;
}

/** 64 hex digits. */
export function digestOf(seq: number): string {
  return seq.toString(16).padStart(4, '0').repeat(16);
}

export function familyOf(identity: string, more: Partial<Family> = {}): Family {
  return { id: `${identity}#1`, identity, startedAtMs: 0, seedExpiresAtMs: lifeMs, newestDigest: 'f'.repeat(64), ...more };
}

/** A run of 20 s in which all went well. */
export function goodRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    scenario: 'kills',
    title: '',
    startedAtMs: 0,
    calmedAtMs: 18_000,
    endedAtMs: 20_000,
    daemons: ['d1', 'd2'],
    clientsPerDaemon: 1,
    identities: ['a1', 'a2'],
    accessLifeMs: lifeMs,
    delayMs: 40,
    okCount: 100,
    latenciesMs: [1, 2, 3],
    failures: [],
    families: [familyOf('a1'), familyOf('a2')],
    tokenRequests: [...steadyRefreshes('a1', 1_800, 20_000, 1), ...steadyRefreshes('a2', 1_900, 20_000, 101)],
    upstream: { upstream: [], unknownAccessCount: 0, adoptedCount: 1 },
    stops: [],
    kills: [{ daemon: 'd2', atMs: 12_000, upAgainMs: 12_500, intents: [] }],
    losses: [],
    ledgerCount: 2,
    isSettled: true,
    finalFiles: [],
    badEndings: [],
    troubles: [],
    ...changes,
  };
}

/** `a1` lost at 10 s: request 3 of d2 (5.4 s) spent its token, request 900 presented it again. */
export function lossOfA1(changes: Partial<Loss> = {}): Pick<RunRecord, 'families' | 'tokenRequests' | 'losses'> {
  const again: TokenRequest = { seq: 900, daemon: 'd1', connection: 1, readAtMs: 10_000, digest: digestOf(3), family: 'a1#1', identity: 'a1', outcome: 'reuse', spentBy: 3, answeredAtMs: 10_040 };
  const loss: Loss = {
    identity: 'a1',
    family: 'a1#1',
    noticedAtMs: 10_100,
    revokedAtMs: 10_000,
    tellings: ['d1', 'd2'].map((daemon) => ({ daemon, afterMs: 100, reason: 'refresh_outcome_unknown', isInReadyz: true })),
    remembered: [digestOf(3).slice(0, 32)],
    reloggedInAtMs: 10_500,
    cameBackAfterMs: 200,
    ...changes,
  };
  return { families: [familyOf('a1', { revokedAtMs: 10_000, revokedBy: 900 }), familyOf('a2')], tokenRequests: [...goodRecord().tokenRequests, again], losses: [loss] };
}
