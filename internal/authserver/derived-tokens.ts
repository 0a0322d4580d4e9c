import type Provider from 'oidc-provider';
import type { AccessTokenClaims } from '../clients/issued/access-token.ts';
import { derivedGrant } from './provider.ts';
import type { Scope } from '../clients/grant.ts';

/** A token by the right of another one. */
export interface DerivedToken {
  readonly text: string;
  readonly jti: string;
  readonly scope: string;
  readonly expiresInSeconds: number;
}

export interface DerivedTokensDeps {
  readonly provider: () => Provider;
  readonly audience: string;
}

/**
 * A bearer token of the same login; undefined where there is none behind the claims, or they are a derived token's themselves, which
 * could else go on for ever unasked. It has no more scopes than the one it is derived from, and for `seconds` at
 * most. It ends with the login, and by itself.
 */
export function createDerivedTokens({ provider, audience }: DerivedTokensDeps): (claims: AccessTokenClaims, wish: { readonly seconds: number; readonly scopes: readonly Scope[] }) => Promise<DerivedToken | undefined> {
  return async (claims, { seconds, scopes }) => {
    const { Client, AccessToken, ResourceServer } = provider();
    const client = await Client.find(claims.clientId);
    if (client === undefined || claims.sessionId === undefined || claims.isDerived) return undefined;
    const scope = claims.scope.filter((each) => scopes.some((scope) => scope === each)).join(' ');
    const resourceServer = new ResourceServer(audience, { scope, audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } });
    const token = new AccessToken({ client, accountId: claims.subject, grantId: claims.sessionId, gty: derivedGrant, scope, expiresIn: seconds });
    token.resourceServer = resourceServer;
    const text = await token.save();
    return { text, jti: token.jti, scope, expiresInSeconds: seconds };
  };
}
