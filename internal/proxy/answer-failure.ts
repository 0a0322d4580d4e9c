import type { Dialect } from '../dialect/dialect.ts';
import { renderStreamError, streamErrorOf } from '../dialect/stream-error.ts';
import type { AppError } from '../fault/app-error.ts';
import { faults } from '../fault/codes.ts';
import type { ClientAnswer } from '../http/client-answer.ts';
import { renderFault } from '../http/fault-wire.ts';
import type { Inbound } from '../http/inbound.ts';
import { refusalHeaders } from '../providers/header-lists.ts';
import type { AttemptEnd } from './attempt.ts';
import { noKeepAlive, type KeepAlive } from './keep-alive.ts';
import type { ProxyInbound } from './limits.ts';
import type { Verdict } from './refusal.ts';

/** The best of what failed attempts left to answer with. */
export interface Failure {
  readonly verdict: Verdict;
  readonly end: Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }>;
}

/** Answers with what the upstream said, or throws what is to be said in its place. Gives the status it answered with. */
export function answerFailure(inbound: ProxyInbound, dialect: Dialect, keepAlive: KeepAlive, { end, verdict }: Failure): number {
  if (end.kind === 'broken' || !verdict.passesOn) throw verdict.error;
  const { res } = inbound;
  if (keepAlive.hasBegun()) {
    res.end(renderStreamError(dialect, streamErrorOf(end.status, end.body), true));
    return end.status;
  }
  res.writeHead(end.status, ['x-request-id', inbound.id, 'content-length', String(end.body.length), ...Object.entries(refusalHeaders(end.headers)).flat()]);
  res.end(end.body);
  return end.status;
}

/** Answers with an error in the dialect, if an answer can still be given. */
export function refuse(inbound: Inbound<unknown, ClientAnswer>, dialect: Dialect, error: AppError, keepAlive: KeepAlive = noKeepAlive): void {
  const { req, res } = inbound;
  if (keepAlive.hasBegun() && !res.destroyed) {
    res.end(renderStreamError(dialect, { message: error.message, type: faults[error.code].type, code: error.code, status: error.status }, true));
    return;
  }
  if (res.headersSent || res.destroyed) return;
  const wire = renderFault(error, dialect, inbound.id);
  // A body that was not read is not waited for.
  const close = req.complete ? {} : { connection: 'close' };
  res.writeHead(wire.status, { ...wire.headers, 'content-length': String(Buffer.byteLength(wire.body)), ...close });
  res.end(wire.body);
}
