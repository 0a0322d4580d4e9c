import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyFile } from '../../http/management/auth-file-samples.ts';
import { ask, memberOf } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const secret = 'your-management-secret';
const clientKey = 'sk-client-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }));
  daemon = await startDaemon({ config: `api-keys: ["${clientKey}"]\nremote-management:\n  secret-key: "${secret}"\n` });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

/** What `curl -F` sends. */
async function upload(file: { readonly name: string; readonly text: string }, fields: Readonly<Record<string, string>>, key = secret): ReturnType<typeof ask> {
  const form = new FormData();
  form.append('file', new File([file.text], file.name));
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const encoded = new Response(form);
  return ask(daemon.url, '/v0/management/auth-files', { key, body: Buffer.from(await encoded.arrayBuffer()), headers: { 'content-type': encoded.headers.get('content-type') ?? '' } });
}

const authDir = (): string => join(daemon.folder, 'auth');
const listedModels = async (): Promise<string> => (await ask(daemon.url, '/v1/models', { key: clientKey })).text;
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('uploading an account file: -F file=@… -F channel=… -F prefix=…', () => {
  it('a service account is stored 0600 in a 0700 directory, listed without its key, and serves under its prefix', async () => {
    const stored = await upload({ name: 'auth.json', text: JSON.stringify(keyFile) }, { channel: 'vertex', prefix: 'prod' });
    expect([stored.status, stored.json]).toEqual([200, { status: 'ok', name: 'vertex-prod-my-project.json' }]);
    expect([modeOf(authDir()), modeOf(join(authDir(), 'vertex-prod-my-project.json'))]).toEqual([0o700, 0o600]);
    const list = await ask(daemon.url, '/v0/management/auth-files', { key: secret });
    expect(memberOf(list.json, 'files')).toMatchObject([{ name: 'vertex-prod-my-project.json', provider: 'vertex', prefix: 'prod', status: 'active' }]);
    expect(list.text).not.toContain('PRIVATE KEY');
    expect(await listedModels()).toContain('"prod/gemini-');
  });

  it('prod/<model> reaches the account of an uploaded login, with its token, and plain <model> under force-model-prefix does not', async () => {
    const text = JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: 'sk-ant-oat01-of-ann', expired: '2099-01-01T00:00:00Z', base_url: upstream.url });
    expect((await upload({ name: 'claude-ann.json', text }, { prefix: 'prod' })).status).toBe(200);
    expect(JSON.parse(readFileSync(join(authDir(), 'claude-ann.json'), 'utf8'))).toEqual({ ...JSON.parse(text), prefix: 'prod' });
    await ask(daemon.url, '/v0/management/force-model-prefix', { method: 'PUT', key: secret, json: { value: true } });
    const call = (model: string) => ask(daemon.url, '/v1/messages', { key: clientKey, headers: { 'anthropic-version': '2023-06-01' }, json: { model, max_tokens: 16, messages: [{ role: 'user', content: 'hi' }] } });
    expect((await call('prod/claude-sonnet-4-5')).status).toBe(200);
    const seen = upstream.seen.at(-1);
    expect([seen?.headers.authorization, JSON.parse(seen?.body.toString() ?? '')]).toMatchObject(['Bearer sk-ant-oat01-of-ann', { model: 'claude-sonnet-4-5' }]);
    expect((await call('claude-sonnet-4-5')).status).toBe(404);
  });

  it('what is refused is not on disk', async () => {
    expect((await upload({ name: 'bad.json', text: '{"type":"claude"' }, {})).status).toBe(400);
    expect((await upload({ name: '../escape.json', text: '{"type":"claude"}' }, {})).status).toBe(400);
    expect((await upload({ name: 'claude-bob.json', text: '{"type":"claude","refresh_token":"x"}' }, {}, 'wrong-management-secret')).status).toBe(401);
    const { json } = await ask(daemon.url, '/v0/management/auth-files', { key: secret });
    expect(JSON.stringify(json)).not.toMatch(/bad\.json|escape\.json|claude-bob\.json/);
  });

  it('a deleted file is gone from the disk and from the models at once', async () => {
    expect((await ask(daemon.url, '/v0/management/auth-files?name=vertex-prod-my-project.json', { method: 'DELETE', key: secret })).status).toBe(200);
    expect(statSync(join(authDir(), 'vertex-prod-my-project.json'), { throwIfNoEntry: false })).toBeUndefined();
    expect(await listedModels()).not.toContain('"prod/gemini-');
  });
});
