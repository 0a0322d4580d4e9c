import type { Principal } from '../clients/principal.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { faults } from '../fault/codes.ts';
import type { Logger } from '../log/logger.ts';
import { createHandshake } from './handshake.ts';
import type { SocketLimits } from './limits.ts';
import { watchSocket, type CloseReason, type LiveSocket, type SocketEvents, type WatchedSocket } from './live-socket.ts';
import type { SocketOpening } from './opening.ts';

export interface SocketsDeps {
  readonly clock: Clock;
  readonly limits: () => SocketLimits;
  /** Told of each socket as it opens and closes, at the access line's level; what was said on it is not. */
  readonly log: Pick<Logger, 'info'>;
  readonly metrics: { readonly socketOpened: (endpoint: string) => void; readonly socketClosed: (endpoint: string, reason: string) => void };
}

/** A place among the open sockets; to be used once, or given back. */
export interface Place {
  readonly release: () => void;
}

export interface OpenOptions {
  /** The socket ends at `max-lifetime`. */
  readonly hasLifetime: boolean;
  readonly makeEvents: (socket: LiveSocket) => SocketEvents;
}

/** All open sockets: how many there may be, and how long each. */
export interface Sockets {
  /** Codes: `too_many_sockets`, `overloaded` while the daemon stops. */
  readonly takePlace: (principal: Principal) => Place;
  /** Completes the upgrade. False when the client is gone meanwhile. The place is given back when the socket has closed. */
  readonly open: (opening: SocketOpening, place: Place, options: OpenOptions) => Promise<boolean>;
  /** Asks the door about each, at once; it is asked every second anyway. */
  readonly readmitAll: () => void;
  /** Nothing new is begun; each is closed with 1001 as soon as nothing runs on it. */
  readonly stop: () => void;
  /** Closes what is still open. */
  readonly close: () => void;
  readonly count: () => number;
}

/** Often enough that a key that is taken back closes its sockets within a second (contract §4). */
const tickMs = 500;

export function createSockets({ clock, limits, log, metrics }: SocketsDeps): Sockets {
  const handshake = createHandshake();
  const sockets = new Set<WatchedSocket>();
  const placesByClient = new Map<string, number>();
  let places = 0;
  let isStopping = false;
  let stopTicking: (() => void) | undefined;

  const takePlace = ({ id }: Principal): Place => {
    const { maxOpen, maxOpenPerClient } = limits();
    const ofClient = placesByClient.get(id) ?? 0;
    if (isStopping) throw new AppError('overloaded', { headers: { 'retry-after': '1' } });
    if (places >= maxOpen || ofClient >= maxOpenPerClient) throw new AppError('too_many_sockets', { headers: { 'retry-after': '5' } });
    places++;
    placesByClient.set(id, ofClient + 1);
    let isTaken = true;
    return {
      release: () => {
        if (!isTaken) return;
        isTaken = false;
        places--;
        const left = (placesByClient.get(id) ?? 1) - 1;
        if (left === 0) placesByClient.delete(id);
        else placesByClient.set(id, left);
      },
    };
  };

  const readmit = (socket: WatchedSocket): void => {
    const again = socket.opening.readmit();
    if (again.ok && again.value.id === socket.principal().id) socket.setPrincipal(again.value);
    // That the door cannot tell just now is no word against the caller.
    else if (again.ok || faults[again.error.code].retry !== 'later') socket.close(1008, again.ok ? 'another caller' : again.error.code, 'revoked');
  };

  const tick = (): void => {
    const nowMs = clock.monotonicMs();
    const { pingMs, maxLifetimeMs } = limits();
    for (const socket of sockets) {
      readmit(socket);
      socket.events.onTick();
      if (socket.hasLifetime && nowMs - socket.openedMs >= maxLifetimeMs) {
        socket.events.onExpired();
        socket.close(1000, 'websocket_connection_limit_reached', 'lifetime');
      } else if (socket.liveness.check(nowMs, pingMs) === 'dead') socket.terminate('silent');
    }
  };

  return {
    takePlace,
    open: async (opening, place, { hasLifetime, makeEvents }) => {
      try {
        const ws = await handshake(opening, opening.snapshot().limits.maxBodyBytes);
        if (ws === undefined) {
          place.release();
          return false;
        }
        metrics.socketOpened(opening.endpoint);
        const who = { requestId: opening.id, path: opening.target.path, peer: opening.peer.address, client: opening.principal.id };
        log.info(who, 'a socket opened');
        const onClosed = (closed: WatchedSocket, why: CloseReason, code: number): void => {
          sockets.delete(closed);
          place.release();
          metrics.socketClosed(opening.endpoint, why);
          log.info({ ...who, code, reason: why, turns: closed.events.turnCount(), durationMs: Math.round(clock.monotonicMs() - closed.openedMs) }, 'a socket closed');
          if (sockets.size > 0) return;
          stopTicking?.();
          stopTicking = undefined;
        };
        const socket = watchSocket(opening, ws, { nowMs: clock.monotonicMs(), hasLifetime, makeEvents, isStopping: () => isStopping, onClosed });
        sockets.add(socket);
        stopTicking ??= clock.every(tickMs, tick);
        // A stop or a change of keys may have come while the library was loaded.
        readmit(socket);
        if (isStopping) socket.close(1001, 'stopping', 'stopped');
        return true;
      } catch (thrown) {
        place.release();
        throw thrown;
      }
    },
    readmitAll: () => {
      for (const socket of sockets) readmit(socket);
    },
    stop: () => {
      isStopping = true;
      for (const socket of sockets) {
        socket.events.onStop();
        if (!socket.events.isBusy()) socket.close(1001, 'stopping', 'stopped');
      }
    },
    close: () => {
      for (const socket of sockets) {
        socket.close(1001, 'stopping', 'stopped');
        socket.terminate('stopped');
      }
    },
    count: () => sockets.size,
  };
}
