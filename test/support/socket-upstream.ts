import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** A WebSocket as an upstream sees it. */
export interface UpstreamSocket {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly ws: WebSocket;
  readonly got: readonly { readonly data: Buffer; readonly isBinary: boolean }[];
  /** Undefined while it is open. */
  readonly closed: () => { readonly code: number; readonly reason: string } | undefined;
}

/** What becomes of an upgrade; `answer` is a whole HTTP answer in its place. */
export type Doorman = 'accept' | 'hang' | { readonly answer: string };

export interface SocketUpstream {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly sockets: readonly UpstreamSocket[];
  /** Every upgrade that was asked for, refused ones too. */
  readonly asked: readonly { readonly url: string; readonly headers: IncomingHttpHeaders }[];
  readonly setDoor: (door: (req: IncomingMessage) => Doorman) => void;
  readonly setTalk: (talk: (socket: UpstreamSocket) => void) => void;
  /** Connections that ended before their upgrade was answered. */
  readonly leftCount: () => number;
  readonly close: () => Promise<void>;
}

export function refuseWith(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Doorman {
  const text = JSON.stringify(body);
  const lines = Object.entries({ 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return { answer: `HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${text}` };
}

/** An upstream of realtime sessions that does what a test says. */
export async function startSocketUpstream(tls?: { readonly cert: string; readonly key: string }): Promise<SocketUpstream> {
  const sockets: UpstreamSocket[] = [];
  const asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
  let door: (req: IncomingMessage) => Doorman = () => 'accept';
  let talk: (socket: UpstreamSocket) => void = () => undefined;
  let left = 0;
  const doors = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const open = new Set<Duplex>();
  const refuseRequest = (_req: IncomingMessage, res: ServerResponse): void => void res.writeHead(404).end();
  const server = tls === undefined ? createServer(refuseRequest) : createTlsServer({ ...tls }, refuseRequest);
  server.on('connection', (socket: Duplex) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push({ url: req.url ?? '', headers: req.headers });
    socket.on('error', () => socket.destroy());
    const verdict = door(req);
    if (verdict === 'hang') {
      socket.on('close', () => left++);
      socket.on('end', () => socket.end());
      socket.resume();
    } else if (verdict !== 'accept') socket.end(verdict.answer);
    else {
      doors.handleUpgrade(req, socket, head, (ws) => {
        const got: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
        let closed: { readonly code: number; readonly reason: string } | undefined;
        const taken = { url: req.url ?? '', headers: req.headers, ws, got, closed: () => closed };
        ws.on('message', (data: Buffer, isBinary) => got.push({ data, isBinary }));
        ws.on('error', () => undefined);
        ws.on('close', (code, reason) => {
          closed = { code, reason: reason.toString('utf8') };
        });
        sockets.push(taken);
        talk(taken);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    sockets,
    asked,
    setDoor: (next) => {
      door = next;
    },
    setTalk: (next) => {
      talk = next;
    },
    leftCount: () => left,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
