import { faults } from '../../fault/codes.ts';
import type { IrError } from '../codec.ts';
import { listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { StreamError } from '../stream-error.ts';

const typeByStatus: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error', 503: 'overloaded_error', 504: 'timeout_error' };
const nameByStatus: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ABORTED', 429: 'RESOURCE_EXHAUSTED', 499: 'CANCELLED', 500: 'INTERNAL', 501: 'UNIMPLEMENTED', 502: 'UNAVAILABLE', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED', 529: 'UNAVAILABLE',
};

function typeOf(status: number): string {
  return typeByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** `{"error":{"code","message","status","details"}}`, streamed as a list of one. @see https://ai.google.dev/gemini-api/docs/troubleshooting */
export function decodeError(status: number, body: unknown): IrError {
  const error = memberOf(Array.isArray(body) ? body[0] : body, 'error');
  const message = textOf(error) ?? textOf(memberOf(error, 'message'));
  return { status, message: message === undefined || message === '' ? `The upstream refused the request with status ${status}.` : message, type: typeOf(status), code: reasonOf(error) ?? textOf(memberOf(error, 'status'))?.toLowerCase() };
}

function reasonOf(error: unknown): string | undefined {
  return listOf(memberOf(error, 'details')).map((detail) => textOf(memberOf(detail, 'reason'))).find((reason) => reason !== undefined)?.toLowerCase();
}

export function encodeError({ status, message, type, code }: IrError): JsonRecord {
  const details = code === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'keyward' }];
  return { error: { code: status, message, status: nameByStatus[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'), type, details } };
}

export function streamErrorOf(payload: unknown): StreamError {
  const error = memberOf(payload, 'error');
  const status = numberOf(memberOf(error, 'code')) ?? 502;
  const { message, type, code } = decodeError(status, payload);
  return { message, type, code: code ?? 'upstream_error', status };
}

export function truncated(): StreamError {
  const { status, type, message } = faults.stream_truncated;
  return { status, type, message, code: 'stream_truncated' };
}
