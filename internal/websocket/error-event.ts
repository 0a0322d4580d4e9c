import { isRecord, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { statusOfError } from '../dialect/stream-opening.ts';
import type { AppError } from '../fault/app-error.ts';
import { faults, type FaultCode } from '../fault/codes.ts';

/** What stands in an `error` event beside its type. */
interface ErrorParts {
  readonly status: number;
  readonly error: JsonRecord;
  readonly headers?: JsonRecord;
  readonly sequence_number?: number;
}

/** An error of ours as the event that says it on a socket; `type` is first, so that a reader need not look far. */
export function errorEvent(error: AppError, streamId: string | undefined, requestId?: string): string {
  const { code, message, fields } = error;
  const headers = requestId === undefined ? error.headers : { 'x-request-id': requestId, ...error.headers };
  return render({ status: statusOf(code), error: { type: faults[code].type, code, message, param: null, ...fields }, headers }, streamId);
}

/** A refusal over HTTP as an event: what the upstream said, or Keyward in its place. `headers` have lower-case names. */
export function errorEventOf(status: number, headers: ReadonlyMap<string, string>, body: Buffer, streamId: string | undefined): string {
  const stated = memberOf(parseJson(body.toString('utf8')), 'error');
  const error = completed(isRecord(stated) ? stated : {}, `The upstream refused the request with status ${status}.`);
  const code = textOf(error['code']) ?? '';
  const kept = Object.fromEntries(carried.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)]] : [])));
  return render({ status: isFaultCode(code) && faults[code].status === status ? statusOf(code) : status, error, headers: kept }, streamId);
}

/** A stream's own error event, which is flat over HTTP, in the form that sockets have. */
export function errorEventFrom(payload: JsonRecord, streamId: string | undefined): string {
  const nested = memberOf(payload, 'error');
  const { type: _, sequence_number: sequence, stream_id: _lane, error: _error, status: stated, ...flat } = payload;
  const told = isRecord(nested) ? { ...flat, ...nested } : flat;
  const error = completed(told, 'The upstream failed.');
  const code = textOf(error['code']) ?? '';
  const status = numberOf(stated) ?? (isFaultCode(code) ? statusOf(code) : statusOfError(told));
  const number = numberOf(sequence);
  return render({ status, error, ...(number === undefined ? {} : { sequence_number: number }) }, streamId);
}

/** The event with its stream's id, at the end, where parsers that take the last of two members see ours. */
export function withStreamId(event: string, streamId: string | undefined): string {
  if (streamId === undefined) return event;
  const close = event.lastIndexOf('}');
  return `${event.slice(0, close)}${/^\s*\{\s*$/.test(event.slice(0, close)) ? '' : ','}"stream_id":${JSON.stringify(streamId)}}`;
}

/** Headers of an HTTP refusal that its event repeats, as the Go program's does. */
const carried = ['x-request-id', 'retry-after', 'retry-after-ms', 'x-should-retry', 'request-id'] as const;

function completed(error: JsonRecord, fallback: string): JsonRecord {
  return { ...error, type: textOf(error['type']) ?? 'api_error', code: textOf(error['code']) ?? null, message: textOf(error['message']) ?? fallback, param: textOf(error['param']) ?? null };
}

function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(faults, code);
}

/** The guide has 400 here, where HTTP has 404. @see https://developers.openai.com/api/docs/guides/websocket-mode */
function statusOf(code: FaultCode): number {
  return code === 'previous_response_not_found' ? 400 : faults[code].status;
}

function render(parts: ErrorParts, streamId: string | undefined): string {
  const { headers, ...rest } = parts;
  const isBare = headers === undefined || Object.keys(headers).length === 0;
  return withStreamId(JSON.stringify({ type: 'error', ...rest, ...(isBare ? {} : { headers }) }), streamId);
}
