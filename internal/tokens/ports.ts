import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { TokenFields } from '../accounts/directory/ports.ts';
import type { TokenSet } from '../accounts/token-set.ts';
import type { Result } from '../fault/result.ts';
import type { Login } from '../providers/login.ts';

/** An access token that may be sent now. */
export interface AccessToken {
  /** What goes behind `Bearer`. */
  readonly value: string;
  /** Infinity where nothing tells. */
  readonly expiresAtMs: number;
}

/** Why there is no token. `needs_login` lasts until somebody acts; the others pass. */
export interface TokenFault {
  readonly kind: 'needs_login' | 'unavailable';
  readonly reason: LoginReason | 'refresh_in_progress' | 'refresh_failed' | 'storage_unwritable' | 'unknown_account';
  /** For the operator, one sentence, free of secrets. */
  readonly detail: string;
}

/** Why an account needs a person. */
export type LoginReason =
  /** The vendor says that the refresh token is no longer good. */
  | 'refresh_refused'
  /** A refresh was sent whose answer never became durable; the token may be spent (security rule 26). */
  | 'refresh_outcome_unknown'
  /** Only spent tokens are left on disk (security rule 25). */
  | 'stale_token_restored'
  | 'no_refresh_token'
  /** Neither file nor config says which OAuth client the token belongs to. */
  | 'oauth_client_not_configured'
  /** Tokens came from a flow without PKCE for an identity never seen here (security rule 29). */
  | 'confirmation_pending';

export type LoginState =
  /** `failure`: why the last refresh failed, while none has succeeded since; it is tried again. */
  | { readonly kind: 'ready'; readonly expiresAtMs: number | undefined; readonly lastRefreshMs: number | undefined; readonly failure?: string }
  | { readonly kind: 'refreshing'; readonly sinceMs: number }
  /** `usableUntilMs`: its last access token serves until then; 0 once there is none. */
  | { readonly kind: 'needs_login'; readonly reason: LoginReason; readonly detail: string; readonly sinceMs: number; readonly usableUntilMs: number };

/** Keeps the access tokens of all logins fresh and hands them out. One refresh a login over all processes on this machine. */
export interface TokenKeeper {
  /**
   * The login's access token: at once while one is good, else after a refresh. Waits no longer than the keeper's patience,
   * ends with `signal`. Never rejects.
   */
  readonly acquire: (loginKey: string, signal?: AbortSignal) => Result<AccessToken, TokenFault> | Promise<Result<AccessToken, TokenFault>>;
  /** After the upstream refused `refused` with 401: a newer token, by one refresh where none is there yet. */
  readonly renew: (loginKey: string, refused: AccessToken, signal?: AbortSignal) => Promise<Result<AccessToken, TokenFault>>;
  readonly stateOf: (loginKey: string) => LoginState;
  /** Takes the logins of a new config or directory state; those that are gone are forgotten in memory. */
  readonly setLogins: (logins: readonly Login[]) => void;
  /** Forgets that a login needs a person and tries again; for operators. */
  readonly retry: (loginKey: string) => void;
  /** Runs `work` with the newest tokens while no process refreshes the login. `busy`: another process's refresh takes too long. */
  readonly hold: <T>(loginKey: string, work: (newest: TokenSet) => Promise<T>) => Promise<Result<T, 'busy' | 'unknown'>>;
  /** Called when a login's state changes its kind or reason. */
  readonly onState: (listener: (login: Login, state: LoginState, before: LoginState) => void) => void;
  /** Starts refreshing ahead of expiry. */
  readonly start: () => void;
  /** Waits for refreshes under way, so that no answer is lost. */
  readonly close: () => Promise<void>;
}

/** How asking a token endpoint ended. */
export type GrantOutcome =
  /** `after` asks the vendor for what follows from the tokens (a derived key, an address); it runs when they are durable, and gives all fields anew. */
  | ({ readonly kind: 'issued'; readonly after?: () => Promise<TokenFields> } & TokenFields)
  /** A whole answer that says no. `error` is the OAuth code (`invalid_grant` …), or `http_<status>` where there is none. */
  | { readonly kind: 'refused'; readonly error: string; readonly detail: string; readonly retryAfterMs: number | undefined }
  /** No usable answer: connection, timeout, 5xx, garbage. `wasSent` false: no byte of the request left. */
  | { readonly kind: 'failed'; readonly wasSent: boolean; readonly detail: string; readonly retryAfterMs: number | undefined };

/** Asks the vendors. Implemented by `upstreamauth`; never rejects. */
export interface TokenGrants {
  /** `tokens` holds the refresh token to send; `file` the facts beside it. */
  readonly refresh: (login: Login, tokens: TokenSet, file: AuthFile, signal: AbortSignal) => Promise<GrantOutcome>;
  readonly clientCredentials: (login: Login, signal: AbortSignal) => Promise<GrantOutcome>;
  /** RFC 7523 §2.1 with the file's service account. */
  readonly serviceAccount: (login: Login, file: AuthFile, signal: AbortSignal) => Promise<GrantOutcome>;
}
