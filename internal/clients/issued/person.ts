import { sha256Hex } from '../../secret/digest.ts';
import type { Secret } from '../../secret/secret.ts';
import { scopes, type Grant, type Scope } from '../grant.ts';

/** Somebody who signed in, or for whom the holder of the management secret vouched. */
export interface Person {
  /** `person_` and 20 hex digits of the SHA-256 of issuer, line feed, subject. */
  readonly id: string;
  /** Who vouched: the operator's provider, or `local` for the holder of the management secret. */
  readonly issuer: string;
  readonly subject: string;
  /** Name or e-mail address. */
  readonly label: string;
  /** Only where the provider has verified it. */
  readonly email?: string | undefined;
  /** Those of the person's groups that the config gives scopes. */
  readonly groups: readonly string[];
  /** Present rights: the bound of every login of this person (security rule 34). */
  readonly scopes: readonly Scope[];
  /** What the provider is asked again with. */
  readonly providerRefreshToken?: Secret | undefined;
  /** When somebody vouched last. */
  readonly seenAtMs: number;
}

/** A person as stored, with what the operator has said of them. */
export interface KnownPerson extends Person {
  readonly createdAtMs: number;
  /** What the operator allows besides scopes; kept over sign-ins. */
  readonly limits: Omit<Grant, 'scopes'>;
}

/** Issuer of those for whom the holder of the management secret vouches. */
export const localIssuer = 'local';

/** All that the root secret can pass on: `secrets:read` stays with it (security rule 20). */
export const givableScopes: readonly Scope[] = scopes.filter((scope) => scope !== 'secrets:read');

/** The same for the same subject of the same issuer, for ever. */
export function personId(issuer: string, subject: string): string {
  return `person_${sha256Hex(`${issuer}\n${subject}`).slice(0, 20)}`;
}

/** Who is known by name alone; the holder of the management secret said so. */
export function localPerson(name: string, nowMs: number): Person {
  return { id: personId(localIssuer, name), issuer: localIssuer, subject: name, label: name, groups: [], scopes: givableScopes, seenAtMs: nowMs };
}
