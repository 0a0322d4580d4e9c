import type { IrError } from '../codec.ts';
import { memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { codeOf, errorIn, messageOf, typeOfStatus } from '../openai-error-envelope.ts';
import { statusOfError } from '../stream-opening.ts';
import type { StreamError } from '../stream-error.ts';

/** An error body: the API's `error` object, or the bare `detail` and `message` of ChatGPT's backend and of imitations. */
export function decodeError(status: number, body: unknown): IrError {
  const error = errorIn(body);
  return {
    status,
    message: messageOf(error) ?? `The upstream refused the request with status ${status}.`,
    type: textOf(memberOf(error, 'type')) ?? typeOfStatus(status),
    code: codeOf(error),
    param: textOf(memberOf(error, 'param')),
  };
}

/** What an `error` event, or the response of `response.failed`, says. */
export function streamErrorIn(payload: unknown): StreamError {
  const error = errorIn(payload);
  const stated = statusOfError(error);
  const status = stated === 502 ? statusOfError(payload) : stated;
  const type = textOf(memberOf(error, 'type'));
  return {
    message: messageOf(error) ?? 'The upstream failed.',
    type: type === undefined || type === 'error' ? typeOfStatus(status) : type,
    code: codeOf(error) ?? 'upstream_error',
    status,
  };
}

/** @see https://developers.openai.com/api/docs/guides/error-codes */
export function encodeError({ message, type, code, param }: IrError, requestId: string): JsonRecord {
  return { error: { message, type, code: code ?? null, param: param ?? null }, request_id: requestId };
}
