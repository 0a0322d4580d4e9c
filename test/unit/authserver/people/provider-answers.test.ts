import { describe, expect, it } from 'vitest';
import { createOperatorProvider, type OperatorProvider } from '../../../../internal/authserver/people/operator-provider.ts';
import { createProviderClients } from '../../../../internal/authserver/people/provider-client.ts';
import { Secret } from '../../../../internal/secret/secret.ts';
import type { VendorAnswer, VendorRequest } from '../../../../internal/upstreamauth/oauth-http.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

/*
 * Answers that a healthy oidc-provider does not give.
 */

const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): VendorAnswer => ({ kind: 'answered', status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const metadataOf = (issuer: string): Readonly<Record<string, unknown>> => ({ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, userinfo_endpoint: `${issuer}/me`, jwks_uri: `${issuer}/jwks`, id_token_signing_alg_values_supported: ['RS256'], response_types_supported: ['code'] });
const tokens = json(200, { access_token: 'at', token_type: 'bearer', expires_in: 60, refresh_token: 'rt-2' });

interface Rig {
  readonly provider: OperatorProvider;
  readonly clock: ManualClock;
  readonly asked: VendorRequest[];
}

function rig(issuer: string, answers: { readonly metadata?: () => VendorAnswer; readonly token?: VendorAnswer; readonly userinfo?: VendorAnswer }, scopes: readonly string[] = ['openid', 'offline_access', 'email']): Rig {
  const clock = createManualClock();
  const asked: VendorRequest[] = [];
  const send = async (request: VendorRequest): Promise<VendorAnswer> => {
    asked.push(request);
    const { pathname } = new URL(request.url);
    if (pathname === '/token') return answers.token ?? tokens;
    if (pathname === '/me') return answers.userinfo ?? json(200, { sub: 'ann', email: 'ann@example.com', email_verified: true });
    return answers.metadata?.() ?? json(200, metadataOf(issuer));
  };
  const provider = createOperatorProvider({
    clients: createProviderClients({ clock, http: { send } }),
    settings: () => ({ issuer, clientId: 'keyward', clientSecret: new Secret('s-e_c.r~e t/&'), scopes, groupsClaim: 'groups' }),
    needed: () => ({ email: true, groups: false }),
    redirectUri: 'https://keyward.example.com/oauth/signin/callback',
  });
  return { provider, clock, asked };
}
const issuer = 'https://id.example.com';
const secrets = { state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };
const endOf = async (provider: OperatorProvider): Promise<string> => {
  const refreshed = await provider.refresh('ann', new Secret('rt-1'));
  return refreshed.kind === 'refreshed' ? (await refreshed.identify()).kind : refreshed.kind;
};

describe('a refresh at the provider', () => {
  it.each([
    ['a good answer', tokens, undefined, 'known'],
    ['invalid_grant', json(400, { error: 'invalid_grant' }), undefined, 'ended'],
    ['access_denied', json(403, { error: 'access_denied' }), undefined, 'ended'],
    ['interaction_required', json(400, { error: 'interaction_required' }), undefined, 'ended'],
    ['our own client refused', json(401, { error: 'invalid_client' }), undefined, 'unavailable'],
    ['our own grant refused', json(400, { error: 'unauthorized_client' }), undefined, 'unavailable'],
    ['slow down', json(429, { error: 'invalid_grant' }), undefined, 'unavailable'],
    ['a failure that says invalid_grant', json(500, { error: 'invalid_grant' }), undefined, 'unavailable'],
    ['a page of a proxy', { kind: 'answered', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, undefined, 'unavailable'],
    ['a page of a proxy that refuses', { kind: 'answered', status: 403, headers: { 'content-type': 'text/html' }, body: '<html>' }, undefined, 'unavailable'],
    ['no answer', { kind: 'failed', wasSent: true, code: 'ECONNRESET' }, undefined, 'unavailable'],
    ['a user-info endpoint that knows the new token not', tokens, json(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' }), 'ended'],
    ['a user-info endpoint behind a wall', tokens, json(403, {}), 'unavailable'],
    ['a user-info endpoint that fails', tokens, json(503, {}), 'unavailable'],
    ['somebody else', tokens, json(200, { sub: 'bob', email: 'bob@example.com', email_verified: true }), 'unavailable'],
  ] as const)('%s', async (_what, token, userinfo, kind) => {
    const { provider } = rig(issuer, userinfo === undefined ? { token } : { token, userinfo });
    expect(await endOf(provider)).toBe(kind);
  });

  it('sends the secret in the form that plain decoders read, and the token in the body', async () => {
    const { provider, asked } = rig(issuer, {});
    await endOf(provider);
    const request = asked.find(({ url }) => url.endsWith('/token'));
    expect(Buffer.from(request?.headers['authorization']?.slice(6) ?? '', 'base64').toString()).toBe('keyward:s-e_c.r%7Ee+t%2F%26');
    expect(request?.body).toContain('refresh_token=rt-1');
  });

  it('a secret goes into the body where the provider takes no other way', async () => {
    const { provider, asked } = rig(issuer, { metadata: () => json(200, { ...metadataOf(issuer), token_endpoint_auth_methods_supported: ['client_secret_post'] }) });
    await endOf(provider);
    expect(asked.find(({ url }) => url.endsWith('/token'))?.body).toContain('client_secret=');
  });
});

describe('the metadata', () => {
  it('of another issuer, or with endpoints that are not https, is not used', async () => {
    for (const change of [{ issuer: 'https://evil.test' }, { token_endpoint: 'http://id.example.com/token' }, { authorization_endpoint: 'javascript:alert(1)' }, { authorization_endpoint: 'http://10.0.0.7/' }]) {
      const { provider } = rig(issuer, { metadata: () => json(200, { ...metadataOf(issuer), ...change }) });
      expect(await provider.authorizationUrl(secrets)).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    }
  });

  it('is read once an hour, and the last good one serves on while a newer cannot be had', async () => {
    let isAway = false;
    const { provider, asked, clock } = rig(issuer, { metadata: () => (isAway ? { kind: 'failed', wasSent: false, code: 'ECONNREFUSED' } : json(200, metadataOf(issuer))) });
    await Promise.all(Array.from({ length: 5 }, () => provider.authorizationUrl(secrets)));
    await provider.authorizationUrl(secrets);
    expect(asked.length).toBe(1);
    clock.advance(60 * 60_000);
    isAway = true;
    expect((await provider.authorizationUrl(secrets)).ok).toBe(true);
    expect(asked.length).toBe(2);
  });
});

describe('Google', () => {
  it('is asked for a refresh token in its own way: it knows no `offline_access`', async () => {
    const google = 'https://accounts.google.com';
    const { provider } = rig(google, { metadata: () => json(200, { ...metadataOf(google), scopes_supported: ['openid', 'email', 'profile'] }) });
    const url = await provider.authorizationUrl(secrets, 'consent');
    expect(url.ok && Object.fromEntries(new URL(url.value).searchParams)).toMatchObject({ scope: 'openid email', access_type: 'offline', prompt: 'consent' });
    const plain = await rig(issuer, {}).provider.authorizationUrl(secrets);
    expect(plain.ok && Object.fromEntries(new URL(plain.value).searchParams)).toMatchObject({ scope: 'openid offline_access email' });
    expect(plain.ok && plain.value).not.toContain('access_type');
  });
});
