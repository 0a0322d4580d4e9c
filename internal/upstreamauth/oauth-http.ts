import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock/clock.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { usableEndpoint } from './endpoint-url.ts';

/** One request to a vendor's login endpoints. */
export interface VendorRequest {
  readonly url: string;
  /** As `LoginProfile` has it. */
  readonly allowsPlainHttp: boolean;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Lower-case names; `user-agent` is ours whatever stands here. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** As `Dispatchers.find` takes it. */
  readonly proxyUrl: string;
  readonly signal: AbortSignal | undefined;
  /** Shortens the client's own time limit. */
  readonly timeoutMs?: number;
}

export type VendorAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
  /** `code`: Node's or undici's (`ECONNREFUSED` …), `KEYWARD_TIMEOUT`, `KEYWARD_ABORTED`, `KEYWARD_ADDRESS_REFUSED`, `KEYWARD_TOO_LARGE`. */
  | { readonly kind: 'failed'; readonly wasSent: boolean; readonly code: string };

export interface OAuthHttp {
  /** Sends once, over a connection of its own; follows no redirect. Never rejects. */
  readonly send: (request: VendorRequest) => Promise<VendorAnswer>;
}

export interface OAuthHttpDeps {
  readonly clock: Clock;
  readonly dispatchers: Dispatchers;
  readonly userAgent: string;
  /** From the first step to the last byte; 30,000 unless told. */
  readonly requestTimeoutMs?: number;
}

const maxAnswerBytes = 1024 * 1024;

/** The way to the vendors' login endpoints: by our dispatchers, so that proxies and the guard on addresses apply. */
export function createOAuthHttp(deps: OAuthHttpDeps): OAuthHttp {
  const limitMs = deps.requestTimeoutMs ?? 30_000;
  return {
    send: async (request) => {
      const url = usableEndpoint(request.url, request.allowsPlainHttp);
      if (url === undefined) return { kind: 'failed', wasSent: false, code: 'KEYWARD_ADDRESS_REFUSED' };
      const attempt = new Exchange();
      const stop = new AbortController();
      const onAbort = (): void => attempt.abort('KEYWARD_ABORTED');
      if (request.signal?.aborted === true) onAbort();
      request.signal?.addEventListener('abort', onAbort, { once: true });
      deps.clock.sleep(Math.min(limitMs, request.timeoutMs ?? limitMs), stop.signal).then(
        () => attempt.abort('KEYWARD_TIMEOUT'),
        () => undefined,
      );
      try {
        const dispatcher = await deps.dispatchers.find(url.origin, request.proxyUrl);
        attempt.start(dispatcher, url, request, deps.userAgent);
        return await attempt.ended;
      } catch (cause) {
        return { kind: 'failed', wasSent: false, code: codeOf(cause) };
      } finally {
        stop.abort();
        request.signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** Undici's view of one request; ends exactly once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<VendorAnswer>;
  #settle: (answer: VendorAnswer) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #abortCode: string | undefined;
  #wasSent = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  start(dispatcher: Dispatcher, url: URL, request: VendorRequest, userAgent: string): void {
    if (this.#abortCode !== undefined) return;
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: request.method,
        headers: { accept: 'application/json', ...request.headers, 'user-agent': userAgent },
        body: request.body ?? null,
        // A kept-alive socket may die as the request is written: then nobody knows whether a refresh token was spent.
        reset: true,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      this,
    );
  }

  abort(code: string): void {
    if (this.#abortCode !== undefined) return;
    this.#abortCode = code;
    this.#settle({ kind: 'failed', wasSent: this.#wasSent, code });
    this.#controller?.abort(new Error(code));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Ended while it waited for its connection: nothing is written after that was reported.
    if (this.#abortCode === undefined) this.#wasSent = true;
    else controller.abort(new Error(this.#abortCode));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > maxAnswerBytes) this.abort('KEYWARD_TOO_LARGE');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle({ kind: 'answered', status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#settle({ kind: 'failed', wasSent: this.#wasSent, code: codeOf(cause) });
  }
}

function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : 'unknown_error';
}
