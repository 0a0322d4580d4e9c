import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { AttemptEnd } from '../proxy/attempt.ts';
import type { Upstream } from '../proxy/upstreams.ts';

export interface Dial {
  readonly upstream: Upstream;
  /** Path and query there. */
  readonly path: string;
  /** Flat name–value list, without those of the handshake. */
  readonly headers: readonly string[];
  readonly timeoutMs: number;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

export type DialEnd = { readonly kind: 'open'; readonly socket: Duplex } | Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }> | { readonly kind: 'client_gone' };

const maxRefusalBytes = 64 * 1024;

/** Asks an upstream for a WebSocket, by the same way out as every request: address guard, proxies, timeouts. Never rejects. */
export function dialUpstream({ upstream, path, headers, timeoutMs, signal }: Dial): Promise<DialEnd> {
  const key = randomBytes(16).toString('base64');
  return new Promise((resolve) => {
    const handler = new DialHandler(key, signal, resolve);
    upstream.dispatcher.dispatch(
      { origin: upstream.origin, method: 'GET', path, upgrade: 'websocket', headers: [...headers, 'sec-websocket-version', '13', 'sec-websocket-key', key], headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      handler,
    );
  });
}

class DialHandler implements Dispatcher.DispatchHandler {
  readonly #key: string;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: DialEnd) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #refusal: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly chunks: Buffer[]; size: number } | undefined;
  #isOver = false;

  constructor(key: string, signal: AbortSignal, resolve: (end: DialEnd) => void) {
    this.#key = key;
    this.#signal = signal;
    this.#resolve = resolve;
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('the client closed the connection'));
  }

  onRequestUpgrade(_controller: Dispatcher.DispatchController, _status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    // Left alone, an error of a connection that nobody holds yet would end the process.
    socket.on('error', () => socket.destroy());
    if (this.#isOver) socket.destroy();
    else if (headers['sec-websocket-accept'] === acceptOf(this.#key)) this.#finish({ kind: 'open', socket });
    else {
      socket.destroy();
      this.#finish({ kind: 'broken', cause: new Error('the upstream upgraded to something else than a WebSocket'), wasSent: true });
    }
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200) this.#refusal = { status, headers, chunks: [], size: 0 };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#refusal === undefined) return;
    this.#refusal.chunks.push(chunk);
    this.#refusal.size += chunk.length;
    if (this.#refusal.size < maxRefusalBytes) return;
    this.#finishRefusal(this.#refusal);
    controller.abort(new Error('the upstream\'s refusal is too long'));
  }

  onResponseEnd(): void {
    if (this.#refusal !== undefined) this.#finishRefusal(this.#refusal);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#finish({ kind: 'broken', cause, wasSent: true });
  }

  readonly #onAbort = (): void => {
    this.#controller?.abort(new Error('the client closed the connection'));
    this.#finish({ kind: 'client_gone' });
  };

  #finishRefusal({ status, headers, chunks }: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly chunks: readonly Buffer[] }): void {
    const body = Buffer.concat(chunks);
    // What is no refusal is no WebSocket either.
    if (status < 300) this.#finish({ kind: 'broken', cause: new Error('the upstream answered without upgrading'), wasSent: true });
    else this.#finish({ kind: 'refused', status, headers, body, upstreamBody: body });
  }

  #finish(end: DialEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(end);
  }
}

/** @see RFC 6455 §4.2.2 */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
