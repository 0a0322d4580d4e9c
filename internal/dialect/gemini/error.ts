import type { IrError } from '../codec.ts';
import { compact, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { StreamError } from '../stream-error.ts';
import { statusOfError } from '../stream-opening.ts';
import { geminiNameOf, statusOfGeminiName } from './status-names.ts';

const typeByStatus: Readonly<Record<number, string>> = { 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error', 503: 'overloaded_error', 529: 'overloaded_error' };

/** Google's error body; streams that are a JSON array have it as their one element. @see https://ai.google.dev/gemini-api/docs/troubleshooting */
export function decodeError(status: number, body: unknown): IrError {
  const error = errorIn(body);
  return { status, message: messageOf(error) ?? `The upstream refused the request with status ${status}.`, type: typeOf(status), code: codeOf(error), param: fieldOf(error) };
}

export function encodeError(error: IrError, requestId: string): JsonRecord {
  return { error: { ...writeError(error, [{ '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId }]), type: error.type } };
}

function writeError({ status, message, code, param }: Pick<IrError, 'status' | 'message' | 'code' | 'param'>, more: readonly JsonRecord[]): JsonRecord {
  const info = code === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'keyward' }];
  return compact({ code: status, message, status: geminiNameOf(status, code), param, details: [...info, ...more] });
}

/** The event that ends a stream which failed. */
export function renderError(error: StreamError): string {
  return `data: ${JSON.stringify({ error: writeError(error, []) })}\r\n\r\n`;
}

/** What an event states of an error; undefined for one that states none. */
export function streamErrorIn(payload: unknown): StreamError | undefined {
  const error = errorIn(payload);
  if (error === undefined || error === null) return undefined;
  const stated = numberOf(memberOf(error, 'code'));
  const status = stated !== undefined && stated >= 400 && stated < 600 ? stated : (statusOfGeminiName(textOf(memberOf(error, 'status'))) ?? statusOfError(error));
  return { message: messageOf(error) ?? 'The upstream failed.', type: typeOf(status), code: codeOf(error) ?? 'upstream_error', status };
}

function errorIn(body: unknown): unknown {
  return memberOf(Array.isArray(body) ? body[0] : body, 'error');
}

function messageOf(error: unknown): string | undefined {
  const text = textOf(error) ?? textOf(memberOf(error, 'message'));
  return text === '' ? undefined : text;
}

/** Google's reason where it states one (`api_key_invalid`), else its status (`resource_exhausted`). */
function codeOf(error: unknown): string | undefined {
  const reasons = listOf(memberOf(error, 'details')).map((detail) => textOf(memberOf(detail, 'reason')));
  return (reasons.find((reason) => reason !== undefined && reason !== '') ?? textOf(memberOf(error, 'status')))?.toLowerCase();
}

/** The member of the request that was refused. */
function fieldOf(error: unknown): string | undefined {
  const violations = listOf(memberOf(error, 'details')).flatMap((detail) => listOf(memberOf(detail, 'fieldViolations')));
  return violations.map((violation) => textOf(memberOf(violation, 'field'))).find((field) => field !== undefined && field !== '');
}

function typeOf(status: number): string {
  return typeByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
