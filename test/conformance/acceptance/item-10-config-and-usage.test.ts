import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const secret = 'your-secure-management-key';
const clientKey = 'sk-client-0123456789abcdef';
const upstreamKey = 'sk-or-v1-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({
    config: `api-keys: ["${clientKey}"]
remote-management:
  secret-key: "${secret}"
gemini-api-key:
  - { api-key: "AIzaSy-0123456789abcdef", headers: { X-Token: "header-secret-0123456789" } }
openai-compatibility:
  - name: "openrouter"
    prefix: "or"
    base-url: "${upstream.url}/v1"
    api-key-entries: [{ api-key: "${upstreamKey}" }]
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

describe('GET /v0/management/config and GET /v0/management/usage', () => {
  it('the config is shown with every secret masked', async () => {
    const { status, text, json } = await ask(daemon.url, '/v0/management/config', { key: secret });
    expect(status).toBe(200);
    for (const hidden of [secret, clientKey, upstreamKey, 'AIzaSy-0123456789abcdef', 'header-secret-0123456789']) expect(text).not.toContain(hidden);
    expect(json).toMatchObject({ 'remote-management': { 'allow-remote': false }, 'openai-compatibility': [{ name: 'openrouter', prefix: 'or', 'base-url': `${upstream.url}/v1` }] });
  });

  it('revealing shows keys to the holder of the secret, not the management secret itself, and is answered no-store', async () => {
    const { text, headers } = await ask(daemon.url, '/v0/management/config?reveal=true', { key: secret });
    expect(text).toContain(upstreamKey);
    expect(text).not.toContain(secret);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('the statistics count a request made through the proxy, its tokens, and a failure', async () => {
    expect((await ask(daemon.url, '/v0/management/usage', { key: secret })).json).toMatchObject({ usage: { total_requests: 0, total_tokens: 0 }, failed_requests: 0 });
    await ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'or/m', messages: [] } });
    upstream.setScript((_, res) => answerJson(res, 400, { error: { message: 'no' } }));
    await ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'or/m', messages: [] } });

    const { json, text } = await ask(daemon.url, '/v0/management/usage', { key: secret });
    expect(json).toMatchObject({ usage: { total_requests: 2, success_count: 1, failure_count: 1, total_tokens: 7 }, failed_requests: 1 });
    for (const hidden of [clientKey, upstreamKey]) expect(text).not.toContain(hidden);
  });
});
