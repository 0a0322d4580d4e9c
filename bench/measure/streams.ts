import type { Target } from '../targets/target.ts';
import { figuresOf, guard, type Session } from './session.ts';

const pacedConnections = 16;
const burstConnections = 16;
const burstRepeats = 20;

/** A few paced streams for the gaps between chunks, and bursts of 200 chunks, every frame followed. */
export async function measureStreams(session: Session, targets: readonly Target[]): Promise<void> {
  for (const target of targets) {
    const figures = figuresOf(session, target);
    session.say(`streams: ${target.kind.title}`);
    await guard(figures, 'streams', async () => {
      figures.paced = await session.load.streams({ endpoint: target.endpoint, workload: 'paced', connections: pacedConnections, repeats: 1 });
      const burst = await session.load.streams({ endpoint: target.endpoint, workload: 'burst', connections: burstConnections, repeats: burstRepeats });
      figures.burstFrames = { expected: burst.framesExpected, lost: burst.framesLost, wrong: burst.framesWrong };
    });
  }
}
