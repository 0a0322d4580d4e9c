import type OpenAI from 'openai';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';

type Response = OpenAI.Responses.Response;
type Input = OpenAI.Responses.ResponseInputItem;

export const weatherTool = { type: 'function', ...weather, strict: true } as const;

export function openaiResponsesDriver(name: string, make: (options: { readonly baseURL: string; readonly apiKey: string; readonly maxRetries: number }) => Pick<OpenAI, 'responses'>, { url, key }: Place): Driver {
  const client = make({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  return {
    name,
    plain: async (model, input) => outcomeOf(await client.responses.create({ model, input })),
    stream: async (model, input) => {
      const stream = client.responses.stream({ model, input });
      let pieces = 0;
      for await (const event of stream) if (event.type === 'response.output_text.delta') pieces++;
      return { ...outcomeOf(await stream.finalResponse()), pieces };
    },
    tools: (model, prompt) => runTools((input) => client.responses.create({ model, input, tools: [weatherTool], store: false }), prompt),
    streamedTools: (model, prompt) => runTools((input) => client.responses.stream({ model, input, tools: [weatherTool], store: false }).finalResponse(), prompt),
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

/** Sends the whole conversation each time, as what keeps nothing at the vendor does. */
export async function runTools(answer: (input: Input[]) => Promise<Response>, prompt: string): Promise<ToolRun> {
  const asked: Input = { role: 'user', content: prompt };
  const first = await answer([asked]);
  const calls = first.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
  const second = await answer([asked, ...calls, ...resultsOf(first)]);
  return { calls: callsOf(first), finish: outcomeOf(first).finish, text: outcomeOf(second).text };
}

export function callsOf({ output }: Response): ToolRun['calls'] {
  return output.flatMap((item) => (item.type === 'function_call' ? [{ id: item.call_id, name: item.name, city: cityOf(item.arguments) }] : []));
}

export function resultsOf(response: Response): OpenAI.Responses.ResponseInputItem.FunctionCallOutput[] {
  return callsOf(response).map(({ id, city }) => ({ type: 'function_call_output', call_id: id, output: resultFor(city) }));
}

export function outcomeOf({ output, output_text: text, usage, status, incomplete_details: incomplete }: Response): Outcome {
  const reasoning = output.flatMap((item) => (item.type === 'reasoning' ? item.summary.map((part) => part.text) : [])).join('');
  return { text, reasoning, usage: usage === undefined || usage === null ? undefined : { input: usage.input_tokens, output: usage.output_tokens }, finish: incomplete?.reason ?? status ?? '' };
}
