import type { AnswerContext, DialectCodec, StreamEncoder } from '../../dialect/codec.ts';
import type { IrAnswer, IrUsage } from '../../dialect/ir/answer.ts';
import { createCollector, type Collector } from '../../dialect/ir/collect.ts';
import type { IrEvent } from '../../dialect/ir/events.ts';
import { isRecord, memberOf, parseJson, type JsonRecord } from '../../dialect/ir/json.ts';
import { renderStreamError, truncated, type StreamError } from '../../dialect/stream-error.ts';
import type { OpeningError } from '../../dialect/stream-opening.ts';
import { boundedCount, type StatedUsage } from '../../dialect/token-usage.ts';
import type { Clock } from '../../clock/clock.ts';
import type { ClientAnswer } from '../../http/client-answer.ts';
import { cutConnection, openingHoldMs, type AnswerHead, type AnswerSummary } from '../answer-sink.ts';
import { streamHeaders, type KeepAlive } from '../keep-alive.ts';
import { bodyOf, failureOf, untranslatable } from './answer-faults.ts';

/** Where the events of an answer go. */
export interface Output {
  /** False: the client's socket is full. */
  readonly push: (events: readonly IrEvent[]) => boolean;
  /** All there is. Undefined: nothing usable came and nothing was sent. */
  readonly finish: (isTruncated: boolean, why?: StreamError) => AnswerSummary | undefined;
  readonly hasStarted: () => boolean;
  readonly failure: () => OpeningError | undefined;
  /** The client was told that it ends here; what else comes is for nobody. */
  readonly isOver: () => boolean;
}

export interface OutputOptions {
  readonly res: ClientAnswer;
  readonly head: AnswerHead;
  readonly client: DialectCodec;
  readonly context: AnswerContext;
  readonly requestId: string;
  /** What becomes of the client's stream on the way out; Gemini's array form. */
  readonly reshape: StreamReshaper | undefined;
  /** The first byte of the answer is on its way. */
  readonly onFirstByte: () => void;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** Turns the text of an event stream into another form. `end`: what closes it after a clean end. */
export interface StreamReshaper {
  readonly push: (text: string) => string;
  readonly end: () => string;
  readonly headers: readonly string[];
}

/** Writes a stream. Events before the first content are held for a moment, so that an upstream that begins with an error can be left for another. */
export function streamOutput({ res, head, client, context, clock, keepAlive, reshape, requestId, onFirstByte }: OutputOptions): Output {
  const encoder: StreamEncoder = client.createStreamEncoder(context);
  let held: IrEvent[] | undefined = [];
  let hold: AbortController | undefined;
  let failure: OpeningError | undefined;
  let usage: StatedUsage | undefined;
  let deltas = 0;
  let content = 0;
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
      onFirstByte();
    }
    keepAlive.touch();
    return shaped === '' || res.write(shaped);
  };
  const encode = (events: readonly IrEvent[]): string => {
    let text = '';
    for (const event of events) {
      if (event.type === 'usage') usage = statedUsage(event.usage);
      else if (event.type === 'delta') {
        deltas++;
        content += Buffer.byteLength(event.text);
      } else if (event.type === 'error') hasFailed = true;
      if (isOver) continue;
      try {
        const written = encoder.push(event);
        if (event.type === 'end' && client.dialect === 'openai-responses') response = responseIn(written);
        text += written;
        isOver = event.type === 'error';
      } catch {
        // What the dialect cannot say, or a decoder's mistake, must not become an answer that looks whole.
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
          for (const later of events.slice(index + 1)) held.push(later);
          return release();
        }
      }
      if (hold === undefined && held.length > 0) {
        hold = new AbortController();
        clock.sleep(openingHoldMs, hold.signal).then(release, () => undefined);
      }
      return true;
    },
    finish: (isTruncated, why = truncated) => {
      hold?.abort();
      if (!hasStarted) return undefined;
      if (isTruncated) {
        if (!hasFailed) send(encode([{ type: 'error', error: why }]));
        cutConnection(res);
      } else {
        if (reshape !== undefined && !hasFailed) res.write(reshape.end());
        res.end();
      }
      return { usage, storedIds: [], response, isTruncated, hasFailed, contentBytes: content, eventCount: deltas };
    },
    hasStarted: () => hasStarted,
    failure: () => failure,
    isOver: () => isOver,
  };
}

/** Collects a stream and answers in one piece. */
export function wholeOutput({ res, head, client, context, requestId }: OutputOptions): Output {
  const collector = createCollector();
  let failure: OpeningError | undefined;
  const encode = (answer: IrAnswer): { readonly record: JsonRecord; readonly body: Buffer } | undefined => {
    try {
      const record = client.encodeAnswer(answer, context);
      return { record, body: bodyOf(record) };
    } catch {
      // Arguments nested deeper than can be written, say. The account did what it was asked for.
      failure = failureOf(client, untranslatable, requestId);
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
      const answer = answerOf(collector);
      const encoded = answer === undefined ? undefined : encode(answer);
      if (answer === undefined || encoded === undefined) return undefined;
      const { record, body } = encoded;
      res.writeHead(200, [...withoutBodyHeaders(head.headers), 'content-type', 'application/json', 'content-length', String(body.length)]);
      res.end(body.toString('latin1'), 'latin1');
      const { usage } = answer;
      return { usage: usage === undefined ? undefined : statedUsage(usage), storedIds: [], response: client.dialect === 'openai-responses' ? record : undefined, isTruncated: false, hasFailed: false, contentBytes: body.length, eventCount: 0 };
    },
    hasStarted: () => res.headersSent,
    failure: () => failure,
    isOver: () => false,
  };
}

function answerOf(collector: Collector): IrAnswer | undefined {
  const result = collector.result();
  return result?.ok === true ? result.answer : undefined;
}

/** The response object in a Responses stream's terminal event. */
function responseIn(text: string): JsonRecord | undefined {
  const response = memberOf(parseJson(text.slice(text.lastIndexOf('\ndata: ') + 7)), 'response');
  return isRecord(response) ? response : undefined;
}

function isContent({ type }: IrEvent): boolean {
  return type !== 'start' && type !== 'ping' && type !== 'usage' && type !== 'tier';
}

function statedUsage({ input, output, reasoning, cachedInput }: IrUsage): StatedUsage {
  return { input: boundedCount(input), output: boundedCount(output), reasoning: boundedCount(reasoning), cached: boundedCount(cachedInput) };
}

const aboutBody: ReadonlySet<string> = new Set(['content-type', 'cache-control', 'content-encoding', 'content-disposition', 'content-language']);

/** Headers that speak of the upstream's body say nothing of the translated one. */
export function withoutBodyHeaders(flat: readonly string[]): string[] {
  return flat.filter((_, index) => !aboutBody.has((flat[index - (index % 2)] ?? '').toLowerCase()));
}
