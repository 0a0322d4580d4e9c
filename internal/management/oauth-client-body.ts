import { createPublicKey } from 'node:crypto';
import { clientAuthentications, clientGrants, deviceGrant, type ClientGrant, type PublicJwk } from '../clients/issued/oauth-client.ts';
import type { ClientPatch, ClientWish } from '../clients/issued/client-service.ts';
import { fitsAlgorithm } from '../clients/jwt/read-jwt.ts';
import { grantMembers } from '../clients/managed-keys/grant-json.ts';
import { invalid, readGrant, readGrantPatch, readText } from './client-key-body.ts';
import { isRecord } from '../dialect/ir/json.ts';
import type { JsonObject } from './values.ts';

export const clientPatchMembers = ['name', 'organization', 'jwks', 'redirect_uris', ...grantMembers] as const;
export const clientMembers = ['authentication', 'grants', ...clientPatchMembers] as const;

const maxKeys = 10;
const assertionAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const;
const maxRedirects = 20;

/** A client out of a body whose members are known. Errors: `invalid_request` naming the member, with what to write. */
export function readClientWish(body: JsonObject): ClientWish {
  const name = readText(body, 'name');
  if (name === undefined || name === '') throw invalid('name', 'is missing: say in a word or two what the client is');
  const grants = readGrants(body);
  const authentication = clientAuthentications.find((each) => each === (body['authentication'] ?? 'client_secret_basic'));
  if (authentication === undefined) throw invalid('authentication', `must be one of ${clientAuthentications.join(', ')}`);
  const jwks = readKeys(body) ?? [];
  const redirectUris = readRedirects(body) ?? [];
  if (authentication === 'private_key_jwt' && jwks.length === 0) throw invalid('jwks', 'is missing: `private_key_jwt` needs the public keys of the client');
  if (authentication !== 'private_key_jwt' && jwks.length > 0) throw invalid('jwks', 'is for `private_key_jwt` only');
  if (authentication === 'none' && grants.some((grant) => grant !== 'authorization_code' && grant !== deviceGrant)) throw invalid('authentication', 'cannot be none: a client that acts for itself has to prove who it is');
  if (grants.includes('authorization_code') !== redirectUris.length > 0) throw invalid('redirect_uris', 'is for clients with the grant authorization_code, and they need one');
  return { name, organization: readText(body, 'organization') ?? '', authentication, grants, grant: readGrant(body), redirectUris, jwks };
}

/** The members that are there; a limit that is null is taken away. Errors: as `readClientWish`. */
export function readClientPatch(body: JsonObject): ClientPatch {
  const name = readText(body, 'name');
  if (name === '') throw invalid('name', 'must not be empty');
  const [organization, redirectUris, jwks, grant] = [readText(body, 'organization'), readRedirects(body), readKeys(body), readGrantPatch(body)];
  return {
    ...(name === undefined ? {} : { name }),
    ...(organization === undefined ? {} : { organization }),
    ...(redirectUris === undefined ? {} : { redirectUris }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(grant === undefined ? {} : { grant }),
  };
}

function readGrants(body: JsonObject): readonly ClientGrant[] {
  const value = body['grants'] ?? ['client_credentials'];
  const known = Array.isArray(value) ? clientGrants.filter((grant) => value.includes(grant)) : [];
  if (!Array.isArray(value) || known.length === 0 || known.length !== new Set(value).size) throw invalid('grants', `must be a list out of ${clientGrants.join(', ')}`);
  return known;
}

/** Loopback with any port, or https (RFC 8252 §7.3, RFC 9700 §2.1). */
function readRedirects(body: JsonObject): readonly string[] | undefined {
  const value = body['redirect_uris'] ?? undefined;
  if (value === undefined) return undefined;
  const uris = Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string' && isRedirect(each)) : [];
  if (!Array.isArray(value) || uris.length !== value.length || uris.length > maxRedirects) throw invalid('redirect_uris', `must be a list of at most ${maxRedirects} addresses, https or http on 127.0.0.1 or [::1], without user and fragment`);
  return [...new Set(uris)];
}

function isRedirect(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.hash !== '' || text.includes('#') || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && (url.hostname === '127.0.0.1' || url.hostname === '[::1]'));
}

function readKeys(body: JsonObject): readonly PublicJwk[] | undefined {
  const value = body['jwks'] ?? undefined;
  if (value === undefined) return undefined;
  const keys = isRecord(value) && Array.isArray(value['keys']) ? value['keys'] : undefined;
  if (keys === undefined || keys.length === 0 || keys.length > maxKeys) throw invalid('jwks', `must be {"keys": [...]} with 1 to ${maxKeys} public keys`);
  return keys.map((key: unknown, place) => readKey(key, `jwks.keys.${place}`));
}

function readKey(key: unknown, place: string): PublicJwk {
  if (!isRecord(key)) throw invalid(place, 'must be a JSON Web Key');
  if ('d' in key || 'k' in key) throw invalid(place, 'holds a private key: keep that, and send the public part only');
  const { kty, crv, x, y, n, e, kid, alg } = key;
  const publicPart = Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => typeof value === 'string'));
  try {
    const publicKey = createPublicKey({ key: publicPart, format: 'jwk' });
    if (!assertionAlgorithms.some((algorithm) => fitsAlgorithm(publicKey, algorithm))) throw new TypeError('a weak key, or one of another kind');
  } catch {
    throw invalid(place, 'is no public key that counts: EC P-256, RSA of 2048 bits and more, or Ed25519');
  }
  return { ...publicPart, ...(typeof kid === 'string' ? { kid } : {}), ...(typeof alg === 'string' ? { alg } : {}), use: 'sig' };
}
