import type { Clock } from '../clock/clock.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { JsonRecord } from '../dialect/ir/json.ts';
import { endOfValue } from '../dialect/json-scan.ts';
import { renderStreamError, truncated, type StreamError } from '../dialect/stream-error.ts';
import { watchOpening, type OpeningError } from '../dialect/stream-opening.ts';
import { idsOfResponse, watchEventStream, watchGeminiArray, type StreamWatch } from '../dialect/stream-watch.ts';
import { findUsage, type StatedUsage } from '../dialect/token-usage.ts';
import type { ClientAnswer } from '../http/client-answer.ts';
import type { KeepAlive } from './keep-alive.ts';
import { clearIfError, guardArray, guardEventStream } from './secret-guard.ts';

/** What became of an answer once the upstream had nothing more to say. */
export interface AnswerSummary {
  readonly usage: StatedUsage | undefined;
  readonly storedIds: readonly string[];
  /** The whole response object as the client got it; Responses streams, and whatever was translated. */
  readonly response: JsonRecord | undefined;
  /** The upstream stopped before its dialect's end; the client was told in the dialect's own words or by a broken connection. */
  readonly isTruncated: boolean;
  /** The upstream ended the stream with its own error event. */
  readonly hasFailed: boolean;
  /** Of what was generated, without what is around it in a stream's events; of an answer in one piece, all of it. */
  readonly contentBytes: number;
  readonly eventCount: number;
}

/** Takes one successful upstream answer to the client. */
export interface AnswerSink {
  /** It answers in one piece, with a head of its own. */
  readonly isWhole: boolean;
  /** False: pause the upstream until the client's socket drains. */
  readonly write: (chunk: Buffer) => boolean;
  /** The upstream ended cleanly. Undefined: the answer turned out broken and nothing was sent. */
  readonly end: () => AnswerSummary | undefined;
  /** The upstream broke off, or `why` else the answer ends here. Undefined: nothing was sent yet, another account may be tried. */
  readonly breakOff: (why?: StreamError) => AnswerSummary | undefined;
  /** True once a byte of the answer is on its way. */
  readonly hasStarted: () => boolean;
  /** The answer turned out to be an error before any of it was sent; another account may be tried. */
  readonly failure: () => OpeningError | undefined;
  /** The client was told that the answer ends here: it is to be ended, whatever else the upstream sends. */
  readonly isOver: () => boolean;
}

export interface AnswerHead {
  readonly status: number;
  /** Flat name–value list, without framing headers. */
  readonly headers: readonly string[];
  /** Undefined when the upstream framed its answer otherwise. */
  readonly contentLength: number | undefined;
  /** The upstream delimited the body by length or chunks, so that a cut cannot look like an end. */
  readonly isFramed: boolean;
}

/** Answers up to this size are sent in one piece, and only once they are whole. */
const maxHeldBytes = 64 * 1024;
const maxTailBytes = 16 * 1024;
const maxHeadBytes = 4_096;

export interface StreamSinkOptions {
  readonly dialect: Dialect;
  /** Otherwise Gemini's JSON array. */
  readonly isEventStream: boolean;
  readonly isWatched: boolean;
  /** Not to be told to the client by an error. */
  readonly secrets: readonly string[];
  /** The first byte is on its way, be it because a wait has ended. */
  readonly onFirstByte: () => void;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** A stream that has said nothing but that it begins is held back this long, since another account may still be tried. */
export const openingHoldMs = 250;

/** A streamed answer: every chunk goes on as it comes; an early end becomes the dialect's error event (security rule 16). */
export function createStreamSink(res: ClientAnswer, head: AnswerHead, options: StreamSinkOptions): AnswerSink {
  const { dialect, isEventStream, isWatched, secrets, onFirstByte, clock, keepAlive } = options;
  const watch: StreamWatch = isEventStream ? watchEventStream(dialect) : watchGeminiArray();
  const guard = !isWatched || secrets.length === 0 ? undefined : isEventStream ? guardEventStream(secrets) : guardArray(secrets, watch.isBetweenParts);
  const judgeOpening = isEventStream && isWatched ? watchOpening(dialect) : undefined;
  let held: Buffer[] | undefined = judgeOpening === undefined ? undefined : [];
  let failure: OpeningError | undefined;
  let hold: AbortController | undefined;
  let bytes = 0;
  let hasStarted = false;
  const send = (chunk: Buffer): boolean => {
    if (!hasStarted) {
      hasStarted = true;
      if (!res.headersSent) res.writeHead(head.status, [...head.headers, 'x-accel-buffering', 'no']);
      if (isEventStream) keepAlive.follow(watch.isBetweenEvents);
      onFirstByte();
    }
    keepAlive.touch();
    return res.write(chunk);
  };
  const release = (): boolean => {
    const chunks = held ?? [];
    held = undefined;
    hold?.abort();
    const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    return all.length === 0 || send(all);
  };
  const holdFor = (): void => {
    if (hold !== undefined) return;
    hold = new AbortController();
    // Whoever releases first ends the wait.
    clock.sleep(openingHoldMs, hold.signal).then(release, () => undefined);
  };
  const summary = (isTruncated: boolean): AnswerSummary => ({
    usage: watch.usage(),
    storedIds: watch.storedIds(),
    response: watch.response(),
    isTruncated,
    hasFailed: watch.hasFailed(),
    contentBytes: isWatched ? watch.contentBytes() : bytes,
    eventCount: watch.eventCount(),
  });
  const sendRest = (): void => {
    const rest = guard?.end();
    if (rest !== undefined && rest.length > 0) send(rest);
  };
  const fail = (why: StreamError = truncated): AnswerSummary => {
    sendRest();
    if (isEventStream && !watch.hasFailed()) res.write(renderStreamError(dialect, why, watch.isBetweenEvents()));
    cutConnection(res);
    return summary(true);
  };
  return {
    isWhole: false,
    write: (chunk) => {
      bytes += chunk.length;
      if (isWatched) watch.push(chunk);
      const told = guard === undefined ? chunk : guard.push(chunk);
      if (held === undefined || judgeOpening === undefined) return told.length === 0 || send(told);
      held.push(told);
      const opening = judgeOpening(chunk);
      if (opening.kind === 'content') return release();
      if (opening.kind === 'failed') {
        failure = opening.error;
        // Another account may answer by now when the wait would end.
        held = [];
        hold?.abort();
      } else holdFor();
      return true;
    },
    end: () => {
      hold?.abort();
      if (!isWatched || watch.isComplete()) {
        release();
        sendRest();
        if (!hasStarted) send(nothing);
        res.end();
        return summary(false);
      }
      return hasStarted ? fail() : undefined;
    },
    breakOff: (why) => {
      hold?.abort();
      if (!hasStarted) return undefined;
      // What comes after the terminal mark is nothing the client waits for; Gemini's is no event of its own.
      if (!isWatched || dialect === 'gemini' || !watch.isComplete()) return fail(why);
      sendRest();
      res.end();
      return summary(false);
    },
    hasStarted: () => hasStarted,
    failure: () => failure,
    isOver: () => false,
  };
}

const nothing = Buffer.alloc(0);

export interface WholeSinkOptions {
  readonly dialect: Dialect;
  readonly isHeld: boolean;
  /** Not to be told to the client by an error. */
  readonly secrets: readonly string[];
}

/** A whole answer: held back while small, so that a broken one can be retried or refused; larger ones flow. */
export function createWholeSink(res: ClientAnswer, head: AnswerHead, { dialect, isHeld, secrets }: WholeSinkOptions): AnswerSink {
  let held: Buffer[] | undefined = isHeld && (head.contentLength ?? 0) <= maxHeldBytes ? [] : undefined;
  let bytes = 0;
  let tail: Buffer[] = [];
  let tailBytes = 0;
  /** The beginning of an answer that flows; a response's id stands there. */
  let beginning: Buffer = Buffer.alloc(0);

  const keepTail = (chunk: Buffer): void => {
    tail.push(chunk);
    tailBytes += chunk.length;
    while (tail.length > 1 && tailBytes - (tail[0]?.length ?? 0) >= maxTailBytes) tailBytes -= tail.shift()?.length ?? 0;
  };
  const start = (): void => {
    const length = head.contentLength === undefined ? [] : ['content-length', String(head.contentLength)];
    res.writeHead(head.status, [...head.headers, ...length]);
  };
  const summary = (isTruncated: boolean, body: Buffer): AnswerSummary => ({
    usage: findUsage(dialect, body),
    storedIds: dialect !== 'openai-responses' ? [] : held === undefined ? firstId(beginning) : idsOfAnswer(body),
    response: undefined,
    isTruncated,
    hasFailed: false,
    contentBytes: bytes,
    eventCount: 0,
  });
  return {
    isWhole: true,
    write: (chunk) => {
      bytes += chunk.length;
      if (held !== undefined) {
        held.push(chunk);
        if (bytes <= maxHeldBytes) return true;
        start();
        const all = held;
        held = undefined;
        for (const piece of all) keepTail(piece);
        const whole = Buffer.concat(all);
        beginning = Buffer.from(whole.subarray(0, maxHeadBytes));
        return res.write(whole);
      }
      if (!res.headersSent) start();
      if (beginning.length < maxHeadBytes) beginning = Buffer.concat([beginning, chunk.subarray(0, maxHeadBytes - beginning.length)]);
      keepTail(chunk);
      return res.write(chunk);
    },
    end: () => {
      if (held === undefined) {
        if (!res.headersSent) start();
        res.end();
        return summary(false, Buffer.concat(tail));
      }
      const whole = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
      const body = clearIfError(whole, secrets);
      if (!head.isFramed && endOfValue(body, 0) < 0) return undefined;
      res.writeHead(head.status, [...head.headers, 'content-length', String(body.length)]);
      // As a latin1 string the bytes leave in one write together with the head; a Buffer would take a vectored one.
      res.end(body.toString('latin1'), 'latin1');
      return summary(false, body);
    },
    breakOff: () => {
      if (held !== undefined || !res.headersSent) return undefined;
      cutConnection(res);
      return summary(true, Buffer.concat(tail));
    },
    hasStarted: () => res.headersSent,
    failure: () => undefined,
    isOver: () => false,
  };
}

/** Sends what is buffered, then closes the socket without the chunk that would mark a clean end. */
export function cutConnection(res: ClientAnswer): void {
  res.socket?.destroySoon();
}

function idsOfAnswer(body: Buffer): readonly string[] {
  try {
    return idsOfResponse(JSON.parse(body.toString('utf8')));
  } catch {
    return [];
  }
}

/** Of an answer that is not whole here, the first id, which vendors put at its beginning: the response's. */
function firstId(beginning: Buffer): readonly string[] {
  const id = /"id"\s*:\s*"([\w-]{1,256})"/.exec(beginning.toString('latin1'))?.[1];
  return id === undefined ? [] : [id];
}
