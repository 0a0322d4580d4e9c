import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startHttpProxy, startSocksProxy, type ForwardProxy } from '../../support/forward-proxies.ts';
import { asClient, clientKey } from '../../support/four-dialects.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeSelfSigned } from '../../support/self-signed.ts';

const pair = makeSelfSigned();
let upstream: ScriptedUpstream;
let secureUpstream: ReturnType<typeof createServer>;
let global: ForwardProxy;
let http: ForwardProxy;
let https: ForwardProxy;
let socks: ForwardProxy;
let daemon: RunningDaemon;
let secureHost = '';

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  secureUpstream = createServer({ cert: pair.cert, key: pair.key }, (_, res) => answerJson(res, 200, { ...chatCompletion, id: 'over-tls' }));
  secureUpstream.listen(0, '127.0.0.1');
  await once(secureUpstream, 'listening');
  const address = secureUpstream.address();
  secureHost = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  [global, http, https, socks] = await Promise.all([startHttpProxy(), startHttpProxy(), startHttpProxy(pair), startSocksProxy()]);
  const folder = makeFolder();
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, pair.cert);
  const entry = (name: string, proxyUrl: string | undefined): string =>
    [['', `${upstream.url}/v1`], ['-tls', `https://${secureHost}/v1`]].map(([suffix, base]) => `  - { name: ${name}${suffix}, base-url: "${base}", models: [{ name: ${name}${suffix} }]${proxyUrl === undefined ? '' : `, proxy-url: "${proxyUrl}"`} }\n`).join('');
  daemon = await startDaemon({
    env: { NODE_EXTRA_CA_CERTS: ca, HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' },
    config: `api-keys: ["${clientKey}"]
proxy-url: "http://guser:gpass@127.0.0.1:${global.port}"
disable-cooling: true
openai-compatibility:
${entry('global', undefined)}${entry('direct', 'direct')}${entry('none', 'none')}${entry('http', `http://user:p%40ss@127.0.0.1:${http.port}`)}${entry('https', `https://localhost:${https.port}`)}${entry('socks', `socks5://suser:spass@127.0.0.1:${socks.port}`)}${entry('socksh', `socks5h://127.0.0.1:${socks.port}`)}${entry('down', 'http://127.0.0.1:9')}  - { name: keyed, base-url: "${upstream.url}/v1", models: [{ name: keyed }], api-key-entries: [{ api-key: k-0123456789, proxy-url: "http://127.0.0.1:${http.port}" }] }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  for (const each of [global, http, https, socks]) await each.close();
  await upstream.close();
  secureUpstream.closeAllConnections();
  secureUpstream.close();
});
beforeEach(() => upstream.setScript((_, res) => answerJson(res, 200, chatCompletion)));

const chat = (model: string, more: object = {}) => send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: asClient, body: JSON.stringify({ model, ...more }) });
const counts = (): readonly number[] => [global, http, https, socks].map((proxy) => proxy.destinations.length);
/** Which of the four proxies were used by a call. */
async function usedBy(model: string): Promise<{ readonly status: number; readonly used: readonly string[] }> {
  const before = counts();
  const { status } = await chat(model);
  return { status, used: counts().flatMap((count, index) => (count > (before[index] ?? 0) ? [['global', 'http', 'https', 'socks'][index] ?? ''] : [])) };
}

describe('rule 14: a proxy takes exactly the requests it was set for', () => {
  it.each([
    ['global', 'global', 'guser:gpass'],
    ['http', 'http', 'user:p@ss'],
    ['https', 'https', ''],
    ['socks', 'socks', 'suser:spass'],
    ['socksh', 'socks', ''],
  ])('%s, to plain and to TLS upstreams, with its credentials', async (model, proxy, credential) => {
    const instance = { global, http, https, socks }[proxy];
    for (const [name, destination] of [[model, new URL(upstream.url).host], [`${model}-tls`, secureHost]] as const) {
      expect(await usedBy(name), name).toEqual({ status: 200, used: [proxy] });
      expect([instance?.destinations.at(-1), instance?.credentials.at(-1)]).toEqual([destination, credential]);
    }
    expect(JSON.stringify(upstream.seen.at(-1)?.headers)).not.toMatch(/proxy-authorization|guser|suser/);
  });

  it.each(['direct', 'none'])('`%s` bypasses the global proxy, and the environment’s', async (model) => {
    expect(await usedBy(model)).toEqual({ status: 200, used: [] });
    expect(await usedBy(`${model}-tls`)).toEqual({ status: 200, used: [] });
  });

  it('a key’s own proxy goes before the global one', async () => {
    expect(await usedBy('keyed')).toEqual({ status: 200, used: ['http'] });
  });

  it('a proxy that is down is 502, and nothing goes around it', async () => {
    const before = upstream.seen.length;
    expect(await usedBy('down')).toEqual({ status: 502, used: [] });
    expect((await chat('down-tls')).status).toBe(502);
    expect(upstream.seen.length).toBe(before);
  });

  it.each(['global', 'http', 'https', 'socks'])('streams pass the %s proxy whole, and a client that leaves ends them', async (model) => {
    upstream.setScript((_, res) => answerEvents(res, chatEvents));
    expect((await chat(model, { stream: true })).body.toString()).toBe(chatEvents.join(''));
    const aborts = upstream.abortCount();
    upstream.setScript((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const gone = new AbortController();
    const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: asClient, body: JSON.stringify({ model, stream: true }), signal: gone.signal });
    await answer.body?.getReader().read();
    gone.abort();
    await vi.waitFor(() => expect(upstream.abortCount()).toBe(aborts + 1));
  });

  it('a wrong proxy scheme is exit 2', async () => {
    await expect(startDaemon({ config: 'proxy-url: "ftp://127.0.0.1:1"\n' })).rejects.toThrow(/ended with 2:[^]*proxy-url/);
  });

  it('no credential of a proxy is in the log', () => {
    expect(daemon.output()).not.toMatch(/guser|gpass|p@ss|p%40ss|suser|spass/);
  });
});
