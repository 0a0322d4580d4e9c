import { once } from 'node:events';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientFrame, framesIn, upgradeRaw, type RawSocket } from '../../support/raw-socket.ts';
import { ann, startResponsesRig, type ResponsesRig } from '../../support/responses-rig.ts';
import { isEnd, openSocket } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
beforeAll(async () => {
  rig = await startResponsesRig('max-body-mb: 1\nlog-level: warn\nwebsocket: { max-open-per-client: 4096 }\n');
  rig.answerEach();
});
afterAll(async () => {
  expect(rig.daemon.output()).not.toMatch(/failed inside Keyward|TypeError|RangeError/);
  await rig.stop();
});

const withKey = `Authorization: Bearer ${ann}\r\n`;

async function isWell(): Promise<boolean> {
  const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${ann}` } });
  client.send({ type: 'response.create', model: 'm', store: false, input: 'well?' });
  const { type } = await client.next(isEnd);
  await client.close();
  return type === 'response.completed';
}

/** What the server did: it said something, closed with a code, or still waits for more. A socket ended without a code is none of these. */
async function judge(raw: RawSocket, hasClosed = true): Promise<void> {
  await until('it has made up its mind', () => raw.hasEnded() || raw.rest().length > 0, 120).catch(() => undefined);
  const frames = framesIn(raw.rest());
  const close = frames.find(({ opcode }) => opcode === 8);
  // A client's own close is answered with what it holds, which may be no code.
  if (close !== undefined && (close.payload.length > 0 || !hasClosed)) expect(close.payload.readUInt16BE(0)).toSatisfy((code: number) => (code >= 1_000 && code <= 1_014) || code >= 3_000);
  else if (close === undefined && raw.hasEnded()) expect.fail(`ended without a code after ${raw.rest().toString('latin1').slice(0, 100)}`);
  for (const { opcode, payload } of frames) {
    if (opcode !== 1) continue;
    expect(JSON.parse(payload.toString('utf8'))).toMatchObject({ type: expect.any(String) });
  }
  raw.socket.destroy();
}

describe('frames that nobody meant', () => {
  it('random bytes are answered by a close with its code, or wait for the rest; never by a crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 8, maxLength: 8 }), async (all) => {
        await Promise.all(
          all.map(async (bytes) => {
            const raw = await upgradeRaw(rig.daemon.port, withKey);
            raw.socket.write(bytes);
            await judge(raw);
          }),
        );
      }),
      { numRuns: 40 },
    );
    expect(await isWell()).toBe(true);
  }, 60_000);

  it('well-formed frames of any kind, order and cut are survived', async () => {
    const payload = fc.oneof(fc.constant('{"type":"response.create","model":"m","input":"x"}'), fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
    const frame = fc.tuple(payload, fc.constantFrom(0, 1, 2, 8, 9, 10), fc.boolean()).map(([content, opcode, isLast]) => clientFrame(content, opcode, isLast));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(frame, { minLength: 1, maxLength: 6 }), { minLength: 8, maxLength: 8 }), async (all) => {
        await Promise.all(
          all.map(async (frames) => {
            const raw = await upgradeRaw(rig.daemon.port, withKey);
            for (const each of frames) raw.socket.write(each);
            await judge(raw, frames.some((each) => ((each[0] ?? 0) & 15) === 8));
          }),
        );
      }),
      { numRuns: 40 },
    );
    expect(await isWell()).toBe(true);
  }, 60_000);
});

describe('messages that nobody meant', () => {
  const names = fc.constantFrom('type', 'model', 'input', 'stream_id', 'generate', 'previous_response_id', 'instructions', 'store', 'background', 'stream', 'tools', 'x');
  const values = fc.oneof(
    fc.constantFrom('response.create', 'response.append', 'response.steer', 'response.processed', 'response.cancel', 'm', 'known-as', '', 'main', 'resp_1', true, false, null, 0, -1, 1e308),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const event = fc.array(fc.tuple(names, values), { maxLength: 8 }).map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`);
  const almost = fc.tuple(event, fc.nat(), fc.string({ maxLength: 3 })).map(([text, at, junk]) => `${text.slice(0, at % (text.length + 1))}${junk}${text.slice(at % (text.length + 1))}`);

  it('each is answered by frames with a type, and the socket stays open', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(event, almost, fc.json()), { minLength: 1, maxLength: 20 }), async (messages) => {
        const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${ann}` } });
        for (const message of messages) client.send(message);
        client.send({ type: 'response.create', model: 'm', store: false, input: 'the last', stream_id: 'the-last.one' });
        expect(await client.next((frame) => isEnd(frame) && frame['stream_id'] === 'the-last.one')).toMatchObject({ type: 'response.completed' });
        for (const frame of client.frames) {
          expect(typeof frame.type).toBe('string');
          if (frame.type === 'error') expect(frame).toMatchObject({ status: expect.any(Number), error: { type: expect.any(String), message: expect.any(String) } });
        }
        // Of all that was said before, nothing is left unanswered for long.
        await client.close();
        expect(client.ws.readyState).toBe(client.ws.CLOSED);
      }),
      { numRuns: 150 },
    );
    expect(await isWell()).toBe(true);
  }, 60_000);

  it('what the upstream streams may be cut anywhere, and holds what no event holds, and no frame is bad JSON', async () => {
    const line = fc.oneof(fc.constantFrom('data: [DONE]', 'data:', 'data: {', 'data: {}', ': comment', 'event: error', 'event: response.completed', 'id: 1', 'retry: 1', 'data: "text"', 'data: 1', 'data: []', 'data: {"type":"error"}', 'data: {"type":"response.completed"}', 'data: {"type":"response.output_item.done","item":5}', 'data: {"type":7}', '\ufeffdata: {}'), fc.string({ maxLength: 40 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.array(fc.constantFrom('\n', '\n\n', '\r\n', '\r\n\r\n'), { minLength: 12, maxLength: 12 }), fc.boolean(), async (lines, ends, isBroken) => {
        rig.upstream.setScript((_seen, res) => {
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.write(`event: response.created\ndata: {"type":"response.created","response":{"id":"resp_f"}}\n\ndata: {"type":"response.output_text.delta","delta":"x"}\n\n`);
          for (const [index, text] of lines.entries()) res.write(`${text}${ends[index] ?? '\n'}`);
          if (isBroken) res.destroy();
          else res.end();
        });
        const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${ann}` } });
        const texts: string[] = [];
        client.ws.on('message', (data: Buffer) => texts.push(data.toString('utf8')));
        client.send({ type: 'response.create', model: 'm', store: false, input: 'x' });
        await client.next(isEnd);
        for (const text of texts) expect(() => JSON.parse(text), text).not.toThrow();
        client.ws.close();
        await once(client.ws, 'close');
        await rig.manage('/reset-quota', { method: 'POST' });
      }),
      { numRuns: 100 },
    );
    rig.answerEach();
    expect(await isWell()).toBe(true);
  }, 60_000);
});
