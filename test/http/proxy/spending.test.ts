import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuthFile } from '../../../internal/accounts/auth-file/auth-file.ts';
import { accountsOf, authFile } from '../../support/auth-files.ts';
import { createFakeKeeper, type FakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases } from '../../support/four-dialects.ts';
import { spentAt, startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream, type SeenRequest } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let keeper: FakeKeeper;
let rig: ProxyRig | undefined;
beforeEach(async () => {
  keeper = createFakeKeeper();
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, { ok: true }));
});
afterEach(async () => {
  await rig?.close();
  await upstream.close();
});

const token = 'access-token-0123456789';
const [chat, responses, messages, gemini] = dialectCases;
if (chat === undefined || responses === undefined || messages === undefined || gemini === undefined) throw new Error('a dialect is missing');

/** What a client of the dialect might send along that is not for the upstream. */
const clientHeaders = { 'content-type': 'application/json', authorization: 'Bearer sk-client', 'x-api-key': 'sk-client', 'x-goog-api-key': 'sk-client', 'chatgpt-account-id': 'the client\'s', 'x-goog-user-project': 'the client\'s', 'user-agent': 'somebody-else/1' };

interface Call {
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request by the file's login, with what the vendor would see of it. */
async function spend(files: readonly AuthFile[], given: object, { path, body, headers = {} }: Call): Promise<SeenRequest & { readonly authority: string }> {
  const { accounts, logins, problems } = accountsOf(files, given);
  expect(problems).toEqual([]);
  keeper.good.set(logins[0]?.key ?? '', token);
  rig = await startProxyRig({ accounts: accounts.map((account) => spentAt(account, upstream.url)), tokens: keeper });
  const answer = await send(rig.url, { method: 'POST', path, headers: { ...clientHeaders, ...headers }, body: JSON.stringify(body) });
  expect(answer.body.toString()).toBe('{"ok":true}');
  const [seen] = upstream.seen;
  if (seen === undefined || upstream.seen.length > 1) throw new Error(`${upstream.seen.length} requests`);
  expect(seen.headers['user-agent']).toBe('keyward/test');
  expect(seen.headers.authorization).toBe(`Bearer ${token}`);
  expect(JSON.stringify(seen.headers)).not.toMatch(/sk-client|the client/);
  expect(Number(seen.headers['content-length'])).toBe(seen.body.length);
  return { ...seen, authority: new URL(accounts[0]?.baseUrl ?? '').host };
}

const project = { project_id: 'proj-1' };
const serviceAccount = authFile('vertex', { facts: { ...project, location: 'europe-west4' }, serviceAccount: '{}' });
const codeAssist = { oauth: { google: { mode: 'code-assist' } } };
const corp = { oauth: { corp: { issuer: 'https://id.example', grant: 'client-credentials', 'base-url': 'https://llm.example/gate/v1', headers: { 'x-team': 'a' } } } };
const grok = (body: object): object => ({ ...body, model: 'grok-4.6' });

describe('a login is spent where and as its vendor has it', () => {
  it.each<[string, readonly AuthFile[], object, Call, { readonly authority: string; readonly url: string; readonly headers?: Readonly<Record<string, string>> }]>([
    ['anthropic', [authFile('claude')], {}, { ...messages, path: '/v1/messages?beta=true' }, { authority: 'api.anthropic.com', url: '/v1/messages?beta=true', headers: { 'anthropic-beta': 'oauth-2025-04-20', 'anthropic-version': '2023-06-01' } }],
    ['codex', [authFile('codex', { facts: { account_id: 'acc-1' } })], {}, responses, { authority: 'chatgpt.com', url: '/backend-api/codex/responses', headers: { 'chatgpt-account-id': 'acc-1' } }],
    ['google', [authFile('gemini', { facts: project })], {}, gemini, { authority: 'generativelanguage.googleapis.com', url: '/v1beta/models/gemini-2.5-flash:generateContent', headers: { 'x-goog-user-project': 'proj-1' } }],
    ['iflow', [authFile('iflow')], {}, { ...chat, body: { ...chat.body, model: 'glm-4.7' } }, { authority: 'apis.iflow.cn', url: '/v1/chat/completions' }],
    ['qwen', [authFile('qwen', { facts: { resource_url: 'portal.qwen.ai' } })], {}, { ...chat, body: { ...chat.body, model: 'qwen3-coder-plus' } }, { authority: 'portal.qwen.ai', url: '/v1/chat/completions' }],
    ['kimi by chat', [authFile('kimi')], {}, { ...chat, body: { ...chat.body, model: 'kimi-k2.5' } }, { authority: 'api.kimi.com', url: '/coding/v1/chat/completions' }],
    ['kimi by messages', [authFile('kimi')], {}, { ...messages, body: { ...messages.body, model: 'kimi-k2.5' } }, { authority: 'api.kimi.com', url: '/coding/v1/messages' }],
    ['xai by responses', [authFile('xai')], {}, { ...responses, body: grok(responses.body) }, { authority: 'api.x.ai', url: '/v1/responses' }],
    ['xai by chat', [authFile('xai')], {}, { ...chat, body: grok(chat.body) }, { authority: 'api.x.ai', url: '/v1/chat/completions' }],
    ['vertex', [serviceAccount], {}, gemini, { authority: 'europe-west4-aiplatform.googleapis.com', url: '/v1/projects/proj-1/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent' }],
    ['oauth.<name>', [], corp, { ...chat, body: { ...chat.body, model: 'llama-3' } }, { authority: 'llm.example', url: '/gate/v1/chat/completions', headers: { 'x-team': 'a' } }],
  ])('%s', async (vendor, files, given, call, expected) => {
    const { authority, url, headers, body } = await spend(files, given, call);
    expect({ authority, url }).toEqual({ authority: expected.authority, url: expected.url });
    expect(headers).toMatchObject(expected.headers ?? {});
    // ChatGPT's backend answers in streams alone, and keeps nothing.
    expect(body.toString()).toBe(JSON.stringify(vendor === 'codex' ? { ...call.body, stream: true, store: false } : call.body));
  });

  it.each<[string, readonly AuthFile[], object]>([['google in the mode of the Go program', [authFile('gemini', { facts: project })], codeAssist], ['antigravity', [authFile('antigravity', { facts: project })], {}]])('%s', async (_, files, given) => {
    const { authority, url, headers, body } = await spend(files, given, gemini);
    expect([authority, url]).toEqual(['cloudcode-pa.googleapis.com', '/v1internal:generateContent']);
    expect(headers['x-goog-user-project']).toBeUndefined();
    expect(body.toString()).toBe(`{"model":"gemini-2.5-flash","project":"proj-1","request":${JSON.stringify(gemini.body)}}`);
  });
});

describe('headers', () => {
  const beta = (headers: Readonly<Record<string, string>>, given: object = {}) => spend([authFile('claude')], given, { ...messages, headers }).then((seen) => seen.headers['anthropic-beta']);

  it('the login\'s betas join the client\'s own, each once', async () => {
    expect(await beta({ 'anthropic-beta': 'files-api-2025-04-14, oauth-2025-04-20,files-api-2025-04-14' })).toBe('files-api-2025-04-14,oauth-2025-04-20');
  });

  it('and the operator\'s, which go before the client\'s', async () => {
    expect(await beta({ 'anthropic-beta': 'files-api-2025-04-14' }, { oauth: { claude: { headers: { 'Anthropic-Beta': 'context-1m' } } } })).toBe('context-1m,oauth-2025-04-20');
  });

  it('the operator\'s go before the vendor\'s', async () => {
    const seen = await spend([authFile('codex', { facts: { account_id: 'acc-1' }, operator: { headers: new Map([['ChatGPT-Account-Id', 'acc-2']]) } })], {}, responses);
    expect(seen.headers['chatgpt-account-id']).toBe('acc-2');
  });
});
