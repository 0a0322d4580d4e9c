import { lookup, type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { isRefusedAddress } from '../../../internal/config/refused-addresses.ts';
import { createDispatchers } from '../../../internal/egress/dispatchers.ts';
import { guardedLookup } from '../../../internal/egress/guarded-lookup.ts';
import { createUpstreams } from '../../../internal/proxy/upstreams.ts';
import { configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { answerPlainly, asClient, dialectCases, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { send } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup: vi.fn() }));

const never = ['169.254.169.254', '169.254.0.1', '0.0.0.0', '100.100.100.200', '224.0.0.1', '255.255.255.255', '::', 'fe80::1', 'ff02::1', 'fd00:ec2::254', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe'];

/** Each asking gets the next answer; the last one stays. */
function resolveTo(...answers: readonly (readonly string[])[]): void {
  let asked = 0;
  vi.mocked(lookup).mockImplementation((...given: readonly unknown[]) => {
    const callback = given.at(-1);
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    if (typeof callback === 'function') callback(null, addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })));
  });
}

describe('rule 14: what a name resolves to is judged when the connection is made', () => {
  it.each(never)('a name that resolves to %s is not connected to', async (address) => {
    resolveTo([address]);
    const socket = connect({ host: 'upstream.example', port: 1, lookup: guardedLookup });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'KEYWARD_ADDRESS_REFUSED' });
    expect(error.message).not.toContain(address);
  });

  it('among several addresses only the harmless ones are used', async () => {
    resolveTo(['169.254.169.254', '127.0.0.1', 'fe80::1']);
    const given = await new Promise((resolve) => guardedLookup('upstream.example', { all: true }, (_, addresses) => resolve(addresses)));
    expect(given).toEqual([{ address: '127.0.0.1', family: 4 }]);
    const single = await new Promise((resolve) => guardedLookup('upstream.example', {}, (_, address) => resolve(address)));
    expect(single).toBe('127.0.0.1');
  });

  it('an account’s connections use it, so a name that changes its meaning between two requests gains nothing', async () => {
    const upstream = await startScriptedUpstream((_, res) => {
      res.writeHead(200, { connection: 'close' });
      res.end('{}');
    });
    const { port } = new URL(upstream.url);
    const dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
    const upstreams = createUpstreams({ userAgent: 'keyward/test', dispatchers });
    const [account] = accountsFromConfig(configOf({ 'openai-compatibility': [{ name: 'x', 'base-url': `http://upstream.example:${port}/v1`, 'insecure-http': true }] })).accounts;
    if (account === undefined) throw new Error('no account');
    resolveTo(['127.0.0.1'], ['169.254.169.254']);
    const { dispatcher, origin } = await upstreams.prepare(account, '');
    const outcome = (): Promise<unknown> =>
      new Promise((resolve) => {
        let status = 0;
        const handler = { onRequestStart: () => undefined, onResponseStart: (_: unknown, code: number) => void (status = code), onResponseData: () => undefined, onResponseEnd: () => resolve(status), onResponseError: (_: unknown, error: Error) => resolve(Reflect.get(error, 'code')) };
        dispatcher.dispatch({ origin, path: '/', method: 'GET' }, handler);
      });
    expect(await outcome()).toBe(200);
    expect(await outcome()).toBe('KEYWARD_ADDRESS_REFUSED');
    await dispatchers.close();
    await upstream.close();
  });

  it('literals are judged by value, not by spelling', () => {
    for (const url of ['http://169.254.169.254', 'http://0xa9fea9fe', 'http://2852039166', 'http://169.254.43518', 'http://[::ffff:169.254.169.254]', 'http://[fe80::1]', 'http://[FD00:EC2:0::254]', 'http://0']) {
      expect(isRefusedAddress(new URL(url).hostname.replace(/^\[|\]$/g, '')), url).toBe(true);
    }
    for (const address of ['127.0.0.1', '::1', '10.0.0.1', '192.168.1.1', '8.8.8.8', '2001:db8::1', 'api.example.com']) expect(isRefusedAddress(address), address).toBe(false);
  });
});

describe('rule 14: the config says no first', () => {
  it.each([
    ['a metadata address', 'http://169.254.169.254/v1'],
    ['a metadata name', 'https://metadata.google.internal/v1'],
    ['link-local over IPv6', 'http://[fe80::1]/v1'],
    ['plain http on a public name', 'http://api.example.com/v1'],
    ['plain http on a public address', 'http://203.0.113.7/v1'],
  ])('%s is exit 2 with a sentence that names the entry', async (_, baseUrl) => {
    await expect(startDaemon({ config: `openai-compatibility:\n  - { name: x, base-url: "${baseUrl}", models: [{ name: m }] }\n` })).rejects.toThrow(/ended with 2:[^]*openai-compatibility/);
  });

  it('public http passes with `insecure-http: true`, private http with a warning', async () => {
    const daemon = await startDaemon({ config: 'openai-compatibility:\n  - { name: x, base-url: "http://203.0.113.7/v1", insecure-http: true }\n  - { name: y, base-url: "http://10.9.8.7/v1" }\n' });
    await vi.waitFor(() => expect(daemon.output().match(/is plain http/g)).toHaveLength(2));
    await daemon.stop();
  });
});

describe('rule 14: nothing an upstream or a client says moves a request elsewhere', () => {
  let rig: FourDialects;
  let trap: ScriptedUpstream;
  beforeAll(async () => {
    rig = await startFourDialects();
    trap = await startScriptedUpstream((_, res) => answerJson(res, 200, { trapped: true }));
  });
  afterAll(async () => {
    await rig.stop();
    await trap.close();
  });
  beforeEach(() => rig.upstream.setScript(answerPlainly));

  it.each([301, 302, 303, 307, 308])('a redirect of status %i is not followed, and its place is not passed on', async (status) => {
    rig.upstream.setScript((_, res) => {
      res.writeHead(status, { location: `${trap.url}/stolen`, refresh: `0; url=${trap.url}` });
      res.end();
    });
    for (const { path, body } of dialectCases) {
      const answer = await send(rig.daemon.url, { method: 'POST', path, headers: asClient, body: JSON.stringify(body) });
      expect(answer.status).toBe(502);
      expect(JSON.stringify(answer.headers) + answer.body.toString()).not.toContain(trap.url);
    }
    expect(trap.seen).toEqual([]);
  });

  it('no URL found in a request is fetched, and none chooses where it goes', async () => {
    const { url } = trap;
    const bodies = [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `${url}/a.png` } }, { type: 'file', file: { file_data: `${url}/b` } }] }], api_base: url, base_url: url, endpoint: url, proxy: url },
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: `${url}/c.png` }, { type: 'input_file', file_url: `${url}/d.pdf` }] }], tools: [{ type: 'mcp', server_url: url, server_label: 'x' }], webhook: url },
      { max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: `${url}/e.png` } }] }], mcp_servers: [{ type: 'url', url }] },
      { contents: [{ role: 'user', parts: [{ fileData: { fileUri: `${url}/f`, mimeType: 'image/png' } }] }] },
    ];
    for (const [index, { path, body }] of dialectCases.entries()) {
      const text = JSON.stringify({ ...body, ...bodies[index] });
      const answer = await send(rig.daemon.url, { method: 'POST', path: `${path}?base_url=${url}&url=${url}`, headers: { ...asClient, 'x-base-url': url, 'x-upstream': url, 'x-forwarded-host': 'trap' }, body: text });
      expect(answer.status).toBe(200);
      expect(rig.upstream.seen.at(-1)?.body.toString()).toBe(text);
    }
    expect(trap.seen).toEqual([]);
  });
});
