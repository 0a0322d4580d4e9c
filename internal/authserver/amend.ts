import type { KoaContextWithOIDC } from 'oidc-provider';
import { scopes } from '../clients/grant.ts';
import type { Principal } from '../clients/principal.ts';
import { holdsScope } from '../clients/rights.ts';
import type { AccessTokenClaims } from '../clients/issued/access-token.ts';
import type { IssuedTokenSource } from '../clients/issued/token-source.ts';
import { isRecord } from '../dialect/ir/json.ts';
import { deviceIntervalSeconds } from './adapter.ts';
import { answerUnavailable } from './mount.ts';
import { badLoginPage } from './pages/login-consent-pages.ts';
import { correctRefusal } from './refusals.ts';

export interface AmendDeps {
  readonly publicUrl: string;
  readonly source: Pick<IssuedTokenSource, 'read' | 'readSigned'>;
  /** A token of this client counts no more from here on. */
  readonly endToken: (claims: AccessTokenClaims) => void;
}

/**
 * What of the library's answers is ours: the person's page and the interval of device codes, metadata that lists only what is
 * there, refusals by their right name, what a browser is shown when a login cannot begin, and the two things it does not do for
 * JWTs. Its answer about them is kept as far as the client's own proof goes: whoever could not show who he is has been refused before.
 */
export function createAmend({ publicUrl, source, endToken }: AmendDeps): (ctx: KoaContextWithOIDC) => void {
  return (ctx) => {
    const route = routeOf(ctx);
    // Who may read answers on web pages is the door's to say.
    for (const name of ['access-control-allow-origin', 'access-control-expose-headers', 'access-control-allow-credentials']) ctx.remove(name);
    // RFC 6749 §5.1 wants both.
    if (route === 'token') ctx.set('pragma', 'no-cache');
    const body: unknown = ctx.body;
    if (!isRecord(body)) return;
    if (body['error'] === 'server_error') {
      answerUnavailable(ctx);
      return;
    }
    if (body['error'] === 'temporarily_unavailable') {
      ctx.status = 503;
      ctx.set('retry-after', '5');
      return;
    }
    // RFC 9110 §15.6.4: a 400 would tell clients that asking again is of no use.
    if (body['error'] === 'temporarily_unavailable' && route === 'token') {
      ctx.status = 503;
      ctx.set('retry-after', '5');
    }
    if ((route === 'authorization' || route === 'resume') && typeof body['error'] === 'string' && ctx.accepts('json', 'html') === 'html') {
      const page = badLoginPage(ctx.status, body['error'], typeof body['error_description'] === 'string' ? body['error_description'] : '');
      ctx.body = page.body;
      ctx.set({ ...page.headers });
      return;
    }
    const refusal = typeof body['error'] === 'string' ? correctRefusal(route, body['error'], ctx) : undefined;
    if (refusal !== undefined) {
      ctx.status = refusal.status;
      if (refusal.challenge !== undefined) ctx.set('www-authenticate', refusal.challenge);
      ctx.body = { error: refusal.error, error_description: refusal.description };
      return;
    }
    if (route === 'device_authorization' && typeof body['user_code'] === 'string') {
      const page = `${publicUrl}/device`;
      ctx.body = { ...body, verification_uri: page, verification_uri_complete: `${page}?user_code=${encodeURIComponent(body['user_code'])}`, interval: deviceIntervalSeconds };
    }
    if (route === 'discovery') ctx.body = ownMetadata(body);
    if (body['error'] !== 'unsupported_token_type') return;
    const { client, params } = ctx.oidc;
    const token = params?.['token'];
    if (client === undefined || typeof token !== 'string') return;
    if (route === 'introspection') {
      const found = source.read(token);
      // A public client cannot prove who it is: it is told of its own tokens only.
      const isTold = found !== undefined && (client.clientAuthMethod !== 'none' || found.claims.clientId === client.clientId);
      ctx.status = 200;
      ctx.body = isTold ? introspected(found.claims, found.principal, ctx.oidc.issuer) : { active: false };
    }
    if (route === 'revocation') {
      const claims = source.readSigned(token);
      // Of a token that is unknown, or another's, nothing is said (RFC 7009 §2.2).
      if (claims !== undefined && claims.clientId === client.clientId) endToken(claims);
      ctx.status = 200;
      ctx.body = '';
    }
  };
}

/** @see RFC 7662 §2.2 */
function introspected(claims: AccessTokenClaims, principal: Principal, issuer: string): object {
  const { jti, subject, clientId, audience, issuedAtMs, expiresAtMs, thumbprint } = claims;
  // What it may do now: others who ask act on the answer.
  const scope = claims.scope.filter((each) => scopes.every((own) => own !== each || holdsScope(principal, own)));
  return {
    active: true,
    scope: scope.join(' '),
    client_id: clientId,
    username: principal.label,
    token_type: thumbprint === undefined ? 'Bearer' : 'DPoP',
    exp: expiresAtMs / 1_000,
    iat: issuedAtMs / 1_000,
    sub: subject,
    aud: audience.length === 1 ? audience[0] : audience,
    iss: issuer,
    jti,
    ...(thumbprint === undefined ? {} : { cnf: { jkt: thumbprint } }),
  };
}

const absent = ['claims_parameter_supported', 'request_uri_parameter_supported', 'request_parameter_supported', 'acr_values_supported'] as const;

/** @see RFC 8414 §2 */
function ownMetadata(body: Readonly<Record<string, unknown>>): object {
  const listed = Object.fromEntries(Object.entries(body).filter(([name]) => !absent.some((each) => each === name)));
  const [methods, algorithms] = [body['token_endpoint_auth_methods_supported'], body['token_endpoint_auth_signing_alg_values_supported']];
  return {
    ...listed,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access', ...scopes.filter((scope) => scope !== 'secrets:read')],
    response_modes_supported: ['query'],
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
  };
}

/** The library's name of the route that a request took; `''` outside of one. */
export function routeOf(ctx: Partial<Pick<KoaContextWithOIDC, 'oidc'>> | undefined): string {
  const route: unknown = Reflect.get(ctx?.oidc ?? {}, 'route');
  return typeof route === 'string' ? route : '';
}
