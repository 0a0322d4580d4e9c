import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool, type LanguageModel } from 'ai';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';

/** The AI SDK with each of the vendors' packages. */
export function vercelDrivers({ url, key }: Place): readonly Driver[] {
  const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
  const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
  const google = createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey: key });
  const compatible = createOpenAICompatible({ name: 'keyward', baseURL: `${url}/v1`, apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
  return [
    vercelDriver('ai + openai (responses)', (model) => openai(model)),
    vercelDriver('ai + openai (chat)', (model) => openai.chat(model)),
    vercelDriver('ai + anthropic', (model) => anthropic(model)),
    vercelDriver('ai + google', (model) => google(model)),
    vercelDriver('ai + openai-compatible', (model) => compatible(model)),
  ];
}

function vercelDriver(name: string, modelOf: (model: string) => LanguageModel): Driver {
  const common = { maxRetries: 0 } as const;
  const thoughtful = { ...common, providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1_024 } }, google: { thinkingConfig: { includeThoughts: true } } } } as const;
  return {
    name,
    plain: async (model, prompt) => outcomeOf(await generateText({ ...thoughtful, model: modelOf(model), prompt })),
    stream: async (model, prompt) => {
      const failures: unknown[] = [];
      const result = streamText({ ...thoughtful, model: modelOf(model), prompt, onError: ({ error }) => void failures.push(error) });
      let pieces = 0;
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta') pieces++;
      }
      if (failures.length > 0) throw failures[0];
      return { ...outcomeOf({ text: await result.text, reasoningText: await result.reasoningText, usage: await result.usage, finishReason: await result.finishReason }), pieces };
    },
    tools: async (model, prompt) => {
      const { steps, text } = await generateText({ ...common, model: modelOf(model), prompt, tools: toolSet, stopWhen: stepCountIs(3) });
      return { ...firstOf(steps), text };
    },
    streamedTools: async (model, prompt) => {
      const result = streamText({ ...common, model: modelOf(model), prompt, tools: toolSet, stopWhen: stepCountIs(3) });
      return { ...firstOf(await result.steps), text: await result.text };
    },
    image: async (model, prompt, png) => outcomeOf(await generateText({ ...common, model: modelOf(model), messages: [{ role: 'user', content: [{ type: 'text', text: prompt }, { type: 'image', image: png, mediaType: 'image/png' }] }] })),
    structured: async (model, prompt) => (await generateObject({ ...common, model: modelOf(model), prompt, schema: jsonSchema({ ...citySchema, required: [...citySchema.required] }) })).object,
    abort: async (model, prompt) => {
      const controller = new AbortController();
      const result = streamText({ ...common, model: modelOf(model), prompt, abortSignal: controller.signal, onError: () => undefined });
      await leaveAfterFirst(result.textStream, () => controller.abort());
    },
  };
}

const toolSet = {
  get_weather: tool({ description: weather.description, inputSchema: jsonSchema<{ city: string }>({ ...weather.parameters, required: [...weather.parameters.required] }), execute: ({ city }) => Promise.resolve(resultFor(city)) }),
} as const;

interface Step {
  readonly toolCalls: readonly { readonly toolCallId: string; readonly toolName: string; readonly input: unknown }[];
  readonly finishReason: string;
}

function firstOf([first]: readonly Step[]): Pick<ToolRun, 'calls' | 'finish'> {
  return { calls: (first?.toolCalls ?? []).map((call) => ({ id: call.toolCallId, name: call.toolName, city: cityOf(call.input) })), finish: first?.finishReason ?? '' };
}

interface Generated {
  readonly text: string;
  readonly reasoningText: string | undefined;
  readonly usage: { readonly inputTokens: number | undefined; readonly outputTokens: number | undefined };
  readonly finishReason: string;
}

function outcomeOf({ text, reasoningText, usage, finishReason }: Generated): Outcome {
  return { text, reasoning: reasoningText ?? '', usage: { input: usage.inputTokens ?? 0, output: usage.outputTokens ?? 0 }, finish: finishReason };
}
