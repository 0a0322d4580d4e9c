import type { IrError } from '../codec.ts';
import { isRecord, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { StreamError } from '../stream-error.ts';
import { statusOfError } from '../stream-opening.ts';

const typeByStatus: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** The dialect's word for an error: the one it came with if it is one of these, else by its status. */
export function typeOf({ type, status }: Pick<IrError, 'type' | 'status'>): string {
  return Object.values(typeByStatus).includes(type) || type === 'api_error' ? type : typeFor(status);
}

function typeFor(status: number): string {
  return typeByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** Anthropic names the cause in `details`, imitations beside the message. */
function codeOf(error: unknown): string | undefined {
  return textOf(memberOf(memberOf(error, 'details'), 'error_code')) ?? textOf(memberOf(error, 'code'));
}

/** `{"type":"error","error":{…}}`, or what imitations have in its place. @see https://platform.claude.com/docs/en/api/errors */
export function decodeError(status: number, body: unknown): IrError {
  const error = memberOf(body, 'error') ?? body;
  const message = textOf(error) ?? textOf(memberOf(error, 'message'));
  return {
    status,
    message: message === undefined || message === '' ? `The upstream refused the request with status ${status}.` : message,
    type: textOf(memberOf(error, 'type')) ?? typeFor(status),
    code: codeOf(error),
    param: textOf(memberOf(error, 'param')),
  };
}

export function encodeError(error: IrError, requestId: string): JsonRecord {
  const { message, code, param } = error;
  return { type: 'error', error: { type: typeOf(error), message, ...(code === undefined ? {} : { code }), ...(param === undefined ? {} : { param }) }, request_id: requestId };
}

/** What an `error` event says. */
export function readStreamError(payload: unknown): StreamError {
  const error = memberOf(payload, 'error');
  const status = statusOfError(error);
  return {
    message: textOf(memberOf(error, 'message')) ?? 'The upstream failed.',
    type: (isRecord(error) ? textOf(error['type']) : undefined) ?? typeFor(status),
    code: codeOf(error) ?? textOf(memberOf(error, 'type')) ?? 'upstream_error',
    status,
  };
}
