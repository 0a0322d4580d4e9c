import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const key = 'sk-client-0123456789abcdef';
const asClient = { authorization: `Bearer ${key}` };
const keys = { compat: 'sk-compat-0123456789abcdef', openai: 'sk-openai-0123456789abcdef', anthropic: 'sk-ant-0123456789abcdef', gemini: 'AIza-gemini-0123456789abcdef', vertex: 'AIza-vertex-0123456789abcdef' } as const;

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, { id: 'answer-1' }));
  daemon = await startDaemon({
    config: `api-keys: ["${key}"]
openai-compatibility:
  - { name: compat, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: "${keys.compat}" }], models: [{ name: compat-real, alias: compat }] }
codex-api-key:
  - { api-key: "${keys.openai}", base-url: "${upstream.url}/v1", models: [{ name: openai-real, alias: openai }] }
claude-api-key:
  - { api-key: "${keys.anthropic}", base-url: "${upstream.url}", models: [{ name: claude-real, alias: claude }] }
gemini-api-key:
  - { api-key: "${keys.gemini}", base-url: "${upstream.url}", models: [{ name: gemini-real, alias: gemini }] }
vertex-api-key:
  - { api-key: "${keys.vertex}", base-url: "${upstream.url}/api", models: [{ name: vertex-real, alias: vertex }] }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

const bearer = (value: string) => ['authorization', `Bearer ${value}`] as const;

const jsonRoutes = [
  ['/v1/chat/completions', 'compat', '/v1/chat/completions', bearer(keys.compat)],
  ['/v1/completions', 'compat', '/v1/completions', bearer(keys.compat)],
  ['/v1/embeddings', 'compat', '/v1/embeddings', bearer(keys.compat)],
  ['/v1/images/generations', 'compat', '/v1/images/generations', bearer(keys.compat)],
  ['/v1/audio/speech', 'compat', '/v1/audio/speech', bearer(keys.compat)],
  ['/v1/chat/completions', 'openai', '/v1/chat/completions', bearer(keys.openai)],
  ['/v1/responses', 'openai', '/v1/responses', bearer(keys.openai)],
  ['/v1/responses/compact', 'openai', '/v1/responses/compact', bearer(keys.openai)],
  ['/v1/messages', 'claude', '/v1/messages', ['x-api-key', keys.anthropic]],
  ['/v1/messages/count_tokens', 'claude', '/v1/messages/count_tokens', ['x-api-key', keys.anthropic]],
] as const;

const formRoutes = ['/v1/images/edits', '/v1/images/variations', '/v1/audio/transcriptions', '/v1/audio/translations'] as const;

const verbs = ['generateContent', 'countTokens', 'embedContent', 'batchEmbedContents'] as const;
const geminiRoutes = ['/v1', '/v1beta'].flatMap((version) => verbs.map((verb) => [version, verb] as const));

describe('every route of the data plane reaches its endpoint, with the account’s key and the upstream’s model name', () => {
  it.each(jsonRoutes)('POST %s of the model %s goes to %s', async (path, model, target, [header, credential]) => {
    const said = path === '/v1/chat/completions' ? { messages: [{ role: 'user', content: 'hi' }] } : { input: 'hi' };
    const answer = await send(daemon.url, { method: 'POST', path, headers: { ...asClient, 'content-type': 'application/json' }, body: JSON.stringify({ model, ...said }) });
    const seen = upstream.seen.at(-1);
    expect([answer.status, answer.body.toString()]).toEqual([200, '{"id":"answer-1"}']);
    expect([seen?.method, seen?.url, seen?.body.toString()]).toEqual(['POST', target, JSON.stringify({ model: `${model}-real`, ...said })]);
    expect(seen?.headers[header]).toBe(credential);
    expect(JSON.stringify(seen?.headers)).not.toContain(key);
  });

  it.each(formRoutes)('POST %s passes a form whole but for the model’s name', async (path) => {
    const part = (name: string, value: string, more = ''): string => `--BOUNDARY\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const form = (model: string): string => `${part('file', 'bytes \u0001 of a file', '; filename="a.bin"')}${part('model', model)}--BOUNDARY--\r\n`;
    const answer = await send(daemon.url, { method: 'POST', path, headers: { ...asClient, 'content-type': 'multipart/form-data; boundary=BOUNDARY' }, body: form('compat') });
    const seen = upstream.seen.at(-1);
    expect([answer.status, seen?.url, seen?.headers['content-type'], seen?.body.toString()]).toEqual([200, path, 'multipart/form-data; boundary=BOUNDARY', form('compat-real')]);
  });

  it.each(geminiRoutes)('POST %s/models/M:%s goes to Gemini and to Vertex-style endpoints', async (version, verb) => {
    const ask = (model: string) => send(daemon.url, { method: 'POST', path: `${version}/models/${model}:${verb}`, headers: { 'x-goog-api-key': key, 'content-type': 'application/json' }, body: '{"contents":[]}' });
    expect((await ask('gemini')).status).toBe(200);
    expect([upstream.seen.at(-1)?.url, upstream.seen.at(-1)?.headers['x-goog-api-key']]).toEqual([`/v1beta/models/gemini-real:${verb}`, keys.gemini]);
    expect((await ask('vertex')).status).toBe(200);
    expect([upstream.seen.at(-1)?.url, upstream.seen.at(-1)?.headers['x-goog-api-key'], upstream.seen.at(-1)?.body.toString()]).toEqual([`/api/v1/publishers/google/models/vertex-real:${verb}`, keys.vertex, '{"contents":[]}']);
  });
});
