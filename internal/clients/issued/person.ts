import { sha256Hex } from '../../secret/digest.ts';
import type { Grant, Scope } from '../grant.ts';

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
  /** What the operator allows besides scopes; kept over sign-ins. */
  readonly limits: Omit<Grant, 'scopes'>;
  /** Held back from all answers; `''` where the provider gave none. */
  readonly providerRefreshToken: string;
  readonly createdAtMs: number;
  /** When the provider last vouched. */
  readonly seenAtMs: number;
}

/** The same for the same subject of the same issuer, for ever. */
export function personIdOf(issuer: string, subject: string): string {
  return `person_${sha256Hex(`${issuer}\n${subject}`).slice(0, 12)}`;
}

/** Issuer of those for whom the holder of the management secret vouches. */
export const localIssuer = 'local';

export function localPerson(name: string, nowMs: number): Person {
  return { id: personIdOf(localIssuer, name), issuer: localIssuer, subject: name, label: name, email: '', groups: [], scopes: [], limits: {}, providerRefreshToken: '', createdAtMs: nowMs, seenAtMs: nowMs };
}
