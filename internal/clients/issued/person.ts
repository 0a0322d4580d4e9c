import type { Scope } from '../grant.ts';

/** Somebody who signed in. */
export interface Person {
  /** `person_<12 hex digits of SHA-256 over issuer, line feed, subject>`. */
  readonly id: string;
  /** Who vouched: the provider's issuer, or `local` for the holder of the management secret. */
  readonly issuer: string;
  readonly subject: string;
  /** A name or an e-mail address. */
  readonly label: string;
  readonly email: string;
  readonly groups: readonly string[];
  /** What the person may do now, as of the last time the provider was asked. */
  readonly scopes: readonly Scope[];
  /** Held back from all answers; `''` where the provider gave none. */
  readonly providerRefreshToken: string;
  /** When the provider last vouched. */
  readonly seenAtMs: number;
}
