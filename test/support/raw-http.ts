import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False when the connection broke before the answer's end. */
  readonly isComplete: boolean;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** One exchange over a connection of its own; a broken answer is a result, not an exception. */
export function send(url: string, wanted: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const req = request({ hostname, port, method: wanted.method ?? 'GET', path: wanted.path, headers: wanted.headers ?? {}, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      const finish = (): void => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks), isComplete: res.complete });
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', finish);
      res.on('end', finish);
      res.on('close', finish);
    });
    req.on('error', reject);
    req.end(wanted.body);
  });
}

/** Writes raw bytes and reads until the other end closes (or `limitMs` of silence); for requests no client library would send. */
export function sendBytes(port: number, bytes: string | Buffer, limitMs = 5_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setTimeout(limitMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(text));
    socket.on('connect', () => socket.write(bytes));
  });
}

export const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
