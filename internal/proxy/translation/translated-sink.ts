import type { AnswerContext, DialectCodec, StreamDecoder, StreamEncoder } from '../../dialect/codec.ts';
import type { IrAnswer, IrUsage } from '../../dialect/ir/answer.ts';
import { createCollector } from '../../dialect/ir/collect.ts';
import { createEventReader } from '../../dialect/ir/event-reader.ts';
import type { IrEvent } from '../../dialect/ir/events.ts';
import { isRecord, memberOf, parseJson, type JsonRecord } from '../../dialect/ir/json.ts';
import { replayAnswer } from '../../dialect/ir/replay.ts';
import { renderStreamError, type StreamError } from '../../dialect/stream-error.ts';
import { statusOfError, type OpeningError } from '../../dialect/stream-opening.ts';
import type { StatedUsage } from '../../dialect/token-usage.ts';
import type { Clock } from '../../clock/clock.ts';
import type { ClientAnswer } from '../../http/client-answer.ts';
import { cutConnection, openingHoldMs, truncation, type AnswerHead, type AnswerSink, type AnswerSummary } from '../answer-sink.ts';
import { streamHeaders, type KeepAlive } from '../keep-alive.ts';
import { errorWithoutSecrets } from '../secret-guard.ts';

/** Between an upstream of one dialect and a client of another. */
export interface TranslationSides {
  readonly upstream: DialectCodec;
  readonly client: DialectCodec;
  readonly context: AnswerContext;
  readonly requestId: string;
}

export interface TranslatedSinkOptions extends TranslationSides {
  readonly res: ClientAnswer;
  readonly head: AnswerHead;
  /** What the client asked for. */
  readonly isClientStream: boolean;
  /** What the upstream sends. */
  readonly isUpstreamStream: boolean;
  /** Not to be told to the client by an error. */
  readonly secrets: readonly string[];
  /** What becomes of the client's stream on the way out; Gemini's array form. */
  readonly reshape: StreamReshaper | undefined;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** Turns the text of an event stream into another form. `end`: what closes it after a clean end. */
export interface StreamReshaper {
  readonly push: (text: string) => string;
  readonly end: () => string;
  readonly headers: readonly string[];
}

/** Larger answers are refused rather than held; pictures make the largest. */
const maxWholeBytes = 64 * 1024 * 1024;
/** Of one event, and as a stream of an answer that is given whole: most of those bytes are wrapping. */
const maxUnfinishedBytes = 64 * 1024 * 1024;
const maxCollectedBytes = 2 * maxWholeBytes;

/** Takes an answer to the client in the client's dialect. Nothing is sent before the upstream has content, or for whole answers the end. */
export function createTranslatedSink(options: TranslatedSinkOptions): AnswerSink {
  const out = options.isClientStream ? streamOutput(options) : wholeOutput(options);
  return options.isUpstreamStream ? streamInput(options, out) : wholeInput(options, out);
}

/** Where the events of an answer go. */
interface Output {
  /** False: the client's socket is full. */
  readonly push: (events: readonly IrEvent[]) => boolean;
  /** All there is. Undefined: nothing usable came and nothing was sent. */
  readonly finish: (isTruncated: boolean, why?: StreamError) => AnswerSummary | undefined;
  readonly hasStarted: () => boolean;
  readonly failure: () => OpeningError | undefined;
}

function streamInput({ upstream, context, isClientStream, secrets }: TranslatedSinkOptions, out: Output): AnswerSink {
  const reader = createEventReader();
  const decoder: StreamDecoder = upstream.createStreamDecoder(context.source);
  let broken = false;
  let size = 0;
  let unfinished = 0;
  const readChunk = (chunk: Buffer): readonly IrEvent[] => {
    size += chunk.length;
    const events = reader.push(chunk);
    unfinished = events.length === 0 ? unfinished + chunk.length : 0;
    if (unfinished <= maxUnfinishedBytes && (isClientStream || size <= maxCollectedBytes)) return events.flatMap((event) => decoder.push(event));
    broken = true;
    return [{ type: 'error', error: tooLarge }];
  };
  const decode = (read: () => readonly IrEvent[]): readonly IrEvent[] => {
    if (broken) return [];
    try {
      return read().map((event) => (event.type === 'error' ? { ...event, error: errorWithoutSecrets(event.error, secrets) } : event));
    } catch {
      // What an upstream sends that is no stream of its dialect: it ends here, as a cut one does.
      broken = true;
      return [{ type: 'error', error: truncation }];
    }
  };
  const finish = (isBroken: boolean): AnswerSummary | undefined => {
    const rest = decode(decoder.end);
    const isTruncated = isBroken && !rest.some(({ type }) => type === 'end');
    out.push(rest);
    return out.finish(isTruncated || rest.some((event) => event.type === 'error' && event.error.code === truncation.code));
  };
  return {
    isWhole: !isClientStream,
    write: (chunk) => out.push(decode(() => readChunk(chunk))),
    end: () => finish(false),
    breakOff: (why) => (why === undefined ? finish(true) : out.finish(true, why)),
    hasStarted: out.hasStarted,
    failure: out.failure,
  };
}

function wholeInput({ upstream, client, context, requestId, isClientStream }: TranslatedSinkOptions, out: Output): AnswerSink {
  const chunks: Buffer[] = [];
  let size = 0;
  let failure: OpeningError | undefined;
  const read = (): IrAnswer | undefined => {
    if (size > maxWholeBytes) {
      failure = failureOf(client, tooLarge, requestId);
      return undefined;
    }
    const body = parseJson(Buffer.concat(chunks).toString('utf8'));
    const error = memberOf(body, 'error');
    if (isRecord(error)) {
      const status = statusOfError(error);
      failure = { status, body: bodyOf(client.encodeError(upstream.decodeError(status, body), requestId)) };
      return undefined;
    }
    try {
      return upstream.decodeAnswer(body, context.source);
    } catch {
      failure = failureOf(client, unreadable, requestId);
      return undefined;
    }
  };
  return {
    isWhole: !isClientStream,
    write: (chunk) => {
      size += chunk.length;
      if (size <= maxWholeBytes) chunks.push(chunk);
      return true;
    },
    end: () => {
      const answer = read();
      if (answer === undefined) return undefined;
      out.push(replayAnswer(answer));
      return out.finish(false);
    },
    breakOff: () => undefined,
    hasStarted: out.hasStarted,
    failure: () => failure ?? out.failure(),
  };
}

/** Writes a stream. Events before the first content are held for a moment, so that an upstream that begins with an error can be left for another. */
function streamOutput({ res, head, client, context, clock, keepAlive, reshape, requestId }: TranslatedSinkOptions): Output {
  const encoder: StreamEncoder = client.createStreamEncoder(context);
  let held: IrEvent[] | undefined = [];
  let hold: AbortController | undefined;
  let failure: OpeningError | undefined;
  let usage: StatedUsage | undefined;
  let bytes = 0;
  let deltas = 0;
  let response: JsonRecord | undefined;
  let hasFailed = false;
  let hasStarted = false;
  let isOver = false;

  const send = (text: string): boolean => {
    if (text === '') return true;
    const shaped = reshape === undefined ? text : reshape.push(text);
    if (!hasStarted) {
      hasStarted = true;
      if (!res.headersSent) res.writeHead(200, [...withoutBodyHeaders(head.headers), ...(reshape?.headers ?? streamHeaders)]);
      keepAlive.follow(() => true);
    }
    keepAlive.touch();
    bytes += shaped.length;
    return shaped === '' || res.write(shaped);
  };
  const encode = (events: readonly IrEvent[]): string => {
    let text = '';
    for (const event of events) {
      if (event.type === 'usage') usage = statedUsage(event.usage);
      else if (event.type === 'delta') deltas++;
      else if (event.type === 'error') hasFailed = true;
      if (isOver) continue;
      try {
        const written = encoder.push(event);
        if (event.type === 'end' && client.dialect === 'openai-responses') response = responseIn(written);
        text += written;
      } catch {
        // A decoder's mistake must not become an answer that looks whole.
        isOver = true;
        hasFailed = true;
        text += renderStreamError(client.dialect, untranslatable, true);
      }
    }
    return text;
  };
  const release = (): boolean => {
    const events = held ?? [];
    held = undefined;
    hold?.abort();
    return send(encode(events));
  };

  return {
    push: (events) => {
      if (held === undefined) return send(encode(events));
      for (const [index, event] of events.entries()) {
        if (event.type === 'error') {
          failure = failureOf(client, event.error, requestId);
          // Another account may answer by now when the wait would end.
          held = [];
          hold?.abort();
          return true;
        }
        held.push(event);
        if (isContent(event)) {
          held.push(...events.slice(index + 1));
          return release();
        }
      }
      if (hold === undefined && held.length > 0) {
        hold = new AbortController();
        clock.sleep(openingHoldMs, hold.signal).then(release, () => undefined);
      }
      return true;
    },
    finish: (isTruncated, why = truncation) => {
      hold?.abort();
      if (!hasStarted) return undefined;
      if (isTruncated) {
        if (!hasFailed) send(encode([{ type: 'error', error: why }]));
        cutConnection(res);
      } else {
        if (reshape !== undefined && !hasFailed) res.write(reshape.end());
        res.end();
      }
      return { usage, storedIds: [], response, isTruncated, hasFailed, answerBytes: bytes, eventCount: deltas };
    },
    hasStarted: () => hasStarted,
    failure: () => failure,
  };
}

/** Collects a stream and answers in one piece. */
function wholeOutput({ res, head, client, context, requestId }: TranslatedSinkOptions): Output {
  const collector = createCollector();
  let failure: OpeningError | undefined;
  const encode = (answer: IrAnswer): { readonly record: JsonRecord; readonly body: Buffer } | undefined => {
    try {
      const record = client.encodeAnswer(answer, context);
      return { record, body: bodyOf(record) };
    } catch {
      // Arguments nested deeper than can be written, say.
      failure = failureOf(client, unreadable, requestId);
      return undefined;
    }
  };
  return {
    push: (events) => {
      for (const event of events) {
        collector.push(event);
        if (event.type === 'error') failure = failureOf(client, event.error, requestId);
      }
      return true;
    },
    finish: () => {
      const result = collector.result();
      if (result?.ok !== true) return undefined;
      const encoded = encode(result.answer);
      if (encoded === undefined) return undefined;
      const { record, body } = encoded;
      res.writeHead(200, [...withoutBodyHeaders(head.headers), 'content-type', 'application/json', 'content-length', String(body.length)]);
      res.end(body.toString('latin1'), 'latin1');
      const { usage } = result.answer;
      return { usage: usage === undefined ? undefined : statedUsage(usage), storedIds: [], response: client.dialect === 'openai-responses' ? record : undefined, isTruncated: false, hasFailed: false, answerBytes: body.length, eventCount: 0 };
    },
    hasStarted: () => res.headersSent,
    failure: () => failure,
  };
}

/** The response object in a Responses stream's terminal event. */
function responseIn(text: string): JsonRecord | undefined {
  const response = memberOf(parseJson(text.slice(text.lastIndexOf('\ndata: ') + 7)), 'response');
  return isRecord(response) ? response : undefined;
}

const unreadable: StreamError = { message: 'The upstream answered with something that is no answer of its dialect.', type: 'api_error', code: 'upstream_error', status: 502 };
export const tooLarge: StreamError = { message: 'The upstream\'s answer is too large to be carried over.', type: 'api_error', code: 'upstream_error', status: 502 };
const untranslatable: StreamError = { message: 'The upstream\'s stream could not be carried over; what came so far is not the whole answer.', type: 'api_error', code: 'stream_truncated', status: 502 };

function isContent({ type }: IrEvent): boolean {
  return type !== 'start' && type !== 'ping' && type !== 'usage' && type !== 'tier';
}

/** Said by Keyward, not by an upstream. */
const own: ReadonlySet<StreamError> = new Set([unreadable, tooLarge, truncation]);

function failureOf(client: DialectCodec, error: StreamError, requestId: string): OpeningError {
  const { message, type, code } = error;
  const status = error.status >= 400 && error.status < 600 ? error.status : 502;
  return { status, body: bodyOf(client.encodeError({ status, message, type, code }, requestId)), ownWords: own.has(error) ? message : undefined };
}

function bodyOf(record: JsonRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

function statedUsage({ input, output, reasoning, cachedInput }: IrUsage): StatedUsage {
  return { input, output, reasoning, cached: cachedInput };
}

const aboutBody: ReadonlySet<string> = new Set(['content-type', 'cache-control', 'content-encoding', 'content-disposition', 'content-language']);

/** Headers that speak of the upstream's body say nothing of the translated one. */
export function withoutBodyHeaders(flat: readonly string[]): string[] {
  return flat.filter((_, index) => !aboutBody.has((flat[index - (index % 2)] ?? '').toLowerCase()));
}
