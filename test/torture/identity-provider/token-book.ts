import { hash, randomBytes } from 'node:crypto';
import type { Family, SeededFamily, TokenRequest } from './wire.ts';

export interface TokenBookDeps {
  readonly nowMs: () => number;
  readonly accessLifeMs: number;
}

/** Who asks at the token endpoint. */
export interface Asker {
  readonly daemon: string;
  readonly connection: number;
}

export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInS: number;
}

export type AccessCheck =
  /** `askedBy`: the daemon whose refresh brought it; `''` for the first one of a login. */
  | { readonly kind: 'good' | 'expired' | 'revoked'; readonly identity: string; readonly askedBy: string }
  | { readonly kind: 'unknown' };

/**
 * Every token ever issued. Refresh tokens are good for one use; whoever presents a spent one ends the whole family, access
 * tokens included (RFC 9700 §4.14.2).
 */
export interface TokenBook {
  readonly startFamily: (identity: string, lifeMs: number) => SeededFamily;
  /** Spends the token where it is good. What is spent stays spent, whatever becomes of the answer. */
  readonly spend: (refreshToken: string, asker: Asker) => TokenRequest;
  /** A request that spent nothing: cut off, turned away or not understood. */
  readonly note: (asker: Asker, outcome: 'malformed' | 'unavailable' | 'dropped', refreshToken?: string) => TokenRequest;
  /** The tokens a spending brought; the access token's life begins now. */
  readonly issue: (request: TokenRequest) => IssuedTokens;
  readonly check: (accessToken: string) => AccessCheck;
  readonly families: () => readonly Family[];
  readonly requests: () => readonly TokenRequest[];
}

interface RefreshToken {
  readonly family: Family;
  spentBy: number | undefined;
}

export function createTokenBook({ nowMs, accessLifeMs }: TokenBookDeps): TokenBook {
  const refreshTokens = new Map<string, RefreshToken>();
  const accessTokens = new Map<string, { readonly family: Family; readonly expiresAtMs: number; readonly askedBy: string }>();
  const successors = new Map<number, string>();
  const families: Family[] = [];
  const requests: TokenRequest[] = [];

  const mintRefreshToken = (family: Family): string => {
    const token = `rt_${randomText()}`;
    family.newestDigest = digestOf(token);
    refreshTokens.set(family.newestDigest, { family, spentBy: undefined });
    return token;
  };
  const mintAccessToken = (family: Family, expiresAtMs: number, askedBy: string): string => {
    const token = `at_${randomText()}`;
    accessTokens.set(token, { family, expiresAtMs, askedBy });
    return token;
  };
  const record = (asker: Asker, outcome: TokenRequest['outcome'], digest: string): TokenRequest => {
    const family = refreshTokens.get(digest)?.family;
    const request: TokenRequest = { seq: requests.length + 1, ...asker, readAtMs: nowMs(), digest, family: family?.id ?? '', identity: family?.identity ?? '', outcome };
    requests.push(request);
    return request;
  };

  return {
    startFamily: (identity, lifeMs) => {
      const generation = families.filter((each) => each.identity === identity).length + 1;
      const startedAtMs = nowMs();
      const family: Family = { id: `${identity}#${generation}`, identity, startedAtMs, seedExpiresAtMs: startedAtMs + lifeMs, newestDigest: '' };
      families.push(family);
      return { family: family.id, accessToken: mintAccessToken(family, family.seedExpiresAtMs, ''), refreshToken: mintRefreshToken(family), expiresAtMs: family.seedExpiresAtMs };
    },
    spend: (refreshToken, asker) => {
      const digest = digestOf(refreshToken);
      const token = refreshTokens.get(digest);
      if (token === undefined) return record(asker, 'unknown', digest);
      const { family, spentBy } = token;
      if (family.revokedAtMs !== undefined) return record(asker, 'revoked', digest);
      if (spentBy !== undefined) {
        const request = record(asker, 'reuse', digest);
        request.spentBy = spentBy;
        family.revokedAtMs = request.readAtMs;
        family.revokedBy = request.seq;
        return request;
      }
      const request = record(asker, 'issued', digest);
      token.spentBy = request.seq;
      successors.set(request.seq, mintRefreshToken(family));
      return request;
    },
    note: (asker, outcome, refreshToken) => record(asker, outcome, refreshToken === undefined ? '' : digestOf(refreshToken)),
    issue: (request) => {
      const refreshToken = successors.get(request.seq);
      const family = families.find(({ id }) => id === request.family);
      if (refreshToken === undefined || family === undefined) throw new TypeError(`token request ${request.seq} brought no tokens`);
      successors.delete(request.seq);
      request.issuedAtMs = nowMs();
      request.accessExpiresAtMs = request.issuedAtMs + accessLifeMs;
      return { accessToken: mintAccessToken(family, request.accessExpiresAtMs, request.daemon), refreshToken, expiresInS: accessLifeMs / 1_000 };
    },
    check: (accessToken) => {
      const token = accessTokens.get(accessToken);
      if (token === undefined) return { kind: 'unknown' };
      const { identity, revokedAtMs } = token.family;
      return { kind: revokedAtMs !== undefined ? 'revoked' : token.expiresAtMs <= nowMs() ? 'expired' : 'good', identity, askedBy: token.askedBy };
    },
    families: () => families,
    requests: () => requests,
  };
}

/** SHA-256, hex. */
function digestOf(token: string): string {
  return hash('sha256', token, 'hex');
}

function randomText(): string {
  return randomBytes(24).toString('base64url');
}
