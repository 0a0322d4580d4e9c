import { GoogleGenAI } from '@google/genai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientKey, pixel, startSimulatedVendors, type SimulatedVendors } from '../../support/simulated-vendors.ts';

let vendors: SimulatedVendors;
let client: GoogleGenAI;

beforeAll(async () => {
  vendors = await startSimulatedVendors();
  client = new GoogleGenAI({ apiKey: clientKey, httpOptions: { baseUrl: vendors.daemon.url } });
});
afterAll(() => vendors.stop());

const model = 'gemini-2.5-flash';

describe('the @google/genai SDK through the built daemon', () => {
  it('gets a plain answer', async () => {
    const answer = await client.models.generateContent({ model, contents: 'hi' });
    expect(answer.text).toBe('Hello from the simulated vendor.');
  });

  it('gets a streamed answer', async () => {
    let text = '';
    for await (const chunk of await client.models.generateContentStream({ model, contents: 'hi' })) text += chunk.text ?? '';
    expect(text).toBe('Hello from the simulated vendor.');
  });

  it('works on /v1beta as older versions call it', async () => {
    const older = new GoogleGenAI({ apiKey: clientKey, httpOptions: { baseUrl: vendors.daemon.url, apiVersion: 'v1beta' } });
    expect((await older.models.generateContent({ model, contents: 'hi' })).text).toBe('Hello from the simulated vendor.');
  });

  it('gets a tool call', async () => {
    const answer = await client.models.generateContent({ model, contents: 'weather in Paris?', config: { tools: [{ functionDeclarations: [{ name: 'get_weather' }] }] } });
    expect(answer.functionCalls?.[0]).toMatchObject({ name: 'get_weather', args: { city: 'Paris' } });
  });

  it('sends an image, and the upstream receives it as it was sent', async () => {
    await client.models.generateContent({ model: 'rec/gemini-x', contents: [{ role: 'user', parts: [{ text: 'look' }, { inlineData: { mimeType: 'image/png', data: pixel } }] }] });
    expect(vendors.recorder.seen.at(-1)?.body.toString()).toContain(pixel);
  });

  it('gets errors in its own envelope', async () => {
    const stranger = new GoogleGenAI({ apiKey: 'wrong', httpOptions: { baseUrl: vendors.daemon.url } });
    await expect(stranger.models.generateContent({ model, contents: 'hi' })).rejects.toMatchObject({ status: 401, message: expect.stringContaining('UNAUTHENTICATED') });
  });
});
