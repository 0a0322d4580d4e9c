import { entryOf } from '../ir/json.ts';

/*
 * Google's names of errors and the HTTP statuses they have.
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */

const nameByStatus: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 408: 'DEADLINE_EXCEEDED', 409: 'ABORTED', 412: 'FAILED_PRECONDITION', 416: 'OUT_OF_RANGE', 429: 'RESOURCE_EXHAUSTED', 499: 'CANCELLED', 501: 'UNIMPLEMENTED',
  502: 'UNAVAILABLE', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED', 529: 'UNAVAILABLE',
};
const statusByName: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400, FAILED_PRECONDITION: 400, OUT_OF_RANGE: 400, UNAUTHENTICATED: 401, PERMISSION_DENIED: 403, NOT_FOUND: 404, ALREADY_EXISTS: 409, ABORTED: 409, RESOURCE_EXHAUSTED: 429, CANCELLED: 499, UNKNOWN: 500, INTERNAL: 500,
  DATA_LOSS: 500, UNIMPLEMENTED: 501, UNAVAILABLE: 503, DEADLINE_EXCEEDED: 504,
};

/** The name of a status; of several the one that `code` is, in either case of letters. */
export function geminiNameOf(status: number, code?: string): string {
  const named = code?.toUpperCase();
  if (named !== undefined && entryOf(statusByName, named) === status) return named;
  return nameByStatus[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
}

/** Undefined for what is no name of Google's. */
export function statusOfGeminiName(name: string | undefined): number | undefined {
  return entryOf(statusByName, name);
}
