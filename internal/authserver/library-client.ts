import type { ClientMetadata } from 'oidc-provider';
import { deviceGrant, exchangeGrant, type OAuthClient } from '../clients/issued/oauth-client.ts';

/** The command line of Keyward itself: public, so that whoever has the program has all that it knows. */
export const cliClientId = 'keyward-cli';

const es256 = { id_token_signed_response_alg: 'ES256' } as const;

export const cliClient: ClientMetadata = {
  client_id: cliClientId,
  client_name: 'Keyward command line',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', deviceGrant],
  response_types: ['code'],
  response_modes: ['query'],
  // Any port counts on loopback (RFC 8252 §7.3).
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
  ...es256,
};

/** Workloads of trusted issuers, which are no clients of their own: the token they bring says all. */
export const workloadClientId = 'keyward-workload';

export const workloadClient: ClientMetadata = {
  client_id: workloadClientId,
  client_name: 'Workloads of trusted issuers',
  token_endpoint_auth_method: 'none',
  grant_types: [exchangeGrant],
  response_types: [],
  redirect_uris: [],
  ...es256,
};

/** An OAuth client in the library's terms (RFC 7591 §2). Its secrets are compared by us. */
export function libraryClient(client: OAuthClient): ClientMetadata {
  const { id, name, authentication, grants, redirectUris, jwks, secrets } = client;
  const hasPeople = grants.includes('authorization_code') || grants.includes(deviceGrant);
  const isNative = redirectUris.some((uri) => uri.startsWith('http://127.0.0.1') || uri.startsWith('http://[::1]'));
  return {
    client_id: id,
    client_name: name,
    application_type: isNative ? 'native' : 'web',
    token_endpoint_auth_method: authentication,
    grant_types: [...grants, ...(hasPeople ? ['refresh_token'] : [])],
    response_types: grants.includes('authorization_code') ? ['code'] : [],
    // Others answer by pages of the library, or beside the query.
    ...(grants.includes('authorization_code') ? { response_modes: ['query'] } : {}),
    redirect_uris: [...redirectUris],
    ...(authentication === 'private_key_jwt' ? { jwks: { keys: jwks.map((jwk) => ({ ...jwk })) } } : {}),
    // The library wants one; what is presented is compared with the digests.
    ...(authentication.startsWith('client_secret') ? { client_secret: secrets[0]?.digest ?? 'none' } : {}),
    ...es256,
  };
}
