import type { OAuthClient, PublicJwk } from './oauth-client.ts';
import type { KnownPerson, Person } from './person.ts';
import type { Session } from './session.ts';

export interface SessionQuery extends PageQuery {
  readonly personId?: string | undefined;
  readonly clientId?: string | undefined;
  /** A person, or who made clients: only the logins of the one and at the others. */
  readonly visibleTo?: string | undefined;
}

export interface PageQuery {
  readonly after?: { readonly createdAtMs: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** A key that signs, or whose signatures still count. */
export interface SigningKey {
  readonly kid: string;
  /** EC P-256 with its private part (RFC 7517). */
  readonly jwk: PublicJwk;
  readonly createdAtMs: number;
  /** From then on it signs nothing. */
  readonly retiredAtMs: number | undefined;
}

/** What the library keeps: codes, refresh tokens, its own sessions. Tokens are kept by their digest only. */
export interface ProtocolObjects {
  /** `ttlMs` from now; undefined where it has no end. `false`, and nothing kept, where its login has ended. */
  readonly put: (model: string, id: string, payload: object, expiresAtMs: number | undefined) => boolean;
  readonly find: (model: string, id: string) => Record<string, unknown> | undefined;
  readonly findByUserCode: (userCode: string) => { readonly payload: Record<string, unknown>; readonly consumed: boolean } | undefined;
  readonly findByUid: (model: string, uid: string) => Record<string, unknown> | undefined;
  /** One conditional write: true for one caller, ever (security rule 31). */
  readonly consume: (model: string, id: string) => boolean;
  /** Whether so many are kept that end within that time, and have not. Reads an index alone. */
  readonly isFull: (model: string, most: number, withinMs: number) => boolean;
  readonly remove: (model: string, id: string) => void;
  readonly removeByGrant: (grantId: string) => void;
  /** Writes members of a device code that nobody has decided about yet; false where somebody was faster, or it is gone. */
  readonly decideDevice: (userCode: string, members: object) => boolean;
  readonly removeExpired: () => number;
}

/** All that tokens of ours rest on. Synchronous; throws when it cannot be read or written. */
export interface IdentityStore {
  readonly objects: ProtocolObjects;
  readonly findClient: (id: string) => OAuthClient | undefined;
  /** Newest first. */
  readonly listClients: (query: PageQuery & { readonly minterId?: string | undefined }) => readonly OAuthClient[];
  readonly insertClient: (client: OAuthClient) => OAuthClient;
  /** Undefined, and nothing written, when it was changed since it was read, or is gone. */
  readonly updateClient: (client: OAuthClient) => OAuthClient | undefined;
  readonly removeClient: (client: OAuthClient) => boolean;
  readonly findPerson: (id: string) => KnownPerson | undefined;
  /** Of a person who is known, limits and `createdAtMs` stay as they are. */
  readonly savePerson: (person: Person) => void;
  /** False where there is no such person. */
  readonly limitPerson: (id: string, limits: KnownPerson['limits']) => boolean;
  /** Newest first. */
  readonly listPeople: (query: PageQuery) => readonly KnownPerson[];
  readonly findSession: (id: string) => Session | undefined;
  /** Newest first. */
  readonly listSessions: (query: SessionQuery) => readonly Session[];
  readonly insertSession: (session: Session) => void;
  /** Ends it with all that the library keeps of it, in one write; false where it had ended. */
  readonly endSession: (id: string, by: string) => boolean;
  readonly noteSessionUses: (uses: readonly { readonly id: string; readonly atMs: number; readonly from: string }[]) => void;
  readonly endToken: (jti: string, expiresAtMs: number) => void;
  readonly isTokenEnded: (jti: string) => boolean;
  /** Notes it and tells whether it was new, in one write. */
  readonly isFirstUse: (scope: string, jti: string, expiresAtMs: number) => boolean;
  readonly signingKeys: () => readonly SigningKey[];
  readonly insertSigningKey: (key: SigningKey, retirePrevious: boolean) => void;
  /** Forgets what has expired. */
  readonly sweep: () => void;
  /** True when another process has written something that bears on rights since this was last asked; throws when that cannot be told, and is then told the next time. Costs next to nothing. */
  readonly hasChangedElsewhere: () => boolean;
}
