import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { loadClientRole } from '../../../internal/websocket/client-role.ts';
import { until } from '../../support/until.ts';

/** A connection whose other end is the test. */
function connection(): { readonly socket: Duplex; readonly written: () => Buffer; readonly say: (bytes: Buffer) => void } {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { socket, written: () => Buffer.concat(chunks), say: (bytes) => void socket.push(bytes) };
}

it('a taken connection speaks as a client: its frames are masked, and it takes frames that are not', async () => {
  const takeAsClient = await loadClientRole();
  const { socket, written, say } = connection();
  const ws = takeAsClient(socket, 1_000);
  expect(ws.readyState).toBe(ws.OPEN);
  const got: string[] = [];
  ws.on('message', (data: Buffer) => got.push(data.toString('utf8')));
  ws.send('hello');
  await until('it is written', () => written().length >= 11);
  const frame = written();
  expect([frame[0], frame[1]]).toEqual([0x81, 0x80 | 5]);
  const mask = frame.subarray(2, 6);
  expect(Buffer.from(frame.subarray(6, 11).map((byte, index) => byte ^ (mask[index % 4] ?? 0))).toString()).toBe('hello');
  say(Buffer.concat([Buffer.from([0x81, 2]), Buffer.from('hi')]));
  await until('it is read', () => got.length > 0);
  expect(got).toEqual(['hi']);
  ws.terminate();
});

it('a message larger than is allowed ends it with 1009, a masked one with 1002', async () => {
  const takeAsClient = await loadClientRole();
  for (const [frame, code] of [[Buffer.concat([Buffer.from([0x82, 126, 4, 0]), Buffer.alloc(1_024)]), 1009], [Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]), 1002]] as const) {
    const { socket, written, say } = connection();
    const ws = takeAsClient(socket, 1_000);
    ws.on('error', () => undefined);
    say(frame);
    await until('it is closed', () => written().length >= 8);
    const mask = written().subarray(2, 6);
    expect(((written()[6] ?? 0) ^ (mask[0] ?? 0)) * 256 + ((written()[7] ?? 0) ^ (mask[1] ?? 0))).toBe(code);
    ws.terminate();
  }
});
