import { isRecord, textOf, type JsonRecord } from '../../upstreamauth/json-record.ts';
import type { Identity } from './may-sign-in.ts';

const maxGroups = 2_000;

/** Which claims decide, so that they must be known. */
export interface NeededClaims {
  readonly email: boolean;
  readonly groups: boolean;
}

/** `needed`: something that decides is missing, so the user-info endpoint must be asked; `nice`: only a name to show. */
export function whatIsMissing(claims: JsonRecord, groupsClaim: string, needed: NeededClaims): 'nothing' | 'nice' | 'needed' {
  if (needed.email && (textOf(claims, 'email') === undefined || claims['email_verified'] === undefined)) return 'needed';
  if (needed.groups && claimAt(claims, groupsClaim) === undefined) return 'needed';
  return nameOf(claims) === undefined && textOf(claims, 'email') === undefined ? 'nice' : 'nothing';
}

/** `more`: from the user-info endpoint; the id token's own claims win. Address and its verification come from one of both. */
export function readIdentity(issuer: string, subject: string, claims: JsonRecord, more: JsonRecord, groupsClaim: string): Identity {
  const mailSource = textOf(claims, 'email') !== undefined && claims['email_verified'] !== undefined ? claims : textOf(more, 'email') === undefined ? claims : more;
  const verified = mailSource['email_verified'];
  return {
    issuer,
    subject,
    name: nameOf(claims) ?? nameOf(more),
    email: textOf(mailSource, 'email'),
    // Amazon Cognito sends it as text.
    isEmailVerified: verified === true || verified === 'true',
    groups: groupsIn(claimAt(claims, groupsClaim) ?? claimAt(more, groupsClaim)),
  };
}

function nameOf(claims: JsonRecord): string | undefined {
  return textOf(claims, 'name') ?? textOf(claims, 'preferred_username');
}

/** A claim by its whole name (Auth0's are URLs), else by a path into objects (Keycloak's `realm_access.roles`). */
function claimAt(claims: JsonRecord, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  const steps = name.split('.');
  let value: unknown = claims;
  for (const step of steps) value = isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return value;
}

function groupsIn(value: unknown): readonly string[] {
  if (typeof value === 'string' && value !== '') return [value];
  return Array.isArray(value) ? value.slice(0, maxGroups).filter((item) => typeof item === 'string') : [];
}
