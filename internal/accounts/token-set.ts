import type { Secret } from '../secret/secret.ts';

/** The token fields of one account: what the token writer writes and the operator's writer never touches. */
export interface TokenSet {
  readonly accessToken: Secret | undefined;
  readonly refreshToken: Secret | undefined;
  readonly idToken: Secret | undefined;
  /** A key that the vendor derives from the login and takes instead of the access token (iflow). */
  readonly apiKey: Secret | undefined;
  /** When the access token ends; undefined when nothing tells. */
  readonly expiresAtMs: number | undefined;
  /** When the vendor issued it (`last_refresh`); undefined for files that do not say. */
  readonly issuedAtMs: number | undefined;
}

export const noTokens: TokenSet = { accessToken: undefined, refreshToken: undefined, idToken: undefined, apiKey: undefined, expiresAtMs: undefined, issuedAtMs: undefined };
