import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { importSPKI, jwtVerify } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow } from '../../conformance/canary/canaries.ts';
import { configHead, makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { createManagementLogins, type ManagementLogins } from '../../support/management-logins.ts';
import type { SeenRequest } from '../../support/scripted-upstream.ts';
import { bearerOf, simulatedText, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { startCodex, type SimulatedCodex } from '../../support/simulated-logins/codex.ts';
import { startDeviceVendor, type SimulatedDeviceVendor } from '../../support/simulated-logins/device-vendors.ts';
import { startGoogle, type SimulatedGoogle } from '../../support/simulated-logins/google.ts';
import { startIflow, type SimulatedIflow } from '../../support/simulated-logins/iflow.ts';
import { until } from '../../support/until.ts';

/*
 * Every row of the table of logins in one daemon: logged in at a vendor's simulated endpoints, then spent by the SDK of its
 * dialect at a third party's simulator, with what went over both wires.
 */

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
const machineSecret = 'machine-secret-0123456789abcdef';
const operatorHeader = 'operator-header-0123456789';
/** As vendors word it whose tokens are for their own program. */
const refusal = { type: 'error', error: { type: 'permission_error', message: 'This credential is only authorized for use with the vendor’s own program.', extra: [1.50, null] } };
const { version }: { readonly version: string } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));
const keys = generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

let anthropic: SimulatedAnthropic;
let codex: SimulatedCodex;
let google: SimulatedGoogle;
let antigravity: SimulatedGoogle;
let iflow: SimulatedIflow;
let qwen: SimulatedDeviceVendor;
let kimi: SimulatedDeviceVendor;
let xai: SimulatedDeviceVendor;
let identityProvider: IdentityProvider;
let gate: SimulatedGate;
let folder: string;
let daemon: RunningDaemon;
let logins: ManagementLogins;
let openai: OpenAI;
let claude: Anthropic;
let gemini: GoogleGenAI;

const configOf = (googleMode: string): string => `api-keys: ["${clientKey}"]
remote-management: { secret-key: "${secret}" }
debug: true
logging-to-file: true
request-log: true
oauth: ${JSON.stringify({
  anthropic: anthropic.entry({ 'base-url': `${gate.url}/to/anthropic` }),
  codex: codex.entry({ 'base-url': `${gate.url}/to/codex/v1` }),
  google: google.entry({ 'base-url': `${gate.url}/to/google`, mode: googleMode, prefix: 'google' }),
  antigravity: antigravity.entry({ 'base-url': `${gate.url}/to/antigravity`, prefix: 'anti' }),
  iflow: iflow.entry({ 'base-url': `${gate.url}/to/iflow/v1` }),
  qwen: qwen.entry(),
  kimi: kimi.entry({ 'base-url': `${gate.url}/to/kimi` }),
  xai: xai.entry({ 'base-url': `${gate.url}/to/xai/v1` }),
  vertex: { 'token-url': `${google.url}/token`, 'base-url': `${gate.url}/to/vertex` },
  corp: { issuer: identityProvider.issuer, grant: 'client-credentials', 'client-id': 'machine', 'client-secret': machineSecret, scopes: ['models'], dialect: 'openai-chat', 'base-url': `${gate.url}/to/corp/v1`, headers: { 'x-team': operatorHeader }, models: [{ name: 'm-corp' }] },
})}
`;

beforeAll(async () => {
  [anthropic, codex, google, antigravity, iflow, qwen, kimi, xai, identityProvider] = await Promise.all([
    startAnthropic(), startCodex(), startGoogle(), startGoogle(), startIflow(), startDeviceVendor('qwen'), startDeviceVendor('kimi'), startDeviceVendor('xai'), startIdentityProvider({ accessTokenSeconds: 3 }),
  ]);
  gate = await startSimulatedGate({
    admits: ({ url, headers }) => (url.startsWith('/to/corp/') ? identityProvider.isActive(bearerOf(headers)) : true),
    refuses: ({ body }) => (/refuse me (\d+)/.test(body.toString()) ? { status: Number(/refuse me (\d+)/.exec(body.toString())?.[1]), body: refusal } : undefined),
    elsewhere: ({ url }) => (/:(?:loadCodeAssist|onboardUser)$/.test(url) ? (url.startsWith('/to/google/') ? google.url : antigravity.url) : undefined),
  });
  folder = makeFolder();
  daemon = await startDaemon({ folder, config: configOf('api') });
  logins = createManagementLogins(daemon.url, secret);
  openai = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: clientKey, maxRetries: 0 });
  claude = new Anthropic({ baseURL: daemon.url, apiKey: clientKey, maxRetries: 0 });
  gemini = new GoogleGenAI({ apiKey: clientKey, httpOptions: { baseUrl: daemon.url } });
});
afterAll(async () => {
  await daemon.stop();
  await Promise.all([gate, anthropic, codex, google, antigravity, iflow, qwen, kimi, xai].map(({ close }) => close()));
  await identityProvider.stop();
});

const stored = (file: string): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(join(folder, 'auth', file), 'utf8'));

async function chat(model: string): Promise<string> {
  let text = '';
  for await (const chunk of await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }], stream: true })) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}
async function respond(model: string): Promise<string> {
  let text = '';
  for await (const event of await openai.responses.create({ model, input: 'hi', stream: true })) if (event.type === 'response.output_text.delta') text += event.delta;
  return text;
}
async function message(model: string): Promise<string> {
  const [part] = (await claude.messages.stream({ model, max_tokens: 64, messages: [{ role: 'user', content: 'hi' }] }).finalMessage()).content;
  return part?.type === 'text' ? part.text : '';
}
async function generate(model: string): Promise<string> {
  let text = '';
  for await (const chunk of await gemini.models.generateContentStream({ model, contents: 'hi' })) text += chunk.text ?? '';
  return text;
}
/** The newest request at the place where a login is spent. */
function spent(name: string): SeenRequest {
  const found = gate.seen.findLast(({ url }) => url.startsWith(`/to/${name}/`));
  if (found === undefined) throw new Error(`nothing was spent at ${name}`);
  return found;
}

describe('by code', () => {
  it('anthropic: messages with the Bearer token and the OAuth beta', async () => {
    const { url, state } = await logins.start('anthropic');
    const file = await logins.land(anthropic.book.grant(url).url, state);
    expect(await message('claude-sonnet-4-5')).toBe(simulatedText);
    const { url: path, headers } = spent('anthropic');
    expect([path, headers]).toMatchObject(['/to/anthropic/v1/messages', { authorization: `Bearer ${String(stored(file)['access_token'])}`, 'anthropic-beta': 'oauth-2025-04-20', 'anthropic-version': expect.any(String) }]);
    expect(headers['x-api-key']).toBeUndefined();
  });

  it('codex: responses with the account id out of the id token', async () => {
    codex.setAccount('acc-team-7', 'ann@example.com', 'team');
    const { url, state } = await logins.start('codex');
    const file = await logins.land(codex.book.grant(url).url, state);
    expect(await respond('gpt-5')).toBe(simulatedText);
    const { url: path, headers } = spent('codex');
    expect([path, headers]).toMatchObject(['/to/codex/v1/responses', { authorization: `Bearer ${String(stored(file)['access_token'])}`, 'chatgpt-account-id': 'acc-team-7' }]);
  });

  it('google: the Gemini API with the named project, plain', async () => {
    const { url, state } = await logins.start('google', '?project_id=my-project-1');
    const file = await logins.land(google.book.grant(url).url, state);
    expect(await generate('google/gemini-2.5-flash')).toBe(simulatedText);
    const { url: path, headers, body } = spent('google');
    expect([path, headers]).toMatchObject(['/to/google/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', { authorization: `Bearer ${String(stored(file)['access_token'])}`, 'x-goog-user-project': 'my-project-1' }]);
    expect(JSON.parse(body.toString())).not.toHaveProperty('request');
    expect(headers['x-goog-api-key']).toBeUndefined();
  });

  it('google in the mode of the Go program, taken up without a restart: the same file at Code Assist, in its envelope', async () => {
    writeFileSync(daemon.configPath, `${configHead}${configOf('code-assist')}`);
    await until('the mode is live', async () => {
      await generate('google/gemini-2.5-flash').catch(() => '');
      return spent('google').url.includes('v1internal');
    });
    expect(await generate('google/gemini-2.5-flash')).toBe(simulatedText);
    const { url, headers, body } = spent('google');
    expect(url).toBe('/to/google/v1internal:streamGenerateContent?alt=sse');
    expect(JSON.parse(body.toString())).toMatchObject({ model: 'gemini-2.5-flash', project: 'my-project-1', request: { contents: [{ parts: [{ text: 'hi' }] }] } });
    expect(headers['x-goog-user-project']).toBeUndefined();
  });

  it('antigravity: off until it is confirmed, then in the envelope with the project that was found', async () => {
    antigravity.setProject('found-project-2');
    const { url, state } = await logins.start('antigravity');
    const file = await logins.land(antigravity.book.grant(url).url, state);
    await expect(generate('anti/gemini-2.5-flash')).rejects.toThrow();
    await logins.confirm(file);
    expect(await generate('anti/gemini-2.5-flash')).toBe(simulatedText);
    const { url: path, headers, body } = spent('antigravity');
    expect([path, headers.authorization]).toEqual(['/to/antigravity/v1internal:streamGenerateContent?alt=sse', `Bearer ${String(stored(file)['access_token'])}`]);
    expect(JSON.parse(body.toString())).toMatchObject({ model: 'gemini-2.5-flash', project: 'found-project-2', request: { contents: expect.any(Array) } });
    const plain = await gemini.models.generateContent({ model: 'anti/gemini-2.5-flash', contents: 'hi' });
    expect(plain.text).toBe(simulatedText);
  });

  it('iflow: off until it is confirmed, then chat with the API key, not the token', async () => {
    const { url, state } = await logins.start('iflow');
    const file = await logins.land(iflow.book.grant(url, 'redirect').url, state);
    await logins.confirm(file);
    expect(await chat('glm-4.7')).toBe(simulatedText);
    const { url: path, headers } = spent('iflow');
    expect([path, headers.authorization]).toEqual(['/to/iflow/v1/chat/completions', `Bearer ${iflow.apiKeys().at(-1) ?? ''}`]);
    expect(stored(file)['access_token']).not.toBe(iflow.apiKeys().at(-1));
    // It serves models of the vendors below as well.
    await logins.confirm(file, true);
  });
});

describe('by device', () => {
  async function logIn(name: string, vendor: SimulatedDeviceVendor): Promise<string> {
    const { state, userCode } = await logins.start(name);
    expect(userCode).toBe('WDJB-MJHT');
    vendor.decide('agreed');
    return logins.ended(state);
  }

  it('qwen: chat at the `resource_url` of the token answer', async () => {
    qwen.setResourceUrl(`${gate.url}/to/qwen`);
    const file = await logIn('qwen', qwen);
    expect(await chat('qwen3-coder-plus')).toBe(simulatedText);
    expect([spent('qwen').url, spent('qwen').headers.authorization]).toEqual(['/to/qwen/v1/chat/completions', `Bearer ${String(stored(file)['access_token'])}`]);
  });

  it('kimi: chat and messages', async () => {
    const file = await logIn('kimi', kimi);
    expect([await chat('kimi-k2.5'), spent('kimi').url]).toEqual([simulatedText, '/to/kimi/v1/chat/completions']);
    expect([await message('kimi-k2.5'), spent('kimi').url]).toEqual([simulatedText, '/to/kimi/v1/messages']);
    expect(spent('kimi').headers.authorization).toBe(`Bearer ${String(stored(file)['access_token'])}`);
  });

  it('xai: responses and chat', async () => {
    const file = await logIn('xai', xai);
    expect([await respond('grok-4.6'), spent('xai').url]).toEqual([simulatedText, '/to/xai/v1/responses']);
    expect([await chat('grok-4.6'), spent('xai').url]).toEqual([simulatedText, '/to/xai/v1/chat/completions']);
    expect(spent('xai').headers.authorization).toBe(`Bearer ${String(stored(file)['access_token'])}`);
  });

  it('codex: its own way, ended by the vendor’s code', async () => {
    codex.setAccount('acc-device-8', 'bea@example.com', 'plus');
    const { state, userCode } = await logins.start('codex', '?flow=device');
    codex.agree(userCode);
    expect(stored(await logins.ended(state))).toMatchObject({ account_id: 'acc-device-8', email: 'bea@example.com' });
  });
});

describe('without a person', () => {
  it('vertex: a service account uploaded with a prefix signs for a token, once, and is spent below its project and location', async () => {
    const form = new FormData();
    form.append('file', new File([JSON.stringify({ type: 'service_account', project_id: 'my-project-3', private_key_id: 'key-1', private_key: keys.privateKey, client_email: 'robot@my-project-3.iam.gserviceaccount.com', token_uri: 'https://oauth2.googleapis.com/token' })], 'auth.json'));
    form.append('channel', 'vertex');
    form.append('prefix', 'prod');
    const encoded = new Response(form);
    const uploaded = await logins.management('/auth-files', { body: Buffer.from(await encoded.arrayBuffer()), headers: { 'content-type': encoded.headers.get('content-type') ?? '' } });
    expect([uploaded.status, uploaded.json]).toEqual([200, { status: 'ok', name: 'vertex-prod-my-project-3.json' }]);
    expect(await Promise.all(Array.from({ length: 10 }, () => generate('prod/gemini-2.5-flash')))).toEqual(Array.from({ length: 10 }, () => simulatedText));
    expect(google.assertions()).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(google.assertions()[0] ?? '', await importSPKI(keys.publicKey, 'RS256'));
    expect([protectedHeader, payload]).toMatchObject([{ alg: 'RS256', kid: 'key-1' }, { iss: 'robot@my-project-3.iam.gserviceaccount.com', aud: `${google.url}/token`, scope: 'https://www.googleapis.com/auth/cloud-platform' }]);
    expect([spent('vertex').url, bearerOf(spent('vertex').headers)]).toEqual(['/to/vertex/v1/projects/my-project-3/locations/us-central1/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse', expect.stringMatching(/^ya29-/)]);
    expect(google.book.secrets()).toContain(bearerOf(spent('vertex').headers));
  });

  it('oauth.<name>: client credentials at a certified server, one short token after the other, nothing on disk', async () => {
    const before = filesBelow(join(folder, 'auth')).map(({ path }) => path);
    const tokens = new Set<string>();
    await until('the token was replaced', async () => {
      expect(await Promise.all(Array.from({ length: 4 }, () => chat('m-corp')))).toEqual(Array.from({ length: 4 }, () => simulatedText));
      tokens.add(bearerOf(spent('corp').headers));
      return tokens.size > 1;
    }, 8_000);
    expect(spent('corp').headers['x-team']).toBe(operatorHeader);
    expect(filesBelow(join(folder, 'auth')).map(({ path }) => path)).toEqual(before);
    expect(new Set(identityProvider.events().map(({ event, grant }) => `${event} ${grant ?? ''}`))).toEqual(new Set(['issued client_credentials']));
    for (const token of tokens) for (const { bytes } of [...filesBelow(join(folder, 'auth')), ...filesBelow(join(folder, 'data'))]) expect(bytes.includes(token)).toBe(false);
  });
});

describe('of all of them', () => {
  it('the daemon names itself at every vendor’s every endpoint', () => {
    const requests = [gate, anthropic, codex, google, antigravity, iflow, qwen, kimi, xai].flatMap(({ seen }) => seen);
    expect(requests.length).toBeGreaterThan(40);
    expect(new Set(requests.map(({ headers }) => headers['user-agent']))).toEqual(new Set([`keyward/${version}`]));
    expect(new Set(identityProvider.events().map(({ userAgent }) => userAgent))).toEqual(new Set([`keyward/${version}`]));
    expect(requests.filter(({ headers }) => JSON.stringify(headers).includes(clientKey))).toEqual([]);
  });

  it.each([400, 403])('a vendor that serves its own program alone refuses, and its %i is shown as it came', async (status) => {
    const answer = await fetch(`${daemon.url}/v1/messages`, { method: 'POST', headers: { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }, body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 8, messages: [{ role: 'user', content: `refuse me ${status}` }] }) });
    expect([answer.status, await answer.text()]).toEqual([status, JSON.stringify(refusal)]);
    await logins.management('/reset-quota', { method: 'POST', json: {} });
  });

  it('no code, state, token, key or client secret is in any log, page, answer, or the database', async () => {
    for (const path of ['/config', '/config.yaml', '/audit', '/status', '/usage', '/logs', '/oauth-sessions', '/request-error-logs', '/auth-files', '/explain?model=gpt-5']) await logins.management(path);
    for (const path of ['/metrics', '/readyz', '/', '/v1/models']) {
      const answer = await fetch(`${daemon.url}${path}`, { headers: { authorization: `Bearer ${path === '/v1/models' ? clientKey : secret}` } });
      expect(answer.status).toBe(200);
      expect(hiddenIn(await answer.text())).toEqual([]);
    }
    await daemon.stop();
    expect(allSecrets().length).toBeGreaterThan(40);
    expect(hiddenIn(logins.told.join('\n'))).toEqual([]);
    expect(hiddenIn(daemon.output())).toEqual([]);
    const data = filesBelow(join(folder, 'data'));
    expect(data.some(({ path }) => path.includes('logs'))).toBe(true);
    expect(data.filter(({ bytes }) => hiddenIn(bytes).length > 0).map(({ path }) => path)).toEqual([]);
  });
});

const allSecrets = (): readonly string[] => [...[anthropic, codex, google, antigravity, iflow, qwen, kimi, xai].flatMap(({ book }) => book.secrets()), ...logins.states, ...google.assertions(), machineSecret, operatorHeader, 'google-client-secret-0123456789', 'iflow-secret-0123456789', keys.privateKey.slice(30, 200)];
const hiddenIn = (text: string | Buffer): readonly string[] => allSecrets().filter((hidden) => text.includes(hidden));
