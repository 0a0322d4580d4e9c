import type { Target } from '../targets/target.ts';
import { figuresOf, guard, type Session } from './session.ts';

/** Clients that leave: how many of them the upstream notices, and after how long. */
export async function measureAborts(session: Session, targets: readonly Target[]): Promise<void> {
  const { plan, upstream, load } = session;
  for (const target of targets) {
    const figures = figuresOf(session, target);
    const common = { endpoint: target.endpoint, upstream, clients: plan.abortClients };
    session.say(`clients that leave: ${target.kind.title}`);
    await guard(figures, 'aborts', async () => {
      figures.abortsBeforeHeaders = await load.aborts({ ...common, phase: 'before-headers', tag: `abort-${target.kind.id}-before` });
      figures.abortsMidStream = await load.aborts({ ...common, phase: 'mid-stream', tag: `abort-${target.kind.id}-mid` });
    });
  }
}
