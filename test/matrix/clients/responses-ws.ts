import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { cityOf, citySchema, resultFor, weather, type Driver, type Place } from '../driver.ts';
import { outcomeOf } from './openai-responses.ts';

type Request = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'stream'>;
type Response = OpenAI.Responses.Response;

interface Turn {
  readonly response: Response;
  readonly pieces: number;
}

/** OpenAI's own client of the Responses socket. */
export function responsesSocketDriver({ url, key }: Place): Driver {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const tools = [{ type: 'function' as const, ...weather, strict: true }];
  const withSocket = async <T>(use: (socket: ResponsesWS) => Promise<T>): Promise<T> => {
    const socket = new ResponsesWS(client);
    try {
      return await use(socket);
    } finally {
      socket.close();
    }
  };
  const ask = (request: Request): Promise<Turn> => withSocket((socket) => turn(socket, request));
  return {
    name: 'openai 7 ResponsesWS',
    plain: async (model, input) => outcomeOf((await ask({ model, input })).response),
    stream: async (model, input) => {
      const { response, pieces } = await ask({ model, input });
      return { ...outcomeOf(response), pieces };
    },
    tools: (model, prompt) =>
      withSocket(async (socket) => {
        const { response: first } = await turn(socket, { model, input: prompt, tools, store: false });
        const calls = first.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
        const results = calls.map((call) => ({ type: 'function_call_output' as const, call_id: call.call_id, output: resultFor(cityOf(call.arguments)) }));
        // The socket knows the turn before: only what is new is sent.
        const { response: second } = await turn(socket, { model, input: results, tools, store: false, previous_response_id: first.id });
        return { calls: calls.map((call) => ({ name: call.name, city: cityOf(call.arguments) })), text: outcomeOf(second).text };
      }),
    image: async (model, prompt, png) => outcomeOf((await ask({ model, input: [{ role: 'user', content: [{ type: 'input_text', text: prompt }, { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' }] }] })).response),
    structured: async (model, input) => JSON.parse(outcomeOf((await ask({ model, input, text: { format: { type: 'json_schema', name: 'place', strict: true, schema: citySchema } } })).response).text),
    abort: (model, input) =>
      withSocket(
        (socket) =>
          new Promise((resolve, reject) => {
            socket.on('error', reject);
            socket.on('event', (event) => {
              if (event.type === 'response.output_text.delta') resolve();
            });
            socket.send({ type: 'response.create', model, input });
          }),
      ),
  };
}

function turn(socket: ResponsesWS, request: Request): Promise<Turn> {
  return new Promise((resolve, reject) => {
    let pieces = 0;
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the socket closed')));
    socket.on('event', (event) => {
      if (event.type === 'response.output_text.delta') pieces++;
      else if (event.type === 'response.failed') reject(new Error(event.response.error?.message ?? 'failed'));
      else if (event.type === 'response.completed' || event.type === 'response.incomplete') resolve({ response: { ...event.response, output_text: textOf(event.response) }, pieces });
    });
    socket.send({ type: 'response.create', ...request });
  });
}

function textOf({ output }: Response): string {
  return output.flatMap((item) => (item.type === 'message' ? item.content.map((part) => (part.type === 'output_text' ? part.text : '')) : [])).join('');
}
