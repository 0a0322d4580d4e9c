import { isRecord, parseJson, textOf } from '../../internal/dialect/ir/json.ts';
import type { Agent, ToolUse } from './agent.ts';
import { isProven, planFor, type Plan, type Task } from './task.ts';

/**
 * What the third-party simulator does not know of OpenAI's Responses: warm-ups, tools that stand in the input, and calls of
 * free-form tools. Answers such requests in its place.
 */
export interface Supplement {
  /** The answer's events; undefined where the simulator can answer. */
  readonly answer: (body: string) => readonly object[] | undefined;
  readonly offered: () => readonly string[];
  readonly used: () => readonly string[];
}

const usage = { input_tokens: 11, input_tokens_details: { cached_tokens: 0 }, output_tokens: 7, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 18 } as const;

/** `isAlone`: it answers everything itself, so that each kind of call is made that the agent knows. */
export function createSupplement(agent: Agent, task: Task, isAlone = false): Supplement {
  let plan: Plan | undefined;
  let asked = 0;
  const answer = (body: string): readonly object[] | undefined => {
    const request = parseJson(body);
    if (!isRecord(request)) return undefined;
    if (request['generate'] === false) return eventsOf('resp_step_0', request['model'], []);
    const input = recordsIn(request['input']);
    const isOwn = isAlone || input.some(({ type }) => type === 'additional_tools') || textOf(request['previous_response_id'])?.startsWith('resp_step_') === true;
    const names = toolNames([...recordsIn(request['tools']), ...input.flatMap(({ tools }) => recordsIn(tools))]);
    if (!isOwn || (names.length === 0 && plan === undefined)) return undefined;
    plan ??= planFor(agent, task, names);
    const results = input.filter(({ type }) => textOf(type)?.endsWith('_output') === true).map(({ output }) => JSON.stringify(output) ?? '');
    const isRight = isProven(plan, asked - 1, results);
    const uses = isRight ? plan.steps[asked] : undefined;
    if (uses !== undefined) asked += 1;
    const text = isRight ? task.farewell : `The tools of step ${asked} did not say what they should.`;
    return eventsOf(`resp_step_${asked}`, request['model'], [reasoningItem(asked), ...(uses?.map((use, at) => callItem(use, `${asked}_${at + 1}`)) ?? [messageItem(text)])]);
  };
  return {
    answer,
    offered: () => plan?.offered ?? [],
    used: () => plan?.steps.slice(0, asked).map((uses) => uses.map(({ tool }) => tool).join(' + ')) ?? [],
  };
}

function recordsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => isRecord(each)) : [];
}

/** As the plan spells them: a namespace before its tools' names, but for the one called `functions`. */
function toolNames(tools: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return tools.flatMap(({ type, name, tools: members }) => {
    if (type !== 'namespace') return [textOf(name) ?? textOf(type) ?? ''];
    return toolNames(recordsIn(members)).map((member) => (name === 'functions' ? member : `${textOf(name) ?? ''}__${member}`));
  });
}

function callItem(use: ToolUse, place: string): object {
  const ids = { id: `item_${place}`, call_id: `call_${place}`, status: 'completed' };
  const free = use.arguments['input'];
  if (typeof free === 'string') return { type: 'custom_tool_call', ...ids, name: use.tool, input: free };
  if (use.tool === 'tool_search') return { type: 'tool_search_call', ...ids, execution: 'client', arguments: use.arguments };
  const [name, namespace] = use.tool.split('__').toReversed();
  return { type: 'function_call', ...ids, name, ...(namespace === undefined ? {} : { namespace }), arguments: JSON.stringify(use.arguments) };
}

function reasoningItem(step: number): object {
  return { type: 'reasoning', id: `reasoning_${step}`, summary: [{ type: 'summary_text', text: 'One step after the other.' }], encrypted_content: `sealed-${step}` };
}

function messageItem(text: string): object {
  return { type: 'message', id: 'item_farewell', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] };
}

function eventsOf(id: string, model: unknown, output: readonly object[]): readonly object[] {
  const response = { id, object: 'response', created_at: 0, model, status: 'in_progress', output: [] };
  return [
    { type: 'response.created', response },
    ...output.flatMap((item, output_index) => [
      { type: 'response.output_item.added', output_index, item: { ...item, status: 'in_progress' } },
      { type: 'response.output_item.done', output_index, item },
    ]),
    { type: 'response.completed', response: { ...response, status: 'completed', output, usage } },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
}
