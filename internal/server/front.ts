import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { dialectOfPath, renderFault } from '../http/fault-wire.ts';
import type { Admission, Door } from '../http/door.ts';
import type { Access, Inbound, Peer, Target } from '../http/inbound.ts';
import { describePeer } from '../http/peer.ts';
import { chooseRequestId } from '../http/request-id.ts';
import type { RouteTable } from '../http/route-table.ts';
import { parseTarget } from '../http/target.ts';
import type { Route } from './app.ts';
import type { Handlers, ListenerKind } from './listen.ts';
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
const client: Access = { kind: 'client' };
const management: Access = { kind: 'management' };

/**
 * What every request and upgrade passes: target parsed once, route matched, caller admitted, handler called. Access is a
 * property of the matched route; unknown paths below a guarded prefix pass the same door before they are told so.
 */
export function createFront(deps: FrontDeps): Handlers {
  const serve = async (req: IncomingMessage, res: ServerResponse, kind: ListenerKind): Promise<void> => {
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
    onUpgrade: (req, socket, kind) => void refuseUpgrade(deps, req, socket, kind),
  };
}

function arrive(deps: FrontDeps, req: IncomingMessage, kind: ListenerKind): Arrival | AppError {
  const snapshot = deps.snapshot();
  const target = parseTarget(req.url ?? '', req.rawHeaders);
  if (!target.ok) return target.error;
  return {
    id: chooseRequestId(req.headers['x-request-id']),
    startedMs: deps.clock.monotonicMs(),
    snapshot,
    peer: describePeer({ remoteAddress: req.socket.remoteAddress, isControlSocket: kind === 'control', headers: req.headers, trustedProxies: snapshot.door.trustedProxies }),
    target: target.value,
  };
}

function admit(deps: FrontDeps, arrival: Arrival, req: IncomingMessage, access: Access, isUpgrade: boolean): Admission | Promise<Admission> {
  const { target, peer, snapshot, id } = arrival;
  return deps.door.admit({ access, isUpgrade, method: req.method ?? 'GET', target, headers: req.headers, peer, rules: snapshot.door, requestId: id });
}

async function route(deps: FrontDeps, arrival: Arrival, req: IncomingMessage, res: ServerResponse, kind: ListenerKind): Promise<void> {
  const { target } = arrival;
  const isManagement = target.path === managementPrefix || target.path.startsWith(`${managementPrefix}/`);
  if (isManagement && kind === 'main' && deps.hasManagementListener) throw new AppError('not_found');
  const method = req.method ?? 'GET';
  if (method === 'OPTIONS') {
    const preflight = deps.door.preflight({ target, headers: req.headers, rules: arrival.snapshot.door });
    if (preflight !== undefined) {
      res.writeHead(204, { ...preflight, 'x-request-id': arrival.id });
      res.end();
      return;
    }
  }

  const matched = deps.routes.match(method, target.path);
  if (matched.kind !== 'found') {
    // Who may not come in learns nothing about what is there.
    if (isManagement || target.path.startsWith('/v1/') || target.path.startsWith('/v1beta/')) await letIn(deps, arrival, req, res, isManagement ? management : client);
    throw matched.kind === 'not_found' ? new AppError('not_found') : new AppError('method_not_allowed', { headers: { allow: matched.allow } });
  }

  const { route: row, params } = matched;
  const admission = admit(deps, arrival, req, row.access, false);
  const admitted = admission instanceof Promise ? await admission : admission;
  if (!admitted.ok) throw admitted.error;
  for (const name in admitted.value.headers) res.setHeader(name, admitted.value.headers[name] ?? '');
  const inbound: Inbound<Snapshot> = {
    id: arrival.id,
    method,
    target,
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

async function letIn(deps: FrontDeps, arrival: Arrival, req: IncomingMessage, res: ServerResponse, access: Access): Promise<void> {
  const admitted = await admit(deps, arrival, req, access, false);
  if (!admitted.ok) throw admitted.error;
  for (const name in admitted.value.headers) res.setHeader(name, admitted.value.headers[name] ?? '');
}

/** Answers with an error in the dialect of the path, if an answer can still be given. A body not yet read is not waited for. */
function answerFault(req: IncomingMessage, res: ServerResponse, error: AppError, requestId: string, path: string): void {
  if (res.headersSent || res.destroyed) return;
  const wire = renderFault(error, dialectOfPath(path, req.headers), requestId);
  const hasBody = req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
  res.writeHead(wire.status, hasBody && !req.complete ? { ...wire.headers, connection: 'close' } : wire.headers);
  res.end(req.method === 'HEAD' ? undefined : wire.body);
}

/**
 * An upgrade passes the same door. No endpoint is served over WebSocket in this version, so an admitted one is told so;
 * either way the answer, body included, is written on the socket by us (clarification 8).
 */
async function refuseUpgrade(deps: FrontDeps, req: IncomingMessage, socket: Duplex, kind: ListenerKind): Promise<void> {
  // A peer that resets while it is refused is no event.
  socket.on('error', () => socket.destroy());
  const arrival = arrive(deps, req, kind);
  if (arrival instanceof AppError) {
    writeFault(socket, arrival, chooseRequestId(req.headers['x-request-id']), '/');
    return;
  }
  try {
    const { path } = arrival.target;
    const isManagement = path.startsWith(managementPrefix);
    const admitted = await admit(deps, arrival, req, isManagement ? management : client, !isManagement);
    if (!admitted.ok) throw admitted.error;
    throw new AppError(path === '/v1/responses' ? 'websocket_not_served' : 'not_found');
  } catch (thrown) {
    if (!(thrown instanceof AppError)) deps.onFailure(arrival.id, thrown);
    writeFault(socket, toAppError(thrown), arrival.id, arrival.target.path);
  }
}

function writeFault(socket: Duplex, error: AppError, requestId: string, path: string): void {
  const wire = renderFault(error, dialectOfPath(path, {}), requestId);
  const headers = Object.entries({ ...wire.headers, 'content-length': String(Buffer.byteLength(wire.body)), connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${wire.status} Refused\r\n${headers.join('')}\r\n${wire.body}`);
}
