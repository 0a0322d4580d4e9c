import type { Grant } from '../grant.ts';

/** How a client proves who it is at the token endpoint (RFC 6749 §2.3, RFC 7523). */
export const clientAuthentications = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;
export type ClientAuthentication = (typeof clientAuthentications)[number];

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** What clients may be allowed to get tokens by. `refresh_token` follows from those that people take part in. */
export const clientGrants = ['client_credentials', exchangeGrant, deviceGrant, 'authorization_code'] as const;
export type ClientGrant = (typeof clientGrants)[number];

/** One secret of a client; two while it is being rotated. */
export interface ClientSecret {
  /** SHA-256 of the whole text, hex. */
  readonly digest: string;
  readonly hint: string;
  readonly createdAtMs: number;
  /** End of the overlap; undefined for the newest. */
  readonly endsAtMs: number | undefined;
}

/** A public key of a client, as JWK (RFC 7517). */
export type PublicJwk = Readonly<Record<string, unknown>>;

/** An OAuth client that the operator made. */
export interface OAuthClient {
  /** `client_…`; also the machine's principal id. */
  readonly id: string;
  /** Of the write that it was last changed by; 0 before the first. */
  readonly revision: number;
  readonly name: string;
  /** The `org` of its tokens; `''`: that of the configuration. */
  readonly organization: string;
  readonly authentication: ClientAuthentication;
  readonly grants: readonly ClientGrant[];
  /** What its tokens may do at most. */
  readonly grant: Grant;
  readonly redirectUris: readonly string[];
  readonly jwks: readonly PublicJwk[];
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** Whose rights bound its tokens, at each use (security rule 34); `''`: the operator, whom nothing bounds. */
  readonly minterId: string;
  readonly revokedAtMs: number | undefined;
  readonly revokedBy: string;
  /** The newest first. */
  readonly secrets: readonly ClientSecret[];
}
