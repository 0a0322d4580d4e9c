import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { openSocket, type SocketClient } from '../../support/socket-client.ts';
import { refuseWith, startSocketUpstream, type SocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

const key = 'sk-client-0123456789abcdef';
const first = 'sk-first-0123456789abcdef';
const second = 'sk-second-0123456789abcdef';
const management = 'management-secret-0123456789';
let upstream: SocketUpstream;
let daemon: RunningDaemon;
const clients: SocketClient[] = [];

beforeAll(async () => {
  upstream = await startSocketUpstream();
  daemon = await startDaemon({
    config: `api-keys: ["${key}"]
remote-management: { secret-key: "${management}" }
routing: { strategy: fill-first }
codex-api-key:
  - { api-key: "${first}", base-url: "${upstream.url}/v1", priority: 2, models: [{ name: gpt-realtime-2, alias: talk }] }
openai-compatibility:
  - { name: other, base-url: "${upstream.url}/other/v1", api-key-entries: [{ api-key: "${second}" }], models: [{ name: voice, alias: talk }] }
claude-api-key:
  - { api-key: "sk-ant-0123456789", base-url: "${upstream.url}", models: [{ name: claude }] }
`,
  });
});
beforeEach(async () => {
  upstream.setDoor(() => 'accept');
  upstream.setTalk(() => undefined);
  await fetch(`${daemon.url}/v0/management/reset-quota`, { method: 'POST', headers: { authorization: `Bearer ${management}` } });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

const withKey = { authorization: `Bearer ${key}` };
async function open(query = 'model=talk', options: Parameters<typeof openSocket>[1] = {}): Promise<SocketClient> {
  const client = await openSocket(`${daemon.url}/v1/realtime?${query}`, { headers: withKey, ...options });
  clients.push(client);
  return client;
}
const last = () => upstream.sockets.at(-1);
const keyOf = (headers: { readonly authorization?: string | undefined } | undefined): string | undefined => headers?.authorization?.replace('Bearer ', '');

describe('a realtime session', () => {
  it('reaches the upstream by the account’s key and the model’s name there, and nothing of the client’s credential', async () => {
    await open('model=talk&intent=transcription&key=junk-key&x=1', { headers: { ...withKey, 'x-api-key': key, cookie: 'a=b', 'openai-organization': 'org-1', 'openai-beta': 'realtime=v1' }, protocols: ['realtime', `openai-insecure-api-key.${key}`] });
    expect(last()?.url).toBe('/v1/realtime?model=gpt-realtime-2&intent=transcription');
    expect(keyOf(last()?.headers)).toBe(first);
    expect(last()?.headers).toMatchObject({ 'openai-beta': 'realtime=v1', 'user-agent': expect.stringMatching(/^keyward\//) });
    expect(JSON.stringify(last()?.headers)).not.toMatch(/sk-client|junk|cookie|org-1|sec-websocket-protocol/);
  });

  it('whose upstream repeats the account’s key in an error or a closing does not show it', async () => {
    upstream.setTalk(({ ws }) => {
      ws.on('message', () => {
        ws.send(JSON.stringify({ type: 'response.text.delta', delta: `no error: ${first}` }));
        ws.send(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: `no such key: ${first}` } }));
        ws.close(4001, `bad key ${first}`);
      });
    });
    const client = await open();
    client.send({ type: 'go' });
    expect(await client.closed()).toEqual({ code: 4001, reason: 'bad key [redacted]' });
    expect(client.frames).toEqual([{ type: 'response.text.delta', delta: `no error: ${first}` }, { type: 'error', error: { type: 'invalid_request_error', message: 'no such key: [redacted]' } }]);
  });

  it('messages go both ways as they came, text and bytes, in order', async () => {
    upstream.setTalk(({ ws }) => {
      ws.send('{"type":"session.created"}');
      ws.on('message', (data: Buffer, isBinary) => ws.send(data, { binary: isBinary }));
    });
    const client = await open();
    await client.next('session.created');
    const back: { readonly text: string; readonly isBinary: boolean }[] = [];
    client.ws.removeAllListeners('message');
    client.ws.on('message', (data: Buffer, isBinary) => back.push({ text: data.toString('latin1'), isBinary }));
    const sent = ['{ "type":"x",\n "n": 1.0 }', Buffer.from([0, 255, 128, 10]), '{"type":"y"}', Buffer.alloc(200_000, 7)];
    for (const each of sent) client.ws.send(each);
    await until('all came back', () => back.length === sent.length);
    expect(back).toEqual(sent.map((each) => ({ text: Buffer.from(each).toString('latin1'), isBinary: Buffer.isBuffer(each) })));
  });

  it.each([
    ['1000', 1000, 'done'],
    ['4008', 4008, 'session expired'],
    ['1011', 1011, ''],
  ])('the upstream’s close code %s reaches the client', async (_name, code, reason) => {
    upstream.setTalk(({ ws }) => ws.on('message', () => ws.close(code, reason)));
    const client = await open();
    client.send('{"type":"end"}');
    expect(await client.closed()).toEqual({ code, reason });
  });

  it('the client’s close code reaches the upstream', async () => {
    const client = await open();
    client.ws.close(4001, 'enough');
    await until('the upstream is told', () => last()?.closed() !== undefined);
    expect(last()?.closed()).toEqual({ code: 4001, reason: 'enough' });
  });

  it('an upstream that breaks off is a close with 1014, a client that does so lets the upstream go within 250 ms', async () => {
    const client = await open();
    last()?.ws.terminate();
    expect(await client.closed()).toMatchObject({ code: 1014 });
    const other = await open();
    other.ws.terminate();
    expect(await until('the upstream is let go', () => last()?.closed() !== undefined)).toBeLessThan(250);
  });

  it('a client that reads nothing holds the upstream back, and loses nothing when it reads again', async () => {
    const piece = Buffer.alloc(65_536, 1);
    let sent = 0;
    upstream.setTalk(({ ws }) => ws.on('message', () => {
      const more = (): void => {
        if (sent < 800) ws.send(piece, () => {
          sent++;
          more();
        });
      };
      more();
    }));
    const client = await open();
    client.ws.removeAllListeners('message');
    let got = 0;
    client.ws.on('message', (data: Buffer) => (got += data.length));
    client.ws.pause();
    client.send('go');
    await until('it has begun', () => sent > 10);
    await new Promise((next) => setTimeout(next, 500));
    const held = sent;
    await new Promise((next) => setTimeout(next, 300));
    expect(sent).toBe(held);
    expect(held).toBeLessThan(790);
    client.ws.resume();
    await until('all of it is there', () => got === 800 * piece.length, 15_000);
  });

  it('is one row of usage when it ends, with the tokens its responses stated', async () => {
    upstream.setTalk(({ ws }) => ws.on('message', () => {
      for (const tokens of [5, 7]) ws.send(JSON.stringify({ type: 'response.done', response: { usage: { input_tokens: tokens, output_tokens: 2 * tokens, input_token_details: { cached_tokens: 1 } } } }));
    }));
    const before = await usage();
    const client = await open();
    client.send('{"type":"response.create"}');
    await client.next('response.done');
    await client.next('response.done');
    await client.close();
    await until('the row is there', async () => (await usage()).length > before.length);
    expect((await usage()).at(-1)).toMatchObject({ tokens: { input_tokens: 12, output_tokens: 24, cached_tokens: 2 } });
  });
});

async function usage(): Promise<readonly unknown[]> {
  const answer = await (await fetch(`${daemon.url}/v0/management/usage`, { headers: { authorization: `Bearer ${management}` } })).text();
  const details = [...answer.matchAll(/\{[^{}]*"timestamp"[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g)].map(([text]): unknown => JSON.parse(text));
  return details;
}

describe('before a client is accepted', () => {
  it('another account is asked when one refuses', async () => {
    upstream.setDoor((req) => (req.headers.authorization === `Bearer ${first}` ? refuseWith(429, { error: { message: 'slow down', code: 'rate_limit_exceeded' } }, { 'retry-after': '1' }) : 'accept'));
    await open();
    expect(last()?.url).toBe('/other/v1/realtime?model=voice');
    expect(keyOf(last()?.headers)).toBe(second);
  });

  it.each([
    [400, { error: { message: 'no such intent', type: 'invalid_request_error', code: 'invalid_value' } }, '400 {"error":{"message":"no such intent","type":"invalid_request_error","code":"invalid_value"}}'],
    [401, { error: { message: 'Incorrect API key provided' } }, /^503 .*account_unavailable/],
    [500, { error: { message: 'boom' } }, /^502 .*upstream_error/],
    [302, {}, /^502 .*redirect/],
    [200, {}, /^502 .*upstream_error/],
  ] as const)('an upstream’s %s is a real HTTP answer', async (status, body, told) => {
    upstream.setDoor(() => refuseWith(status, body));
    const refusal = await open().then(() => 'open', (error: Error) => error.message);
    if (typeof told === 'string') expect(refusal).toBe(told);
    else expect(refusal).toMatch(told);
  });

  it('an upstream that repeats its key in a refusal is not passed on', async () => {
    upstream.setDoor(() => refuseWith(400, { error: { message: `bad key ${first} ${second}` } }));
    const refusal = await open().then(() => 'open', (error: Error) => error.message);
    expect(refusal).toMatch(/^400 .*upstream_error/);
    expect(refusal).not.toContain('sk-');
  });

  it('an upgrade to something that is no WebSocket is refused', async () => {
    upstream.setDoor(() => ({ answer: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm90IGl0\r\n\r\n' }));
    await expect(open()).rejects.toThrow(/^502 .*upstream_error/);
  });

  it('a client that leaves meanwhile ends the asking within 250 ms', async () => {
    upstream.setDoor(() => 'hang');
    const before = upstream.asked.length;
    const leftBefore = upstream.leftCount();
    const { WebSocket } = await import('ws');
    const ws = new WebSocket(`${daemon.url.replace('http', 'ws')}/v1/realtime?model=talk`, { headers: withKey });
    ws.on('error', () => undefined);
    await until('the upstream is asked', () => upstream.asked.length > before);
    ws.terminate();
    expect(await until('the upstream is let go', () => upstream.leftCount() > leftBefore)).toBeLessThan(250);
  });

  it.each([
    ['', /^400 .*missing_model/],
    ['model=', /^400 .*missing_model/],
    ['model=talk&model=other', /^400 .*invalid_request/],
    ['model=talk&call_id=rtc_1', /^400 .*unsupported_parameter/],
    ['model=nothing', /^404 .*model_not_found/],
    ['model=claude', /^501 .*dialect_not_served/],
  ])('?%s is refused', async (query, told) => {
    const before = upstream.asked.length;
    await expect(open(query)).rejects.toThrow(told);
    expect(upstream.asked.length).toBe(before);
  });

  it('a wrong key asks no upstream', async () => {
    const before = upstream.asked.length;
    await expect(open('model=talk', { headers: { authorization: 'Bearer wrong' } })).rejects.toThrow(/^401 .*invalid_api_key/);
    await expect(open('model=talk', { headers: {} })).rejects.toThrow(/^401 .*missing_api_key/);
    expect(upstream.asked.length).toBe(before);
  });
});

describe('rule 15: what mints credentials of the upstream', () => {
  it.each(['/v1/realtime/client_secrets', '/v1/realtime/sessions', '/v1/realtime/transcription_sessions', '/v1/realtime/calls'])('POST %s is not offered', async (path) => {
    const answer = await fetch(`${daemon.url}${path}`, { method: 'POST', headers: { ...withKey, 'content-type': 'application/json' }, body: '{}' });
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
  });
});
