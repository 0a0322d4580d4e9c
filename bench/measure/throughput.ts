import type { Round } from '../figures.ts';
import type { ThroughputJob } from '../load/jobs.ts';
import { readCpuMs } from '../process/proc-stat.ts';
import type { Target } from '../targets/target.ts';
import { figuresOf, guard, type Session } from './session.ts';

const smallConnections = 32;
const largeConnections = 8;
const burstConnections = 16;

/** Warms every target up: mostly small exchanges, then some streams. */
export async function warmUp(session: Session, targets: readonly Target[]): Promise<void> {
  for (const target of targets) {
    session.say(`warm-up ${session.plan.warmMs / 1_000} s: ${target.kind.title}`);
    await guard(figuresOf(session, target), 'warm-up', async () => {
      await session.load.throughput({ endpoint: target.endpoint, workload: 'small', connections: smallConnections, durationMs: session.plan.warmMs * 0.8 });
      await session.load.throughput({ endpoint: target.endpoint, workload: 'burst', connections: burstConnections, durationMs: session.plan.warmMs * 0.2 });
    });
  }
}

/** Rounds over all targets, direct first in each, so that a noisy minute falls on all of them. */
export async function measureThroughput(session: Session, targets: readonly Target[]): Promise<void> {
  const { plan } = session;
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const target of targets) {
      const figures = figuresOf(session, target);
      session.say(`round ${round}/${plan.rounds}: ${target.kind.title}`);
      await guard(figures, 'throughput', async () => {
        figures.small.push(await runRound(session, target, { workload: 'small', connections: smallConnections, durationMs: plan.smallMs }));
        figures.large.push(await runRound(session, target, { workload: 'large', connections: largeConnections, durationMs: plan.largeMs }));
        figures.burst.push(await runRound(session, target, { workload: 'burst', connections: burstConnections, durationMs: plan.burstMs }));
      });
    }
  }
}

async function runRound(session: Session, target: Target, job: Pick<ThroughputJob, 'workload' | 'connections' | 'durationMs'>): Promise<Round> {
  const pid = target.pid ?? session.upstreamPid;
  const before = readCpuMs(pid);
  const result = await session.load.throughput({ endpoint: target.endpoint, ...job });
  const cpuMs = readCpuMs(pid) - before;
  return {
    perSecond: (result.completed * 1_000) / result.elapsedMs,
    failed: result.failed,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUs: result.completed === 0 ? Number.NaN : (cpuMs * 1_000) / result.completed,
  };
}
