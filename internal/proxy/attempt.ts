import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Dialect } from '../dialect/dialect.ts';
import type { RequestLog } from '../log/request-log.ts';
import { passesDown } from '../providers/header-lists.ts';
import { createStreamSink, createWholeSink, type AnswerHead, type AnswerSink, type AnswerSummary } from './answer-sink.ts';
import type { Upstream } from './upstreams.ts';

export interface AttemptRequest {
  readonly upstream: Upstream;
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Path and query at the upstream. */
  readonly path: string;
  /** Flat name–value list, complete but for framing. */
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | null;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly dialect: Dialect;
  /** The client asked for a stream, so JSON is not held back either (Gemini's streamed arrays). */
  readonly isStream: boolean;
  /** Binary answers flow from the first byte. */
  readonly isBinary: boolean;
  /** `x-request-id` and whatever else goes on every answer; flat. */
  readonly answerHeaders: readonly string[];
  readonly onFirstByte: () => void;
  readonly log: Pick<RequestLog, 'responseHead' | 'responseChunk'>;
}

/** How one attempt against one account ended. Only `answered` and `client_gone` leave nothing more to send. */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly status: number; readonly summary: AnswerSummary }
  /** Status ≥ 400 from the upstream; nothing was sent to the client. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  /** No usable answer; nothing was sent to the client. */
  | { readonly kind: 'broken'; readonly cause: Error; readonly wasSent: boolean }
  | { readonly kind: 'client_gone'; readonly summary: AnswerSummary | undefined };

const maxRefusalBytes = 256 * 1024;

class ClientLeft extends Error {}

/** Sends one request upstream and carries a good answer to `res`. Never rejects; ends exactly once. */
export function attempt(request: AttemptRequest, res: ServerResponse): Promise<AttemptEnd> {
  return new Promise((resolve) => {
    const handler = new AttemptHandler(request, res, resolve);
    res.on('close', handler.onClientClose);
    request.upstream.dispatcher.dispatch(
      {
        origin: request.upstream.origin,
        method: request.method,
        path: request.path,
        headers: [...request.headers],
        body: request.body,
        headersTimeout: request.headersTimeoutMs,
        bodyTimeout: request.idleTimeoutMs,
      },
      handler,
    );
  });
}

/**
 * Undici's view of one attempt. Chunks go straight from its parser to the client's socket; no web stream, no promise and
 * no JSON in between. Backpressure pauses the parser; a client that leaves aborts the upstream at once.
 */
class AttemptHandler implements Dispatcher.DispatchHandler {
  readonly #request: AttemptRequest;
  readonly #res: ServerResponse;
  readonly #resolve: (end: AttemptEnd) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #sink: AnswerSink | undefined;
  #refusal: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly chunks: Buffer[]; size: number } | undefined;
  #status = 0;
  #wasSent = false;
  #isOver = false;
  #hasClientLeft = false;

  constructor(request: AttemptRequest, res: ServerResponse, resolve: (end: AttemptEnd) => void) {
    this.#request = request;
    this.#res = res;
    this.#resolve = resolve;
  }

  readonly onClientClose = (): void => {
    if (this.#isOver) return;
    this.#hasClientLeft = true;
    this.#controller?.abort(new ClientLeft('the client closed the connection'));
    // A request still waiting for a connection has no controller yet; it is aborted when it gets one.
    if (this.#controller === undefined) this.#finish({ kind: 'client_gone', summary: undefined });
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasClientLeft) controller.abort(new ClientLeft('the client closed the connection'));
    this.#wasSent = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#request.log.responseHead(status, headers);
    if (status >= 300) this.#refusal = { status, headers, chunks: [], size: 0 };
    else this.#sink = this.#openSink(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#request.log.responseChunk(chunk);
    if (this.#refusal !== undefined) {
      if (this.#refusal.size < maxRefusalBytes) this.#refusal.chunks.push(chunk);
      this.#refusal.size += chunk.length;
      return;
    }
    const sink = this.#sink;
    if (sink === undefined) return;
    const hadStarted = sink.hasStarted();
    if (!sink.write(chunk)) {
      controller.pause();
      this.#res.once('drain', () => controller.resume());
    }
    if (!hadStarted && sink.hasStarted()) this.#request.onFirstByte();
  }

  onResponseEnd(): void {
    if (this.#refusal !== undefined) {
      const { status, headers, chunks } = this.#refusal;
      this.#finish({ kind: 'refused', status, headers, body: Buffer.concat(chunks) });
      return;
    }
    const hadStarted = this.#sink?.hasStarted() ?? false;
    const summary = this.#sink?.end();
    if (summary === undefined) this.#finish({ kind: 'broken', cause: new Error('the upstream ended its answer early'), wasSent: true });
    else {
      if (!hadStarted) this.#request.onFirstByte();
      this.#finish({ kind: 'answered', status: this.#status, summary });
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const summary = this.#sink?.breakOff();
    if (this.#hasClientLeft || cause instanceof ClientLeft) this.#finish({ kind: 'client_gone', summary });
    else if (this.#refusal !== undefined) this.#finish({ kind: 'refused', status: this.#refusal.status, headers: this.#refusal.headers, body: Buffer.alloc(0) });
    else if (summary === undefined) this.#finish({ kind: 'broken', cause, wasSent: this.#wasSent });
    else this.#finish({ kind: 'answered', status: this.#status, summary });
  }

  #openSink(status: number, headers: IncomingHttpHeaders): AnswerSink {
    const { dialect, isStream, isBinary } = this.#request;
    const contentType = headers['content-type'] ?? '';
    const isEventStream = contentType.startsWith('text/event-stream');
    const isEncoded = (headers['content-encoding'] ?? 'identity') !== 'identity';
    const length = headers['content-length'];
    const head: AnswerHead = {
      status,
      headers: this.#answerHeaders(headers),
      contentLength: length === undefined ? undefined : Number(length),
      isFramed: length !== undefined || headers['transfer-encoding'] !== undefined,
    };
    if (isEventStream) return createStreamSink(this.#res, head, dialect, true, !isEncoded);
    if (isStream && dialect === 'gemini') return createStreamSink(this.#res, head, dialect, false, !isEncoded);
    return createWholeSink(this.#res, head, dialect, !isBinary && contentType.includes('json') && !isEncoded);
  }

  #answerHeaders(headers: IncomingHttpHeaders): readonly string[] {
    const flat = [...this.#request.answerHeaders];
    for (const name in headers) {
      if (!passesDown(name)) continue;
      const value = headers[name];
      if (typeof value === 'string') flat.push(name, value);
      else for (const each of value ?? []) flat.push(name, each);
    }
    return flat;
  }

  #finish(end: AttemptEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#res.off('close', this.onClientClose);
    this.#resolve(end);
  }
}
