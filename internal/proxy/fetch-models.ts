import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Account } from '../accounts/account.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { modelListPath, speaksAnthropicAlone } from '../providers/endpoint.ts';
import { joinBetas } from '../providers/header-lists.ts';
import { maxModelNameLength } from '../routing/model-index.ts';
import { answerCoding, decodeShort } from './answer-coding.ts';
import type { Tokens } from './login-token.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface FetchModelsDeps {
  readonly upstreams: Upstreams;
  readonly tokens: Pick<Tokens, 'acquire'>;
}

const maxAnswerBytes = 1_048_576;
const maxNames = 2_000;

// No controls, marks of direction or separators but the space, which stands inside alone.
const printable = /^[^\p{C}\p{Z}](?:[^\p{C}\p{Z}]| )*$/u;

/**
 * Asks an account's upstream which models it has, by the account's own credential and proxy. Names come as the upstream
 * calls them; unusable ones are left out. Never rejects; the error is a word for the log (`http_401`, `ECONNREFUSED` …).
 */
export async function fetchModelNames(deps: FetchModelsDeps, account: Account, proxyUrl: string, signal: AbortSignal): Promise<Result<readonly string[], string>> {
  try {
    const upstream = await deps.upstreams.prepare(account, proxyUrl);
    const path = modelListPath(account, upstream.basePath);
    if (path === undefined) return err('no_model_list');
    const { credential } = account;
    const token = credential.kind === 'login' ? await deps.tokens.acquire(credential.loginKey, signal) : undefined;
    if (token !== undefined && !token.ok) return err(token.error.reason);
    const answer = await send(upstream, path, requestHeaders(account, upstream, token?.value.value), signal);
    if (answer.status !== 200) return err(`http_${answer.status}`);
    const names = readNames(answer.body);
    return names === undefined ? err('not_a_model_list') : ok(names);
  } catch (thrown) {
    return err(codeOf(thrown));
  }
}

function requestHeaders({ anthropicBetas, dialects }: Account, { fixedHeaders, fixedNames }: Upstream, token: string | undefined): string[] {
  const flat = [...fixedHeaders, 'accept', 'application/json', 'accept-encoding', 'identity'];
  if (token !== undefined && !fixedNames.has('authorization')) flat.push('authorization', `Bearer ${token}`);
  if (!speaksAnthropicAlone({ dialects })) return flat;
  if (!fixedNames.has('anthropic-version')) flat.push('anthropic-version', '2023-06-01');
  if (anthropicBetas.length > 0 && !fixedNames.has('anthropic-beta')) flat.push('anthropic-beta', joinBetas('', anthropicBetas));
  return flat;
}

/**
 * `data[].id` (OpenAI, Anthropic), `models[].name` (Gemini), or the list by itself, as some endpoints have it. Undefined for
 * anything else.
 */
export function readNames(body: Buffer): readonly string[] | undefined {
  const plain = parseJson(body);
  const list = Array.isArray(plain) ? plain : (memberOf(plain, 'data') ?? memberOf(plain, 'models'));
  if (!Array.isArray(list)) return undefined;
  const names = new Set<string>();
  for (const item of list) {
    const name = nameOf(item);
    if (name.length <= maxModelNameLength && printable.test(name) && !name.endsWith(' ')) names.add(name);
    if (names.size === maxNames) break;
  }
  return [...names];
}

function nameOf(item: unknown): string {
  const id = memberOf(item, 'id');
  if (typeof id === 'string') return id;
  const resource = memberOf(item, 'name');
  return typeof resource === 'string' ? resource.replace(/^models\//, '') : '';
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function send(upstream: Upstream, path: string, headers: string[], signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const handler = new ListHandler(resolve, reject);
    const onAbort = (): void => handler.abort(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    handler.onOver = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else upstream.dispatcher.dispatch({ origin: upstream.origin, method: 'GET', path, headers, body: null, headersTimeout: 0, bodyTimeout: 0 }, handler);
  });
}

class TooLarge extends Error {
  readonly code = 'too_large';
}

/** Undici's view of one request for a list; ends exactly once. */
class ListHandler implements Dispatcher.DispatchHandler {
  onOver: () => void = () => undefined;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (cause: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #abortCause: Error | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(resolve: (answer: Answer) => void, reject: (cause: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Also while it still waits for a connection. */
  abort(cause: Error): void {
    this.#abortCause = cause;
    this.#fail(cause);
    this.#controller?.abort(cause);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abortCause !== undefined) controller.abort(this.#abortCause);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > maxAnswerBytes) this.abort(new TooLarge());
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.onOver();
    const coding = answerCoding(this.#headers);
    const bytes = Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, body: coding === undefined ? bytes : decodeShort(coding, bytes, maxAnswerBytes) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.#fail(cause);
  }

  #fail(cause: Error): void {
    this.onOver();
    this.#reject(cause);
  }
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof AppError) return thrown.code;
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : 'unknown_error';
}
