import { isConnectionLoss, judge } from '../../../../internal/proxy/refusal.ts';
import type { Candidate, RouteQuery, Router, RoutingTable, SessionMark } from '../../../../internal/routing/ports.ts';
import { candidateKey, createRouter } from '../../../../internal/routing/router.ts';
import { createRandom, type Random } from '../../../conformance/fuzz/random.ts';
import { tableOf } from '../../../support/config.ts';
import { courseIn, courseWhenWell, drawPhases, type Course, type Phase, type Weather } from './faults.ts';
import { createTimeLine, type TimeLine } from './time-line.ts';

export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly hours: number;
  readonly models: number;
  readonly accountsPerModel: number;
  /** Of each model's accounts so many never fail. */
  readonly steadyPerModel: number;
  readonly requestsPerSecond: number;
  readonly strategy: 'round-robin' | 'weighted-round-robin' | 'fill-first' | 'least-busy';
  readonly hasAffinity: boolean;
  /** With affinity: how many a model has at a time, and how long each lasts; 0 for as long as the run. */
  readonly sessionsPerModel: number;
  readonly sessionMinutes: number;
  readonly weather: Weather;
}

/** One attempt as the upstream saw it. */
export interface Attempt {
  readonly atMs: number;
  /** The fault the upstream had. */
  readonly phase: Phase | undefined;
  endMs: number;
  isWell: boolean;
}

export interface SimulatedAccount {
  readonly label: string;
  readonly model: string;
  readonly phases: readonly Phase[];
  readonly attempts: Attempt[];
}

/** A request that its client saw fail. */
export interface ClientFailure {
  readonly atMs: number;
  readonly model: string;
  /** Labels of the accounts that failed it. */
  readonly failedBy: ReadonlySet<string>;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly startMs: number;
  readonly endMs: number;
  readonly accounts: readonly SimulatedAccount[];
  readonly failures: readonly ClientFailure[];
  requests: number;
  /** Requests that one account or more failed before another served them. */
  saved: number;
}

export const maxCooldownMs = 15 * 60_000;

/** Clients, Keyward's router and its rule of retrying (proxy/exchange.ts), and upstreams with faults, in virtual time. */
export function simulate(scenario: Scenario): Outcome {
  const random = createRandom(scenario.seed);
  const startMs = Date.UTC(2026, 10, 24);
  const endMs = startMs + scenario.hours * 3_600_000;
  const timeLine = createTimeLine(startMs);
  const accounts = drawAccounts(scenario, random, startMs, endMs);
  const outcome: Outcome = { scenario, startMs, endMs, accounts, failures: [], requests: 0, saved: 0 };
  const world: World = { ...timeLine, router: createRouter(timeLine.clock), table: tableFor(scenario, accounts), random, byLabel: new Map(accounts.map((account) => [account.label, account])), outcome, failed: [] };
  const arrive = (): void => {
    if (timeLine.clock.nowMs() >= endMs) return;
    startRequest(world);
    timeLine.after(-Math.log(1 - random.int(1_000_000) / 1_000_000) * (1_000 / scenario.requestsPerSecond), arrive);
  };
  arrive();
  timeLine.runUntil(endMs);
  return { ...outcome, failures: world.failed };
}

interface World extends TimeLine {
  readonly router: Router;
  readonly table: RoutingTable;
  readonly random: Random;
  readonly byLabel: ReadonlyMap<string, SimulatedAccount>;
  readonly outcome: Outcome;
  readonly failed: ClientFailure[];
}

function drawAccounts(scenario: Scenario, random: Random, startMs: number, endMs: number): readonly SimulatedAccount[] {
  return Array.from({ length: scenario.models * scenario.accountsPerModel }, (_, index) => {
    const model = index % scenario.models;
    const isSteady = Math.floor(index / scenario.models) < scenario.steadyPerModel;
    return { label: `account-${index}`, model: `model-${model}`, phases: isSteady ? [] : drawPhases(random, startMs, endMs, scenario.weather), attempts: [] };
  });
}

function tableFor({ strategy, hasAffinity }: Scenario, accounts: readonly SimulatedAccount[]): RoutingTable {
  return tableOf({
    'openai-compatibility': accounts.map(({ label, model }, index) => ({
      name: label,
      'base-url': `https://${label}.example/v1`,
      models: [{ name: model }],
      weight: 1 + (index % 3),
      // Every other one is asked by translation.
      dialects: [index % 2 === 0 ? 'openai-chat' : 'anthropic-messages'],
    })),
    routing: { strategy, 'session-affinity': hasAffinity },
    'max-cooldown': `${maxCooldownMs / 1_000}s`,
  });
}

/** One exchange: accounts in turn until one serves, a lost connection once more at the same account, no further rounds. */
function startRequest(world: World): void {
  const { random, outcome, router, table, clock, after } = world;
  outcome.requests++;
  const model = `model-${random.int(outcome.scenario.models)}`;
  const query: RouteQuery = { model, dialect: 'openai-chat', operation: 'chat', session: drawSession(world, model) };
  const tried = new Set<string>();
  const failedBy = new Set<string>();
  let hasUsedFreeRetry = false;
  const next = (): void => {
    const picked = router.pick(table, query, tried);
    if (picked.ok) ask(picked.value);
    else world.failed.push({ atMs: clock.nowMs(), model, failedBy });
  };
  const ask = (candidate: Candidate): void => {
    const { attempt, course } = begin(world, candidate);
    if (course.end === 'well') after(course.beginsAfterMs, () => router.begun(candidate));
    after(course.afterMs, () => {
      attempt.endMs = clock.nowMs();
      if (course.end === 'well') {
        attempt.isWell = true;
        if (tried.size > 0 || hasUsedFreeRetry) outcome.saved++;
        router.settle(candidate, query, { kind: 'success' });
        return;
      }
      if (!hasUsedFreeRetry && course.end.kind === 'broken' && isConnectionLoss(course.end.cause)) {
        hasUsedFreeRetry = true;
        ask(candidate);
        return;
      }
      const verdict = judge(course.end, { credential: 'key', upstreamModel: candidate.upstreamModel, isPinned: false, nowMs: clock.nowMs() });
      router.settle(candidate, query, verdict.outcome);
      tried.add(candidateKey(candidate));
      failedBy.add(candidate.account.label);
      next();
    });
  };
  next();
}

/** A model's clients have some sessions at a time; each lasts for two hours at most, then another takes its place. */
function drawSession({ outcome: { scenario, startMs }, random, clock }: World, model: string): SessionMark | undefined {
  if (!scenario.hasAffinity) return undefined;
  const place = random.int(scenario.sessionsPerModel);
  const turn = scenario.sessionMinutes === 0 ? 0 : Math.floor((clock.nowMs() - startMs + place * 300_000) / (scenario.sessionMinutes * 60_000));
  return { digest: `${model} ${place} ${turn}`, source: 'header session-id' };
}

function begin({ byLabel, clock, random }: World, { account }: Candidate): { readonly attempt: Attempt; readonly course: Course } {
  const upstream = byLabel.get(account.label);
  if (upstream === undefined) throw new TypeError(`${account.label} is no account of the simulation`);
  const nowMs = clock.nowMs();
  const phase = phaseAt(upstream, nowMs);
  const attempt: Attempt = { atMs: nowMs, phase, endMs: Infinity, isWell: false };
  upstream.attempts.push(attempt);
  // One upstream in five is slow to begin, which is no fault.
  return { attempt, course: phase === undefined ? courseWhenWell(random, Number(account.label.replace(/\D/g, '')) % 5 === 4) : courseIn(phase, nowMs, random) };
}

export function phaseAt({ phases }: SimulatedAccount, atMs: number): Phase | undefined {
  return phases.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
}
