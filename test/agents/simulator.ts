import { LLMock, type ChatCompletionRequest, type FixtureResponse } from '@copilotkit/aimock';
import type { Dialect } from '../../internal/dialect/dialect.ts';
import type { Agent, ToolUse } from './agent.ts';
import { createSupplement } from './responses-supplement.ts';
import { startTap, type Tap } from './tap.ts';
import { isProven, planFor, stepAfter, type Plan, type Task } from './task.ts';

/** A third party's simulator of the vendors that works on the task: one tool after the other, then a word of farewell. */
export interface Simulator extends Tap {
  /** Names of the tools on offer at the first request that had any. */
  readonly offered: () => readonly string[];
  /** What it asked for, a text for each step. */
  readonly used: () => readonly string[];
}

/**
 * `dialect` is the one that it is to be asked in: for Responses, what the third party does not know is supplied. `isRecording`:
 * every kind of tool is to be used, even where the third party understands nothing of it.
 */
export async function startSimulator(agent: Agent, task: Task, dialect: Dialect, isRecording = false): Promise<Simulator> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 9, strict: true });
  let plan: Plan | undefined;
  let asked = 0;
  mock.on({ predicate: () => true }, (request) => {
    const names = (request.tools ?? []).map(({ function: { name } }) => name);
    if (names.length === 0) return { content: 'A title.' };
    // What the agent says in its own dialect passes as it is; there the simulator may not know the odder results.
    plan ??= planFor(dialect === agent.dialect && !isRecording ? { ...agent, further: [] } : agent, task, names);
    const results = resultsIn(request);
    // Over a WebSocket a request may hold only what is new: the results of the last step.
    const isRest = results.length > 0 && request.messages.every(({ role }) => role !== 'user');
    const step = isRest ? asked : stepAfter(plan, results.length);
    if (step === undefined) return { content: `${results.length} results are too few or too many.` };
    if (!isProven(plan, step - 1, results)) return { content: `The tools of step ${step} did not say what they should.` };
    const uses = plan.steps[step];
    asked = uses === undefined ? step : step + 1;
    return uses === undefined ? { content: task.farewell } : call(uses, step);
  });
  const supplement = dialect === 'openai-responses' ? createSupplement(agent, task, isRecording) : undefined;
  const tap = await startTap(await mock.start(), supplement?.answer);
  return {
    ...tap,
    offered: () => plan?.offered ?? supplement?.offered() ?? [],
    used: () => plan?.steps.slice(0, asked).map((uses) => uses.map(({ tool }) => tool).join(' + ')) ?? supplement?.used() ?? [],
    close: async () => {
      await tap.close();
      await mock.stop();
    },
  };
}

function call(uses: readonly ToolUse[], step: number): FixtureResponse {
  const toolCalls = uses.map((use, at) => ({ name: use.tool, arguments: JSON.stringify(use.arguments), id: `call_${step + 1}_${at + 1}` }));
  return { content: `Step ${step + 1}.`, reasoning: 'One step after the other.', toolCalls };
}

function resultsIn({ messages }: ChatCompletionRequest): readonly string[] {
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
}
