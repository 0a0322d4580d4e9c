import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { cityOf, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place } from '../driver.ts';

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
      let pieces = 0;
      for await (const event of result) if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') pieces++;
      await result.completed;
      if (result.error !== null && result.error !== undefined) throw result.error;
      return { ...outcomeOf(result), pieces };
    },
    tools: async (model, prompt) => {
      const calls: { name: string; city: string }[] = [];
      const getWeather = tool({
        name: weather.name,
        description: weather.description,
        parameters: { ...weather.parameters, required: [...weather.parameters.required] },
        strict: true,
        execute: (input: unknown) => {
          calls.push({ name: weather.name, city: cityOf(input) });
          return Promise.resolve(resultFor(cityOf(input)));
        },
      });
      const result = await runner.run(agentOf(model, [getWeather]), prompt);
      return { calls, text: outcomeOf(result).text };
    },
    image: async (model, prompt, png) => outcomeOf(await runner.run(agentOf(model), [{ role: 'user', content: [{ type: 'input_text', text: prompt }, { type: 'input_image', image: `data:image/png;base64,${png}` }] }])),
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

interface Ran {
  readonly finalOutput?: unknown;
  readonly rawResponses: readonly { readonly usage: { readonly inputTokens: number; readonly outputTokens: number }; readonly output: readonly unknown[] }[];
}

function outcomeOf({ finalOutput, rawResponses }: Ran): Outcome {
  const last = rawResponses.at(-1);
  const reasoning = (last?.output ?? []).flatMap((item) => {
    const isReasoning = typeof item === 'object' && item !== null && Reflect.get(item, 'type') === 'reasoning';
    const content: unknown = isReasoning ? Reflect.get(item, 'content') : undefined;
    return Array.isArray(content) ? content.map((part: unknown) => (typeof part === 'object' && part !== null ? String(Reflect.get(part, 'text') ?? '') : '')) : [];
  });
  return { text: typeof finalOutput === 'string' ? finalOutput : '', reasoning: reasoning.join(''), usage: last === undefined ? undefined : { input: last.usage.inputTokens, output: last.usage.outputTokens }, finish: 'completed' };
}
