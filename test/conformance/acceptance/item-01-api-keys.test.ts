import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({
    config: `api-keys:
  - "your-api-key-1"
  - "your-api-key-2"
  - "your-api-key-3"
openai-compatibility:
  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: gemini-2.5-flash }] }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

const chat = { model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hello!' }] };
const guarded = [
  ['/v1/models', {}],
  ['/v1beta/models', {}],
  ['/v1/chat/completions', { json: chat }],
] as const;

describe('API key authentication: include your key in the Authorization header as a Bearer token', () => {
  describe.each(guarded)('%s', (path, question) => {
    it('answers 401 "invalid password" without a key, and says which code and scheme', async () => {
      const answer = await ask(daemon.url, path, question);
      expect(answer).toMatchObject({ status: 401, json: { error: { message: 'invalid password' } } });
      expect(answer.text).toContain('missing_api_key');
      expect(answer.text).toContain('authentication_error');
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    });

    it.each(['your-api-key-4', 'your-api-key-', 'your-api-key-11', 'YOUR-API-KEY-1', ' '])('answers 401 "invalid password" to the wrong key %j', async (key) => {
      const answer = await ask(daemon.url, path, { ...question, key });
      expect(answer).toMatchObject({ status: 401, json: { error: { message: 'invalid password' } } });
    });

    it.each(['your-api-key-1', 'your-api-key-2', 'your-api-key-3'])('lets the configured key %s in', async (key) => {
      expect((await ask(daemon.url, path, { ...question, key })).status).toBe(200);
    });
  });

  it('the error body is the one the page shows', async () => {
    const { json } = await ask(daemon.url, '/v1/chat/completions', { json: chat, key: 'wrong' });
    expect(json).toEqual({ error: { message: 'invalid password', type: 'authentication_error', code: 'invalid_api_key' } });
  });

  it('a request that was refused never reaches the upstream', async () => {
    const before = upstream.seen.length;
    await ask(daemon.url, '/v1/chat/completions', { json: chat, key: 'wrong' });
    await ask(daemon.url, '/v1/chat/completions', { json: chat });
    expect(upstream.seen.length).toBe(before);
  });
});
