import { connect, type Socket } from 'node:net';
import { AnswerParser } from './answer-parser.ts';
import type { Endpoint } from './jobs.ts';

/** One answer as the client saw it; times are of this process's monotonic clock, in milliseconds. */
export interface Exchange {
  readonly status: number;
  readonly sentAtMs: number;
  /** First byte of the body; equals `endedAtMs` for an empty one. */
  readonly firstByteAtMs: number;
  readonly endedAtMs: number;
}

export type BodyListener = (chunk: Buffer, atMs: number) => void;

/**
 * One keep-alive connection, one exchange at a time, pipelining none. It opens on first use and again after the other side
 * closed it. A plain socket and not an HTTP library: on a machine with few cores what the client costs is taken from the
 * target.
 */
export class Connection {
  readonly #endpoint: Endpoint;
  readonly #parser = new AnswerParser();
  #socket: Socket | undefined;
  #fail: ((cause: Error) => void) | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Rejects when the connection breaks or the answer cannot be read. */
  exchange(request: Buffer, onBody?: BodyListener): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let firstByteAtMs = 0;
      const sentAtMs = performance.now();
      this.#fail = reject;
      this.#parser.begin({
        onHead: (code) => {
          status = code;
        },
        onBody: (chunk) => {
          if (firstByteAtMs === 0) firstByteAtMs = performance.now();
          onBody?.(chunk, onBody === undefined ? 0 : performance.now());
        },
        onEnd: () => {
          this.#fail = undefined;
          const endedAtMs = performance.now();
          resolve({ status, sentAtMs, firstByteAtMs: firstByteAtMs === 0 ? endedAtMs : firstByteAtMs, endedAtMs });
        },
      });
      this.#open().write(request);
    });
  }

  /** Closes at once; a running exchange is rejected. */
  destroy(): void {
    this.#socket?.destroy();
    this.#break(new Error('closed by the client'));
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect({ host: this.#endpoint.host, port: this.#endpoint.port, noDelay: true });
    socket.on('data', (bytes: Buffer) => {
      if (this.#socket !== socket) return;
      try {
        this.#parser.push(bytes);
      } catch (cause) {
        this.#break(cause instanceof Error ? cause : new Error('unreadable answer'));
        socket.destroy();
      }
    });
    socket.on('error', (cause) => {
      if (this.#socket === socket) this.#break(cause);
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#break(new Error('the target closed the connection'));
    });
    this.#socket = socket;
    return socket;
  }

  #break(cause: Error): void {
    const fail = this.#fail;
    this.#fail = undefined;
    this.#socket = undefined;
    fail?.(cause);
  }
}

/** The bytes of a whole request, made once and sent many times. */
export function requestBytes(endpoint: Endpoint, body: Buffer): Buffer {
  const lines = [
    `POST ${endpoint.path} HTTP/1.1`,
    `Host: ${endpoint.host}:${endpoint.port}`,
    'Content-Type: application/json',
    'User-Agent: keyward-bench',
    ...Object.entries(endpoint.headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}
