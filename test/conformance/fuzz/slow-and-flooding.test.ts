import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen, type Listener } from '../../../internal/server/listen.ts';
import { asClient, clientKey, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { send, sendBytes } from '../../support/raw-http.ts';

describe('a flood of headers', () => {
  let rig: FourDialects;
  beforeAll(async () => {
    rig = await startFourDialects();
  });
  afterAll(() => rig.stop());

  it.each([
    ['one long header', `x: ${'a'.repeat(40_000)}\r\n`],
    ['many headers', Array.from({ length: 3_000 }, (_, n) => `x-${n}: aaaaaaaa\r\n`).join('')],
    ['a long target', ''],
  ])('%s is 431 or 400, and the connection is closed', async (name, headers) => {
    const target = name === 'a long target' ? `/v1/models?${'a'.repeat(40_000)}` : '/v1/models';
    const text = await sendBytes(rig.daemon.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('"code":"headers_too_large"');
  });

  it('an endless head is cut off once it is too long', async () => {
    const socket = connect(rig.daemon.port, '127.0.0.1');
    let sentBytes = 0;
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => socket.destroy());
    socket.write('GET /v1/models HTTP/1.1\r\nHost: localhost\r\n');
    const pump = (): void => {
      if (socket.destroyed) return;
      socket.write(`x-${sentBytes}: ${'a'.repeat(1_000)}\r\n`, () => setImmediate(pump));
      sentBytes += 1_000;
    };
    pump();
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(sentBytes).toBeLessThan(16_000_000);
  });

  it('headers up to the bound pass, keys and long tokens with them', async () => {
    const answer = await send(rig.daemon.url, { path: '/v1/models', headers: { ...asClient, 'x-api-key': clientKey, cookie: 'c'.repeat(24_000) } });
    expect(answer.status).toBe(200);
  });
});

describe('a client that is slow on purpose', () => {
  let listener: Listener;
  let sockets: Socket[] = [];
  /** As the daemon listens, but with all times short; a body is read to its end and answered. */
  beforeEach(async () => {
    const onRequest: Parameters<typeof listen>[1]['onRequest'] = (req, res) => {
      req.on('error', () => undefined);
      req.resume().on('end', () => res.end('ok'));
    };
    listener = await listen({ kind: 'main', host: '127.0.0.1', port: 0, tls: undefined }, { onRequest, onUpgrade: (_, socket) => socket.destroy() }, 60_000, { headersTimeout: 150, requestTimeout: 300, keepAliveTimeout: 100, connectionsCheckingInterval: 20 });
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    listener.destroy();
    await listener.close();
  });

  /** Never closes its own half, whatever the server does. */
  function open(first: string): { readonly socket: Socket; readonly text: () => string } {
    const socket = connect({ port: listener.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => socket.destroy());
    socket.write(first);
    sockets.push(socket);
    return { socket, text: () => text };
  }
  /** True once the server has let go: what is written then is answered by a reset. */
  async function isLetGo(socket: Socket): Promise<boolean> {
    if (!socket.destroyed) socket.write('x');
    return socket.destroyed;
  }

  it('headers that never end are answered 408 and cut off', async () => {
    const { socket, text } = open('POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-A');
    await expect.poll(text, { timeout: 3_000 }).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
    await expect.poll(() => isLetGo(socket), { timeout: 4_000 }).toBe(true);
  });

  it('headers that trickle in are cut off all the same', async () => {
    const { socket, text } = open('POST / HTTP/1.1\r\n');
    const drip = setInterval(() => socket.destroyed || socket.write('x: y\r\n'), 10);
    await expect.poll(text, { timeout: 3_000 }).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => socket.destroyed, { timeout: 4_000 }).toBe(true);
    clearInterval(drip);
  });

  it('a body that never ends is cut off', async () => {
    const { socket, text } = open('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc');
    await expect.poll(text, { timeout: 3_000 }).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => isLetGo(socket), { timeout: 4_000 }).toBe(true);
  });

  it('a connection that says nothing is closed', async () => {
    const { socket, text } = open('');
    await expect.poll(() => isLetGo(socket), { timeout: 4_000 }).toBe(true);
    expect(text()).not.toMatch(/ 200 /);
  });

  it('a kept connection that idles is closed', async () => {
    const { socket, text } = open('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(text).toMatch(/^HTTP\/1\.1 200 /);
    await once(socket, 'end');
  });

  it('garbage is answered 400, and who then keeps its half open is cut off', async () => {
    const { socket, text } = open('NOT HTTP AT ALL\r\n\r\n');
    await expect.poll(text).toMatch(/^HTTP\/1\.1 400 /);
    await expect.poll(() => isLetGo(socket), { timeout: 4_000 }).toBe(true);
  });
});

describe('an upgrade that is refused', () => {
  it('is answered on the socket, and who then keeps its half open is cut off', async () => {
    const rig = await startFourDialects();
    const socket = connect({ port: rig.daemon.port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => socket.destroy());
    socket.write('GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 401 [^]*"code":"missing_api_key"/);
    await expect
      .poll(
        () => {
          if (!socket.destroyed) socket.write('x');
          return socket.destroyed;
        },
        { timeout: 4_000 },
      )
      .toBe(true);
    await rig.stop();
  });
});
