import type { Added } from '../figures.ts';
import type { Endpoint, PairedResult } from '../load/jobs.ts';
import { quantile } from '../quantile.ts';
import type { Target } from '../targets/target.ts';
import type { WorkloadName } from '../workloads.ts';
import { figuresOf, guard, type Session } from './session.ts';

interface Pairs {
  readonly whole: PairedResult[];
  readonly streams: PairedResult[];
}

/** What each target adds to a request of its own, and to the first byte of a stream; blocks of pairs, interleaved over the targets. */
export async function measureLatency(session: Session, targets: readonly Target[]): Promise<void> {
  const { plan, upstream } = session;
  const found = new Map<Target, Pairs>();
  const others = targets.filter((target) => target.kind.id !== 'direct');
  const keys: PairedResult[] = [];
  const one = targets.find((target) => target.kind.id === 'keyward');
  const many = targets.find((target) => target.kind.id === 'keyward-100k');

  for (let block = 1; block <= plan.pairBlocks; block += 1) {
    session.say(`pairs at one connection, block ${block}/${plan.pairBlocks}`);
    for (const target of others) {
      const pairs = found.get(target) ?? { whole: [], streams: [] };
      found.set(target, pairs);
      await guard(figuresOf(session, target), 'latency', async () => {
        pairs.whole.push(await runPairs(session, upstream, target.endpoint, 'small', plan.pairsPerBlock));
        pairs.streams.push(await runPairs(session, upstream, target.endpoint, 'short', plan.streamPairsPerBlock));
      });
    }
    if (one !== undefined && many !== undefined) {
      await guard(figuresOf(session, many), 'keys', async () => void keys.push(await runPairs(session, one.endpoint, many.endpoint, 'small', plan.pairsPerBlock)));
    }
  }
  for (const [target, { whole, streams }] of found) {
    const figures = figuresOf(session, target);
    figures.added = summarize(whole, 'whole');
    figures.firstByteAdded = summarize(streams, 'first-byte');
  }
  if (keys.length > 0) session.figures.keys = summarize(keys, 'whole');
}

function runPairs(session: Session, base: Endpoint, target: Endpoint, workload: WorkloadName, pairs: number): Promise<PairedResult> {
  return session.load.paired({ base, target, workload, pairs });
}

/** Quantiles of the differences within pairs: at the 99th percentile stricter than the difference of the percentiles. */
function summarize(results: readonly PairedResult[], which: 'whole' | 'first-byte'): Added {
  const base = results.flatMap((result) => (which === 'whole' ? result.baseUs : result.baseFirstUs));
  const target = results.flatMap((result) => (which === 'whole' ? result.targetUs : result.targetFirstUs));
  const differences = target.map((value, index) => value - (base[index] ?? Number.NaN));
  return {
    pairs: differences.length,
    failed: results.reduce((sum, result) => sum + result.failed, 0),
    directP50Us: quantile(base, 0.5),
    p50Us: quantile(differences, 0.5),
    p99Us: quantile(differences, 0.99),
  };
}
