import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy on loopback that keeps what it was asked for. */
export interface ForwardProxy {
  readonly port: number;
  /** Destinations as `host:port`, in order. */
  readonly destinations: readonly string[];
  /** `user:password` of each connection, empty for none. */
  readonly credentials: readonly string[];
  readonly close: () => Promise<void>;
}

function portOf(server: { readonly address: () => AddressInfo | string | null }): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function join(left: Duplex, right: Duplex): void {
  left.on('error', () => right.destroy());
  right.on('error', () => left.destroy());
  left.pipe(right).pipe(left);
}

async function started(server: Server, destinations: readonly string[], credentials: readonly string[]): Promise<ForwardProxy> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    destinations,
    credentials,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An HTTP proxy: `CONNECT` tunnels (RFC 9110 §9.3.6) and plain absolute-form requests; over TLS with a certificate. */
export function startHttpProxy(tls?: { readonly cert: string; readonly key: string }): Promise<ForwardProxy> {
  const destinations: string[] = [];
  const credentials: string[] = [];
  const note = (req: IncomingMessage, destination: string): void => {
    destinations.push(destination);
    const basic = req.headers['proxy-authorization'] ?? '';
    credentials.push(basic === '' ? '' : Buffer.from(basic.replace(/^Basic /i, ''), 'base64').toString());
  };
  const server = tls === undefined ? createServer() : createTlsServer({ ...tls });
  server.on('request', (req, res) => {
    const url = new URL(req.url ?? '');
    note(req, url.host);
    const onward = connect(Number(url.port), url.hostname);
    onward.on('error', () => res.destroy());
    // A kept connection serves many requests, each with listeners of its own.
    req.socket.setMaxListeners(0);
    req.socket.once('close', () => onward.destroy());
    const lines = Object.entries(req.headers).filter(([name]) => !name.startsWith('proxy-')).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    onward.write(`${req.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`);
    req.pipe(onward, { end: false });
    onward.pipe(req.socket);
  });
  server.on('connect', (req, socket, head) => {
    note(req, req.url ?? '');
    const [host, port] = (req.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      join(onward, socket);
    });
    onward.on('error', () => socket.destroy());
  });
  return started(server, destinations, credentials);
}

/** A SOCKS5 proxy for `CONNECT`, with or without a user name. @see RFC 1928, RFC 1929 */
export function startSocksProxy(): Promise<ForwardProxy> {
  const destinations: string[] = [];
  const credentials: string[] = [];
  const server = createTcpServer((socket) => {
    let state: 'methods' | 'password' | 'request' = 'methods';
    let held = Buffer.alloc(0);
    let credential = '';
    socket.on('error', () => socket.destroy());
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      if (state === 'methods' && held.length >= 2 && held.length >= 2 + (held[1] ?? 0)) {
        const offersPassword = held.subarray(2, 2 + (held[1] ?? 0)).includes(2);
        held = held.subarray(2 + (held[1] ?? 0));
        state = offersPassword ? 'password' : 'request';
        socket.write(Buffer.from([5, offersPassword ? 2 : 0]));
      }
      if (state === 'password' && held.length > 2) {
        const nameLength = held[1] ?? 0;
        const passwordLength = held[2 + nameLength] ?? 0;
        if (held.length < 3 + nameLength + passwordLength) return;
        credential = `${held.toString('utf8', 2, 2 + nameLength)}:${held.toString('utf8', 3 + nameLength, 3 + nameLength + passwordLength)}`;
        held = held.subarray(3 + nameLength + passwordLength);
        state = 'request';
        socket.write(Buffer.from([1, 0]));
      }
      if (state !== 'request' || held.length < 7) return;
      const isName = held[3] === 3;
      const hostEnd = isName ? 5 + (held[4] ?? 0) : 8;
      if (held.length < hostEnd + 2) return;
      const host = isName ? held.toString('latin1', 5, hostEnd) : [...held.subarray(4, 8)].join('.');
      const port = held.readUInt16BE(hostEnd);
      destinations.push(`${host}:${port}`);
      credentials.push(credential);
      socket.off('data', onData);
      const onward = connect(port, host, () => {
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        join(onward, socket);
      });
      onward.on('error', () => socket.destroy());
    };
    socket.on('data', onData);
  });
  return started(server, destinations, credentials);
}
