import { join } from 'node:path';
import type { Agent, ProvenUse, ToolUse } from './agent.ts';

/** What every agent is asked to do, and how one sees that it did. */
export interface Task {
  readonly prompt: string;
  /** Absolute path of the file that is to appear. */
  readonly path: string;
  /** Its one line. */
  readonly text: string;
  /** The last words, said only when every tool's result held its proof. */
  readonly farewell: string;
}

export function taskIn(workspace: string): Task {
  const text = 'Grüße from the other dialect – 1 + 1 = 2';
  return {
    prompt: `Create the file hello.txt with this one line: ${text}. Then read it back and tell me what it says.`,
    path: join(workspace, 'hello.txt'),
    text,
    farewell: 'Finished: hello.txt holds the line, I have read it.',
  };
}

/** What the simulated model does: in each step it calls one tool, or several at once, out of those on offer. */
export interface Plan {
  readonly offered: readonly string[];
  readonly steps: readonly (readonly ProvenUse[])[];
}

export function planFor(agent: Agent, task: Task, offered: readonly string[]): Plan {
  const pick = (uses: readonly ToolUse[], proof: string): readonly ProvenUse[] => uses.filter(({ tool }) => offered.includes(tool)).slice(0, 1).map((use) => ({ proof, ...use }));
  const writing = pick(agent.writing(task.path, task.text), '');
  const further = pick(agent.further, '');
  const reading = pick(agent.reading(task.path), task.text);
  const isOneByOne = agent.oneByOne.some((tool) => offered.includes(tool));
  const steps = isOneByOne ? [writing, further, reading] : [writing, [...further, ...reading]];
  return { offered, steps: steps.filter((uses) => uses.length > 0) };
}

/** How many steps the results so far cover; undefined where they end within a step. */
export function stepAfter({ steps }: Plan, resultCount: number): number | undefined {
  let covered = 0;
  for (const [step, uses] of steps.entries()) {
    if (covered === resultCount) return step;
    covered += uses.length;
  }
  return covered === resultCount ? steps.length : undefined;
}

/** Whether the results of a step say that each of its tools ran, in whichever order they came. */
export function isProven({ steps }: Plan, step: number, results: readonly string[]): boolean {
  return (steps[step] ?? []).every(({ proof }) => results.some((result) => result.includes(proof)));
}
