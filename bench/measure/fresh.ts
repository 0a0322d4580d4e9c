import { setTimeout as sleep } from 'node:timers/promises';
import type { Crowd } from '../figures.ts';
import { readRssKb } from '../process/proc-stat.ts';
import { median } from '../quantile.ts';
import { figuresOf, guard, startTarget, type Session, type Started } from './session.ts';

const sampleEveryMs = 100;
const settleMs = 500;

/**
 * Start to first answer, idle memory, and memory with all streams open, each on processes that did nothing before. Starts
 * are interleaved over the targets.
 */
export async function measureFresh(session: Session): Promise<void> {
  for (let round = 1; round <= session.plan.starts; round += 1) {
    for (const kind of session.kinds) {
      const figures = figuresOf(session, kind);
      if (figures.notes.length > 0) continue;
      session.say(`start ${round}/${session.plan.starts}: ${kind.title}`);
      await guard(figures, 'start', async () => {
        const started = await startTarget(session, kind);
        const startMs = [...(figures.fresh?.startMs ?? []), started.startMs];
        figures.fresh = { startMs, idleKb: figures.fresh?.idleKb ?? Number.NaN };
        if (round === session.plan.starts) {
          await sleep(session.plan.idleMs);
          figures.fresh = { startMs, idleKb: readRssKb(started.child.pid) };
          if (kind.id !== 'keyward-100k') {
            session.say(`${session.plan.crowdStreams} open streams: ${kind.title}`);
            figures.crowd = await measureCrowd(session, started);
          }
        }
        await started.child.stop();
      });
    }
  }
}

async function measureCrowd(session: Session, started: Started): Promise<Crowd> {
  const { endpoint, child } = started;
  // What the first streams cost once (compiled code, buffers) is not the price of an open stream.
  await session.load.streams({ endpoint, workload: 'burst', connections: 32, repeats: 4 });
  await sleep(settleMs);
  const baselineKb = readRssKb(child.pid);

  const samples: { readonly atMs: number; readonly rssKb: number }[] = [];
  const timer = setInterval(() => samples.push({ atMs: performance.timeOrigin + performance.now(), rssKb: readRssKb(child.pid) }), sampleEveryMs);
  const connections = session.plan.crowdStreams;
  const streams = await session.load.streams({ endpoint, workload: 'paced', connections, repeats: session.plan.crowdRepeats });
  clearInterval(timer);

  // The later half of the time in which every stream was open.
  const fromMs = (streams.allOpenAtMs + streams.firstDoneAtMs) / 2;
  const plateau = streams.allOpenAtMs === 0 ? [] : samples.filter(({ atMs }) => atMs >= fromMs && atMs <= streams.firstDoneAtMs).map(({ rssKb }) => rssKb);
  // A target too slow to have all open before the first ends has no such time; its highest reading stands in.
  const plateauKb = plateau.length > 0 ? median(plateau) : Math.max(...samples.map(({ rssKb }) => rssKb));
  return { streams, connections, baselineKb, plateauKb, perStreamKb: (plateauKb - baselineKb) / connections };
}
