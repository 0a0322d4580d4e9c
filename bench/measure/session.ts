import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures, TargetFigures } from '../figures.ts';
import type { Endpoint } from '../load/jobs.ts';
import type { LoadProcess } from '../load/load-process.ts';
import type { Plan } from '../options.ts';
import type { Children } from '../process/children.ts';
import { waitForAnswer } from '../process/first-answer.ts';
import type { Launched, Target, TargetKind } from '../targets/target.ts';

/** What every measurement works with. */
export interface Session {
  readonly plan: Plan;
  readonly children: Children;
  readonly load: LoadProcess;
  readonly upstream: Endpoint;
  readonly upstreamPid: number;
  /** Removed at the end of the run. */
  readonly folder: string;
  readonly kinds: readonly TargetKind[];
  readonly figures: Figures;
  readonly say: (text: string) => void;
}

export interface Started extends Launched {
  readonly startMs: number;
}

/** A fresh process of that kind, serving. Rejects with the reason when it does not come up. */
export async function startTarget(session: Session, kind: TargetKind): Promise<Started> {
  const parent = join(session.folder, kind.id);
  mkdirSync(parent, { recursive: true });
  const launched = await kind.launch({ children: session.children, upstream: session.upstream, folder: mkdtempSync(join(parent, 'start-')) });
  const problem = await waitForAnswer(launched.endpoint, launched.child, kind.startLimitMs);
  const startMs = performance.now() - launched.child.startedAtMs;
  if (problem !== undefined) {
    await launched.child.stop();
    throw new Error(problem);
  }
  return { ...launched, startMs };
}

export function figuresOf(session: Session, target: Target | TargetKind): TargetFigures {
  const id = 'kind' in target ? target.kind.id : target.id;
  const found = session.figures.targets.find((each) => each.id === id);
  if (found === undefined) throw new TypeError(`no figures for ${id}`);
  return found;
}

/** Runs one measurement of one target; what goes wrong becomes a note, and the run goes on. */
export async function guard(figures: TargetFigures, what: string, measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (cause) {
    figures.notes.push(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
