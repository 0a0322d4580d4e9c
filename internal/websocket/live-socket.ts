import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Principal } from '../clients/principal.ts';
import { closing } from './handshake.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import type { SocketOpening } from './opening.ts';

/** Why a socket ended, for metrics and the log. */
export type CloseReason = 'client' | 'lost' | 'revoked' | 'budget' | 'silent' | 'lifetime' | 'fault' | 'upstream' | 'stopped';

/** What an endpoint does with its socket. */
export interface SocketEvents {
  readonly onMessage: (data: Buffer, isBinary: boolean) => void;
  /** All that was sent is on its way. */
  readonly onDrain: () => void;
  /** Called once, when either side begins to close, or the connection breaks; the code is the peer's, or 1006. */
  readonly onGone: () => void;
  /** After `onGone`, with what the client closed with. */
  readonly onClosed: (code: number, reason: Buffer) => void;
  /** The daemon stops: nothing new is begun. */
  readonly onStop: () => void;
  /** The last word before the socket is closed for its age. */
  readonly onExpired: () => void;
  /** Something runs that may still finish. */
  readonly isBusy: () => boolean;
  /** Responses that were asked for, or came, so far; for the log. */
  readonly turnCount: () => number;
  /** About once a second. */
  readonly onTick: () => void;
}

/** An open WebSocket of a client. */
export interface LiveSocket {
  readonly opening: SocketOpening;
  /** As of the last look at the door. */
  readonly principal: () => Principal;
  readonly send: (data: string | Buffer, isBinary?: boolean) => void;
  readonly isFull: () => boolean;
  readonly unsentBytes: () => number;
  readonly cork: () => void;
  readonly uncork: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: (code: number | undefined, reason: string | Buffer, why: CloseReason) => void;
  /** Nothing runs any more: a daemon that stops may let it go. */
  readonly settle: () => void;
}

/** A live socket and what keeps watch over it. */
export interface WatchedSocket extends LiveSocket {
  readonly events: SocketEvents;
  readonly liveness: Liveness;
  readonly openedMs: number;
  readonly hasLifetime: boolean;
  readonly setPrincipal: (principal: Principal) => void;
  readonly terminate: (why: CloseReason) => void;
}

export interface WatchOptions {
  readonly nowMs: number;
  readonly hasLifetime: boolean;
  readonly makeEvents: (socket: LiveSocket) => SocketEvents;
  readonly isStopping: () => boolean;
  /** `code`: as it came from the client, 1006 for none. */
  readonly onClosed: (socket: WatchedSocket, why: CloseReason, code: number) => void;
}

/** Binds a socket to its endpoint. */
export function watchSocket(opening: SocketOpening, ws: WebSocket, options: WatchOptions): WatchedSocket {
  const raw: Duplex = opening.socket;
  let { principal } = opening;
  /** Where it was ours to end it. */
  let own: CloseReason | undefined;
  let hasFault = false;
  let isGone = false;
  const leave = (): void => {
    if (isGone) return;
    isGone = true;
    events.onGone();
  };
  const live: LiveSocket = {
    opening,
    principal: () => principal,
    send: (data, isBinary = false) => {
      if (ws.readyState === ws.OPEN) ws.send(data, { binary: isBinary });
    },
    isFull: () => raw.writableNeedDrain,
    unsentBytes: () => ws.bufferedAmount,
    cork: () => raw.cork(),
    uncork: () => raw.uncork(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: (code, reason, cause) => {
      own ??= cause;
      ws.close(code, reason);
    },
    settle: () => {
      if (options.isStopping()) live.close(1001, 'stopping', 'stopped');
    },
  };
  const events = options.makeEvents(live);
  const watched: WatchedSocket = {
    ...live,
    events,
    liveness: createLiveness(ws, options.nowMs),
    openedMs: options.nowMs,
    hasLifetime: options.hasLifetime,
    setPrincipal: (next) => {
      principal = next;
    },
    terminate: (cause) => {
      own ??= cause;
      leave();
      ws.terminate();
    },
  };
  const onDrain = (): void => events.onDrain();
  raw.on('drain', onDrain);
  ws.on('message', (data: unknown, isBinary) => {
    if (!isGone && Buffer.isBuffer(data)) events.onMessage(data, isBinary);
  });
  ws.on(closing, leave);
  // The library closes with the fitting code: 1009 too big, 1007 no UTF-8, 1002 no protocol.
  ws.on('error', () => {
    hasFault = true;
    leave();
  });
  ws.on('close', (code, reason) => {
    raw.off('drain', onDrain);
    leave();
    events.onClosed(code, reason);
    options.onClosed(watched, own ?? (hasFault ? 'fault' : code === 1006 ? 'lost' : 'client'), code);
  });
  return watched;
}
