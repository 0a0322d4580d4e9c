import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';
import type OpenAI from 'openai';

type Completion = OpenAI.Chat.Completions.ChatCompletion;
type Params = OpenAI.Chat.Completions.ChatCompletionCreateParamsNonStreaming;

/** Works with both majors, whose chat interface is the same. */
export function openaiChatDriver(name: string, make: (options: { readonly baseURL: string; readonly apiKey: string; readonly maxRetries: number }) => Pick<OpenAI, 'chat'>, { url, key }: Place): Driver {
  const client = make({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const ask = (model: string, prompt: string): Params => ({ model, messages: [{ role: 'user', content: prompt }] });
  return {
    name,
    plain: async (model, prompt) => outcomeOf(await client.chat.completions.create(ask(model, prompt))),
    stream: async (model, prompt) => {
      const stream = client.chat.completions.stream({ ...ask(model, prompt), stream: true, stream_options: { include_usage: true } });
      let pieces = 0;
      let reasoning = '';
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta;
        if ((delta?.content ?? '') !== '') pieces++;
        const thought: unknown = delta === undefined ? undefined : Reflect.get(delta, 'reasoning_content');
        if (typeof thought === 'string') reasoning += thought;
      }
      return { ...outcomeOf(await stream.finalChatCompletion()), reasoning, pieces };
    },
    tools: (model, prompt) => runTools((params) => client.chat.completions.create(params), ask(model, prompt)),
    streamedTools: (model, prompt) => runTools((params) => client.chat.completions.stream({ ...params, stream: true }).finalChatCompletion(), ask(model, prompt)),
    image: async (model, prompt, png) =>
      outcomeOf(await client.chat.completions.create({ model, messages: [{ role: 'user', content: [{ type: 'text', text: prompt }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }] }] })),
    structured: async (model, prompt) => {
      const answer = await client.chat.completions.parse({ ...ask(model, prompt), response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: citySchema } } });
      return answer.choices[0]?.message.parsed;
    },
    abort: async (model, prompt) => {
      const stream = await client.chat.completions.create({ ...ask(model, prompt), stream: true });
      await leaveAfterFirst(stream, () => stream.controller.abort());
    },
  };
}

async function runTools(answer: (params: Params) => Promise<Completion>, asked: Params): Promise<ToolRun> {
  const tools = [{ type: 'function' as const, function: weather }];
  const first = await answer({ ...asked, tools });
  const message = first.choices[0]?.message;
  if (message === undefined) throw new Error('no message');
  const calls = (message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? [{ id: call.id, name: call.function.name, city: cityOf(call.function.arguments) }] : []));
  const results = calls.map(({ id, city }) => ({ role: 'tool' as const, tool_call_id: id, content: resultFor(city) }));
  const second = await answer({ ...asked, tools, messages: [...asked.messages, message, ...results] });
  return { calls, finish: outcomeOf(first).finish, text: outcomeOf(second).text };
}

function outcomeOf({ choices, usage }: Completion): Outcome {
  const choice = choices[0];
  const thought: unknown = choice === undefined ? undefined : Reflect.get(choice.message, 'reasoning_content');
  return {
    text: choice?.message.content ?? '',
    reasoning: typeof thought === 'string' ? thought : '',
    usage: usage === undefined ? undefined : { input: usage.prompt_tokens, output: usage.completion_tokens },
    finish: typeof choice?.message.refusal === 'string' ? 'refusal' : (choice?.finish_reason ?? ''),
  };
}
