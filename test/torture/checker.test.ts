import { describe, expect, it } from 'vitest';
import { renderReport, reportOn, type Report } from './check/report.ts';
import { digestOf, goodRecord, lossOfA1, scenarioOf, steadyRefreshes } from './fake/record.ts';
import { fakeTarget, type Sin } from './fake/target.ts';
import { runScenario } from './harness/run.ts';
import type { Failure, Kill, RunRecord } from './record.ts';
import type { Scenario } from './scenarios.ts';

/*
 * The burn test's checks must be able to fail: against processes that commit one sin each, and against records with one
 * thing wrong.
 */

async function runFake(sin: Sin, scenario: Scenario, durationMs = 3_000): Promise<Report> {
  const record = await runScenario({ scenario, target: fakeTarget(sin), durationMs, daemonCount: 3, clientsPerDaemon: 5, identityCount: 3, answerMs: 50, seed: 7, tellLimitMs: 2_500, say: () => undefined });
  return reportOn(scenario, record);
}

function brokenIn(report: Report): readonly string[] {
  return report.verdicts.filter(({ isKept }) => !isKept).map(({ promise }) => promise);
}

const quiet: Scenario = { ...scenarioOf('calm'), stops: undefined };
const lossyWith = (rate: number): Scenario => ({ ...scenarioOf('resets'), faults: { delayMs: 20, rates: { reset_before_reading: 0, reset_after_reading: rate, reset_mid_answer: rate, unavailable: 0 } } });
/** Every refresh loses its account. */
const lossy = lossyWith(0.5);

describe.concurrent('a process that commits a sin is found out', () => {
  it('no lock and tokens in memory: spent tokens are presented and accounts are lost', async () => {
    expect(brokenIn(await runFake('naive', quiet))).toEqual(expect.arrayContaining(['no spent token was presented', 'no account was lost']));
  }, 60_000);

  it('silence about a lost account', async () => {
    expect(brokenIn(await runFake('silent', lossy))).toContain('every daemon says of each lost account that it needs a login, and why');
  }, 60_000);

  it('401 to a client with a valid key', async () => {
    expect(brokenIn(await runFake('blaming', lossy))).toContain('no client with a valid key was told 401');
  }, 60_000);

  it('another account’s tokens spent', async () => {
    expect(brokenIn(await runFake('confused', quiet))).toContain('no request was served by another account than the one it named');
  }, 60_000);
});

describe('a process that keeps every promise', () => {
  it('passes, losing accounts to resets alone', async () => {
    const report = await runFake('careful', lossyWith(0.2), 5_000);
    expect(report.isKept, renderReport(report)).toBe(true);
  }, 60_000);
});

function judged(changes: Partial<RunRecord>, scenario = scenarioOf('kills')): readonly string[] {
  return brokenIn(reportOn(scenario, goodRecord(changes)));
}

const everyRequest = 'every request was answered, but where a killed or stopped daemon, a slow or faulty token endpoint or a lost account explains it';
const ownCause = 'each loss has its own kill or reset, inside an intent that stood on disk';
const bound = 'losses ≤ kills and resets inside recorded intents';
const killOfD2: Kill = { daemon: 'd2', atMs: 5_420, upAgainMs: 5_900, intents: [{ digest: digestOf(3).slice(0, 32), pid: 1 }] };

describe('a loss', () => {
  it('is accepted when the daemon that spent the token was killed inside its intent', () => {
    expect(judged({ ...lossOfA1(), kills: [killOfD2] })).toEqual([]);
  });

  it('is a bug when nothing was killed or reset at that time', () => {
    expect(judged(lossOfA1())).toEqual(expect.arrayContaining([ownCause, bound]));
  });

  it('is a bug when another daemon than the spender was killed', () => {
    expect(judged({ ...lossOfA1(), kills: [{ ...killOfD2, daemon: 'd1' }] })).toContain(ownCause);
  });

  it('is a bug when no intent was recorded before the token was sent', () => {
    expect(judged({ ...lossOfA1(), kills: [{ ...killOfD2, intents: [] }] })).toEqual(expect.arrayContaining([ownCause, bound]));
  });

  it('is accepted when the answer was reset, and a bug when the ledger knows nothing of that token', () => {
    const reset = (remembered: readonly string[]): Partial<RunRecord> => {
      const record = lossOfA1({ remembered });
      return { ...record, tokenRequests: record.tokenRequests.map((request) => (request.seq === 3 ? { ...request, fault: 'reset_mid_answer' as const } : request)) };
    };
    expect(judged(reset([digestOf(3).slice(0, 32)]))).toEqual([]);
    expect(judged(reset([]))).toContain(ownCause);
  });

  it('must be told by every daemon, in status and readiness, and end with a new login', () => {
    const silent = { daemon: 'd2', afterMs: undefined, reason: '', isInReadyz: false };
    expect(judged({ ...lossOfA1({ tellings: [silent] }), kills: [killOfD2] })).toEqual(['every daemon says of each lost account that it needs a login, and why']);
    expect(judged({ ...lossOfA1({ cameBackAfterMs: undefined }), kills: [killOfD2] })).toEqual(['a new login brings a lost account back']);
    expect(judged({ ...lossOfA1(), kills: [killOfD2], losses: [] })).toContain('the identity provider revoked no family that the daemons are silent about');
  });
});

describe('a failed request', () => {
  const unavailable: Failure = { daemon: 'd1', identity: 'a2', fromMs: 9_000, toMs: 9_050, status: 503, code: 'account_unavailable' };
  const stop = { daemon: 'd2', fromMs: 7_000, toMs: 11_000 };
  /** d2 was held in the middle of a refresh of a2, and answered when it woke. */
  const heldRefreshes = [
    ...steadyRefreshes('a1', 1_800, 20_000, 1),
    ...steadyRefreshes('a2', 1_900, 6_000, 101),
    ...steadyRefreshes('a2', 6_950, 7_000, 200).map((open) => ({ ...open, daemon: 'd2', answeredAtMs: 11_010, issuedAtMs: 11_010, accessExpiresAtMs: 13_010 })),
    ...steadyRefreshes('a2', 12_800, 20_000, 301),
  ];

  it('breaks the promise where nothing explains it', () => {
    expect(judged({ failures: [unavailable] })).toEqual([everyRequest]);
  });

  it('is excused while the holder of the refresh was stopped and the token had ended, and not before that', () => {
    const calm = scenarioOf('calm');
    const record = { scenario: 'calm', kills: [], stops: [stop], tokenRequests: heldRefreshes };
    expect(judged({ ...record, failures: [unavailable] }, calm)).toEqual([]);
    expect(judged({ ...record, failures: [{ ...unavailable, fromMs: 7_050, toMs: 7_100 }] }, calm)).toEqual([everyRequest]);
  });

  it('is not excused by a stopped daemon that held nothing', () => {
    const calm = scenarioOf('calm');
    const failures = [{ ...unavailable, identity: 'a1' }];
    expect(judged({ scenario: 'calm', kills: [], stops: [stop], tokenRequests: heldRefreshes, failures }, calm)).toEqual([everyRequest]);
  });

  it('for any account is excused only where every account was out of reach', () => {
    const calm = scenarioOf('calm');
    const failures = [{ ...unavailable, identity: '' }];
    expect(judged({ scenario: 'calm', kills: [], stops: [stop], tokenRequests: heldRefreshes, failures }, calm)).toEqual([everyRequest]);
  });

  it('is excused when its own daemon was killed, and not when another was', () => {
    const cut: Failure = { ...unavailable, fromMs: 11_990, toMs: 12_001, status: 0, code: 'ECONNRESET' };
    expect(judged({ failures: [{ ...cut, daemon: 'd2' }] })).toEqual([]);
    expect(judged({ failures: [cut] })).toEqual([everyRequest]);
  });

  it('is never excused when it is a 401 or a 502', () => {
    const lost = { ...lossOfA1(), kills: [killOfD2] };
    const during = { ...unavailable, identity: 'a1', fromMs: 10_010, toMs: 10_020 };
    expect(judged({ ...lost, failures: [during] })).toEqual([]);
    expect(judged({ ...lost, failures: [{ ...during, status: 502 }] })).toEqual([everyRequest]);
    expect(judged({ ...lost, failures: [{ ...during, status: 401 }] })).toEqual([everyRequest, 'no client with a valid key was told 401']);
  });
});

describe('a run', () => {
  it('in which all went well keeps every promise', () => {
    expect(judged({})).toEqual([]);
  });

  it('in which nothing happened shows nothing', () => {
    expect(judged({ okCount: 0 })).toEqual(['the run was a real one']);
    expect(judged({ kills: [] })).toEqual(['the run was a real one']);
    expect(judged({ tokenRequests: [] })).toContain('the run was a real one');
  });

  it('must end with the newest tokens and the operator’s fields on disk, its daemons ended well', () => {
    expect(judged({ finalFiles: [{ identity: 'a1', hasNewest: false, isNoteKept: true }] })).toEqual(['the newest refresh token of every account is on disk at the end']);
    expect(judged({ finalFiles: [{ identity: 'a1', hasNewest: true, isNoteKept: false }] })).toEqual(['no field of the operator was lost']);
    expect(judged({ badEndings: ['d1 ended by itself'] })).toEqual(['no daemon ended but when it was told to, and then well']);
    expect(judged({ isSettled: false })).toEqual(['every account was kept fresh again once it was calm']);
  });
});
