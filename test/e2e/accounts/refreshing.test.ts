import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { configHead, makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startHttpProxy } from '../../support/forward-proxies.ts';
import { bearerOf, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { until } from '../../support/until.ts';

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
let folder: string;
let vendor: SimulatedAnthropic;
let gate: SimulatedGate;
let daemons: RunningDaemon[];
/** Tokens that the upstream refuses with 401, however good they look. */
let refused: Set<string>;

beforeEach(async () => {
  daemons = [];
  refused = new Set();
  [vendor, gate] = await Promise.all([startAnthropic(), startSimulatedGate({ admits: ({ headers }) => !refused.has(bearerOf(headers)) })]);
  folder = makeFolder();
  mkdirSync(join(folder, 'auth'), { mode: 0o700 });
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  await vendor.close();
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

const config = (more: object = {}, lines = ''): string => `api-keys: ["${clientKey}"]\nremote-management: { secret-key: "${secret}" }\n${lines}oauth: ${JSON.stringify({ anthropic: vendor.entry({ 'base-url': gate.url, ...more }) })}\n`;
async function start(text: string): Promise<RunningDaemon> {
  const daemon = await startDaemon({ folder, config: text });
  daemons.push(daemon);
  return daemon;
}
function put(expired: string, more: object = {}, name = 'claude-ann.json'): string {
  const token = vendor.book.newSecret('at');
  writeFileSync(join(folder, 'auth', name), JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: token, refresh_token: vendor.book.issueRefreshToken(), expired, ...more }), { mode: 0o600 });
  return token;
}
const stored = (name = 'claude-ann.json'): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(join(folder, 'auth', name), 'utf8'));
const message = ({ url }: RunningDaemon, model = 'claude-sonnet-4-5'): Promise<Asked> => ask(url, '/v1/messages', { key: clientKey, headers: { 'anthropic-version': '2023-06-01' }, json: { model, max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] } });
const accounts = async ({ url }: RunningDaemon): Promise<unknown> => memberOf((await ask(url, '/v0/management/status', { key: secret })).json, 'accounts');

describe('a token that the upstream refuses with 401', () => {
  it('is renewed once for all requests that met it, which are answered as if nothing had been', async () => {
    const old = put('2099-01-01T00:00:00Z');
    const daemon = await start(config());
    refused.add(old);
    const answers = await Promise.all(Array.from({ length: 20 }, () => message(daemon)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(vendor.seen).toHaveLength(1);
    expect(gate.seen.filter(({ headers }) => bearerOf(headers) !== old).map(({ headers }) => bearerOf(headers))).toEqual(Array.from({ length: 20 }, () => stored()['access_token']));
    // Each body was whole both times.
    expect(new Set(gate.seen.map(({ body }) => body.toString())).size).toBe(1);
  });

  it('and whose successor is refused too, is not renewed again and again; the client never sees a 401', async () => {
    refused.add(put('2099-01-01T00:00:00Z'));
    const daemon = await start(`disable-cooling: true\n${config()}`);
    expect((await message(daemon)).status).toBe(200);
    expect(vendor.seen).toHaveLength(1);
    refused.add(String(stored()['access_token']));
    for (let count = 0; count < 5; count++) expect((await message(daemon)).status).toBe(503);
    expect(vendor.seen).toHaveLength(1);
  });
});

describe('a token endpoint that cannot be reached', () => {
  it('changes no state: 503 with Retry-After meanwhile, and the same token is good once it is back', async () => {
    put('2020-01-01T00:00:00Z');
    const daemon = await start(config({ 'token-url': 'http://127.0.0.1:9/token' }));
    const answer = await message(daemon);
    expect([answer.status, answer.code, Number(answer.headers['retry-after']) > 0, memberOf(memberOf(answer.json, 'error'), 'reason')]).toEqual([503, 'account_unavailable', true, 'refresh_failed']);
    expect(await accounts(daemon)).toMatchObject([{ state: 'ready', login: expect.stringMatching(/ready|refreshing/) }]);
    expect((await ask(daemon.url, '/readyz', { key: secret })).text).not.toContain('account_needs_login');
    writeFileSync(daemon.configPath, `${configHead}${config()}`);
    await until('it serves', async () => (await message(daemon)).status === 200, 8_000);
    expect(vendor.seen).toHaveLength(1);
  });
});

describe('two daemons on one auth directory', () => {
  it('send one refresh for an expired token, whoever is asked first, and both serve with what it brought', async () => {
    put('2020-01-01T00:00:00Z');
    // A copy of the same identity beside it.
    writeFileSync(join(folder, 'auth', 'copy.json'), readFileSync(join(folder, 'auth', 'claude-ann.json')), { mode: 0o600 });
    const one = await start(config());
    const other = makeFolder();
    writeFileSync(join(other, 'config.yaml'), `port: 0\ndata-dir: "./data"\nauth-dir: "${join(folder, 'auth')}"\n${config()}`, { mode: 0o600 });
    const two = await startDaemon({ folder: other });
    daemons.push(two);
    const answers = await Promise.all([one, two].flatMap((daemon) => Array.from({ length: 20 }, () => message(daemon))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(vendor.seen).toHaveLength(1);
    expect(new Set(gate.seen.map(({ headers }) => bearerOf(headers)))).toEqual(new Set([stored()['access_token']]));
    expect(stored('copy.json')['refresh_token']).toBe(stored()['refresh_token']);
    rmSync(other, { recursive: true, force: true });
  });
});

describe('what stands in a file or in the config', () => {
  it('alias, prefix, excluded models, headers and proxy hold for a login as for a key', async () => {
    const proxy = await startHttpProxy();
    put('2020-01-01T00:00:00Z', { prefix: 'team', headers: { 'x-team': 'a' }, excluded_models: ['claude-opus-*'], proxy_url: `http://127.0.0.1:${proxy.port}` });
    const daemon = await start(config({}, 'force-model-prefix: true\noauth-model-alias: { claude: [{ name: "claude-sonnet-4-5", alias: "best" }] }\noauth-excluded-models: { anthropic: ["claude-haiku-*"] }\n'));
    try {
      expect((await message(daemon, 'team/best')).status).toBe(200);
      expect([JSON.parse(gate.seen.at(-1)?.body.toString() ?? ''), gate.seen.at(-1)?.headers]).toMatchObject([{ model: 'claude-sonnet-4-5' }, { 'x-team': 'a' }]);
      for (const model of ['best', 'team/claude-opus-4-5', 'team/claude-haiku-4-5']) expect([model, (await message(daemon, model)).status]).toEqual([model, 404]);
      // The refresh and the request went by the file's proxy, and nothing else.
      expect(new Set(proxy.destinations)).toEqual(new Set([new URL(vendor.url).host, new URL(gate.url).host]));
      const models = (await ask(daemon.url, '/v1/models', { key: clientKey })).text;
      expect([models.includes('"team/best"'), models.includes('opus'), models.includes('haiku')]).toEqual([true, false, false]);
    } finally {
      await proxy.close();
    }
  });

  it('another `auth-dir` is followed without a restart', async () => {
    put('2099-01-01T00:00:00Z', { prefix: 'here' });
    const daemon = await start(config());
    const models = async (): Promise<string> => (await ask(daemon.url, '/v1/models', { key: clientKey })).text;
    expect(await models()).toContain('"here/claude-');
    mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
    writeFileSync(join(folder, 'elsewhere', 'b.json'), JSON.stringify({ ...stored(), email: 'bob@example.com', prefix: 'there' }), { mode: 0o600 });
    writeFileSync(daemon.configPath, `${configHead.replace('./auth', './elsewhere')}${config()}`);
    await until('the other directory is live', async () => (await models()).includes('"there/claude-'), 2_000);
    expect(await models()).not.toContain('"here/claude-');
    // Its files are watched as well.
    rmSync(join(folder, 'elsewhere', 'b.json'));
    await until('a removed file is gone', async () => !(await models()).includes('claude-'), 2_000);
  });
});
