import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { ResponsesWebSocketAccumulator } from 'openai/lib/responses/responses-websocket-accumulator';
import { ResponsesWebSocketSession } from 'openai/lib/responses/responses-websocket-session';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientKey, said, startWorld, tokens, upstreams, type World } from '../../matrix/world.ts';
import { makeFolder, startDaemon } from '../../support/daemon.ts';
import { makeSelfSigned } from '../../support/self-signed.ts';
import { startSocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

/** What the SDK gives of a finished response, as far as it is looked at here. */
interface Told {
  readonly id: string;
  readonly output_text: string;
  readonly status?: string | undefined;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number } | undefined;
}

let world: World;
const sockets: ResponsesWS[] = [];
beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => {
  for (const ws of sockets.splice(0)) ws.close();
});
afterAll(() => world.stop());

function connect(apiKey = clientKey): ResponsesWS {
  const ws = new ResponsesWS(new OpenAI({ baseURL: `${world.daemon.url}/v1`, apiKey }));
  ws.on('error', () => undefined);
  sockets.push(ws);
  return ws;
}

async function session(): Promise<ResponsesWebSocketSession> {
  const ws = connect();
  await until('the socket is open', () => ws.socket.readyState === 1);
  return new ResponsesWebSocketSession(ws, { maxLanes: 40, maxBufferedEvents: 100_000, maxBufferedBytes: 100_000_000 });
}

describe.each(upstreams.map(({ dialect, model }) => [dialect, model] as const))('ResponsesWS of the openai SDK, with an upstream of %s', (_dialect, model) => {
  it('gets events from first to last, with the tokens', async () => {
    const ws = connect();
    ws.send({ type: 'response.create', model, store: false, input: 'hi' });
    let text = '';
    let usage: unknown;
    const types: string[] = [];
    for await (const event of ws) {
      if (event.type === 'error') throw event.error;
      if (event.type !== 'message') continue;
      types.push(event.message.type);
      if (event.message.type === 'response.output_text.delta') text += event.message.delta;
      if (event.message.type === 'response.completed') {
        ({ usage } = event.message.response);
        break;
      }
    }
    expect(text).toBe(said.plain);
    expect(usage).toMatchObject({ input_tokens: tokens.input, output_tokens: tokens.output });
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed']);
  });

  it('goes on by previous_response_id, with a tool’s result', async () => {
    const lane = (await session()).lane('main');
    const tools = [{ type: 'function' as const, name: 'get_weather', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } } } }];
    lane.create({ model, store: false, tools, input: 'weather in Paris and Rome?' });
    const asked = await lane.finalResponse();
    const calls = asked.output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
    expect(calls.map(({ name, arguments: given }) => [name, given])).toEqual([['get_weather', '{"city":"Paris"}'], ['get_weather', '{"city":"Rome"}']]);
    lane.create({ model, store: false, tools, previous_response_id: asked.id, input: calls.map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: 'sunny' })) });
    const told: Told = await lane.finalResponse();
    expect(told.output_text).toBe(said.tools);
    expect(JSON.stringify(world.seen.at(-1)?.body.toString())).toMatch(/Paris and Rome[^]*sunny/);
  });

  it('warms up, and goes on from that', async () => {
    const lane = (await session()).lane();
    lane.create({ model, store: false, input: 'hi', instructions: 'i', generate: false });
    const before = world.seen.length;
    const warm: Told = await lane.finalResponse();
    expect([warm.status, warm.output_text, warm.usage?.input_tokens]).toEqual(['completed', '', 0]);
    expect(world.seen.length).toBe(before);
    lane.create({ model, store: false, input: 'and?', previous_response_id: warm.id });
    const told: Told = await lane.finalResponse();
    expect(told.output_text).toBe(said.plain);
    expect(world.seen.at(-1)?.body.toString()).toMatch(/"hi"[^]*"and\?"/);
  });

  it('runs lanes side by side, and each hears its own', async () => {
    const shared = await session();
    const results = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const lane = shared.lane(`lane-${index}`);
        lane.create({ model, store: false, input: index % 2 === 0 ? 'hi' : 'look' });
        const told: Told = await lane.finalResponse();
        return told.output_text;
      }),
    );
    expect(results).toEqual(results.map((_, index) => (index % 2 === 0 ? said.plain : said.look)));
  });

  it('hears of a cut stream as an error of its lane, and the next request is served', async () => {
    const lane = (await session()).lane('l');
    lane.create({ model, store: false, input: 'cut it' });
    await expect(lane.finalResponse()).rejects.toMatchObject({ error: { type: 'error', status: expect.any(Number), error: { code: expect.any(String) } } });
    lane.create({ model, store: false, input: 'hi' });
    const told: Told = await lane.finalResponse();
    expect(told.output_text).toBe(said.plain);
  });

  it('feeds the SDK’s accumulator without a complaint', async () => {
    const lane = (await session()).lane('acc');
    const accumulator = new ResponsesWebSocketAccumulator();
    lane.create({ model, store: false, input: 'reason about it' });
    for (;;) {
      const event = await lane.receive();
      accumulator.add(event);
      if (event.type === 'response.completed' || event.type === 'error') break;
    }
    expect(JSON.stringify(accumulator.current)).toContain(said.answer);
  });
});

describe('ResponsesWS of the openai SDK', () => {
  it('is refused with a wrong key before the socket opens', async () => {
    const ws = connect('wrong-key');
    const errors: string[] = [];
    ws.on('error', (error) => errors.push(error.message));
    await until('it is told', () => errors.length > 0);
    expect(errors.join()).toMatch(/401/);
  });

  it('a hundred turns over ten sockets at once all end well', async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, session));
    const texts = await Promise.all(
      sessions.flatMap((each, socket) =>
        Array.from({ length: 10 }, async (_, index) => {
          const lane = each.lane(`l${index}`);
          lane.create({ model: upstreams[(socket + index) % upstreams.length]?.model ?? '', store: false, input: 'hi' });
          const told: Told = await lane.finalResponse();
          return told.output_text;
        }),
      ),
    );
    expect(new Set(texts)).toEqual(new Set([said.plain]));
  });
});

describe('over TLS', () => {
  it('OpenAIRealtimeWS of the openai SDK, which takes nothing less, talks to an upstream; so does ResponsesWS', async () => {
    const upstream = await startSocketUpstream();
    upstream.setTalk(({ ws }) => {
      ws.send(JSON.stringify({ type: 'session.created', event_id: 'e1', session: { type: 'realtime' } }));
      ws.on('message', () => ws.send(JSON.stringify({ type: 'response.done', event_id: 'e2', response: { id: 'r', status: 'completed', output: [] } })));
    });
    const folder = makeFolder();
    const pair = makeSelfSigned();
    writeFileSync(join(folder, 'cert.pem'), pair.cert);
    writeFileSync(join(folder, 'key.pem'), pair.key, { mode: 0o600 });
    const daemon = await startDaemon({ folder, config: `api-keys: ["${clientKey}"]\ntls: { enable: true, cert: cert.pem, key: key.pem }\ncodex-api-key:\n  - { api-key: "sk-up-0123456789", base-url: "${upstream.url}/v1", models: [{ name: gpt-realtime-2 }] }\n` });
    try {
      const client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: clientKey });
      const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime-2', options: { rejectUnauthorized: false } }, client);
      const types: string[] = [];
      rt.on('event', ({ type }) => types.push(type));
      rt.on('error', () => undefined);
      await until('the session is there', () => types.includes('session.created'));
      rt.send({ type: 'response.create' });
      await until('an answer is there', () => types.includes('response.done'));
      rt.close();
      await until('the upstream is closed', () => upstream.sockets[0]?.closed() !== undefined);
      expect(upstream.sockets[0]?.headers.authorization).toBe('Bearer sk-up-0123456789');

      const ws = new ResponsesWS(client, { rejectUnauthorized: false });
      const lane = new ResponsesWebSocketSession(ws, { maxLanes: 1, maxBufferedEvents: 100, maxBufferedBytes: 1_000_000 }).lane();
      await until('the socket is open', () => ws.socket.readyState === 1);
      lane.create({ model: 'gpt-realtime-2', generate: false });
      const told: Told = await lane.finalResponse();
      expect(told.status).toBe('completed');
      ws.close();
    } finally {
      await daemon.stop();
      await upstream.close();
      rmSync(folder, { recursive: true });
    }
  });
});
