import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nowSeconds, partOf, startOAuthWorld, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
let token: string;
beforeAll(async () => {
  world = await startOAuthWorld({ identity: '  organization: acme\n' });
  machine = await world.makeClient();
  token = (await world.token({ grant_type: 'client_credentials' }, machine.basic)).at('access_token');
});
afterAll(() => world.stop());

describe('RFC 9068: access tokens as JWTs', () => {
  it('§2.1 the header says at+jwt, how it is signed and by which key; it is never unsigned', () => {
    expect(partOf(token, 0)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
  });

  it('§2.1 any service can verify it by the published keys', async () => {
    const verified = await jwtVerify(token, createRemoteJWKSet(new URL(`${world.issuer}/jwks`)), { issuer: world.issuer, audience: world.publicUrl, typ: 'at+jwt', requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti'] });
    expect(verified.payload['client_id']).toBe(machine.id);
  });

  it('§2.2 iss, exp, aud, sub, client_id, iat and jti are there', () => {
    const claims = partOf(token, 1);
    expect(claims).toEqual({ iss: world.issuer, aud: world.publicUrl, sub: machine.id, client_id: machine.id, jti: expect.any(String), iat: expect.any(Number), exp: expect.any(Number), scope: 'models:use models:read', org: 'acme' });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3_600);
  });

  it('§2.2 each token has an id of its own', async () => {
    const next = (await world.token({ grant_type: 'client_credentials' }, machine.basic)).at('access_token');
    expect(partOf(next, 1)['jti']).not.toBe(partOf(token, 1)['jti']);
  });

  it('§2.2 sub is the person where one takes part, and the client where it acts for itself', async () => {
    const claims = partOf((await world.logIn()).access, 1);
    expect([claims['sub'], claims['client_id'], partOf(token, 1)['sub']]).toEqual([expect.stringMatching(/^person_/), 'keyward-cli', machine.id]);
  });

  it('§2.2.3 scope is that of the answer, and every one of it means something at the resource', async () => {
    const answer = await world.token({ grant_type: 'client_credentials', scope: 'models:read' }, machine.basic);
    expect(partOf(answer.at('access_token'), 1)['scope']).toBe(answer.body['scope']);
    const login = await world.logIn({ scope: 'openid profile email models:read' });
    expect(partOf(login.access, 1)['scope']).toBe('models:read');
  });

  it('§3 without a resource the token is for this daemon', () => expect(partOf(token, 1)['aud']).toBe(world.publicUrl));

  it('§4 the resource takes tokens of this type alone, signed by a key of this issuer, for itself, of this issuer, in their time', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const kid = String(partOf(token, 0)['kid']);
    const forge = (claims: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}): Promise<string> =>
      new SignJWT({ iss: world.issuer, aud: world.publicUrl, sub: machine.id, client_id: machine.id, jti: '1', iat: nowSeconds(), exp: nowSeconds() + 60, scope: 'models:read', ...claims }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header }).sign(privateKey);
    const [header = '', claims = '', signature = ''] = token.split('.');
    const otherHeader = Buffer.from(JSON.stringify({ ...partOf(token, 0), typ: 'JWT' })).toString('base64url');
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const changed = Buffer.from(JSON.stringify({ ...partOf(token, 1), scope: 'models:use keys:write' })).toString('base64url');
    for (const text of [await forge(), await forge({}, { kid: 'other' }), await forge({}, { jwk: await exportJWK(publicKey) }), `${otherHeader}.${claims}.${signature}`, `${unsigned}.${claims}.`, `${header}.${changed}.${signature}`, `${header}.${claims}.`]) expect(await world.useToken(text)).toBe('401 invalid_api_key');
    expect(await world.useToken(token)).toBe('200');
  });

  it('§4 an ID token is no access token, and neither is an assertion', async () => {
    const { answer } = await world.logIn();
    expect(partOf(answer.at('id_token'), 0)['typ']).not.toBe('at+jwt');
    expect(await world.useToken(answer.at('id_token'))).toBe('401 invalid_api_key');
  });

  it('§6 what the token tells of a person is his id alone: no name, no mail address', async () => {
    expect(Object.keys(partOf((await world.logIn({ scope: 'openid profile email models:read' })).access, 1)).sort()).toEqual(['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'org', 'scope', 'sid', 'sub']);
  });
});
