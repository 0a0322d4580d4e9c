import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startHttpProxy, type ForwardProxy } from '../../support/forward-proxies.ts';
import { dialectCases } from '../../support/four-dialects.ts';
import { send, sendBytes, type RawAnswer } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { createCanaries, filesBelow } from './canaries.ts';

describe.each([
  ['off', false],
  ['on', true],
])('with request-log %s, at debug level, with every secret a canary', (_, isLogged) => {
  const canaries = createCanaries();
  const { make } = canaries;
  const clientKey = make('client key');
  const secret = make('management secret');
  const upstreamKeys = { compat: make('compat upstream key'), codex: make('codex upstream key'), claude: make('claude upstream key'), gemini: make('gemini upstream key'), down: make('unreachable upstream key') };
  const headerValue = make('operator header');
  const proxyUser = make('proxy user');
  const proxyPassword = make('proxy password');
  const oauthSecret = make('oauth client secret');
  const login = { refresh: make('refresh token'), access: make('access token'), id: make('id token'), header: make('account header'), proxy: make('account proxy password') };
  /** May stand in request logs while those are on, and nowhere else. */
  const bodyText = make('request body');
  const answerText = make('upstream answer');

  let upstream: ScriptedUpstream;
  let proxy: ForwardProxy;
  let daemon: RunningDaemon;
  /** All that clients and operators were told. */
  const told: { readonly what: string; readonly text: string }[] = [];

  beforeAll(async () => {
    proxy = await startHttpProxy();
    upstream = await startScriptedUpstream((seen, res) => {
      // A vendor that says in its refusal what it was sent.
      if (seen.url.startsWith('/vendor/')) {
        answerJson(res, 400, { error: 'invalid_grant', error_description: seen.body.toString() });
        return;
      }
      // An upstream that repeats what it was sent, as some do when they refuse a key.
      const echo = JSON.stringify({ error: { message: `bad key ${String(seen.headers.authorization ?? seen.headers['x-api-key'] ?? seen.headers['x-goog-api-key'])}`, answerText, headers: seen.headers } });
      const status = Number(/"status":(\d{3})/.exec(seen.body.toString())?.[1] ?? 200);
      if (status === 200) answerJson(res, 200, { id: 'resp_canary', object: 'response', text: answerText });
      else {
        res.writeHead(status, { 'content-type': 'application/json', 'set-cookie': `s=${answerText}`, 'x-ratelimit-limit-requests': '1' });
        res.end(echo);
      }
    });
    daemon = await startDaemon({
      env: { OAUTH_SECRET: oauthSecret },
      config: `api-keys: ["${clientKey}"]
remote-management: { secret-key: "${secret}" }
debug: true
logging-to-file: true
request-log: ${isLogged}
disable-cooling: true
proxy-url: "http://${proxyUser}:${proxyPassword}@127.0.0.1:${proxy.port}"
oauth: { corp: { issuer: "http://127.0.0.1:9", client-id: x, client-secret: "env:OAUTH_SECRET", base-url: "http://127.0.0.1:9/v1" }, anthropic: { client-id: x, client-secret: "env:OAUTH_SECRET", token-url: "${upstream.url}/vendor/token", redirect-port: 0 } }
openai-compatibility:
  - { name: compat, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: "${upstreamKeys.compat}" }], headers: { X-Operator: "${headerValue}" }, models: [{ name: compat }] }
  - { name: down, base-url: "http://127.0.0.1:9/v1", api-key-entries: [{ api-key: "${upstreamKeys.down}", proxy-url: "socks5://${proxyUser}:${proxyPassword}@127.0.0.1:9" }], models: [{ name: down }] }
  - { name: downtoo, base-url: "https://127.0.0.1:9/v1", api-key-entries: [{ api-key: "${upstreamKeys.down}", proxy-url: "http://${proxyUser}:${proxyPassword}@127.0.0.1:9" }], models: [{ name: downtoo }] }
codex-api-key: [{ api-key: "${upstreamKeys.codex}", base-url: "${upstream.url}/v1" }]
claude-api-key: [{ api-key: "${upstreamKeys.claude}", base-url: "${upstream.url}" }]
gemini-api-key: [{ api-key: "${upstreamKeys.gemini}", base-url: "${upstream.url}" }]
`,
    });
    await useEverything();
    await lookEverywhere();
  });
  afterAll(async () => {
    await daemon.stop();
    await upstream.close();
    await proxy.close();
  });

  const note = (what: string, answer: RawAnswer): void => void told.push({ what: `${what} → ${answer.status}`, text: `${JSON.stringify(answer.headers)}\n${answer.body.toString('latin1')}` });
  const call = async (method: string, path: string, headers: Record<string, string>, body?: string | Buffer): Promise<void> => note(`${method} ${path.slice(0, 40)}`, await send(daemon.url, { method, path, headers, ...(body === undefined ? {} : { body }) }));
  const json = { 'content-type': 'application/json' };
  const asClient = { authorization: `Bearer ${clientKey}`, ...json };
  const asManager = { authorization: `Bearer ${secret}`, ...json };

  async function useEverything(): Promise<void> {
    // Served, refused and echoed by upstreams, in all dialects; unreachable ones, through proxies with credentials.
    for (const { path, body } of dialectCases) {
      for (const status of [200, 400, 401, 403, 404, 422, 429, 500, 503, 302]) await call('POST', path, asClient, JSON.stringify({ ...body, note: bodyText, status }));
    }
    for (const model of ['compat', 'down', 'downtoo', 'nobody']) for (const status of [200, 400, 401, 500]) await call('POST', '/v1/chat/completions', asClient, JSON.stringify({ model, note: bodyText, status }));
    await call('GET', '/v1/responses/resp_canary', asClient);

    // Wrong keys in every carrier, and right ones in the wrong place.
    const wrong = (name: string): string => make(`wrong ${name}`);
    const path = '/v1/chat/completions';
    for (const headers of [{ authorization: `Bearer ${wrong('bearer')}` }, { authorization: wrong('bare authorization') }, { authorization: `DPoP ${wrong('dpop')}` }, { authorization: `Basic ${Buffer.from(`u:${wrong('basic')}`).toString('base64')}` }, { 'x-api-key': wrong('x-api-key') }, { 'x-goog-api-key': wrong('x-goog-api-key') }, { cookie: `session=${wrong('cookie')}` }, { 'proxy-authorization': wrong('proxy-authorization') }]) {
      await call('POST', path, { ...headers, ...json }, '{"model":"compat"}');
      await call('POST', path, { ...headers, 'x-y': '1', ...json }, '{"model":"compat"}');
    }
    for (const name of ['key', 'auth_token', 'state', 'code', 'user_code', 'api_key', 'access_token', 'k%65y', 'password', 'anything']) {
      await call('POST', `${path}?${name}=${make(`query ${name}`)}`, json, '{"model":"compat"}');
      await call('POST', `${path}?${name}=${make(`admitted query ${name}`)}&x=1`, asClient, '{"model":"compat"}');
      await call('GET', `/codex/callback?${name}=${make(`callback query ${name}`)}`, {});
    }
    await call('GET', `/v1/models?key=${clientKey}`, {});
    await call('GET', `/v1beta/models?key=${clientKey}`, {});
    await call('GET', `/?key=${clientKey}`, {});
    await call('POST', `${path}?key=${clientKey}`, { 'content-type': 'text/plain' }, bodyText);

    // Bodies and headers that are refused, and what a client puts where it does not belong.
    for (const body of [`{"model":"compat","x":"${bodyText}"`, `{"model":"compat","model":"${bodyText}"}`, bodyText, `{"${bodyText}":1,"model":7}`, `{"model":"compat","previous_response_id":"resp_x","y":"${bodyText}"}`]) await call('POST', '/v1/responses', asClient, body);
    await call('POST', path, { ...asClient, 'x-invented': make('invented header'), cookie: `a=${make('admitted cookie')}` }, '{"model":"compat"}');
    const fileName = make('file name');
    for (const end of ['--B--\r\n', '--B']) await call('POST', '/v1/audio/transcriptions', { ...asClient, 'content-type': 'multipart/form-data; boundary=B' }, `--B\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\n\r\n${bodyText}\r\n--B\r\nContent-Disposition: form-data; name="model"\r\n\r\ncompat\r\n${end}`);
    for (const text of [`GET /?key=${make('unparsable query')} HTTP/9.9\r\nAuthorization: Bearer ${make('unparsable header')}\r\n\r\n`, `GET http://u:${make('absolute form')}@localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, `GET /v1/responses?key=${make('upgrade query')} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: realtime, openai-insecure-api-key.${make('sub-protocol')}\r\n\r\n`, `GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: openai-insecure-api-key.${clientKey}\r\n\r\n`]) told.push({ what: `raw ${text.slice(0, 20)}`, text: await sendBytes(daemon.port, text) });
    await new Promise<void>((resolve) => {
      const socket = connect(daemon.port, '127.0.0.1', () => {
        socket.write(`POST ${path}?key=${make('left query')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${clientKey}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"x":"${bodyText}`, () => socket.resetAndDestroy());
      });
      socket.on('close', () => resolve());
    });

    // Management: wrong keys in every carrier, then edits that carry secrets, good and bad.
    const management = '/v0/management';
    for (const headers of [{ authorization: `Bearer ${make('wrong management bearer')}` }, { authorization: make('wrong management bare') }, { 'x-management-key': make('wrong x-management-key') }]) await call('GET', `${management}/status`, headers);
    await call('GET', `${management}/status?key=${make('management query')}`, { 'x-management-key': secret });
    await call('GET', `${management}/explain?model=compat&key=${make('explain key')}`, asManager);
    await call('PUT', `${management}/proxy-url`, asManager, JSON.stringify({ value: `ftp://u:${make('refused proxy-url')}@h` }));
    await call('PUT', `${management}/config.yaml`, asManager, `api-keys: ["${make('refused yaml')}"\n  : [`);
    await call('PUT', `${management}/config.yaml`, asManager, `api-keys: [{ a: "${make('refused config')}" }]\nport: x\nremote-management: { secret-key: "$2a$${make('malformed hash')}" }\n`);
    await call('PATCH', `${management}/claude-api-key`, asManager, JSON.stringify({ index: 0, value: { 'base-url': `http://u:${make('refused base-url')}@203.0.113.1` } }));
    await call('PUT', `${management}/debug`, asManager, JSON.stringify({ value: make('wrong type') }));
    await useLogins();
    const added = make('added upstream key');
    await call('PATCH', `${management}/codex-api-key`, asManager, JSON.stringify({ index: 7, value: { 'api-key': added } }));
    await call('PUT', `${management}/api-keys`, asManager, JSON.stringify([clientKey, make('added client key')]));
  }

  /** Accounts by files and by logins, good, refused, and with a vendor that repeats everything. */
  async function useLogins(): Promise<void> {
    const management = '/v0/management';
    const file = { type: 'claude', email: 'ann@example.com', prefix: 'login', access_token: login.access, refresh_token: login.refresh, id_token: `e30.${Buffer.from(JSON.stringify({ sub: 'x' })).toString('base64url')}.${login.id}`, expired: '2099-01-01T00:00:00Z', base_url: upstream.url, headers: { 'x-account': login.header } };
    await call('POST', `${management}/auth-files?name=ann.json`, asManager, JSON.stringify(file));
    await call('POST', `${management}/auth-files?name=stale.json`, asManager, JSON.stringify({ ...file, email: 'bob@example.com', prefix: 'stale', refresh_token: make('spent refresh token'), expired: '2020-01-01T00:00:00Z' }));
    await call('POST', `${management}/auth-files?name=proxied.json`, asManager, JSON.stringify({ ...file, email: 'cid@example.com', prefix: 'proxied', refresh_token: make('proxied refresh token'), proxy_url: `socks5://u:${login.proxy}@127.0.0.1:9` }));
    for (const prefix of ['login', 'stale', 'proxied']) for (const status of [200, 401, 403, 500]) await call('POST', '/v1/messages', asClient, JSON.stringify({ model: `${prefix}/claude-sonnet-4-5`, max_tokens: 1, messages: [{ role: 'user', content: bodyText }], status }));

    for (const text of [`{"type":"claude","refresh_token":"${make('token in bad json')}"`, `{"refresh_token":"${make('token without type')}"}`, JSON.stringify({ type: 'vertex', service_account: { private_key: make('bad private key') } })]) await call('POST', `${management}/auth-files?name=bad.json`, asManager, text);
    await call('POST', `${management}/vertex/import`, asManager, JSON.stringify({ type: 'service_account', project_id: 'p', client_email: 'a@b', private_key: make('imported private key') }));
    await call('POST', `${management}/auth-files`, { authorization: `Bearer ${secret}`, 'content-type': 'multipart/form-data; boundary=B' }, `--B\r\nContent-Disposition: form-data; name="file"; filename="x.json"\r\n\r\n{"refresh_token":"${make('token in a form')}\r\n--B--\r\n`);
    for (const fields of [{ access_token: make('patched access token') }, { headers: { x: `${make('patched header')}\n` } }, { proxy_url: `ftp://u:${make('patched proxy')}@h` }, { base_url: `http://u:${make('patched base-url')}@h.example` }]) await call('PATCH', `${management}/auth-files/fields`, asManager, JSON.stringify({ name: 'ann.json', ...fields }));
    for (const path of ['/auth-files', '/auth-files?name=ann.json', '/auth-files/models?name=ann.json', '/status']) await call('GET', `${management}${path}`, asManager);

    const started = await send(daemon.url, { path: `${management}/anthropic-auth-url`, headers: asManager });
    const [, state = ''] = /"state":"([\da-f]+)"/.exec(started.body.toString()) ?? [];
    await call('GET', `/anthropic/callback?code=${make('code of a refused login')}&state=${state}`, {});
    await call('GET', `/anthropic/callback?code=${make('code of a used state')}&state=${state}`, {});
    await call('GET', `/anthropic/callback?code=${make('code sent twice')}&code=x&state=${state}`, {});
    await call('GET', `/anthropic/callback?error=access_denied&error_description=${make('denied code')}&state=${make('unknown state')}`, {});
    const pasted = `http://localhost/callback?code=${make('pasted code')}&state=${make('pasted state')}`;
    for (const body of [{ provider: 'anthropic', redirect_url: pasted }, { provider: 'anthropic', code: `${make('code by hand')}#${make('state by hand')}` }, { provider: make('provider'), code: 'x', state: 'y' }]) await call('POST', `${management}/oauth-callback`, asManager, JSON.stringify(body));
    await call('GET', `${management}/get-auth-status?state=${make('asked state')}`, asManager);
    await call('GET', `${management}/get-auth-status?state=${state}`, asManager);
    await call('DELETE', `${management}/oauth-sessions?state=${make('cancelled state')}`, asManager);
    await call('GET', `/login/${make('result id')}`, {});
    await call('GET', `${management}/oauth-sessions`, asManager);
    await call('DELETE', `${management}/auth-files?name=stale.json&revoke=true`, asManager);
  }

  async function lookEverywhere(): Promise<void> {
    // Files are written beside the answers.
    await vi.waitFor(() => expect(filesBelow(join(daemon.folder, 'data')).length).toBeGreaterThan(3));
    const management = '/v0/management';
    for (const path of ['/status', '/audit', '/usage', '/usage/export', '/logs', '/config', '/config.yaml', '/api-keys', '/codex-api-key', '/claude-api-key', '/gemini-api-key', '/openai-compatibility', '/proxy-url', '/request-error-logs', '/explain?model=compat']) await call('GET', `${management}${path}`, asManager);
    for (const path of ['/metrics', '/readyz', '/', '/v1/models', '/v1beta/models']) await call('GET', path, path.startsWith('/v1') ? asClient : asManager);
    // All is flushed by the end.
    daemon.process.kill('SIGTERM');
    await vi.waitFor(() => expect(daemon.process.exitCode).toBe(0), { timeout: 10_000 });
  }

  it('no answer shows one', () => {
    const found = told.flatMap(({ what, text }) => canaries.findIn(text).map((name) => `${name} in ${what}`));
    // What an upstream says to a client is that client's to know; log files show it as request logs do.
    expect(found.filter((line) => !line.startsWith('upstream answer in '))).toEqual([]);
    expect(told.length).toBeGreaterThan(100);
  });

  it('neither console, log files nor database show one; bodies stand in request logs alone, while those are on', () => {
    const files = filesBelow(join(daemon.folder, 'data'));
    const places = [{ path: 'console', bytes: Buffer.from(daemon.output()) }, ...files.map(({ path, bytes }) => ({ path: path.slice(daemon.folder.length), bytes }))];
    expect(places.some(({ path }) => path.endsWith('.db'))).toBe(true);
    expect(places.some(({ path }) => path.includes('/logs/'))).toBe(true);
    const found = places.flatMap(({ path, bytes }) => canaries.findIn(bytes).map((name) => ({ name, path })));
    const isAllowed = ({ name, path }: { readonly name: string; readonly path: string }): boolean => isLogged && /\/logs\/v1/.test(path) && ['request body', 'upstream answer', 'file name'].includes(name);
    expect([...new Set(found.filter((each) => !isAllowed(each)).map(({ name, path }) => `${name} in ${path.replaceAll(/\d{4}-.*$/g, '…')}`))]).toEqual([]);
    // The search itself works: bodies are found where they belong.
    expect(found.some(isAllowed)).toBe(isLogged);
  });

  it('the log did speak of these requests', () => {
    expect(daemon.output()).toContain('"path":"/v1/chat/completions"');
    expect(daemon.output().split('\n').length).toBeGreaterThan(50);
  });
});

describe('a start that fails', () => {
  const canaries = createCanaries();
  it.each([
    ['broken YAML', `api-keys: ["${canaries.make('key in broken yaml')}"\nx: [`],
    ['a near miss of a key', `api_keys: ["${canaries.make('key in near miss')}"]\n`],
    ['a key of the wrong type', `api-keys: { a: "${canaries.make('key of wrong type')}" }\n`],
    ['a malformed hash', `remote-management: { secret-key: "$2a$${canaries.make('malformed hash')}" }\n`],
    ['a base-url with a password', `codex-api-key: [{ api-key: "${canaries.make('key beside base-url')}", base-url: "https://u:${canaries.make('base-url password')}@h.example" }]\n`],
    ['a proxy-url of the wrong kind', `proxy-url: "ftp://u:${canaries.make('proxy-url password')}@h"\n`],
    ['a missing reference', `api-keys: ["file:/nowhere/x"]\nremote-management: { secret-key: "${canaries.make('secret beside a reference')}" }\n`],
    ['a duplicate member', `api-keys: ["${canaries.make('first of two')}"]\napi-keys: ["${canaries.make('second of two')}"]\n`],
    ['an alias bomb', `a: &a ["${canaries.make('key in an anchor')}"]\nb: [*a, *a, *nothing]\n`],
  ])('%s is told without its secrets', async (_, config) => {
    const outcome = await startDaemon({ config }).then(
      async (daemon) => {
        await daemon.stop();
        return `started:\n${daemon.output()}`;
      },
      (error: unknown) => String(error),
    );
    expect(outcome).toMatch(/ended with [12]:/);
    expect(canaries.findIn(outcome)).toEqual([]);
  });
});
