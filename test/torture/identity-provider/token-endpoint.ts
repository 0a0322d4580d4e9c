import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { IssuedTokens, TokenBook } from './token-book.ts';
import { faultKinds, type FaultKind, type FaultPlan, type TokenRequest } from './wire.ts';
import { readBody, answerJson } from './bodies.ts';

export const clientId = 'burn-client';

export interface TokenEndpointDeps {
  readonly book: TokenBook;
  readonly nowMs: () => number;
  readonly plan: () => FaultPlan;
  /** In [0, 1). */
  readonly random: () => number;
  readonly connectionOf: (socket: Socket) => number;
}

/** RFC 6749 §6 with one-use tokens, and the faults that are asked for. */
export interface TokenEndpoint {
  readonly answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  /** True: the new connection was cut off before anything was read. */
  readonly cutConnection: (socket: Socket) => boolean;
}

export function createTokenEndpoint(deps: TokenEndpointDeps): TokenEndpoint {
  const { book, nowMs } = deps;
  const draw = (): FaultKind | undefined => {
    let share = deps.random();
    for (const kind of faultKinds) {
      share -= deps.plan().rates[kind];
      if (share < 0) return kind;
    }
    return undefined;
  };
  const drop = (socket: Socket): void => {
    const request = book.note({ daemon: '', connection: deps.connectionOf(socket) }, 'dropped');
    request.fault = 'reset_before_reading';
    request.brokenAtMs = nowMs();
    socket.resetAndDestroy();
  };

  return {
    cutConnection: (socket) => {
      if (deps.random() >= deps.plan().rates.reset_before_reading) return false;
      drop(socket);
      return true;
    },
    answer: async (req, res) => {
      const fault = draw();
      if (fault === 'reset_before_reading') {
        drop(req.socket);
        return;
      }
      const form = new URLSearchParams(await readBody(req));
      const asker = { daemon: form.get('daemon') ?? '', connection: deps.connectionOf(req.socket) };
      const refreshToken = form.get('refresh_token') ?? '';
      if (form.get('grant_type') !== 'refresh_token' || form.get('client_id') !== clientId || refreshToken === '') {
        watchAnswer(res, book.note(asker, 'malformed'), nowMs);
        answerJson(res, 400, { error: 'invalid_request' });
        return;
      }
      const request = fault === 'unavailable' ? book.note(asker, 'unavailable', refreshToken) : book.spend(refreshToken, asker);
      if (fault !== undefined) request.fault = fault;
      watchAnswer(res, request, nowMs);
      const { delayMs } = deps.plan();
      if (delayMs > 0) await new Promise((resume) => setTimeout(resume, delayMs));
      if (fault === 'reset_after_reading') {
        req.socket.resetAndDestroy();
        return;
      }
      reply(res, request, fault, book);
    },
  };
}

function reply(res: ServerResponse, request: TokenRequest, fault: FaultKind | undefined, book: TokenBook): void {
  if (request.outcome === 'unavailable') {
    answerJson(res, 503, { error: 'temporarily_unavailable' });
    return;
  }
  const [status, body] = request.outcome === 'issued' ? ([200, tokenAnswer(book.issue(request))] as const) : ([400, { error: 'invalid_grant', error_description: `refresh token ${request.outcome}` }] as const);
  if (fault === 'reset_mid_answer') breakOff(res, status, body);
  else answerJson(res, status, body);
}

function tokenAnswer({ accessToken, refreshToken, expiresInS }: IssuedTokens): object {
  return { access_token: accessToken, refresh_token: refreshToken, token_type: 'Bearer', expires_in: expiresInS };
}

/** Half of the answer, then a reset. */
function breakOff(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.write(text.slice(0, text.length / 2), () => res.socket?.resetAndDestroy());
}

function watchAnswer(res: ServerResponse, request: TokenRequest, nowMs: () => number): void {
  res.once('finish', () => {
    if (request.brokenAtMs === undefined) request.answeredAtMs = nowMs();
  });
  res.once('close', () => {
    if (request.answeredAtMs === undefined) request.brokenAtMs = nowMs();
  });
}
