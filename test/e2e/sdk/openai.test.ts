import OpenAI, { APIError, AuthenticationError, RateLimitError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientKey, pixel, startSimulatedVendors, type SimulatedVendors } from '../../support/simulated-vendors.ts';

let vendors: SimulatedVendors;
let client: OpenAI;

beforeAll(async () => {
  vendors = await startSimulatedVendors();
  client = new OpenAI({ baseURL: `${vendors.daemon.url}/v1`, apiKey: clientKey, maxRetries: 0 });
});
afterAll(() => vendors.stop());

const ask = (content: string) => [{ role: 'user' as const, content }];
const weatherTool = { type: 'function' as const, function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } };

describe('the openai SDK through the built daemon', () => {
  it('gets a plain answer', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('hi') });
    expect(answer.choices[0]?.message.content).toBe('Hello from the simulated vendor.');
  });

  it('gets a streamed answer in pieces', async () => {
    const pieces: string[] = [];
    for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages: ask('hi'), stream: true })) pieces.push(chunk.choices[0]?.delta.content ?? '');
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe('Hello from the simulated vendor.');
  });

  it('reaches an OpenAI-compatible endpoint by its prefix', async () => {
    const answer = await client.chat.completions.create({ model: 'compat/llama-3', messages: ask('hi') });
    expect(answer.choices[0]?.message.content).toBe('Hello from the simulated vendor.');
    expect(vendors.mock.getLastRequest()?.body).toMatchObject({ model: 'llama-3' });
  });

  it('gets tool calls, plain and streamed', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('weather in Paris?'), tools: [weatherTool] });
    expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'get_weather', arguments: '{"city":"Paris"}' } });
    const stream = client.chat.completions.stream({ model: 'gpt-4o', messages: ask('weather in Paris?'), tools: [weatherTool] });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'get_weather', arguments: '{"city":"Paris"}' } });
  });

  it('sends an image, and the upstream receives it as it was sent', async () => {
    const url = `data:image/png;base64,${pixel}`;
    await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: [{ type: 'text', text: 'look' }, { type: 'image_url', image_url: { url } }] }] });
    expect(JSON.stringify(vendors.mock.getLastRequest()?.body)).toContain(pixel);
  });

  it('gets responses, plain and streamed, and reads a stored one only through its own id', async () => {
    const plain = await client.responses.create({ model: 'gpt-4o', input: 'hi' });
    expect(plain.output_text).toBe('Hello from the simulated vendor.');
    const types: string[] = [];
    for await (const event of await client.responses.create({ model: 'gpt-4o', input: 'hi', stream: true })) types.push(event.type);
    expect(types[0]).toBe('response.created');
    expect(types.at(-1)).toBe('response.completed');
    await expect(client.responses.retrieve('resp_of_someone_else')).rejects.toMatchObject({ status: 404, code: 'response_not_found' });
    await expect(client.responses.create({ model: 'gpt-4o', input: 'hi', previous_response_id: 'resp_of_someone_else' })).rejects.toMatchObject({ status: 404, code: 'previous_response_not_found' });
  });

  it('gets embeddings and lists models', async () => {
    const embeddings = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'x', encoding_format: 'float' });
    expect(embeddings.data[0]?.embedding.length).toBeGreaterThan(0);
    const ids = (await client.models.list()).data.map((model) => model.id);
    expect(ids.some((id) => id.startsWith('gpt-'))).toBe(true);
    expect(ids).toEqual(ids.toSorted());
  });

  it('gets the upstream refusal of a request as it came', async () => {
    await expect(client.chat.completions.create({ model: 'gpt-4o', messages: ask('refuse me') })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('max_tokens is too large') });
  });

  it('gets an authentication error for a wrong key, and a sentence for an unknown model', async () => {
    const stranger = new OpenAI({ baseURL: `${vendors.daemon.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
    await expect(client.chat.completions.create({ model: 'gpd-4o-nowhere', messages: ask('hi') })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('is told 501 for what a model’s vendor does not offer and nothing translates', async () => {
    await expect(client.embeddings.create({ model: 'claude-sonnet-4-5', input: 'x' })).rejects.toMatchObject({ status: 501, code: 'dialect_not_served' });
  });

  it('raises when the upstream cuts the stream; it never returns the part as the whole', async () => {
    const read = async (): Promise<string> => {
      let text = '';
      for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages: ask('cut it'), stream: true })) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    };
    await expect(read()).rejects.toThrow();
  });

  it('an aborted stream ends upstream too', async () => {
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('slow please'), stream: true });
    for await (const chunk of stream) {
      expect(chunk.object).toBe('chat.completion.chunk');
      break;
    }
    stream.controller.abort();
    const answer = await client.chat.completions.create({ model: 'gpt-4o', messages: ask('hi') });
    expect(answer.choices[0]?.message.content).toBe('Hello from the simulated vendor.');
  });

  it('waits for a cooling account as it is told: 429 with Retry-After', async () => {
    await expect(client.chat.completions.create({ model: 'compat/quota-model', messages: ask('quota please') })).rejects.toBeInstanceOf(RateLimitError);
    const error: unknown = await client.chat.completions.create({ model: 'compat/quota-model', messages: ask('hi') }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ status: 429, code: 'model_cooldown' });
    expect(error instanceof APIError && Number(error.headers?.get('retry-after'))).toBeGreaterThan(0);
  });

  it('transcribes a file sent as a form', async () => {
    vendors.mock.onTranscription({ transcription: { text: 'spoken words' } });
    const answer = await client.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(Buffer.from('RIFF0000WAVE'), 'a.wav') });
    expect(answer.text).toBe('spoken words');
  });
});
