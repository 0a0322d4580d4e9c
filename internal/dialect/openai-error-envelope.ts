import { textOfNumber } from './ir/exact-json.ts';
import { isRecord, memberOf, textOf } from './ir/json.ts';

/*
 * How OpenAI's two dialects, and the many servers that imitate them, write an error.
 * @see https://developers.openai.com/api/docs/guides/error-codes
 */

/** The `error` object or text; imitations have `detail` in its place, or what it says in the body itself. */
export function errorIn(body: unknown): unknown {
  for (const name of ['error', 'detail']) {
    const inner = memberOf(body, name);
    if (isRecord(inner) || (typeof inner === 'string' && inner !== '')) return inner;
  }
  return body;
}

export function messageOf(error: unknown): string | undefined {
  const text = textOf(error) ?? textOf(memberOf(error, 'message')) ?? textOf(memberOf(error, 'detail'));
  return text === '' ? undefined : text;
}

export function codeOf(error: unknown): string | undefined {
  const code = memberOf(error, 'code');
  return textOfNumber(code) ?? textOf(code);
}

const typeByStatus: Readonly<Record<number, string>> = { 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error', 503: 'overloaded_error', 529: 'overloaded_error' };

export function typeOfStatus(status: number): string {
  return typeByStatus[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
