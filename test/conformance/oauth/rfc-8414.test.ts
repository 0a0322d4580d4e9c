import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { send } from '../../support/raw-http.ts';
import { basicOf, partOf, startOAuthWorld, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
let metadata: Readonly<Record<string, unknown>>;
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
  metadata = await read('/.well-known/oauth-authorization-server/oauth');
});
afterAll(() => world.stop());

async function read(path: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${world.publicUrl}${path}`);
  expect([answer.status, answer.headers.get('content-type')], path).toEqual([200, expect.stringMatching(/^application\/json/)]);
  return JSON.parse(await answer.text());
}
const texts = (name: string): readonly string[] => {
  const value = metadata[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
};
const endpoints = (): readonly (readonly [string, string])[] => Object.entries(metadata).flatMap(([name, value]) => (typeof value === 'string' && (name.endsWith('_endpoint') || name === 'jwks_uri') ? [[name, value] as const] : []));
const readKeys = async (): Promise<{ readonly keys: readonly Readonly<Record<string, unknown>>[] }> => JSON.parse(await (await fetch(`${world.issuer}/jwks`)).text());
const newToken = async (): Promise<string> => (await world.token({ grant_type: 'client_credentials' }, machine.basic)).at('access_token');

describe('RFC 8414: metadata', () => {
  it('§2 the issuer is an address without query and fragment, and all addresses are below it', () => {
    expect(metadata['issuer']).toBe(world.issuer);
    expect([new URL(world.issuer).search, new URL(world.issuer).hash]).toEqual(['', '']);
    expect(endpoints().filter(([, url]) => !url.startsWith(`${world.issuer}/`))).toEqual([]);
  });

  it('§2 what must be there is there: authorization and token endpoint, response types', () => {
    expect(metadata).toMatchObject({ authorization_endpoint: `${world.issuer}/authorize`, token_endpoint: `${world.issuer}/token`, jwks_uri: `${world.issuer}/jwks`, response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] });
  });

  it('§2 where a signed assertion is a way of authentication, its algorithms stand beside it, and `none` is none of them', () => {
    for (const endpoint of ['token', 'revocation', 'introspection']) {
      expect(texts(`${endpoint}_endpoint_auth_methods_supported`), endpoint).toEqual(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']);
      expect(texts(`${endpoint}_endpoint_auth_signing_alg_values_supported`), endpoint).toEqual(['ES256', 'RS256', 'PS256', 'EdDSA']);
    }
  });

  it('§2 every address that is listed answers something else than 404', async () => {
    expect(endpoints().map(([name]) => name).sort()).toEqual(['authorization_endpoint', 'device_authorization_endpoint', 'introspection_endpoint', 'jwks_uri', 'revocation_endpoint', 'token_endpoint']);
    for (const [name, url] of endpoints()) {
      const isRead = name === 'authorization_endpoint' || name === 'jwks_uri';
      const answer = await fetch(url, isRead ? {} : { method: 'POST', body: new URLSearchParams() });
      expect([404, 405].includes(answer.status), `${name} ${answer.status}`).toBe(false);
    }
  });

  it('§2 every grant that is listed is one that is served, and none is left out', async () => {
    for (const grant_type of texts('grant_types_supported')) expect((await world.token({ grant_type }, machine.basic)).outcome, grant_type).not.toBe('400 unsupported_grant_type');
    expect([...texts('grant_types_supported')].sort()).toEqual(['authorization_code', 'client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:token-exchange']);
  });

  it('§2 every way of authentication that is listed is one that clients can be made with', async () => {
    for (const authentication of texts('token_endpoint_auth_methods_supported').filter((each) => each.startsWith('client_secret'))) expect((await world.makeClient({ authentication })).secret).toMatch(/^kws_/);
    const answer = await world.token({ grant_type: 'client_credentials' }, basicOf('x', 'y'));
    expect(answer.outcome).toBe('401 invalid_client');
  });

  it('§2 what is not offered is not listed: no registration, no pushed requests, no userinfo, no claims or request parameters', () => {
    const names = Object.keys(metadata);
    for (const absent of ['registration_endpoint', 'pushed_authorization_request_endpoint', 'userinfo_endpoint', 'end_session_endpoint', 'op_policy_uri', 'claims_parameter_supported', 'request_parameter_supported', 'request_uri_parameter_supported']) expect(names).not.toContain(absent);
  });

  it('§2 the scopes are those that tokens can have; what is the management secret’s alone is none', () => {
    expect(texts('scopes_supported')).toEqual(expect.arrayContaining(['openid', 'models:use', 'models:read']));
    expect(texts('scopes_supported')).not.toContain('secrets:read');
  });

  it('§3 it stands where the path of the issuer puts it, and where else clients look', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/oauth/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/oauth/.well-known/openid-configuration']) expect(await read(path), path).toEqual(metadata);
  });

  it('§3.2 members without a value are left out', () => {
    for (const [name, value] of Object.entries(metadata)) expect([name, value === null || (Array.isArray(value) && value.length === 0)]).toEqual([name, false]);
  });

  it('§3.3 the issuer is that of the address asked, whatever name the request came by', async () => {
    const answer = await send(world.url, { path: '/.well-known/oauth-authorization-server/oauth', method: 'GET', headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', forwarded: 'host=evil.test' } });
    expect(JSON.parse(answer.body.toString('utf8'))).toEqual(metadata);
  });
});

describe('RFC 8414 and RFC 7517: keys', () => {
  it('§2 jwks_uri lists public keys alone, each with its id, use and algorithm', async () => {
    const { keys } = await readKeys();
    expect(keys).toEqual([{ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', kid: expect.any(String), x: expect.any(String), y: expect.any(String) }]);
  });

  it('§2 after a rotation the new key signs, old tokens stay good, and both keys are listed', async () => {
    const old = await newToken();
    const rotated = await world.manage('POST', '/signing-keys/rotate');
    expect(rotated.status).toBe(200);
    const fresh = await newToken();
    expect([partOf(fresh, 0)['kid'], partOf(fresh, 0)['kid'] === partOf(old, 0)['kid']]).toEqual([rotated.body['kid'], false]);
    expect([await world.useToken(old), await world.useToken(fresh)]).toEqual(['200', '200']);
    const { keys } = await readKeys();
    expect(keys.map(({ kid }) => kid)).toEqual([partOf(fresh, 0)['kid'], partOf(old, 0)['kid']]);
    expect(keys.filter((key) => 'd' in key)).toEqual([]);
    const published = createLocalJWKSet({ keys: keys.map((key) => ({ kty: 'EC', ...key })) });
    for (const token of [old, fresh]) expect((await jwtVerify(token, published, { issuer: world.issuer, audience: world.publicUrl, typ: 'at+jwt' })).payload.sub).toBe(machine.id);
  });

  it('§2 tokens of people are signed by the new key too, and their ID tokens with them', async () => {
    const { kid } = (await world.manage('POST', '/signing-keys/rotate')).body;
    const { answer } = await world.logIn();
    expect([partOf(answer.at('access_token'), 0)['kid'], partOf(answer.at('id_token'), 0)['kid']]).toEqual([kid, kid]);
  });
});
