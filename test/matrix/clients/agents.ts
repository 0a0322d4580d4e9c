import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { listOf, memberOf, textOf } from '../../../internal/dialect/ir/json.ts';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';

/** OpenAI's agent framework, by its Responses provider. */
export function agentsDriver({ url, key }: Place): Driver {
  setTracingDisabled(true);
  const runner = new Runner({ modelProvider: new OpenAIProvider({ apiKey: key, baseURL: `${url}/v1`, useResponses: true }), tracingDisabled: true });
  const agentOf = (model: string, tools: readonly ReturnType<typeof tool>[] = []): Agent => new Agent({ name: 'matrix', instructions: 'Be brief.', model, tools: [...tools] });
  return {
    name: '@openai/agents',
    plain: async (model, prompt) => outcomeOf(await runner.run(agentOf(model), prompt)),
    stream: async (model, prompt) => {
      const result = await runner.run(agentOf(model), prompt, { stream: true });
      const { pieces, finishes } = await readStream(result);
      return { ...outcomeOf(result), finish: finishes.at(-1) ?? '', pieces };
    },
    tools: async (model, prompt) => toolRunOf(await runner.run(agentOf(model, [weatherTool]), prompt)),
    streamedTools: async (model, prompt) => {
      const result = await runner.run(agentOf(model, [weatherTool]), prompt, { stream: true });
      const { finishes } = await readStream(result);
      return { ...toolRunOf(result), finish: finishes[0] ?? '' };
    },
    image: async (model, prompt, png) => outcomeOf(await runner.run(agentOf(model), [{ role: 'user', content: [{ type: 'input_text', text: prompt }, { type: 'input_image', image: `data:image/png;base64,${png}` }] }])),
    structured: async (model, prompt) => {
      const schema = { ...citySchema, required: [...citySchema.required] };
      const agent = new Agent({ name: 'matrix', instructions: 'Be brief.', model, outputType: { type: 'json_schema', name: 'place', strict: true, schema } });
      const { finalOutput } = await runner.run(agent, prompt);
      const output: unknown = finalOutput;
      return output;
    },
    abort: async (model, prompt) => {
      const controller = new AbortController();
      const result = await runner.run(agentOf(model), prompt, { stream: true, signal: controller.signal });
      const spoken = (async function* () {
        for await (const event of result) if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') yield event;
      })();
      await leaveAfterFirst(spoken, () => controller.abort());
    },
  };
}

const weatherTool = tool({
  name: weather.name,
  description: weather.description,
  parameters: { ...weather.parameters, required: [...weather.parameters.required] },
  strict: true,
  execute: (input: unknown) => Promise.resolve(resultFor(cityOf(input))),
});

interface Streamed {
  readonly completed: Promise<void>;
  readonly error: unknown;
}

/** Streamed runs keep no state of their responses; it stands in the events alone. */
async function readStream(result: Streamed & AsyncIterable<object>): Promise<{ readonly pieces: number; readonly finishes: readonly string[] }> {
  let pieces = 0;
  const finishes: string[] = [];
  for await (const event of result) {
    const data = memberOf(event, 'data');
    if (memberOf(data, 'type') === 'output_text_delta') pieces++;
    if (memberOf(data, 'type') === 'response_done') finishes.push(finishOf(memberOf(memberOf(data, 'response'), 'providerData')));
  }
  await result.completed;
  if (result.error !== null && result.error !== undefined) throw result.error;
  return { pieces, finishes };
}

interface Raw {
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
  readonly output: readonly unknown[];
  readonly providerData?: object;
}

interface Ran {
  readonly finalOutput?: unknown;
  readonly rawResponses: readonly Raw[];
}

function toolRunOf({ finalOutput, rawResponses: [first, ...others] }: Ran): ToolRun {
  const calls = (first?.output ?? []).filter((item) => memberOf(item, 'type') === 'function_call');
  return {
    calls: calls.map((call) => ({ id: textOf(memberOf(call, 'callId')) ?? '', name: textOf(memberOf(call, 'name')) ?? '', city: cityOf(memberOf(call, 'arguments')) })),
    finish: first === undefined ? '' : finishOf(first.providerData),
    text: outcomeOf({ finalOutput, rawResponses: others }).text,
  };
}

function outcomeOf({ finalOutput, rawResponses }: Ran): Outcome {
  const last = rawResponses.at(-1);
  const reasoning = (last?.output ?? []).filter((item) => memberOf(item, 'type') === 'reasoning').flatMap((item) => listOf(memberOf(item, 'content')));
  return {
    text: typeof finalOutput === 'string' ? finalOutput : '',
    reasoning: reasoning.map((part) => textOf(memberOf(part, 'text')) ?? '').join(''),
    usage: last === undefined ? undefined : { input: last.usage.inputTokens, output: last.usage.outputTokens },
    finish: last === undefined ? '' : finishOf(last.providerData),
  };
}

function finishOf(providerData: unknown): string {
  return textOf(memberOf(providerData, 'status')) ?? '';
}
