import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'Hello from Gemini.' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 4, totalTokenCount: 6 } }));
  daemon = await startDaemon({ config: `api-keys: ["your-api-key-1"]\ngemini-api-key:\n  - { api-key: "AIzaSy-upstream", base-url: "${upstream.url}" }\n` });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

describe('the page’s own example, with the page’s own upstream', () => {
  it('a Gemini model answers a chat client', async () => {
    const client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: 'your-api-key-1' });
    const response = await client.chat.completions.create({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hello!' }] });
    expect([response.choices[0]?.message.content, response.choices[0]?.finish_reason, response.usage?.total_tokens]).toEqual(['Hello from Gemini.', 'stop', 6]);
    expect(upstream.seen[0]?.url).toBe('/v1beta/models/gemini-2.5-flash:generateContent');
    expect(upstream.seen[0]?.headers['x-goog-api-key']).toBe('AIzaSy-upstream');
    expect(JSON.parse(upstream.seen[0]?.body.toString() ?? '')).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hello!' }] }] });
  });
});
