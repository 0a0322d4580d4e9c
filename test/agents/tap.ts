import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocket, WebSocketServer, type RawData } from 'ws';

/** What reached the simulator, as it came: one HTTP request, or one WebSocket message. */
export interface TappedRequest {
  readonly transport: 'http' | 'websocket';
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** HTTP status of the answer; 101 for a WebSocket message. */
  status: number;
  /** The answer's text so far; for a WebSocket, all messages until the next request, a line each. */
  answer: string;
}

/** Stands before a simulator, which journals in a form of its own, and keeps every request and answer as it went over the wire. */
export interface Tap {
  readonly url: string;
  readonly seen: readonly TappedRequest[];
  readonly close: () => Promise<void>;
}

/** Answers in the simulator's place with the events it returns. */
export type Instead = (body: string) => readonly object[] | undefined;

export async function startTap(to: string, instead: Instead = () => undefined): Promise<Tap> {
  const seen: TappedRequest[] = [];
  const server = createServer((req, res) => void forward({ to, seen, instead }, req, res));
  const doors = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (req, socket, head) => doors.handleUpgrade(req, socket, head, (client) => forwardSocket({ to, seen, instead }, req, client)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      for (const client of doors.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Route {
  readonly to: string;
  readonly seen: TappedRequest[];
  readonly instead: Instead;
}

async function forward({ to, seen, instead }: Route, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  const tapped: TappedRequest = { transport: 'http', method: req.method ?? '', url: req.url ?? '', headers: req.headers, body: body.toString('utf8'), status: 0, answer: '' };
  seen.push(tapped);
  const events = instead(tapped.body);
  if (events !== undefined) {
    tapped.status = 200;
    tapped.answer = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(tapped.answer);
    return;
  }
  const { host: _host, connection: _connection, 'content-length': _length, 'transfer-encoding': _coding, ...headers } = req.headers;
  const onward = request(`${to}${tapped.url}`, { method: tapped.method, headers: { ...headers, ...(body.length > 0 ? { 'content-length': body.length } : {}) }, agent: false }, (answer) => {
    tapped.status = answer.statusCode ?? 502;
    const { connection: _hop, ...kept } = answer.headers;
    res.writeHead(tapped.status, kept);
    answer.on('data', (chunk: Buffer) => (tapped.answer += chunk.toString('utf8'))).on('error', () => res.destroy()).pipe(res);
  });
  onward.on('error', () => res.destroy());
  res.on('close', () => onward.destroy());
  onward.end(body);
}

function forwardSocket({ to, seen, instead }: Route, req: IncomingMessage, client: WebSocket): void {
  const waiting: string[] = [];
  let last: TappedRequest | undefined;
  const { authorization } = req.headers;
  const onward = new WebSocket(`${to.replace(/^http/, 'ws')}${req.url ?? ''}`, { perMessageDeflate: false, headers: authorization === undefined ? {} : { authorization } });
  client.on('message', (data) => {
    const body = textOf(data);
    last = { transport: 'websocket', method: 'GET', url: req.url ?? '', headers: req.headers, body, status: 101, answer: '' };
    seen.push(last);
    const events = instead(body);
    if (events !== undefined) {
      last.answer = events.map((event) => `${JSON.stringify(event)}\n`).join('');
      for (const event of events) client.send(JSON.stringify(event));
      return;
    }
    if (onward.readyState === WebSocket.OPEN) onward.send(body);
    else waiting.push(body);
  });
  onward.on('open', () => waiting.splice(0).forEach((body) => onward.send(body)));
  onward.on('message', (data) => {
    const text = textOf(data);
    if (last !== undefined) last.answer += `${text}\n`;
    client.send(text);
  });
  client.on('close', () => onward.terminate()).on('error', () => onward.terminate());
  onward.on('close', () => client.close()).on('error', () => client.terminate());
}

function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data)).toString('utf8');
}
