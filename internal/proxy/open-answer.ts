import type { IncomingHttpHeaders } from 'node:http';
import type { ClientAnswer } from '../http/client-answer.ts';
import { passesDown, sendableValue, tellsRates } from '../providers/header-lists.ts';
import { answerCoding } from './answer-coding.ts';
import { createStreamSink, createWholeSink, type AnswerHead, type AnswerSink } from './answer-sink.ts';
import type { AttemptRequest } from './attempt.ts';

/** How a good answer begins. */
export interface AnswerBeginning {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its coding is taken off on the way. */
  readonly isDecoded: boolean;
  /** So is an envelope, which makes it shorter than the upstream stated. */
  readonly isResized: boolean;
  readonly onFirstByte: () => void;
}

/** What takes a good answer to the client, by what was asked for and by what the upstream's head says it is. */
export function openAnswer(request: AttemptRequest, res: ClientAnswer, { status, headers, isDecoded, isResized, onFirstByte }: AnswerBeginning): AnswerSink {
  const { dialect, isStream, isBinary, envelope, secrets, clock, keepAlive, translation } = request;
  const contentType = mediaType(headers);
  // A stream that was asked for and is not declared as anything else is one: cut short, it must not look complete.
  const isEventStream = envelope !== undefined ? envelope === 'events' : contentType.startsWith('text/event-stream') || (isStream && dialect !== 'gemini' && !isBinary && !contentType.includes('json'));
  const isCoded = !isDecoded && answerCoding(headers) !== undefined;
  // RFC 9110 §8.6: a 204 states no length, whatever the upstream wrote; its body is empty by definition.
  const isEmpty = status === 204;
  const length = isDecoded || isEmpty ? undefined : headers['content-length'];
  const head: AnswerHead = {
    status,
    headers: answerHeaders(request, headers, isDecoded),
    contentLength: length === undefined || isResized ? undefined : Number(length),
    isFramed: isDecoded || isEmpty || length !== undefined || headers['transfer-encoding'] !== undefined,
  };
  if (translation !== undefined) return translation.openSink(res, head, { isStream: isEventStream, secrets, onFirstByte });
  const watched = { dialect, isWatched: !isCoded, secrets, onFirstByte, clock, keepAlive };
  if (isEventStream) return createStreamSink(res, head, { ...watched, isEventStream: true });
  if (isStream && dialect === 'gemini') return createStreamSink(res, head, { ...watched, isEventStream: false });
  return createWholeSink(res, head, { dialect, isHeld: !isBinary && !isEmpty && contentType.includes('json') && !isCoded, secrets });
}

function answerHeaders(request: AttemptRequest, headers: IncomingHttpHeaders, isDecoded: boolean): readonly string[] {
  const flat = [...request.answerHeaders];
  for (const name in headers) {
    if (!passesDown(name) || (isDecoded && name === 'content-encoding') || (request.hasOwnRates && tellsRates(name))) continue;
    const value = sendableValue(firstOf(headers[name]));
    if (value !== undefined) flat.push(name, name === 'content-type' && request.envelope === 'array' ? 'application/json; charset=UTF-8' : value);
  }
  return flat;
}

/** The content type in lower case, parameters included. @see RFC 9110 §8.3.1 */
export function mediaType(headers: IncomingHttpHeaders): string {
  return firstOf(headers['content-type']).toLowerCase();
}

/** A header that may stand once, whose first value counts where an upstream repeats it. */
function firstOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}
