import type { IrError } from '../codec.ts';
import { textOfNumber } from '../ir/exact-json.ts';
import { isRecord, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
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

function errorIn(body: unknown): unknown {
  for (const name of ['error', 'detail']) {
    const inner = memberOf(body, name);
    if (isRecord(inner) || (typeof inner === 'string' && inner !== '')) return inner;
  }
  return body;
}

function messageOf(error: unknown): string | undefined {
  const text = textOf(error) ?? textOf(memberOf(error, 'message')) ?? textOf(memberOf(error, 'detail'));
  return text === '' ? undefined : text;
}

function codeOf(error: unknown): string | undefined {
  const code = memberOf(error, 'code');
  return textOfNumber(code) ?? textOf(code);
}

const typeByStatus: Readonly<Record<number, string>> = { 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error', 503: 'overloaded_error', 529: 'overloaded_error' };

function typeOfStatus(status: number): string {
  return typeByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
