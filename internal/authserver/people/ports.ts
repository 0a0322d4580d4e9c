import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Person } from '../../clients/issued/person.ts';
import type { Scope } from '../../clients/grant.ts';
import type { Peer } from '../../http/inbound.ts';

export interface PersonStore {
  /** Resolves when it is durable. */
  readonly save: (person: Person) => Promise<void>;
  readonly find: (id: string) => Promise<Person | undefined>;
}

/** A device grant that waits for its approval. */
export interface PendingDevice {
  readonly clientId: string;
  readonly clientName: string;
  /** As asked for; what is no scope of Keyward is passed over. */
  readonly scopes: readonly string[];
  /** `Peer.address` of who asked for the code. */
  readonly requestedFrom: string;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly userAgent?: string | undefined;
}

/** `gone`: used, denied or expired meanwhile; of several attempts at one code exactly one is `done` (security rule 31). */
export type Settled = 'done' | 'gone';

/** `userCode` is always normalised: the letters alone, upper case. */
export interface DeviceApprovals {
  /** Undefined for codes that do not wait: unknown, used, denied. Expired ones are found for a while, so that they are no wrong guess. */
  readonly find: (userCode: string) => Promise<PendingDevice | undefined>;
  readonly approve: (userCode: string, person: Person, scopes: readonly Scope[]) => Promise<Settled>;
  readonly deny: (userCode: string) => Promise<Settled>;
}

/** A login of a client in this browser (authorization code) that waits for consent. */
export interface PendingLogin {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** Host, and port where there is one, that the browser goes back to. */
  readonly redirectHost: string;
  /** Of the browser that began it. */
  readonly requestedAtMs?: number | undefined;
}

/** `from`: `Peer.address` of the browser. */
export type Decision = { readonly person: Person; readonly scopes: readonly Scope[]; readonly from: string } | 'denied';

export interface BrowserLogins {
  /** Undefined where none waits under `uid` in this very browser. */
  readonly find: (req: IncomingMessage, res: ServerResponse, uid: string) => Promise<PendingLogin | undefined>;
  /** Writes no answer. `location`: where the browser goes on, below `<public-url>/oauth/`. */
  readonly finish: (req: IncomingMessage, res: ServerResponse, uid: string, decision: Decision) => Promise<{ readonly kind: 'done'; readonly location: string } | { readonly kind: 'gone' }>;
}

/** What the audit is told; time and request id included. */
export interface PeopleEvent {
  readonly action: 'person.entered' | 'person.refused' | 'person.ended' | 'approval.given' | 'approval.denied' | 'approval.refused' | 'identity.unusual';
  /** Id of the person, or `anonymous`. */
  readonly actor: string;
  readonly actorLabel?: string | undefined;
  /** `Peer.address`; `daemon` where nobody called. */
  readonly from: string;
  readonly requestId: string;
  /** `client:<id>`, the provider's issuer, … No user code, no approval code. */
  readonly target: string;
  /** Why it was refused; absent for what happened. */
  readonly code?: string | undefined;
  readonly after?: unknown;
}

/** `keyward_identity_unusual_total{kind}` */
export type UnusualKind = 'many_codes_asked' | 'many_codes_entered' | 'wrong_codes' | 'wrong_approval_codes' | 'other_network';

/** Neither may throw. */
export interface PeopleHooks {
  readonly onEvent: (event: PeopleEvent) => void;
  readonly onUnusual: (kind: UnusualKind) => void;
}

/** One request to the pages, its body read. */
export interface PageRequest {
  readonly method: 'GET' | 'POST';
  /** Without `?`. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The form; `''` for GET. */
  readonly body: string;
  readonly peer: Peer;
  readonly requestId: string;
  /** Of the route. */
  readonly params: Readonly<Record<string, string>>;
  /** Only handed on to `BrowserLogins`, which knows its browser by its own cookie. */
  readonly node: { readonly req: IncomingMessage; readonly res: ServerResponse };
}
