import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import type { Login } from '../providers/login.ts';
import type { AccessToken, LoginState, TokenFault } from './ports.ts';
import type { Result } from '../fault/result.ts';
import type { TokenLife } from './token-life.ts';

/** What the keeper holds of one login in memory. */
export interface Entry {
  login: Login;
  /** Names and hashes of its files as they were last looked at. */
  seen: string;
  tokens: TokenSet;
  life: TokenLife;
  access: AccessToken | undefined;
  state: LoginState;
  /** What it was before the refresh under way. */
  stateBefore: LoginState;
  refreshing: Promise<Result<AccessToken, TokenFault>> | undefined;
  /** The last access token that was got because the upstream refused the one before. */
  renewed: { readonly value: string; readonly atMs: number } | undefined;
  /** No refresh before, by the monotonic clock; Infinity while it needs a person. */
  notBeforeMs: number;
  /** `notBeforeMs` is when the access token ends, and nothing else is in the way. */
  waitsForExpiry: boolean;
  failures: number;
  lastFault: TokenFault;
  /** Digest of the refresh token that was given up with `needs_login`. */
  givenUp: string | undefined;
}

/** Without tokens, and due at once. */
export function createEntry(login: Login): Entry {
  const state: LoginState = { kind: 'ready', expiresAtMs: undefined, lastRefreshMs: undefined };
  return {
    login,
    seen: '',
    tokens: noTokens,
    life: { expiresAtMs: 0, freshUntilMs: 0, dueAtMs: 0 },
    access: undefined,
    state,
    stateBefore: state,
    refreshing: undefined,
    renewed: undefined,
    notBeforeMs: 0,
    waitsForExpiry: false,
    failures: 0,
    lastFault: { kind: 'unavailable', reason: 'refresh_failed', detail: 'no refresh was tried yet' },
    givenUp: undefined,
  };
}

/** What a login spends, as its vendor wants it; undefined when the token set holds none. */
export function tokenOf({ profile }: Login, tokens: TokenSet, expiresAtMs: number): AccessToken | undefined {
  const secret = profile.spend.spends === 'api-key' ? (tokens.apiKey ?? tokens.accessToken) : tokens.accessToken;
  return secret === undefined ? undefined : { value: secret.reveal(), expiresAtMs };
}
