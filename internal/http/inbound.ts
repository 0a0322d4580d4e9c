import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '../clients/grant.ts';
import type { Principal } from '../clients/principal.ts';

/** The request target, parsed once (security rule 5). */
export interface Target {
  /** Decoded nowhere: the path as sent, `/`-rooted, without query. */
  readonly path: string;
  /** The query as sent, without `?`; empty when there is none. */
  readonly query: string;
}

/** Who is at the other end of the socket (security rule 1, contract §13). */
export interface Peer {
  /** The address that counts: the socket's, or from a trusted proxy the right-most untrusted forwarded one; `unix` for sockets. */
  readonly address: string;
  /** Loopback or Unix socket, and no forwarding header from an untrusted peer. */
  readonly isLocal: boolean;
  /** The request came over the owner-only control socket: root rights. */
  readonly isControlSocket: boolean;
  /** What throttles count by: IPv4 address, IPv6 /64, or `unix`. */
  readonly throttleKey: string;
}

/** What a route demands of its caller. */
export type Access =
  /**
   * `fromOtherSites: 'navigation'` also serves a browser window that another site's page sends here with GET, as vendors do
   * at the end of a login. Scripts, frames and forms of other sites stay out.
   */
  | { readonly kind: 'open'; readonly fromOtherSites?: 'navigation' }
  /** `scope`: what a key must be allowed; absent on paths where nothing is. */
  | { readonly kind: 'client'; readonly scope?: Scope }
  /** `root`: no key but the management secret. */
  | { readonly kind: 'management'; readonly scope?: Scope | 'root' }
  /** Management, or a local peer while `metrics-open` (security rule 22). */
  | { readonly kind: 'metrics'; readonly scope?: Scope };

/** One admitted request, before its body is read. `S` is the snapshot the whole exchange uses, `R` where its answer goes. */
export interface Inbound<S, R = ServerResponse> {
  /** Also the answer's `x-request-id`. */
  readonly id: string;
  readonly method: string;
  readonly target: Target;
  /** `POST /v1/chat/completions`: method and the route's pattern, for usage, metrics and logs. */
  readonly endpoint: string;
  /** What the route's pattern captured. */
  readonly params: Readonly<Record<string, string>>;
  readonly peer: Peer;
  readonly principal: Principal;
  readonly snapshot: S;
  /** Monotonic milliseconds at which the request's headers were complete. */
  readonly startedMs: number;
  readonly req: IncomingMessage;
  readonly res: R;
}
