import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Children } from '../../../bench/process/children.ts';
import { createRandom } from '../../conformance/fuzz/random.ts';
import type { FinalFile, RunRecord } from '../record.ts';
import { usualDelayMs, type Scenario } from '../scenarios.ts';
import { noFaults } from '../identity-provider/wire.ts';
import { copyNameOf, fileNameOf, makeAuthDirectory, readAuthFiles, writeAuthFile } from './auth-files.ts';
import { startClients } from './clients.ts';
import { disturb } from './disturb.ts';
import { createMember, type FleetRecord, type Member } from './fleet.ts';
import { startIdentityProvider, type IdentityProvider } from './identity-provider.ts';
import { readLedgers } from './intents.ts';
import { watchLosses, type LossWatch } from './losses.ts';
import type { Setting, Target } from './target.ts';

export interface RunPlan {
  readonly scenario: Scenario;
  readonly target: Target;
  readonly durationMs: number;
  readonly daemonCount: number;
  readonly clientsPerDaemon: number;
  readonly identityCount: number;
  /** How long the API thinks over an answer. */
  readonly answerMs: number;
  /** Of all choices that the harness makes. */
  readonly seed: number;
  /** How long a daemon may take to tell of a lost account; 10 s where absent. */
  readonly tellLimitMs?: number;
  /** Progress, a line at a time. */
  readonly say: (line: string) => void;
  /** Ends the run early; what was begun is ended in order. */
  readonly signal?: AbortSignal;
}

const clientTimeoutMs = 90_000;
const progressEveryMs = 10_000;

/** Runs one scenario from an empty folder to the last process ended, and returns the facts. */
export async function runScenario(plan: RunPlan): Promise<RunRecord> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-torture-'));
  const children = new Children();
  const fleet: FleetRecord = { stops: [], kills: [], badEndings: [] };
  const members: Member[] = [];
  const killAll = (): void => {
    for (const member of members) member.killNow();
  };
  /** For an end that waits for nothing. */
  const leave = (): void => {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  try {
    const authDir = makeAuthDirectory(folder);
    const { scenario, seed, answerMs } = plan;
    const provider = await startIdentityProvider(children, { folder, accessLifeMs: scenario.accessLifeMs, answerMs, seed });
    const identities = Array.from({ length: plan.identityCount }, (_, index) => `a${index + 1}`);
    await seedAccounts(plan, provider, authDir, identities);
    for (const setting of settingsOf(plan, folder, authDir, provider)) members.push(createMember(children, plan.target, setting, fleet));
    await Promise.all(members.map((member) => member.start()));
    return await runStarted({ plan, provider, authDir, identities, members, fleet });
  } finally {
    killAll();
    process.removeListener('exit', leave);
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Started {
  readonly plan: RunPlan;
  readonly provider: IdentityProvider;
  readonly authDir: string;
  readonly identities: readonly string[];
  readonly members: readonly Member[];
  readonly fleet: FleetRecord;
}

async function runStarted(run: Started): Promise<RunRecord> {
  const { plan, provider, authDir, identities, members, fleet } = run;
  const { scenario } = plan;
  const troubles: string[] = [];
  const note = (trouble: string): void => void troubles.push(trouble);
  const startedAtMs = Date.now();
  const clients = startClients({ members, perDaemon: plan.clientsPerDaemon, identities, random: createRandom(plan.seed + 1), timeoutMs: clientTimeoutMs });
  const watch = watchLosses({ members, identities, provider, authDir, accessLifeMs: scenario.accessLifeMs, tellLimitMs: plan.tellLimitMs ?? 10_000, note });
  await provider.setFaults(scenario.faults);

  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
    plan.say(`${scenario.name} ${seconds} s: ${clients.okCount()} answered, ${clients.failures.length} failed, ${fleet.stops.length} stops, ${fleet.kills.length} kills, ${watch.losses.length} accounts lost`);
  }, progressEveryMs);
  try {
    await disturbAll(run, note);
    const calmedAtMs = Date.now();
    await provider.setFaults({ delayMs: Math.min(usualDelayMs, scenario.faults.delayMs), rates: noFaults });
    const isSettled = await settle(run, watch, calmedAtMs);
    await clients.stop();
    await watch.stop();
    await Promise.all(members.map((member) => member.end()));
    const { families, ...upstream } = await provider.stats();
    return {
      scenario: scenario.name,
      title: scenario.title,
      startedAtMs,
      calmedAtMs,
      endedAtMs: Date.now(),
      daemons: members.map(({ setting }) => setting.name),
      clientsPerDaemon: plan.clientsPerDaemon,
      identities,
      accessLifeMs: scenario.accessLifeMs,
      delayMs: scenario.faults.delayMs,
      okCount: clients.okCount(),
      latenciesMs: clients.latenciesMs,
      failures: clients.failures,
      families,
      tokenRequests: await provider.requests(),
      upstream,
      stops: fleet.stops,
      kills: fleet.kills,
      losses: watch.losses,
      ledgerCount: readLedgers(authDir).ledgerCount,
      isSettled,
      finalFiles: identities.map((identity) => finalFileOf(authDir, identity, families.findLast((each) => each.identity === identity)?.newestDigest ?? '')),
      badEndings: fleet.badEndings,
      troubles,
    };
  } finally {
    clearInterval(progress);
  }
}

/** A first login for each identity, and every other one's file once more under another name. */
async function seedAccounts({ scenario }: RunPlan, provider: IdentityProvider, authDir: string, identities: readonly string[]): Promise<void> {
  for (const [index, identity] of identities.entries()) {
    // Spread, so that the accounts do not fall due all at once.
    const tokens = await provider.login(identity, Math.round((scenario.accessLifeMs * (index + 1)) / identities.length));
    writeAuthFile(authDir, fileNameOf(identity), identity, tokens);
    if (index % 2 === 0) writeAuthFile(authDir, copyNameOf(identity), identity, tokens);
  }
}

function settingsOf({ daemonCount, seed }: RunPlan, folder: string, authDir: string, provider: IdentityProvider): readonly Setting[] {
  return Array.from({ length: daemonCount }, (_, index) => {
    const name = `d${index + 1}`;
    const own = join(folder, name);
    mkdirSync(own, { mode: 0o700 });
    return { name, folder: own, authDir, tokenUrl: provider.tokenUrl, upstreamUrl: provider.upstreamUrl, apiKey: `kw_burn_test_client_${seed}`, managementSecret: `burn-test-management-secret-${seed}` };
  });
}

async function disturbAll({ plan, authDir, members }: Started, note: (trouble: string) => void): Promise<void> {
  const { scenario, durationMs, seed } = plan;
  const over = AbortSignal.any([AbortSignal.timeout(durationMs), ...(plan.signal === undefined ? [] : [plan.signal])]);
  const deps = { members, authDir, random: createRandom(seed + 2), note };
  await Promise.all([
    sleep(durationMs, undefined, { signal: over }).catch(() => undefined),
    scenario.stops === undefined ? undefined : disturb(deps, scenario.stops, (victim, forMs) => victim.hold(forMs), over),
    scenario.kills === undefined ? undefined : disturb(deps, scenario.kills, (victim) => victim.killAndRestart(), over),
  ]);
}

/** Waits, under load, until every account was refreshed again (or, where tokens live long, until no refresh is open). */
async function settle({ provider, identities, plan }: Started, watch: LossWatch, calmedAtMs: number): Promise<boolean> {
  const { accessLifeMs, faults } = plan.scenario;
  const isLifeShort = accessLifeMs <= 10_000;
  const untilMs = calmedAtMs + 30_000 + 2 * faults.delayMs;
  while (Date.now() < untilMs && plan.signal?.aborted !== true) {
    const requests = await provider.requests();
    const isDone = isLifeShort
      ? identities.every((identity) => requests.some((each) => each.identity === identity && each.outcome === 'issued' && each.answeredAtMs !== undefined && each.readAtMs > calmedAtMs))
      : requests.every(({ answeredAtMs, brokenAtMs }) => answeredAtMs !== undefined || brokenAtMs !== undefined);
    if (isDone && watch.openCount() === 0) return true;
    await sleep(200);
  }
  return false;
}

function finalFileOf(authDir: string, identity: string, newestDigest: string): FinalFile {
  const { digests, isNoteKept } = readAuthFiles(authDir, identity);
  return { identity, hasNewest: digests.includes(newestDigest), isNoteKept };
}
