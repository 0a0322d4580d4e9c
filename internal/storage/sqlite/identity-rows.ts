import { decodeGrant, encodeGrant } from '../../clients/managed-keys/grant-json.ts';
import { clientAuthentications, clientGrants, type ClientSecret, type OAuthClient, type PublicJwk } from '../../clients/issued/oauth-client.ts';
import type { KnownPerson, Person } from '../../clients/issued/person.ts';
import type { Session } from '../../clients/issued/session.ts';
import type { SigningKey } from '../../clients/issued/store.ts';
import { scopes, type Grant, type Scope } from '../../clients/grant.ts';
import { isRecord, parseJson } from '../../dialect/ir/json.ts';
import { Secret } from '../../secret/secret.ts';
import type { Sealer } from '../sealer.ts';
import type { SqlValue } from './driver.ts';
import { atOrZero, fromZero, readTexts } from './managed-key-rows.ts';
import { readRow } from './read-row.ts';

export const clientColumns = [
  'id', 'revision', 'name', 'organization', 'authentication', 'grants_json', 'grant_json', 'redirect_uris_json', 'jwks_json', 'secrets_json', 'created_at_ms', 'created_by', 'minter_id', 'revoked_at_ms', 'revoked_by',
] as const;
export const personColumns = ['id', 'issuer', 'subject', 'label', 'email', 'groups_json', 'scopes_json', 'limits_json', 'provider_refresh_token', 'created_at_ms', 'seen_at_ms'] as const;
export const sessionColumns = ['id', 'person_id', 'client_id', 'scopes_json', 'created_at_ms', 'created_from', 'user_agent', 'last_used_at_ms', 'last_used_from', 'expires_at_ms', 'ended_at_ms', 'ended_by'] as const;

/** In the order of `clientColumns`. */
export function valuesOfClient(client: OAuthClient): readonly SqlValue[] {
  const secrets = client.secrets.map(({ digest, hint, createdAtMs, endsAtMs }) => ({ digest, hint, createdAtMs, endsAtMs: atOrZero(endsAtMs) }));
  return [
    client.id, client.revision, client.name, client.organization, client.authentication, JSON.stringify(client.grants), JSON.stringify(encodeGrant(client.grant)), JSON.stringify(client.redirectUris),
    JSON.stringify(client.jwks), JSON.stringify(secrets), client.createdAtMs, client.createdBy, client.minterId, atOrZero(client.revokedAtMs), client.revokedBy,
  ];
}

export function readClient(row: unknown): OAuthClient {
  const { text, number } = readRow(row);
  const grant = readGrant(text('grant_json'));
  const authentication = clientAuthentications.find((each) => each === text('authentication'));
  if (grant === undefined || authentication === undefined) throw new TypeError(`the OAuth client ${text('id')} cannot be read`);
  const grants = readTexts(text('grants_json'));
  return {
    id: text('id'),
    revision: number('revision'),
    name: text('name'),
    organization: text('organization'),
    authentication,
    grants: clientGrants.filter((each) => grants.includes(each)),
    grant,
    redirectUris: readTexts(text('redirect_uris_json')),
    jwks: readRecords(text('jwks_json')),
    createdAtMs: number('created_at_ms'),
    createdBy: text('created_by'),
    minterId: text('minter_id'),
    revokedAtMs: fromZero(number('revoked_at_ms')),
    revokedBy: text('revoked_by'),
    secrets: readRecords(text('secrets_json')).map(readSecret),
  };
}

function readSecret(secret: PublicJwk): ClientSecret {
  const { text, number } = readRow(secret);
  return { digest: text('digest'), hint: text('hint'), createdAtMs: number('createdAtMs'), endsAtMs: fromZero(number('endsAtMs')) };
}

/** In the order of `personColumns`, of somebody who is new. */
export function valuesOfPerson(person: Person, sealer: Sealer): readonly SqlValue[] {
  const token = person.providerRefreshToken?.reveal() ?? '';
  return [person.id, person.issuer, person.subject, person.label, person.email ?? '', JSON.stringify(person.groups), JSON.stringify(person.scopes), '{}', token === '' ? '' : sealer.seal(token, placeOfToken(person.id)), person.seenAtMs, person.seenAtMs];
}

/** A token that does not open is as good as none: its person signs in again. */
export function readPerson(row: unknown, sealer: Sealer): KnownPerson {
  const { text, number } = readRow(row);
  const token = sealer.open(text('provider_refresh_token'), placeOfToken(text('id')));
  const limits = readGrant(text('limits_json'));
  if (limits === undefined) throw new TypeError(`the limits of ${text('id')} cannot be read`);
  return {
    id: text('id'),
    issuer: text('issuer'),
    subject: text('subject'),
    label: text('label'),
    email: text('email') === '' ? undefined : text('email'),
    groups: readTexts(text('groups_json')),
    scopes: readScopes(text('scopes_json')),
    limits,
    providerRefreshToken: token === undefined ? undefined : new Secret(token),
    createdAtMs: number('created_at_ms'),
    seenAtMs: number('seen_at_ms'),
  };
}

/** In the order of `sessionColumns`. */
export function valuesOfSession(session: Session): readonly SqlValue[] {
  return [
    session.id, session.personId, session.clientId, JSON.stringify(session.scopes), session.createdAtMs, session.createdFrom, session.userAgent, atOrZero(session.lastUsedAtMs), session.lastUsedFrom,
    session.expiresAtMs, atOrZero(session.endedAtMs), session.endedBy,
  ];
}

export function readSession(row: unknown): Session {
  const { text, number } = readRow(row);
  return {
    id: text('id'),
    personId: text('person_id'),
    clientId: text('client_id'),
    scopes: readScopes(text('scopes_json')),
    createdAtMs: number('created_at_ms'),
    createdFrom: text('created_from'),
    userAgent: text('user_agent'),
    lastUsedAtMs: fromZero(number('last_used_at_ms')),
    lastUsedFrom: text('last_used_from'),
    expiresAtMs: number('expires_at_ms'),
    endedAtMs: fromZero(number('ended_at_ms')),
    endedBy: text('ended_by'),
  };
}

/** Undefined where it does not open: it was sealed with another key, and what it has signed counts no more. */
export function readSigningKey(row: unknown, sealer: Sealer): SigningKey | undefined {
  const { text, number } = readRow(row);
  const jwk = parseJson(sealer.open(text('jwk_json'), placeOfKey(text('kid'))) ?? '');
  if (!isRecord(jwk)) return undefined;
  return { kid: text('kid'), jwk, createdAtMs: number('created_at_ms'), retiredAtMs: fromZero(number('retired_at_ms')) };
}

/** Undefined where it cannot be read: taken for no bound, it would give more than was meant. */
function readGrant(json: string): Grant | undefined {
  const parsed = parseJson(json);
  const grant = decodeGrant(isRecord(parsed) ? parsed : {});
  return isRecord(parsed) && grant.ok ? grant.value : undefined;
}

export function sealSigningKey(kid: string, jwk: PublicJwk, sealer: Sealer): string {
  return sealer.seal(JSON.stringify(jwk), placeOfKey(kid));
}

function placeOfKey(kid: string): string {
  return `oauth_signing_key ${kid}`;
}

function placeOfToken(personId: string): string {
  return `person ${personId}`;
}

function readScopes(json: string): readonly Scope[] {
  const named = readTexts(json);
  return scopes.filter((scope) => named.includes(scope));
}

function readRecords(json: string): readonly PublicJwk[] {
  const value = parseJson(json);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
