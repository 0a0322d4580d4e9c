import type { IrError } from '../codec.ts';
import { isRecord, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { codeOf, errorIn, messageOf, typeOfStatus } from '../openai-error-envelope.ts';
import type { StreamError } from '../stream-error.ts';
import { statusOfError } from '../stream-opening.ts';

/** An error body: OpenAI's `error` object, or what imitations have in its place (`detail`, a bare `message`, a list of one). */
export function decodeError(status: number, body: unknown): IrError {
  const error = errorIn(Array.isArray(body) ? body[0] : body);
  return {
    status,
    message: messageOf(error) ?? `The upstream refused the request with status ${status}.`,
    type: typeOf(error, status),
    code: codeOf(error),
    param: textOf(memberOf(error, 'param')),
  };
}

/** @see https://developers.openai.com/api/docs/guides/error-codes */
export function encodeError({ message, type, code, param }: IrError, requestId: string): JsonRecord {
  return { error: { message, type, param: param ?? null, code: code ?? null, request_id: requestId } };
}

/** The error that an event of a stream states; undefined for one that states none. */
export function streamErrorIn(payload: JsonRecord, event: string): StreamError | undefined {
  const stated = payload['error'];
  const isError = isRecord(stated) || (typeof stated === 'string' && stated !== '') || payload['object'] === 'error' || event === 'error';
  if (isError) return streamError(errorIn(payload));
  for (const choice of Array.isArray(payload['choices']) ? payload['choices'] : []) {
    const inner = memberOf(choice, 'error');
    if (isRecord(inner) || memberOf(choice, 'finish_reason') === 'error') return streamError(inner);
  }
  return undefined;
}

function streamError(error: unknown): StreamError {
  const status = statusOfError(error);
  return { message: messageOf(error) ?? 'The upstream failed.', type: typeOf(error, status), code: codeOf(error) ?? 'upstream_error', status };
}

/** OpenAI's own words stand; others' (`BadRequestError`, `requests`) become the status's. */
function typeOf(error: unknown, status: number): string {
  const type = textOf(memberOf(error, 'type'));
  if (type?.endsWith('_error') === true || type === 'insufficient_quota') return type;
  return typeOfStatus(status);
}
