import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { listen, type Listener } from '../../../internal/server/listen.ts';

let listener: Listener | undefined;
let client: Socket | undefined;
afterEach(async () => {
  client?.destroy();
  listener?.destroy();
  await listener?.close();
});

const stallMs = 60;

async function serve(answer: (res: ServerResponse) => void, sent = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'): Promise<Socket> {
  listener = await listen({ kind: 'main', host: '127.0.0.1', port: 0, tls: undefined }, { onRequest: (_, res) => answer(res), onUpgrade: () => undefined }, stallMs);
  client = connect(listener.port ?? 0, '127.0.0.1');
  client.on('error', () => undefined);
  await once(client, 'connect');
  client.write(sent);
  return client;
}

describe('a connection on which nothing moves', () => {
  it('is closed when the client takes no byte of an answer that waits for it', async () => {
    const closed = new Promise<void>((resolve) => {
      void serve((res) => {
        res.once('close', resolve);
        const more = (): void => void (res.destroyed || (res.write(Buffer.alloc(262_144)) ? setImmediate(more) : res.once('drain', more)));
        more();
      }).then((socket) => socket.pause());
    });
    await closed;
  });

  it('stays while we are the ones who are silent', async () => {
    const socket = await serve((res) => void setTimeout(() => res.end('late'), 4 * stallMs));
    const [bytes]: readonly Buffer[] = await once(socket, 'data');
    expect(String(bytes)).toContain('late');
  });

  it('is closed when no request comes', async () => {
    const socket = await serve(() => undefined, '');
    socket.resume();
    await once(socket, 'close');
  });
});
