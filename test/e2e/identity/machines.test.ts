import { ClientSecretBasic, ClientSecretPost, clientCredentialsGrant, PrivateKeyJwt, tokenIntrospection, tokenRevocation } from 'openid-client';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';

let daemon: IdentityDaemon;
beforeAll(async () => {
  daemon = await startIdentityDaemon({ identity: '  organization: acme\n' });
});
afterAll(() => daemon.stop());

const isGood = async (key: string, path = '/v1/models'): Promise<string> => {
  const { status, code } = await ask(daemon.url, path, { key });
  return `${status} ${code}`.trim();
};

async function makeClient(body: object = {}): Promise<{ readonly id: string; readonly secret: string }> {
  const made = await daemon.manage('POST', '/oauth-clients', { name: 'ci', ...body });
  expect(made.status).toBe(201);
  return { id: String(made.body['id']), secret: String(made.body['client_secret']) };
}

const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));

describe('a machine with client credentials', () => {
  it('gets an RFC 9068 token by a secret, sent either way, with its scopes and organization', async () => {
    const { id, secret } = await makeClient();
    for (const proof of [ClientSecretBasic(secret), ClientSecretPost(secret)]) {
      const tokens = await clientCredentialsGrant(await daemon.client(id, secret, proof));
      expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3_600, scope: 'models:use models:read' });
      expect(claimsOf(tokens.access_token)).toMatchObject({ iss: daemon.issuer, aud: daemon.publicUrl, sub: id, client_id: id, org: 'acme', scope: 'models:use models:read', jti: expect.any(String), exp: expect.any(Number), iat: expect.any(Number) });
      expect(JSON.parse(Buffer.from(tokens.access_token.split('.')[0] ?? '', 'base64url').toString('utf8'))).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
      expect(await isGood(tokens.access_token)).toBe('200');
    }
  });

  it('gets one by a signed assertion, and each assertion counts once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const { id } = await makeClient({ authentication: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } });
    const tokens = await clientCredentialsGrant(await daemon.client(id, undefined, PrivateKeyJwt(privateKey)));
    expect(await isGood(tokens.access_token)).toBe('200');
  });

  it('is refused what it was not given, and told so', async () => {
    const { id, secret } = await makeClient({ scopes: ['models:read'] });
    const tokens = await clientCredentialsGrant(await daemon.client(id, secret), { scope: 'models:read keys:write' });
    expect(tokens.scope).toBe('models:read');
    expect(await isGood(tokens.access_token)).toBe('200');
    expect(await isGood(tokens.access_token, '/v0/management/client-keys')).toBe('403 scope_not_allowed');
  });

  it('manages with the scopes it was given, and sees what its secret does not', async () => {
    const { id, secret } = await makeClient({ scopes: ['clients:read'] });
    const tokens = await clientCredentialsGrant(await daemon.client(id, secret));
    expect(await isGood(tokens.access_token, '/v0/management/oauth-clients')).toBe('200');
    expect(await isGood(tokens.access_token, '/v0/management/client-keys')).toBe('403 scope_not_allowed');
    expect(await isGood(tokens.access_token)).toBe('403 scope_not_allowed');
  });

  it('is out on the next request when its token, or the client, is revoked', async () => {
    const { id, secret } = await makeClient();
    const client = await daemon.client(id, secret);
    const [first, second] = [await clientCredentialsGrant(client), await clientCredentialsGrant(client)];
    expect([await isGood(first.access_token), await isGood(second.access_token)]).toEqual(['200', '200']);
    await tokenRevocation(client, first.access_token);
    expect([await isGood(first.access_token), await isGood(second.access_token)]).toEqual(['401 token_revoked', '200']);
    expect(await tokenIntrospection(client, first.access_token)).toEqual({ active: false });
    expect(await tokenIntrospection(client, second.access_token)).toMatchObject({ active: true, client_id: id, sub: id, token_type: 'Bearer', iss: daemon.issuer });
    expect((await daemon.manage('POST', `/oauth-clients/${id}/revoke`)).status).toBe(200);
    expect(await isGood(second.access_token)).toBe('401 token_revoked');
    await expect(clientCredentialsGrant(client)).rejects.toMatchObject({ error: 'invalid_client' });
  });

  it('has two live secrets while one is rotated, and one after the overlap', async () => {
    const { id, secret } = await makeClient();
    const rotated = await daemon.manage('POST', `/oauth-clients/${id}/rotate`, { overlap: '1h' });
    const fresh = String(rotated.body['client_secret']);
    for (const each of [secret, fresh]) expect((await clientCredentialsGrant(await daemon.client(id, each))).access_token).toMatch(/^eyJ/);
    expect((await daemon.manage('POST', `/oauth-clients/${id}/rotate`)).status).toBe(409);
    const other = await makeClient();
    await daemon.manage('POST', `/oauth-clients/${other.id}/rotate`, { overlap: '0s' });
    await expect(clientCredentialsGrant(await daemon.client(other.id, other.secret))).rejects.toMatchObject({ error: 'invalid_client' });
  });

  it('is held to the limits of its client, across its tokens', async () => {
    const { id, secret } = await makeClient({ models: ['gpt-*'], requests_per_minute: 1 });
    const client = await daemon.client(id, secret);
    const tokens = [await clientCredentialsGrant(client), await clientCredentialsGrant(client)];
    const use = async (token: string, model: string): Promise<string> => {
      const { status, code } = await ask(daemon.url, '/v1/chat/completions', { key: token, method: 'POST', body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }) });
      return `${status} ${code}`;
    };
    expect(await use(tokens[0]?.access_token ?? '', 'claude-x')).toBe('403 model_not_allowed');
  });

  it('never gets a token by another client’s secret, and a token of another issuer is none', async () => {
    const [one, other] = [await makeClient(), await makeClient()];
    await expect(clientCredentialsGrant(await daemon.client(one.id, other.secret))).rejects.toMatchObject({ error: 'invalid_client' });
    const { privateKey } = await generateKeyPair('ES256');
    const { SignJWT } = await import('jose');
    const forged = await new SignJWT({ scope: 'models:use', client_id: one.id }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'x' }).setIssuer(daemon.issuer).setAudience(daemon.publicUrl).setSubject(one.id).setJti('1').setIssuedAt().setExpirationTime('1h').sign(privateKey);
    expect(await isGood(forged)).toBe('401 invalid_api_key');
  });
});

describe('an access token', () => {
  it('counts in headers only, never in an address', async () => {
    const { id, secret } = await makeClient();
    const { access_token: token } = await clientCredentialsGrant(await daemon.client(id, secret));
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }, { 'x-goog-api-key': token }]) expect((await fetch(`${daemon.url}/v1/models`, { headers })).status).toBe(200);
    for (const query of [`key=${token}`, `auth_token=${token}`]) expect((await fetch(`${daemon.url}/v1/models?${query}`)).status).toBe(401);
  });

  it('of an address that is not public-url names no other address than public-url', async () => {
    const { id, secret } = await makeClient();
    const answer = await fetch(`http://127.0.0.1:${daemon.port}/oauth/token`, { method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
    const token = String(Reflect.get(Object(await answer.json()), 'access_token'));
    expect(claimsOf(token)).toMatchObject({ iss: daemon.issuer, aud: daemon.publicUrl });
    const metadata = await (await fetch(`http://127.0.0.1:${daemon.port}/.well-known/oauth-authorization-server`)).text();
    expect(metadata).not.toContain('127.0.0.1');
  });
});
