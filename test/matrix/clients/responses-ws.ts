import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { citySchema, type Driver, type Place } from '../driver.ts';
import { callsOf, outcomeOf, resultsOf, runTools, weatherTool } from './openai-responses.ts';

type Request = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'stream'>;
type Response = OpenAI.Responses.Response;

interface Turn {
  readonly response: Response;
  readonly pieces: number;
  /** Arguments by their call's item, as they came in pieces. */
  readonly argumentsById: ReadonlyMap<string, string>;
}

/** OpenAI's own client of the Responses socket. */
export function responsesSocketDriver({ url, key }: Place): Driver {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const tools = [weatherTool];
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
        // The socket knows the turn before: only what is new is sent.
        const { response: second } = await turn(socket, { model, input: resultsOf(first), tools, store: false, previous_response_id: first.id });
        return { calls: callsOf(first), finish: outcomeOf(first).finish, text: outcomeOf(second).text };
      }),
    streamedTools: (model, prompt) => withSocket((socket) => runTools(async (input) => withStreamedArguments(await turn(socket, { model, input, tools, store: false })), prompt)),
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
    const argumentsById = new Map<string, string>();
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the socket closed')));
    socket.on('event', (event) => {
      if (event.type === 'response.output_text.delta') pieces++;
      else if (event.type === 'response.function_call_arguments.delta') argumentsById.set(event.item_id, `${argumentsById.get(event.item_id) ?? ''}${event.delta}`);
      else if (event.type === 'response.failed') reject(new Error(event.response.error?.message ?? 'failed'));
      else if (event.type === 'response.completed' || event.type === 'response.incomplete') resolve({ response: { ...event.response, output_text: textOf(event.response) }, pieces, argumentsById });
    });
    socket.send({ type: 'response.create', ...request });
  });
}

/** The response with its calls' arguments as the pieces have them. */
function withStreamedArguments({ response, argumentsById }: Turn): Response {
  return { ...response, output: response.output.map((item) => (item.type === 'function_call' ? { ...item, arguments: argumentsById.get(item.id ?? '') ?? '' } : item)) };
}

function textOf({ output }: Response): string {
  return output.flatMap((item) => (item.type === 'message' ? item.content.map((part) => (part.type === 'output_text' ? part.text : '')) : [])).join('');
}
