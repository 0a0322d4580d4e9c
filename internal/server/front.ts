import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { ok } from '../fault/result.ts';
import { dialectOfPath, isBelow, renderFault } from '../http/fault-wire.ts';
import type { Admission, Caller, Decision, Door } from '../http/door.ts';
import type { Access, Inbound, Peer, Target } from '../http/inbound.ts';
import { describePeer } from '../http/peer.ts';
import { chooseRequestId } from '../http/request-id.ts';
import type { RouteTable } from '../http/route-table.ts';
import { parseTarget } from '../http/target.ts';
import type { SocketRefusal } from '../websocket/opening.ts';
import type { Route } from './app.ts';
import type { Handlers, ListenerKind } from './listen.ts';
import { endAndLinger, isClosing } from './linger.ts';
import type { Pages } from './pages.ts';
import type { Snapshot } from './snapshot.ts';

export interface FrontDeps {
  readonly clock: Clock;
  readonly routes: RouteTable<Route>;
  readonly door: Door;
  readonly snapshot: () => Snapshot;
  /** Resolves at once after the first call. */
  readonly pages: () => Promise<Pages>;
  /** Management has a listener of its own, so the main port answers 404 for it (contract §5). */
  readonly hasManagementListener: boolean;
  readonly isManagementOnUnixSocket: boolean;
  readonly onFailure: (requestId: string, thrown: unknown) => void;
}

/** One request before it is admitted. */
interface Arrival {
  readonly id: string;
  readonly startedMs: number;
  readonly snapshot: Snapshot;
  readonly peer: Peer;
  readonly target: Target;
}

const managementPrefix = '/v0/management';
const open: Access = { kind: 'open' };
const client: Access = { kind: 'client' };
const management: Access = { kind: 'management' };

/**
 * What every request and upgrade passes: target parsed once, route matched, caller admitted, handler called. Access is a
 * property of the matched route; unknown paths below a guarded prefix pass the same door before they are told so.
 */
export function createFront(deps: FrontDeps): Handlers {
  /** How many requests wait, by connection. */
  const pipelined = new WeakMap<object, number>();
  const serve = async (req: IncomingMessage, res: ServerResponse, kind: ListenerKind): Promise<void> => {
    if (res.socket === null) await waitForTurn(pipelined, req, res);
    // What was pipelined behind a refused body can no longer be answered, so it is not done either.
    if (isClosing(req.socket)) return;
    const arrival = arrive(deps, req, kind);
    if (arrival instanceof AppError) {
      answerFault(req, res, arrival, chooseRequestId(req.headers['x-request-id']), req.url ?? '/');
      return;
    }
    try {
      await route(deps, arrival, req, res, kind);
    } catch (thrown) {
      if (!(thrown instanceof AppError)) deps.onFailure(arrival.id, thrown);
      answerFault(req, res, toAppError(thrown), arrival.id, arrival.target.path);
    }
  };
  return {
    onRequest: (req, res, kind) => void serve(req, res, kind),
    onUpgrade: (req, socket, head, kind) => void serveUpgrade(deps, { req, socket, head }, kind),
  };
}

/** Requests that may wait behind one another on a connection. */
const maxPipelined = 32;

/**
 * Pipelined requests are served one after the other: side by side, one connection could hold every exchange, and what is
 * buffered for the later ones would keep Node from seeing that the client has left. Never resolves when the connection
 * ends before the turn comes. @see RFC 9112 §9.3.2
 */
function waitForTurn(pipelined: WeakMap<object, number>, { socket }: IncomingMessage, res: ServerResponse): Promise<void> {
  const waiting = (pipelined.get(socket) ?? 0) + 1;
  pipelined.set(socket, waiting);
  if (waiting > maxPipelined) socket.destroy();
  return new Promise((resolve) => {
    res.once('socket', () => {
      pipelined.set(socket, (pipelined.get(socket) ?? 1) - 1);
      resolve();
    });
  });
}

function arrive(deps: FrontDeps, req: IncomingMessage, kind: ListenerKind): Arrival | AppError {
  const snapshot = deps.snapshot();
  const target = parseTarget(req.url ?? '', req.rawHeaders, req.httpVersion);
  if (!target.ok) return target.error;
  return {
    id: chooseRequestId(req.headers['x-request-id']),
    startedMs: deps.clock.monotonicMs(),
    snapshot,
    peer: peerOf(deps, { remoteAddress: req.socket.remoteAddress, headers: req.headers }, snapshot, kind),
    target: target.value,
  };
}

function peerOf(deps: FrontDeps, { remoteAddress, headers }: { readonly remoteAddress: string | undefined; readonly headers: IncomingMessage['headers'] }, snapshot: Snapshot, kind: ListenerKind): Peer {
  return describePeer({ remoteAddress, isUnixSocket: remoteAddress === undefined && isUnixListener(kind, deps), isControlSocket: kind === 'control', headers, trustedProxies: snapshot.door.trustedProxies });
}

function isUnixListener(kind: ListenerKind, deps: FrontDeps): boolean {
  return kind === 'control' || (kind === 'management' && deps.isManagementOnUnixSocket);
}

function callerOf(arrival: Arrival, req: IncomingMessage, access: Access, isUpgrade: boolean): Caller {
  const { target, peer, snapshot, id } = arrival;
  return { access, isUpgrade, method: req.method ?? 'GET', target, headers: req.headers, peer, rules: snapshot.door, requestId: id };
}

/** What a path that matches no route asks of its caller: who may not come in learns nothing about what is there. */
function accessOfUnknown(path: string): Access {
  if (isBelow(path, managementPrefix)) return management;
  return isBelow(path, '/v1') || isBelow(path, '/v1beta') ? client : open;
}

async function letIn(deps: FrontDeps, caller: Caller, res: ServerResponse): Promise<Admission> {
  const decision: Decision = await deps.door.admit(caller);
  if (!decision.ok) throw decision.error;
  addCors(res, decision.value);
  return decision.value;
}

function addCors(res: ServerResponse, admission: Admission): void {
  for (const name in admission.corsHeaders) res.setHeader(name, admission.corsHeaders[name] ?? '');
}

async function route(deps: FrontDeps, arrival: Arrival, req: IncomingMessage, res: ServerResponse, kind: ListenerKind): Promise<void> {
  const { path } = arrival.target;
  const isManagement = isBelow(path, managementPrefix);
  // Management elsewhere means not here; and its own listener serves nothing else.
  if (deps.hasManagementListener && (kind === 'main' ? isManagement : kind === 'management' && !isManagement)) throw new AppError('not_found');

  const method = req.method ?? 'GET';
  const matched = deps.routes.match(method, path);
  switch (matched.kind) {
    case 'not-found':
      await letIn(deps, callerOf(arrival, req, accessOfUnknown(path), false), res);
      throw new AppError('not_found');
    case 'wrong-method':
      await letIn(deps, callerOf(arrival, req, matched.access, false), res);
      throw new AppError('method_not_allowed', { headers: { allow: matched.allow } });
    case 'options': {
      const answer = deps.door.answerOptions(callerOf(arrival, req, matched.access, false), matched.allow);
      if (!answer.ok) throw answer.error;
      res.writeHead(204, { ...answer.value, 'x-request-id': arrival.id });
      res.end();
      return;
    }
    case 'found': {
      const { row, params } = matched;
      const decision = deps.door.admit(callerOf(arrival, req, row.access, false));
      const admitted = decision instanceof Promise ? await decision : decision;
      if (!admitted.ok) throw admitted.error;
      addCors(res, admitted.value);
      if (row.serve.kind === 'socket') throw new AppError('upgrade_required', { headers: { upgrade: 'websocket', connection: 'Upgrade' } });
      if (awaitsContinue(req)) res.writeContinue();
      const inbound: Inbound<Snapshot> = {
        id: arrival.id,
        method,
        target: arrival.target,
        endpoint: `${row.method} ${row.path}`,
        params,
        peer: arrival.peer,
        principal: admitted.value.principal,
        snapshot: arrival.snapshot,
        startedMs: arrival.startedMs,
        req,
        res,
      };
      if (row.serve.kind === 'proxy') await row.serve.handle(inbound);
      else (await deps.pages()).serve(inbound, row.serve.handle);
    }
  }
}

/** @see RFC 9110 §10.1.1 */
function awaitsContinue(req: IncomingMessage): boolean {
  return req.headers.expect !== undefined && req.httpVersion === '1.1' && /(?:^|\W)100-continue(?:$|\W)/i.test(req.headers.expect);
}

/** Answers with an error in the dialect of the path, if an answer can still be given. A body not yet read is not waited for. */
function answerFault(req: IncomingMessage, res: ServerResponse, error: AppError, requestId: string, path: string): void {
  if (res.headersSent || res.destroyed) return;
  const wire = renderFault(error, dialectOfPath(path, req.headers), requestId);
  const hasBody = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
  const framed = { ...wire.headers, 'content-length': String(Buffer.byteLength(wire.body)) };
  res.writeHead(wire.status, hasBody && !req.complete ? { ...framed, connection: 'close' } : framed);
  res.end(req.method === 'HEAD' ? undefined : wire.body);
}

/** An upgrade as Node hands it over: the connection is ours from here on. */
interface Upgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** An upgrade passes the same door; a refusal is a whole HTTP answer, body included, written on the socket by us (clarification 8). */
async function serveUpgrade(deps: FrontDeps, upgrade: Upgrade, kind: ListenerKind): Promise<void> {
  const { req, socket } = upgrade;
  // A peer that resets while it is refused is no event.
  socket.on('error', () => socket.destroy());
  const arrival = arrive(deps, req, kind);
  if (arrival instanceof AppError) {
    writeFault(socket, arrival, chooseRequestId(req.headers['x-request-id']), '/');
    return;
  }
  try {
    const refusal = await openSocket(deps, arrival, upgrade, kind);
    if (refusal !== undefined) writeAnswer(socket, { ...refusal, headers: { ...refusal.headers, 'x-request-id': arrival.id } });
  } catch (thrown) {
    if (!(thrown instanceof AppError)) deps.onFailure(arrival.id, thrown);
    writeFault(socket, toAppError(thrown), arrival.id, arrival.target.path);
  }
}

async function openSocket(deps: FrontDeps, arrival: Arrival, { req, socket, head }: Upgrade, kind: ListenerKind): Promise<SocketRefusal | undefined> {
  const { path } = arrival.target;
  const matched = kind === 'main' ? deps.routes.match('GET', path) : undefined;
  const row = matched?.kind === 'found' && matched.row.serve.kind === 'socket' ? { ...matched.row, serve: matched.row.serve } : undefined;
  const decision = await deps.door.admit(callerOf(arrival, req, row?.access ?? accessOfUnknown(path), row !== undefined));
  if (!decision.ok) throw decision.error;
  if (row === undefined) throw new AppError('not_found');
  if (req.method !== 'GET') throw new AppError('method_not_allowed', { headers: { allow: 'GET' } });
  const { remoteAddress } = req.socket;
  let judgedBy = arrival.snapshot.door;
  let last = ok(decision.value.principal);
  return row.serve.handle({
    id: arrival.id,
    target: arrival.target,
    endpoint: `WS ${row.path}`,
    peer: arrival.peer,
    principal: decision.value.principal,
    startedMs: arrival.startedMs,
    req,
    socket,
    head,
    snapshot: deps.snapshot,
    readmit: () => {
      const snapshot = deps.snapshot();
      if (snapshot.door === judgedBy && !deps.door.hasOtherSources) return last;
      judgedBy = snapshot.door;
      const caller = callerOf({ ...arrival, snapshot, peer: peerOf(deps, { remoteAddress, headers: req.headers }, snapshot, kind) }, req, row.access, true);
      const again = deps.door.admitClient({ ...caller, isReadmission: true });
      if (!again.ok) return again;
      last = ok(again.value.principal);
      return last;
    },
  });
}

function writeFault(socket: Duplex, error: AppError, requestId: string, path: string): void {
  writeAnswer(socket, renderFault(error, dialectOfPath(path, {}), requestId));
}

function writeAnswer(socket: Duplex, { status, headers, body }: SocketRefusal): void {
  const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  endAndLinger(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${body}`);
}
