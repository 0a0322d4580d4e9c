import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Principal } from '../clients/principal.ts';
import type { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { Peer, Target } from '../http/inbound.ts';
import type { ProxySnapshot } from '../proxy/limits.ts';

/** An admitted upgrade that nobody has answered yet. */
export interface SocketOpening {
  /** Also the handshake's `x-request-id`. */
  readonly id: string;
  readonly target: Target;
  /** `WS /v1/responses`, for usage, metrics and logs. */
  readonly endpoint: string;
  readonly peer: Peer;
  readonly principal: Principal;
  readonly startedMs: number;
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent right behind its request. */
  readonly head: Buffer;
  /** The config state of now, not of the opening: a socket outlives reloads. */
  readonly snapshot: () => ProxySnapshot;
  /** Asks the door again, by the rules of now and with what the client presented when it came. */
  readonly readmit: () => Result<Principal, AppError>;
}

/** An HTTP answer in place of the upgrade, as an upstream gave it. */
export interface SocketRefusal {
  readonly status: number;
  /** Lower-case names; without framing headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Serves upgrades of one endpoint. It answers on the socket itself, or leaves it untouched: by a refusal, which is written
 * for it, or by throwing an `AppError`.
 */
export type SocketHandler = (opening: SocketOpening) => Promise<SocketRefusal | undefined>;

/** The endpoints that are sockets. */
export interface SocketRoutes {
  readonly responses: SocketHandler;
  readonly realtime: SocketHandler;
}
