import type OpenAI from 'openai';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place } from '../driver.ts';

type Response = OpenAI.Responses.Response;
type Input = OpenAI.Responses.ResponseInputItem;

export function openaiResponsesDriver(name: string, make: (options: { readonly baseURL: string; readonly apiKey: string; readonly maxRetries: number }) => Pick<OpenAI, 'responses'>, { url, key }: Place): Driver {
  const client = make({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const tools = [{ type: 'function' as const, ...weather, strict: true }];
  return {
    name,
    plain: async (model, input) => outcomeOf(await client.responses.create({ model, input })),
    stream: async (model, input) => {
      const stream = client.responses.stream({ model, input });
      let pieces = 0;
      for await (const event of stream) if (event.type === 'response.output_text.delta') pieces++;
      return { ...outcomeOf(await stream.finalResponse()), pieces };
    },
    tools: async (model, prompt) => {
      const first = await client.responses.create({ model, input: prompt, tools, store: false });
      const calls = first.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
      const history: Input[] = [{ role: 'user', content: prompt }, ...calls, ...calls.map((call) => ({ type: 'function_call_output' as const, call_id: call.call_id, output: resultFor(cityOf(call.arguments)) }))];
      const second = await client.responses.create({ model, input: history, tools, store: false });
      return { calls: calls.map((call) => ({ name: call.name, city: cityOf(call.arguments) })), text: second.output_text };
    },
    image: async (model, prompt, png) =>
      outcomeOf(await client.responses.create({ model, input: [{ role: 'user', content: [{ type: 'input_text', text: prompt }, { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' }] }] })),
    structured: async (model, input) => (await client.responses.parse({ model, input, text: { format: { type: 'json_schema', name: 'place', strict: true, schema: citySchema } } })).output_parsed,
    abort: async (model, input) => {
      const stream = await client.responses.create({ model, input, stream: true });
      let isSpoken = false;
      const spoken = (async function* () {
        for await (const event of stream) if (event.type === 'response.output_text.delta' || isSpoken) {
          isSpoken = true;
          yield event;
        }
      })();
      await leaveAfterFirst(spoken, () => stream.controller.abort());
    },
  };
}

export function outcomeOf({ output, output_text: text, usage, status, incomplete_details: incomplete }: Response): Outcome {
  const reasoning = output.flatMap((item) => (item.type === 'reasoning' ? item.summary.map((part) => part.text) : [])).join('');
  return { text, reasoning, usage: usage === undefined || usage === null ? undefined : { input: usage.input_tokens, output: usage.output_tokens }, finish: incomplete?.reason ?? status ?? '' };
}
