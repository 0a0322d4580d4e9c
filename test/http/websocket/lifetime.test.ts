import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { responseEvents } from '../../support/responses-events.ts';
import { ann, bob, managementSecret, startResponsesRig, user, type ResponsesRig } from '../../support/responses-rig.ts';
import { clientFrame, framesIn, upgradeRaw } from '../../support/raw-socket.ts';
import { answerEvents } from '../../support/scripted-upstream.ts';
import { isEnd, openSocket } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

const withKey = { authorization: `Bearer ${ann}` };
const create = (more: object = {}): object => ({ type: 'response.create', model: 'm', store: false, input: [user('hello')], ...more });
const refusalOf = (opening: Promise<unknown>): Promise<string> => opening.then(() => 'open', (error: Error) => error.message);

describe('who is let in', () => {
  let rig: ResponsesRig;
  beforeAll(async () => {
    rig = await startResponsesRig();
    rig.answerEach();
  });
  afterEach(() => rig.closeClients());
  afterAll(() => rig.stop());
  const url = (query = ''): string => `${rig.daemon.url}/v1/responses${query}`;

  it.each([
    ['Authorization', { headers: withKey }, ''],
    ['x-api-key', { headers: { 'x-api-key': ann } }, ''],
    ['?key=', {}, `?key=${ann}`],
    ['?auth_token=', {}, `?auth_token=${ann}`],
    ['the sub-protocol', { protocols: ['realtime', `openai-insecure-api-key.${ann}`, 'openai-beta.realtime-v1'] }, ''],
  ])('a key by %s, and it is served', async (_carrier, options, query) => {
    const client = await openSocket(url(query), options);
    expect(client.ws.protocol).toBe('protocols' in options ? 'realtime' : '');
    client.send(create());
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    await client.close();
  });

  it('the sub-protocol that carries the key is never the one that is chosen', async () => {
    const raw = await upgradeRaw(rig.daemon.port, `Sec-WebSocket-Protocol: openai-insecure-api-key.${ann}\r\n`);
    expect(raw.head).toMatch(/^HTTP\/1\.1 101 /);
    expect(raw.head).not.toMatch(/sec-websocket-protocol|sk-ann/i);
    raw.socket.destroy();
    const other = await upgradeRaw(rig.daemon.port, `Sec-WebSocket-Protocol: openai-insecure-api-key.${ann}, responses\r\n`);
    expect(other.head).toMatch(/sec-websocket-protocol: responses\r\n/i);
    expect(other.head).not.toContain(ann);
    other.socket.destroy();
  });

  it.each([
    ['none', {}, /^401 \{"error":\{"message":"invalid password","type":"authentication_error","code":"missing_api_key"\}\}$/],
    ['a wrong one', { headers: { authorization: 'Bearer wrong' } }, /^401 .*"invalid_api_key"/],
    ['two different right ones', { headers: { authorization: `Bearer ${ann}`, 'x-api-key': bob } }, /^400 .*"conflicting_credentials"/],
    ['a foreign page without a header', { origin: 'https://evil.test' }, /^403 .*"origin_not_allowed"/],
    ['a foreign Host', { headers: { host: 'evil.test' } }, /^421 .*"misdirected_request"/],
  ])('with %s the upgrade is a whole HTTP refusal', async (_what, options, told) => {
    expect(await refusalOf(openSocket(url(), options))).toMatch(told);
  });

  it('the handshake carries an id and gives Codex its turn state back', async () => {
    const raw = await upgradeRaw(rig.daemon.port, `Authorization: Bearer ${ann}\r\nx-request-id: my-id\r\nx-codex-turn-state: abc\r\nSec-WebSocket-Extensions: permessage-deflate\r\n`);
    expect(raw.head).toMatch(/x-request-id: my-id\r\n[^]*x-codex-turn-state: abc\r\n/);
    expect(raw.head).not.toMatch(/permessage-deflate/);
    raw.socket.destroy();
  });

  it('a plain GET is told to upgrade', async () => {
    const answer = await fetch(url(), { headers: withKey });
    expect([answer.status, answer.headers.get('upgrade'), await answer.json()]).toMatchObject([426, 'websocket', { error: { code: 'upgrade_required' } }]);
  });
});

describe('ws-auth: false', () => {
  it('serves local callers without a key as nobody in particular, until it is turned on again', async () => {
    const rig = await startResponsesRig('ws-auth: false\n');
    try {
      rig.answerEach();
      const client = await rig.open('');
      client.send(create());
      expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
      expect(await refusalOf(openSocket(`${rig.daemon.url}/v1/responses`, { headers: { 'x-forwarded-for': '203.0.113.9' } }))).toMatch(/^401 /);
      const keyed = await rig.open(ann);
      await rig.manage('/ws-auth', { method: 'PUT', body: '{"value":true}' });
      expect(await client.closed(1_000)).toEqual({ code: 1008, reason: 'missing_api_key' });
      keyed.send(create());
      expect(await keyed.next(isEnd)).toMatchObject({ type: 'response.completed' });
    } finally {
      await rig.stop();
    }
  });
});

describe('how many', () => {
  it('sockets may be open in all and by one client; a place is free again when one has closed', async () => {
    const rig = await startResponsesRig('websocket: { max-open: 3, max-open-per-client: 2 }\n');
    try {
      const url = `${rig.daemon.url}/v1/responses`;
      const first = await rig.open(ann);
      await rig.open(ann);
      expect(await refusalOf(rig.open(ann))).toMatch(/^429 .*"too_many_sockets"/);
      await rig.open(bob);
      expect(await refusalOf(rig.open(bob))).toMatch(/^429 /);
      const answer = await upgradeRaw(rig.daemon.port, `Authorization: Bearer ${bob}\r\n`);
      expect(answer.head).toMatch(/retry-after: \d+\r\n/);
      answer.socket.destroy();
      await first.close();
      await until('the place is free', () => openSocket(url, { headers: withKey }).then((client) => client.close().then(() => true), () => false));
      // Who asks for a realtime session that nobody serves takes no place either.
      for (let round = 0; round < 5; round++) expect(await refusalOf(openSocket(`${rig.daemon.url}/v1/realtime?model=nothing`, { headers: { authorization: `Bearer ${bob}` } }))).toMatch(/^404 /);
    } finally {
      await rig.stop();
    }
  });
});

describe('how long', () => {
  let rig: ResponsesRig;
  beforeAll(async () => {
    rig = await startResponsesRig('websocket: { ping-interval: 500ms, max-lifetime: 4s }\nmax-body-mb: 1\n');
    rig.answerEach();
  });
  afterEach(() => rig.closeClients());
  afterAll(() => rig.stop());

  it('a socket whose other end is gone without a word is let go within two pings, its turn with it', async () => {
    rig.upstream.setScript((_seen, res) => answerEvents(res, responseEvents({ id: 'resp_hang', text: 'one two' }).slice(0, 6), false));
    const aborts = rig.upstream.abortCount();
    const ws = new WebSocket(`${rig.daemon.url.replace('http', 'ws')}/v1/responses`, { headers: withKey, autoPong: false });
    let closeCode = 0;
    ws.on('close', (code) => {
      closeCode = code;
    });
    await new Promise((resolve) => ws.once('open', resolve));
    ws.send(JSON.stringify(create()));
    expect(await until('it is let go', () => closeCode !== 0)).toBeLessThan(2_500);
    expect(closeCode).toBe(1006);
    await until('its turn has ended', () => rig.upstream.abortCount() > aborts);
    rig.answerEach();
  });

  it('one that answers pings lives to its last second, and hears why it ends', async () => {
    const client = await rig.open();
    const opened = performance.now();
    await new Promise((next) => setTimeout(next, 2_500));
    client.send(create());
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    expect(await client.next('error', 6_000)).toEqual({ type: 'error', status: 400, error: { type: 'invalid_request_error', code: 'websocket_connection_limit_reached', message: expect.any(String), param: null } });
    expect(await client.closed()).toEqual({ code: 1000, reason: 'websocket_connection_limit_reached' });
    expect(performance.now() - opened).toBeGreaterThan(3_900);
    expect(performance.now() - opened).toBeLessThan(5_500);
  });

  it('a message larger than a body may be closes with 1009', async () => {
    const client = await rig.open();
    client.send(JSON.stringify(create({ input: 'x'.repeat(1_100_000) })));
    expect(await client.closed()).toMatchObject({ code: 1009 });
  });

  it.each([
    ['text that is no UTF-8', Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0xff, 0xfe, 0xfd]), 1007],
    ['a frame without a mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
    ['reserved bits', Buffer.from([0xf1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]), 1002],
    ['an unknown opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ['a long control frame', Buffer.concat([Buffer.from([0x89, 0xfe, 0, 200, 0, 0, 0, 0]), Buffer.alloc(200)]), 1002],
  ])('%s closes with its code', async (_what, frame, code) => {
    const raw = await upgradeRaw(rig.daemon.port, `Authorization: Bearer ${ann}\r\n`);
    raw.socket.write(frame);
    await until('it is closed', () => framesIn(raw.rest()).length > 0);
    expect(framesIn(raw.rest()).map(({ opcode, payload }) => [opcode, payload.readUInt16BE(0)])).toEqual([[8, code]]);
    raw.socket.destroy();
  });

  it('who sends without reading the errors it gets is let go, and memory stays', async () => {
    const raw = await upgradeRaw(rig.daemon.port, `Authorization: Bearer ${ann}\r\n`);
    raw.socket.pause();
    const burst = Buffer.concat(Array.from({ length: 5_000 }, () => clientFrame('[]')));
    let isOver = false;
    raw.socket.on('close', () => {
      isOver = true;
    });
    raw.socket.on('error', () => {
      isOver = true;
    });
    await until('it is let go', () => {
      if (!raw.socket.destroyed && raw.socket.writableLength < 1_000_000) raw.socket.write(burst);
      return isOver;
    }, 10_000);
    const metrics = await (await fetch(`${rig.daemon.url}/metrics`, { headers: { authorization: `Bearer ${managementSecret}` } })).text();
    expect(Number(/process_resident_memory_bytes (\d+)/.exec(metrics)?.[1])).toBeLessThan(400_000_000);
  });
});

describe('a client that reads slowly', () => {
  it('holds the upstream back, and gets all of it in order', async () => {
    const rig = await startResponsesRig();
    try {
      const count = 4_000;
      const pad = 'x'.repeat(8_000);
      let written = 0;
      rig.upstream.setScript((_seen, res) => {
        const events = responseEvents({ id: 'resp_long', text: 'end' });
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write(events.slice(0, 4).join(''));
        const more = (): void => {
          while (written < count) {
            const hasRoom = res.write(`data: ${JSON.stringify({ type: 'response.output_text.delta', item_id: 'msg_resp_long', output_index: 0, content_index: 0, delta: `${written} ${pad}` })}\n\n`);
            written++;
            if (!hasRoom) {
              res.once('drain', more);
              return;
            }
          }
          res.end(events.slice(5).join(''));
        };
        more();
      });
      const client = await rig.open();
      client.ws.pause();
      client.send(create());
      await until('it has begun', () => written > 100);
      let before = 0;
      await until('nothing moves', async () => {
        before = written;
        await new Promise((next) => setTimeout(next, 200));
        return written === before;
      });
      expect(written).toBeLessThan(count);
      client.ws.resume();
      await client.next('response.completed', 20_000);
      const deltas = client.frames.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => Number(String(delta).split(' ')[0]));
      expect(deltas.slice(0, count)).toEqual(Array.from({ length: count }, (_, index) => index));
    } finally {
      await rig.stop();
    }
  });
});
