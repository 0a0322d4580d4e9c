import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { scopes, type Holder } from '../grant.ts';
import type { Principal } from '../principal.ts';
import type { CredentialSource, Verdict } from '../verify.ts';
import { keyIdOf, looksIssued, publicKeyOf, readAccessToken, type AccessTokenClaims, type WorkloadEvidence } from './access-token.ts';
import type { IdentityStore } from './store.ts';

/** Access tokens that were issued here, as the door sees them. */
export interface IssuedTokenSource extends CredentialSource {
  /** Judges again what a principal came in by. Undefined: not one of this source. */
  readonly recheck: (principal: Principal) => Verdict | undefined;
  /** What a good token says; undefined for all others. For introspection. */
  readonly read: (text: string) => { readonly claims: AccessTokenClaims; readonly principal: Principal } | undefined;
  /** What a token says whose signature is right, good or not. For revocation. */
  readonly readSigned: (text: string) => AccessTokenClaims | undefined;
  /** What the claims of a caller's token are; undefined for callers that came by something else. */
  readonly claimsOf: (principal: Principal) => AccessTokenClaims | undefined;
  /** Rights were changed, by this process or another: all is looked up anew. */
  readonly forget: () => void;
  /** The uses of logins since this was last called. */
  readonly takeUses: () => readonly { readonly id: string; readonly atMs: number; readonly from: string }[];
}

/** What a minter may do now, and those above it. */
export interface MinterRights {
  readonly holders: readonly Holder[];
  /** When the first of them ends by itself. */
  readonly validUntilMs: number;
}

export interface IssuedTokenSourceDeps {
  readonly store: Pick<IdentityStore, 'findClient' | 'findPerson' | 'findSession' | 'isTokenEnded' | 'signingKeys'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly issuer: string;
  /** What `aud` must hold. */
  readonly audience: string;
  /** Clients that are no rows of the store: their tokens always have a login behind them. */
  readonly builtInClients: ReadonlySet<string>;
  /** A workload by the rules of now; undefined where it may not come in any more. */
  readonly workloadOf: (evidence: WorkloadEvidence) => Pick<Principal, 'id' | 'label' | 'holders'> | undefined;
  /** The present rights of who minted a client; undefined where nobody has them any more. */
  readonly minterRights: (minterId: string) => MinterRights | undefined;
  /** How long tokens of a key that signs no more may live: afterwards whoever has such a key has nothing. */
  readonly keptMs: () => number;
  readonly maxRemembered?: number;
}

interface Entry {
  readonly claims: AccessTokenClaims;
  readonly verdict: Verdict;
  readonly validUntilMs: number;
}

const unbounded: MinterRights = { holders: [], validUntilMs: Infinity };
const unknownToken: Verdict = { kind: 'invalid', code: 'invalid_api_key' };
const revoked: Verdict = { kind: 'invalid', code: 'token_revoked' };
const expired: Verdict = { kind: 'invalid', code: 'token_expired' };
/** How often the store is asked for keys that are not known, whatever tokens name. */
const keysAgainMs = 1_000;

/**
 * Judges access tokens by their full digest. What was seen is remembered until it ends or rights change; a first sight is one
 * signature check and a few indexed reads: whether the token was ended, and the login or client behind it. A store that cannot
 * be read throws, which is no word against the token; what is remembered goes on.
 */
export function createIssuedTokenSource({ store, clock, issuer, audience, builtInClients, workloadOf, minterRights, keptMs, maxRemembered = 10_000 }: IssuedTokenSourceDeps): IssuedTokenSource {
  const known = new LRUCache<string, Entry>({ max: maxRemembered });
  const unknown = new LRUCache<string, true>({ max: maxRemembered });
  const cameBy = new WeakMap<Principal, { readonly digest: string; readonly text: string; readonly claims: AccessTokenClaims }>();
  let used = new Map<string, { atMs: number; from: string }>();
  let keys = new Map<string, { readonly key: KeyObject; readonly retiredAtMs: number }>();
  let keysReadAtMs = -Infinity;

  const keyOf = (kid: string): KeyObject | undefined => {
    if (!keys.has(kid) && clock.nowMs() - keysReadAtMs >= keysAgainMs) {
      keys = new Map(store.signingKeys().map((each) => [each.kid, { key: publicKeyOf(each.jwk), retiredAtMs: each.retiredAtMs ?? Infinity }]));
      keysReadAtMs = clock.nowMs();
    }
    const found = keys.get(kid);
    return found === undefined || clock.nowMs() > found.retiredAtMs + keptMs() ? undefined : found.key;
  };

  const readSigned = (text: string): AccessTokenClaims | undefined => {
    if (!looksIssued(text)) return undefined;
    const kid = keyIdOf(text);
    const key = kid === undefined ? undefined : keyOf(kid);
    const claims = key === undefined ? undefined : readAccessToken(text, key, issuer);
    return claims?.audience.includes(audience) === true ? claims : undefined;
  };

  /** Who stands behind it now; undefined where nobody does any more. */
  const principalOf = (claims: AccessTokenClaims): { readonly principal: Principal; readonly validUntilMs: number } | undefined => {
    if (store.isTokenEnded(claims.jti)) return undefined;
    const client = store.findClient(claims.clientId);
    if (client === undefined ? !builtInClients.has(claims.clientId) : client.revokedAtMs !== undefined) return undefined;
    const own: Holder = { id: claims.sessionId ?? claims.jti, grant: { scopes: scopes.filter((scope) => claims.scope.includes(scope)) } };
    const ofMinter = client === undefined || client.minterId === '' ? unbounded : minterRights(client.minterId);
    if (ofMinter === undefined) return undefined;
    const ofClient: readonly Holder[] = client === undefined ? [] : [{ id: client.id, grant: client.grant }, ...ofMinter.holders];
    const validUntilMs = Math.min(claims.expiresAtMs, ofMinter.validUntilMs);
    if (claims.workload !== undefined) {
      const workload = workloadOf(claims.workload);
      if (workload === undefined || workload.id !== claims.subject) return undefined;
      return { principal: { ...workload, kind: 'workload', holders: [own, ...(workload.holders ?? []), ...ofClient] }, validUntilMs };
    }
    if (claims.sessionId === undefined) {
      if (client === undefined || claims.subject !== client.id) return undefined;
      return { principal: { id: client.id, kind: 'machine', label: client.name, holders: [own, ...ofClient] }, validUntilMs };
    }
    const session = store.findSession(claims.sessionId);
    const person = store.findPerson(claims.subject);
    if (session === undefined || person === undefined || session.endedAtMs !== undefined || session.personId !== person.id || session.clientId !== claims.clientId) return undefined;
    const ofPerson: Holder = { id: person.id, grant: { ...person.limits, scopes: person.scopes } };
    return { principal: { id: person.id, kind: 'person', label: person.label, holders: [own, ofPerson, ...ofClient] }, validUntilMs: Math.min(validUntilMs, session.expiresAtMs) };
  };

  const look = (digest: string, text: string): Entry | undefined => {
    const claims = readSigned(text);
    if (claims === undefined) return undefined;
    const behind = principalOf(claims);
    const verdict: Verdict = behind === undefined ? revoked : { kind: 'valid', principal: behind.principal, token: { thumbprint: claims.thumbprint } };
    const entry = { claims, verdict, validUntilMs: behind?.validUntilMs ?? claims.expiresAtMs };
    if (behind !== undefined) cameBy.set(behind.principal, { digest, text, claims });
    known.set(digest, entry);
    return entry;
  };

  const find = (digest: string, text: string): Entry | undefined => {
    const seen = known.get(digest);
    if (seen !== undefined || unknown.has(digest)) return seen;
    const entry = look(digest, text);
    // A token of a key that another process is just about to publish is asked about again.
    if (entry === undefined && clock.nowMs() - keysReadAtMs >= keysAgainMs) unknown.set(digest, true);
    return entry;
  };

  const judge = ({ verdict, validUntilMs }: Entry): Verdict => (clock.nowMs() < validUntilMs ? verdict : verdict.kind === 'valid' ? expired : verdict);

  const noteUse = ({ sessionId }: AccessTokenClaims, from: string): void => {
    if (sessionId === undefined) return;
    const use = used.get(sessionId);
    if (use === undefined) used.set(sessionId, { atMs: clock.nowMs(), from });
    else {
      use.atMs = clock.nowMs();
      use.from = from;
    }
  };

  return {
    name: 'issued-tokens',
    verify: (text, from) => {
      if (!looksIssued(text)) return unknownToken;
      const entry = find(sha256Hex(text), text);
      if (entry === undefined) return unknownToken;
      const verdict = judge(entry);
      if (verdict.kind === 'valid' && from !== undefined) noteUse(entry.claims, from);
      return verdict;
    },
    recheck: (principal) => {
      const came = cameBy.get(principal);
      if (came === undefined) return undefined;
      try {
        const entry = find(came.digest, came.text);
        return entry === undefined ? revoked : judge(entry);
      } catch (cause) {
        return { kind: 'unknown', cause };
      }
    },
    read: (text) => {
      if (!looksIssued(text)) return undefined;
      const entry = find(sha256Hex(text), text);
      const verdict = entry === undefined ? unknownToken : judge(entry);
      return entry !== undefined && verdict.kind === 'valid' ? { claims: entry.claims, principal: verdict.principal } : undefined;
    },
    readSigned,
    claimsOf: (principal) => cameBy.get(principal)?.claims,
    forget: () => {
      known.clear();
      unknown.clear();
      keys = new Map();
      keysReadAtMs = -Infinity;
    },
    takeUses: () => {
      const taken = [...used].map(([id, use]) => ({ id, ...use }));
      used = new Map();
      return taken;
    },
  };
}

