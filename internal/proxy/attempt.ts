import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Dialect } from '../dialect/dialect.ts';
import type { StreamError } from '../dialect/stream-error.ts';
import type { Clock } from '../clock/clock.ts';
import type { AppError } from '../fault/app-error.ts';
import { faults } from '../fault/codes.ts';
import type { ClientAnswer } from '../http/client-answer.ts';
import type { RequestLog } from '../log/request-log.ts';
import { answerCoding, createAnswerDecoder, decodeShort } from './answer-coding.ts';
import { cutConnection, type AnswerHead, type AnswerSink, type AnswerSummary } from './answer-sink.ts';
import { mediaType, openAnswer } from './open-answer.ts';
import { withoutSecrets } from './secret-guard.ts';
import { createUnwrapper, type AnswerEnvelope, type AnswerUnwrapper } from './unwrap-answer.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { RunningExchange } from './running.ts';
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
  /** Good answers come inside one, which is taken off on the way. */
  readonly envelope: AnswerEnvelope | undefined;
  /** What is never to come back from there: keys, the token, values of the operator's headers. */
  readonly secrets: readonly string[];
  /** `x-request-id` and whatever else goes on every answer; flat. */
  readonly answerHeaders: readonly string[];
  /** Which tell the caller's own rates: the account's are not for him then. */
  readonly hasOwnRates: boolean;
  readonly onFirstByte: () => void;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  readonly running: RunningExchange;
  /** The upstream speaks another dialect than the client. */
  readonly translation: AttemptTranslation | undefined;
  readonly log: Pick<RequestLog, 'requestChunk' | 'attempt' | 'responseHead' | 'responseChunk'>;
}

/** What a translated attempt does differently. */
export interface AttemptTranslation {
  readonly openSink: (res: ClientAnswer, head: AnswerHead, upstream: { readonly isStream: boolean; readonly secrets: readonly string[]; readonly onFirstByte: () => void }) => AnswerSink;
  /** An upstream's refusal as the client's dialect says it. */
  readonly translateRefusal: (status: number, body: Buffer) => Buffer;
}

/** How one attempt against one account ended. `answered`, `client_gone` and an `ended` with a summary leave nothing more to send. */
export type AttemptEnd =
  /** `isEstimate`: by Keyward itself. */
  | { readonly kind: 'answered'; readonly status: number; readonly summary: AnswerSummary; readonly isEstimate?: boolean }
  /** Status ≥ 400 from the upstream, or `ownWords` for what is wrong with a good answer (`isBlameless`: which is no fault of the upstream's); nothing was sent to the client. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer; readonly upstreamBody: Buffer; readonly ownWords?: string | undefined; readonly isBlameless?: boolean | undefined }
  /** No usable answer; nothing was sent to the client. */
  | { readonly kind: 'broken'; readonly cause: Error; readonly wasSent: boolean }
  /** `wasTaken`: the upstream had the request, and had not refused it. */
  | { readonly kind: 'client_gone'; readonly wasTaken: boolean; readonly summary: AnswerSummary | undefined }
  /** The caller may not go on. The summary is of what was sent, and absent when nothing was. */
  | { readonly kind: 'ended'; readonly error: AppError; readonly status: number; readonly wasTaken: boolean; readonly summary: AnswerSummary | undefined };

const maxRefusalBytes = 256 * 1024;

class ClientLeft extends Error {}

/** The upstream codes its answer in a way that cannot be watched. */
class UnknownCoding extends Error {
  readonly code = 'KEYWARD_UNKNOWN_CODING';
}

/** Sends one request upstream and carries a good answer to `res`. Never rejects; ends exactly once. */
export function attempt(request: AttemptRequest, res: ClientAnswer): Promise<AttemptEnd> {
  // Gone while its body was prepared or another attempt failed: `close` will not come again.
  if (res.destroyed) return Promise.resolve({ kind: 'client_gone', wasTaken: false, summary: undefined });
  const why = request.running.end();
  if (why !== undefined) return Promise.resolve({ kind: 'ended', error: why, status: 0, wasTaken: false, summary: undefined });
  return new Promise((resolve) => {
    const handler = new AttemptHandler(request, res, resolve);
    res.on('close', handler.onClientClose);
    handler.offEnd = request.running.onEnd(handler.onEnd);
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
  readonly #res: ClientAnswer;
  readonly #resolve: (end: AttemptEnd) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #sink: AnswerSink | undefined;
  #decoder: Transform | undefined;
  #unwrapper: AnswerUnwrapper | undefined;
  #hasUpstreamEnded = false;
  #refusal: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly chunks: Buffer[]; size: number } | undefined;
  #status = 0;
  #wasSent = false;
  #hasFirstByte = false;
  #isOver = false;
  #hasClientLeft = false;
  offEnd = (): void => undefined;

  constructor(request: AttemptRequest, res: ClientAnswer, resolve: (end: AttemptEnd) => void) {
    this.#request = request;
    this.#res = res;
    this.#resolve = resolve;
  }

  /** The caller has lost his right: nothing more is sent but why. */
  readonly onEnd = (error: AppError): void => {
    if (this.#isOver) return;
    const summary = this.#breakSink({ message: error.message, type: faults[error.code].type, code: error.code, status: error.status });
    this.#finish({ kind: 'ended', error, status: this.#status, wasTaken: this.#isTaken(), summary });
    this.#controller?.abort(new Error('the caller may not go on'));
  };

  readonly onClientClose = (): void => {
    if (this.#isOver) return;
    this.#hasClientLeft = true;
    this.#controller?.abort(new ClientLeft('the client closed the connection'));
    // Undici has nothing left to abort while the last bytes are being decoded.
    if (this.#hasUpstreamEnded) this.#breakAnswer(new ClientLeft());
    // A request still waiting for a connection has no controller yet; it is aborted when it gets one.
    if (this.#controller === undefined) this.#finish({ kind: 'client_gone', wasTaken: false, summary: undefined });
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasClientLeft || this.#isOver) controller.abort(new ClientLeft('the client closed the connection'));
    else this.#wasSent = true;
  }

  #isTaken(): boolean {
    return this.#wasSent && this.#refusal === undefined;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#request.log.responseHead(status, headers);
    if (status >= 300) {
      this.#refusal = { status, headers, chunks: [], size: 0 };
      return;
    }
    const { envelope } = this.#request;
    if (envelope !== undefined && envelope !== 'whole' && mediaType(headers).includes('json')) {
      controller.abort(new Error('the upstream answered a stream request in one piece'));
      return;
    }
    if (envelope !== undefined) this.#unwrapper = createUnwrapper(envelope);
    const isDecoded = this.#openDecoder(controller, headers);
    if (isDecoded === undefined) controller.abort(new UnknownCoding('the upstream codes its stream in an unknown way'));
    else {
      const sink = openAnswer(this.#request, this.#res, { status, headers, isDecoded, isResized: this.#unwrapper !== undefined, onFirstByte: this.#onFirstByte });
      // A stream that a sign of life has begun cannot become one JSON answer any more.
      if (sink.isWhole && this.#res.headersSent) controller.abort(new Error('the upstream answered a stream request in one piece'));
      else this.#sink = sink;
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#refusal !== undefined) {
      this.#refusal.chunks.push(chunk);
      this.#refusal.size += chunk.length;
      if (this.#refusal.size < maxRefusalBytes) return;
      // Nobody waits for the end of what is not read any more.
      this.#finishRefusal(this.#refusal);
      controller.abort(new Error('the upstream\'s refusal is too long'));
      return;
    }
    const decoder = this.#decoder;
    if (decoder === undefined) this.#take(chunk, controller);
    else if (!decoder.write(chunk)) {
      controller.pause();
      decoder.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    const decoder = this.#decoder;
    if (this.#refusal !== undefined) this.#finishRefusal(this.#refusal);
    else if (decoder === undefined) this.#endAnswer();
    else {
      this.#hasUpstreamEnded = true;
      decoder.once('end', () => this.#endAnswer());
      decoder.end();
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#breakAnswer(cause);
  }

  /** Hands one piece of the answer to the client; `source` waits while the client's socket is full. */
  #take(chunk: Buffer, source: { readonly pause: () => unknown; readonly resume: () => unknown }): void {
    this.#request.log.responseChunk(chunk);
    if (this.#isOver) return;
    try {
      const content = this.#unwrapper === undefined ? chunk : this.#unwrapper.push(chunk);
      if (content === undefined) this.#controller?.abort(new Error('a piece of the upstream\'s answer is too long'));
      else if (content.length > 0 && !this.#write(content)) {
        source.pause();
        this.#res.once('drain', () => source.resume());
      }
    } catch (thrown) {
      // A decoder's event has nobody above it who would catch it: it would end the process.
      this.#breakAnswer(errorOf(thrown));
      this.#controller?.abort(new Error('the answer could not be taken'));
      return;
    }
    if (this.#leaveFailure(false) || this.#isOver || this.#sink?.isOver() !== true) return;
    this.#endAnswer();
    this.#controller?.abort(new Error('the answer was ended before the upstream ended it'));
  }

  /** An answer that began with the upstream's error is a refusal that came late. */
  #leaveFailure(hasEnded: boolean): boolean {
    const failure = this.#sink?.failure();
    if (failure === undefined || this.#isOver) return false;
    const body = withoutSecrets(failure.body, this.#request.secrets);
    this.#request.log.responseChunk(body);
    this.#finish({ kind: 'refused', status: failure.status, headers: {}, body, upstreamBody: body, ownWords: failure.ownWords, isBlameless: failure.isBlameless });
    if (!hasEnded) this.#controller?.abort(new Error('the upstream\'s stream began with an error'));
    return true;
  }

  /** False: the client's socket is full. */
  #write(content: Buffer): boolean {
    const sink = this.#sink;
    if (sink === undefined) return true;
    const hasRoom = sink.write(content);
    if (sink.hasStarted()) this.#onFirstByte();
    return hasRoom;
  }

  readonly #onFirstByte = (): void => {
    if (this.#hasFirstByte) return;
    this.#hasFirstByte = true;
    this.#request.onFirstByte();
  };

  #endAnswer(): void {
    if (this.#isOver) return;
    let summary: AnswerSummary | undefined;
    try {
      const rest = this.#unwrapper?.end();
      if (rest !== undefined && rest.length > 0) this.#write(rest);
      summary = this.#sink?.end();
    } catch (thrown) {
      // Undici would swallow it, and nobody would end the exchange.
      this.#breakAnswer(errorOf(thrown));
      return;
    }
    if (this.#leaveFailure(true)) return;
    if (summary === undefined) this.#finish({ kind: 'broken', cause: new Error('the upstream ended its answer early'), wasSent: true });
    else {
      this.#onFirstByte();
      this.#finish({ kind: 'answered', status: this.#status, summary });
    }
  }

  #breakAnswer(cause: Error): void {
    if (this.#isOver) return;
    const summary = this.#breakSink();
    if (!this.#hasClientLeft && this.#leaveFailure(true)) return;
    if (this.#hasClientLeft || cause instanceof ClientLeft) this.#finish({ kind: 'client_gone', wasTaken: this.#isTaken(), summary });
    else if (this.#refusal !== undefined) this.#finish({ kind: 'refused', status: this.#refusal.status, headers: this.#refusal.headers, body: Buffer.alloc(0), upstreamBody: Buffer.alloc(0) });
    else if (summary === undefined) this.#finish({ kind: 'broken', cause, wasSent: this.#wasSent });
    else this.#finish({ kind: 'answered', status: this.#status, summary });
  }

  /** As the sink breaks off; one that cannot do even that is cut off where it stands. */
  #breakSink(why?: StreamError): AnswerSummary | undefined {
    const sink = this.#sink;
    try {
      return sink?.breakOff(why);
    } catch {
      if (sink?.hasStarted() !== true) return undefined;
      cutConnection(this.#res);
      return { usage: undefined, storedIds: [], response: undefined, isTruncated: true, hasFailed: false, contentBytes: 0, eventCount: 0 };
    }
  }

  #finishRefusal({ status, headers, chunks }: { readonly status: number; readonly headers: IncomingHttpHeaders; readonly chunks: readonly Buffer[] }): void {
    const coding = answerCoding(headers);
    const bytes = Buffer.concat(chunks);
    const told = withoutSecrets(coding === undefined ? bytes : decodeShort(coding, bytes, 4 * maxRefusalBytes), this.#request.secrets);
    const { translation } = this.#request;
    const body = translation === undefined ? told : translation.translateRefusal(status, told);
    this.#request.log.responseChunk(body);
    this.#finish({ kind: 'refused', status, headers: translation === undefined ? headers : { ...headers, 'content-type': 'application/json' }, body, upstreamBody: told });
  }

  /** Whether the answer is decoded on its way; undefined when it would have to be and cannot. */
  #openDecoder(controller: Dispatcher.DispatchController, headers: IncomingHttpHeaders): boolean | undefined {
    const coding = answerCoding(headers);
    if (coding === undefined || this.#request.isBinary) return false;
    const decoder = createAnswerDecoder(coding);
    const isWatched = this.#request.isStream || this.#unwrapper !== undefined || mediaType(headers).startsWith('text/event-stream');
    if (decoder === undefined) return isWatched ? undefined : false;
    decoder.on('data', (chunk: Buffer) => this.#take(chunk, decoder));
    decoder.on('error', (cause) => {
      if (!this.#hasUpstreamEnded) controller.abort(cause);
      this.#breakAnswer(cause);
    });
    this.#decoder = decoder;
    return true;
  }

  #finish(end: AttemptEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#res.off('close', this.onClientClose);
    this.offEnd();
    this.#decoder?.destroy();
    this.#resolve(end);
  }
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('the answer could not be carried on');
}
