import { describe, expect, it } from 'vitest';
import { measure, type Figures } from './simulation/measure.ts';
import { manyAccounts, single, storm } from './simulation/scenarios.ts';
import { maxCooldownMs, simulate, type Outcome } from './simulation/world.ts';

/*
 * Hours of virtual time with upstreams that limit (with a time, without, with one that lies), fail, hang, reset, refuse, and
 * begin streams with an error. `node scripts/simulate-routing.ts` prints the figures that docs/routing.md has.
 */

const minuteMs = 60_000;
const probeMs = minuteMs;

function run(scenario: Parameters<typeof simulate>[0]): { readonly outcome: Outcome; readonly figures: Figures } {
  const outcome = simulate(scenario);
  return { outcome, figures: measure(outcome) };
}

describe.each(manyAccounts.map((scenario) => [scenario.name, scenario] as const))('24 accounts, %s', (_name, scenario) => {
  const { figures, outcome } = run(scenario);

  it('meets every kind of fault', () => {
    expect(figures.byKind.filter(({ phases, attempts }) => phases === 0 || attempts === 0)).toEqual([]);
    expect(figures.requests).toBeGreaterThan(100_000);
  });

  it('no client sees a failure while one account is well', () => {
    expect(outcome.failures).toEqual([]);
    expect(figures.saved).toBeGreaterThan(500);
  });

  it('a failing account gets a handful of requests a minute', () => {
    // 1 s, 2 s, 4 s … make six; a lost connection is tried twice.
    for (const { kind, mostPerMinute } of figures.byKind) expect(mostPerMinute, kind).toBeLessThanOrEqual(kind === 'resetting' ? 14 : 8);
  });

  it('a hanging account gets two a minute once it is known', () => {
    expect(figures.byKind.find(({ kind }) => kind === 'hanging')?.mostPerMinute).toBeLessThanOrEqual(2);
  });

  it('every account is back within the cap; where the failing is its upstream\'s, within a minute or as sessions come', () => {
    const slackMs = scenario.hasAffinity ? 10 * minuteMs : 15_000;
    expect(figures.slowestReturnMs).toBeLessThanOrEqual(maxCooldownMs + probeMs + slackMs);
    // Requests that hang count as open until they are given up, so least-busy waits for that.
    const kinds = scenario.strategy === 'least-busy' ? (['failing', 'resetting', 'error first'] as const) : (['failing', 'resetting', 'error first', 'hanging'] as const);
    for (const kind of kinds) expect(figures.byKind.find((each) => each.kind === kind)?.slowestReturnMs, kind).toBeLessThanOrEqual(probeMs + slackMs);
  });

  it('no account that is well goes without work', () => {
    expect(figures.longestIdleMs).toBeLessThanOrEqual(scenario.hasAffinity ? 11 * minuteMs : 6 * minuteMs);
    if (scenario.strategy === 'round-robin' && !scenario.hasAffinity) expect([figures.leastShare > 0.8, figures.mostShare < 1.4]).toEqual([true, true]);
  });
});

describe.each([storm, { ...storm, seed: 8, hours: 24 }, { ...storm, seed: 9, strategy: 'least-busy' as const }, { ...storm, seed: 10, hasAffinity: true }])('all accounts of a model may fail at once ($strategy, seed $seed)', (scenario) => {
  const { figures } = run(scenario);

  it('clients see failures only while no account could serve that was known, or had had the cap to become known', () => {
    expect(figures.failures).toBeGreaterThan(1_000);
    expect(figures.needlessFailures).toBe(0);
  });

  it('a failing upstream gets each client\'s request once and no more, after a lost connection twice', () => {
    // Those that hung at the others come beside the new ones.
    const aMinute = (60 * scenario.requestsPerSecond) / scenario.models;
    expect(figures.mostPerMinute).toBeLessThanOrEqual(2 * scenario.accountsPerModel * aMinute);
  });

  it('every account is back within the cap, and none goes without work', () => {
    expect(figures.slowestReturnMs).toBeLessThanOrEqual(maxCooldownMs + 2 * minuteMs);
    expect(figures.longestIdleMs).toBeLessThanOrEqual(11 * minuteMs);
  });
});

describe('a single account', () => {
  const { figures, outcome } = run(single);

  it('is never refused for a fault that is its upstream\'s own, once what it was limited by before is over', () => {
    const [account] = outcome.accounts;
    const own = outcome.failures.filter(({ atMs }) => account?.phases.some((phase) => ['failing', 'hanging', 'resetting', 'error first'].includes(phase.kind) && phase.fromMs + maxCooldownMs + 2 * minuteMs <= atMs && atMs < phase.untilMs));
    expect(own.length).toBeGreaterThan(100);
    expect(own.filter(({ failedBy }) => failedBy.size === 0)).toEqual([]);
  });

  it('serves again within the cap, whatever its upstream claimed', () => {
    expect(figures.needlessFailures).toBe(0);
    expect(figures.slowestReturnMs).toBeLessThanOrEqual(maxCooldownMs + 2 * minuteMs);
  });

  it('that is limited is asked a handful of times a minute', () => {
    for (const kind of ['limited', 'limited unsaid', 'limited, says 7 days', 'limited, says 1 s'] as const) expect(figures.byKind.find((each) => each.kind === kind)?.mostPerMinute, kind).toBeLessThanOrEqual(8);
  });
});
