import type { Duplex } from 'node:stream';
import type { Lease } from '../clients/limits/lease.ts';
import type { Limits } from '../clients/limits/limits.ts';
import { toAppError, type AppError } from '../fault/app-error.ts';
import type { SettleExchange } from '../proxy/settled.ts';
import { estimate } from '../proxy/spending.ts';
import { takeLease } from '../proxy/take-lease.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import type { Candidate } from '../routing/ports.ts';
import { loadClientRole } from './client-role.ts';
import type { SocketLimits } from './limits.ts';
import type { SocketHandler, SocketOpening } from './opening.ts';
import { readRealtimeQuery, type RealtimeQuery } from './realtime-query.ts';
import { findSession, type FoundSession, type SessionDeps } from './realtime-session.ts';
import { Relay, type RelayEnd } from './relay.ts';
import { noUsage } from './realtime-usage.ts';
import type { Place, Sockets } from './sockets.ts';
import { watchForLeaving, type Leaving } from './watch-leaving.ts';

export interface RealtimeSocketDeps extends SessionDeps {
  readonly sockets: Pick<Sockets, 'takePlace' | 'open'>;
  readonly socketLimits: () => SocketLimits;
  readonly settle: SettleExchange;
  readonly limits: Limits;
  /** Called at the start of every session; `settle` ends what it began. */
  readonly onOpened: () => void;
  /** Why no session may begin now, as a refusal; absent or undefined when all is well. */
  readonly obstacle?: () => AppError | undefined;
}

/** What one session is called in usage and metrics, and how it has gone so far. */
interface Progress {
  attempts: number;
  firstByteMs: number | undefined;
  candidate: Candidate | undefined;
  lease: Lease | undefined;
}

type SettleSession = (status: number, outcome: string, end?: RelayEnd) => void;

/**
 * `GET /v1/realtime`: an upstream is reached first, by the account's own credential, and the client accepted then; from there
 * on messages go both ways as they come.
 * @see https://platform.openai.com/docs/guides/realtime-websocket
 */
export function createRealtimeSocket(deps: RealtimeSocketDeps): SocketHandler {
  return async (opening) => {
    const query = readRealtimeQuery(opening);
    if (!mayUse(opening.principal, query.model)) throw refuseDisallowedModel(query.model);
    const place = deps.sockets.takePlace(opening.principal);
    const leaving = watchForLeaving(opening.socket);
    const progress: Progress = { attempts: 0, firstByteMs: undefined, candidate: undefined, lease: undefined };
    const settle = openExchange(deps, opening, query.model, progress);
    try {
      const obstacle = deps.obstacle?.();
      if (obstacle !== undefined) throw obstacle;
      // It holds a place, and the estimate of one response beside what those before it used.
      progress.lease = takeLease(deps.limits, opening.principal, { ...session, model: query.model }, opening.snapshot().limits);
      const found = await findSession(deps, opening, { query, progress, signal: leaving.signal });
      if (found.kind === 'open') await relay(deps, opening, { found, query, place, leaving, progress, settle });
      else {
        settle(found.kind === 'refused' ? found.refusal.status : 499, found.kind === 'refused' ? 'upstream_refused' : 'client_closed');
        place.release();
        // Its half is closed; ours would keep the connection.
        if (found.kind === 'client_gone') opening.socket.destroy();
      }
      return found.kind === 'refused' ? found.refusal : undefined;
    } catch (thrown) {
      const error = toAppError(thrown);
      settle(error.status, error.code);
      place.release();
      throw thrown;
    } finally {
      leaving.stop();
    }
  };
}

const session = { operation: { dialect: 'openai-chat', operation: 'realtime' }, isStream: true, requestBytes: 0, bytes: undefined } as const;

function openExchange(deps: RealtimeSocketDeps, opening: SocketOpening, model: string, progress: Progress): SettleSession {
  deps.onOpened();
  const { id, target, endpoint, peer, principal, startedMs, req } = opening;
  const inbound = { id, method: 'WS', target: { path: target.path, query: '' }, endpoint, params: {}, peer, principal, snapshot: undefined, startedMs, req, res: undefined };
  const request = { ...session, model };
  let isSettled = false;
  return (status, outcome, end) => {
    if (isSettled) return;
    isSettled = true;
    const usage = end?.usage ?? noUsage;
    // Whoever leaves, or is lost, in the middle of a response is not spared it.
    const least = usage.output + (end?.isUnfinished === true ? estimate(request).output : 0);
    const summary = { usage, storedIds: [], response: undefined, isTruncated: least > usage.output, hasFailed: false, contentBytes: 0, eventCount: least };
    deps.settle(inbound, request, progress, { status, outcome, summary });
  };
}

interface Accepted {
  readonly found: Extract<FoundSession, { readonly kind: 'open' }>;
  readonly query: RealtimeQuery;
  readonly place: Place;
  readonly leaving: Leaving;
  readonly progress: Progress;
  readonly settle: SettleSession;
}

/** Accepts the client. Until then what the upstream says waits in its connection. */
async function relay(deps: RealtimeSocketDeps, opening: SocketOpening, { found, query, place, leaving, progress, settle }: Accepted): Promise<void> {
  const { clock, router, socketLimits } = deps;
  const { connection, candidate, secrets } = found;
  router.begun(candidate);
  progress.firstByteMs = clock.monotonicMs() - opening.startedMs;
  const onEnd = (end: RelayEnd): void => {
    router.settle(candidate, query, { kind: end.wasLost ? 'neutral' : 'success' });
    settle(101, end.wasLost ? 'upstream_error' : (end.error?.code ?? 'ok'), end);
  };
  const takeAsClient = await loadClientRole();
  const head = Buffer.concat([opening.head, leaving.stop()]);
  let hasBegun = false;
  try {
    hasBegun = await deps.sockets.open({ ...opening, head }, place, {
      hasLifetime: false,
      makeEvents: (socket) => {
        const upstream = takeAsClient(connection, opening.snapshot().limits.maxBodyBytes);
        return new Relay(socket, { upstream, connection, secrets, nowMs: clock.monotonicMs, pingMs: () => socketLimits().pingMs, onSpent: (usage) => progress.lease?.spend(usage), obstacle: () => progress.lease?.exhausted(socket.principal()), onEnd });
      },
    });
  } finally {
    if (!hasBegun) giveUp(connection, () => router.settle(candidate, query, { kind: 'neutral' }));
  }
  if (!hasBegun) settle(499, 'client_closed');
}

function giveUp(connection: Duplex, settle: () => void): void {
  connection.destroy();
  settle();
}
