import Anthropic, { BadRequestError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientKey, pixel, startSimulatedVendors, type SimulatedVendors } from '../../support/simulated-vendors.ts';

let vendors: SimulatedVendors;
let client: Anthropic;

beforeAll(async () => {
  vendors = await startSimulatedVendors();
  client = new Anthropic({ baseURL: vendors.daemon.url, apiKey: clientKey, maxRetries: 0 });
});
afterAll(() => vendors.stop());

const model = 'claude-sonnet-4-5';
const ask = (content: string) => ({ model, max_tokens: 64, messages: [{ role: 'user' as const, content }] });

describe('the @anthropic-ai/sdk through the built daemon', () => {
  it('gets a plain answer', async () => {
    const answer = await client.messages.create(ask('hi'));
    expect(answer.content[0]).toMatchObject({ type: 'text', text: 'Hello from the simulated vendor.' });
  });

  it('gets a streamed answer', async () => {
    const stream = client.messages.stream(ask('hi'));
    const message = await stream.finalMessage();
    expect(message.content[0]).toMatchObject({ type: 'text', text: 'Hello from the simulated vendor.' });
    expect(message.stop_reason).toBe('end_turn');
  });

  it('gets a tool call with its arguments whole', async () => {
    const tools = [{ name: 'get_weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } }];
    const message = await client.messages.stream({ ...ask('weather in Paris?'), tools }).finalMessage();
    expect(message.content.find((block) => block.type === 'tool_use')).toMatchObject({ name: 'get_weather', input: { city: 'Paris' } });
  });

  it('sends an image, and the upstream receives it as it was sent', async () => {
    await client.messages.create({ model: 'rec/claude-x', max_tokens: 64, messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } }, { type: 'text', text: 'look' }] }] });
    expect(vendors.recorder.seen.at(-1)?.body.toString()).toContain(pixel);
  });

  it('gets errors in its own envelope', async () => {
    await expect(client.messages.create(ask('refuse me'))).rejects.toBeInstanceOf(BadRequestError);
    const stranger = new Anthropic({ baseURL: vendors.daemon.url, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.messages.create(ask('hi'))).rejects.toMatchObject({ status: 401, error: { type: 'error', error: { type: 'authentication_error' } } });
  });

  it('raises when the upstream cuts the stream', async () => {
    await expect(client.messages.stream(ask('cut it')).finalMessage()).rejects.toThrow();
  });

  it('lists the models it can call', async () => {
    const ids: string[] = [];
    for await (const each of client.models.list()) ids.push(each.id);
    expect(ids.some((id) => id.startsWith('claude-'))).toBe(true);
  });
});
