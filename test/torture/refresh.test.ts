import { describe, expect, it } from 'vitest';
import { renderReport, reportOn, type Report } from './check/report.ts';
import { keyward } from './harness/keyward.ts';
import { runScenario } from './harness/run.ts';
import { scenarios, type Scenario } from './scenarios.ts';

/* The burn test in short: three built daemons, a few seconds each. `npm run torture:refresh` is the whole of it. */

async function runShort(name: string, changes: Partial<Scenario>): Promise<Report> {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new TypeError(`no scenario ${name}`);
  const scenario = { ...found, ...changes };
  const record = await runScenario({ scenario, target: keyward, durationMs: 7_000, daemonCount: 3, clientsPerDaemon: 8, identityCount: 4, answerMs: 100, seed: 3, say: () => undefined });
  return reportOn(scenario, record);
}

describe('one-use refresh tokens under load, several daemons on one auth directory', () => {
  it('are never presented twice and never lost while daemons are stopped and continued', async () => {
    const report = await runShort('calm', { stops: { everyMs: [800, 1_200], forMs: [2_200, 2_800] } });
    expect(report.isKept, renderReport(report)).toBe(true);
  }, 90_000);

  it('are lost by SIGKILL only inside a recorded intent, and every daemon says so', async () => {
    const report = await runShort('kills', { kills: { everyMs: [500, 1_200], forMs: [0, 0] } });
    expect(report.isKept, renderReport(report)).toBe(true);
  }, 90_000);

  it('are lost by connection resets only when the answer was lost, and every daemon says so', async () => {
    const rates = { reset_before_reading: 0.15, reset_after_reading: 0.1, reset_mid_answer: 0.1, unavailable: 0.15 };
    const report = await runShort('resets', { faults: { delayMs: 40, rates } });
    expect(report.isKept, renderReport(report)).toBe(true);
  }, 90_000);
});
