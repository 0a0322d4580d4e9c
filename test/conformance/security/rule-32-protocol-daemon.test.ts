import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { askForCode, basic, claimsOf, deviceForm, logIn, makeClient, postForm, readObject, refreshForm, standing, tokenOf, type Told, stealSigningKey } from '../../support/oauth-calls.ts';
import { openTables } from '../../support/tables.ts';
import { until } from '../../support/until.ts';

/* Security rule 32, and which tokens are none. */

let daemon: IdentityDaemon;
beforeAll(async () => {
  daemon = await startIdentityDaemon({ config: 'allowed-origins: ["https://app.example.com"]\n' });
});
afterAll(() => daemon.stop());

const introspect = (token: string, headers: Readonly<Record<string, string>> = {}, more: Readonly<Record<string, string>> = {}): Promise<Told> => postForm(daemon.url, '/oauth/introspect', { token, ...more }, headers);
const revoke = (token: string, headers: Readonly<Record<string, string>> = {}, more: Readonly<Record<string, string>> = {}): Promise<Told> => postForm(daemon.url, '/oauth/revoke', { token, ...more }, headers);
const metadata = async (): Promise<Readonly<Record<string, unknown>>> => readObject((await ask(daemon.url, '/.well-known/oauth-authorization-server')).text);

describe('an access token', () => {
  it('is a JWT of RFC 9068, signed with ES256 by a key of the key set, which shows no private part', async () => {
    const token = await tokenOf(daemon, await makeClient(daemon));
    const { protectedHeader, payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${daemon.issuer}/jwks`)), { issuer: daemon.issuer, audience: daemon.publicUrl, typ: 'at+jwt', algorithms: ['ES256'] });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    expect(payload).toMatchObject({ client_id: payload.sub, jti: expect.any(String), exp: expect.any(Number), iat: expect.any(Number) });
    expect((await ask(daemon.url, '/oauth/jwks')).text).not.toContain('"d"');
  });

  it('is nothing else: ID tokens, refresh tokens, codes and forgeries let nobody in', async () => {
    const { userCode, deviceCode } = await askForCode(daemon);
    await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name: 'ann' });
    const { json } = await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode));
    const access = String(json['access_token']);
    for (const text of [String(json['id_token']), String(json['refresh_token']), deviceCode, userCode]) expect(await standing(daemon, text)).toBe('401 invalid_api_key');

    const [header = '', payload = '', signature = ''] = access.split('.');
    const kid = String(readObject(Buffer.from(header, 'base64url').toString())['kid']);
    const claims = { ...claimsOf(access), exp: 9_999_999_999, scope: 'models:use models:read config:write' };
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const sign = (head: object): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...head }).sign(privateKey);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const jwk = await exportJWK(publicKey);
    const forged = [
      await sign({}),
      await sign({ jwk }),
      await sign({ kid: 'other', jwk, jku: 'http://127.0.0.1:1/jwks' }),
      await sign({ kid: '../../etc/passwd' }),
      `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${encode(claims)}.${signature}`,
      `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${encode(claims)}.${signature}`,
      `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      `${encode({ alg: 'ES256', typ: 'JWT', kid })}.${payload}.${signature}`,
      `${header}.${payload}.${'A'.repeat(86)}`,
      // Signatures of zeros were taken by some verifiers of ECDSA.
      `${header}.${encode(claims)}.${Buffer.alloc(64).toString('base64url')}`,
      new UnsecuredJWT(claims).encode(),
    ];
    for (const text of forged) expect(await standing(daemon, text)).toBe('401 invalid_api_key');
    expect(await standing(daemon, access)).toBe('200');
  });

  it('by a key that was rotated away counts for as long as tokens live, and whoever has such a key has nothing then', async () => {
    const own = await startIdentityDaemon();
    const client = await makeClient(own);
    const token = await tokenOf(own, client);
    const tables = openTables(join(own.folder, 'data', 'state', 'keyward.db'));
    const { kid, key: stolen } = await stealSigningKey(own);
    const forge = (header: object = {}, claims: object = {}): Promise<string> => new SignJWT({ ...claimsOf(token), jti: crypto.randomUUID(), exp: Math.floor(Date.now() / 1_000) + 8_640_000, ...claims }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header }).sign(stolen);
    expect(await standing(own, await forge())).toBe('200');
    // Whatever else the same key signs is no access token for this daemon.
    for (const header of [{ typ: 'JWT' }, { typ: undefined }, { typ: 'logout+jwt' }, { typ: 'application/at+jwt' }]) expect(await standing(own, await forge(header))).toBe('401 invalid_api_key');
    for (const claims of [{ iss: own.publicUrl }, { aud: client.id }, { aud: [] }, { jti: undefined }, { sub: undefined }, { client_id: undefined }, { cnf: {} }, { cnf: { jkt: 5 } }, { sid: 5 }]) expect(await standing(own, await forge({}, claims))).toBe('401 invalid_api_key');
    // Nor does it make somebody of a client who is nobody, or somebody else.
    for (const claims of [{ sub: 'person_000000000000' }, { sub: 'root' }, { client_id: 'keyward-cli' }, { client_id: 'client_none' }, { sid: 'x' }, { workload: { claims: {}, algorithm: 'ES256' } }]) expect(await standing(own, await forge({}, claims))).toBe('401 token_revoked');
    expect((await own.manage('POST', '/signing-keys/rotate')).status).toBe(200);
    expect(await standing(own, token)).toBe('200');
    const later = await tokenOf(own, client);
    tables.run(`UPDATE oauth_signing_key SET retired_at_ms = ${Date.now() - 2 * 86_400_000} WHERE kid = '${kid}'; UPDATE identity_revision SET value = value + 1`);
    await until('it is heard of', async () => (await standing(own, await forge())) === '401 invalid_api_key');
    expect(await standing(own, later)).toBe('200');
    tables.close();
    await own.stop();
  });

  it('of a daemon that was here before, with the same name and other keys, is none', async () => {
    const before = await startIdentityDaemon();
    const token = await tokenOf(before, await makeClient(before));
    await before.stop();
    const after = await startIdentityDaemon({ port: before.port });
    expect(after.issuer).toBe(before.issuer);
    expect(await standing(after, token)).toBe('401 invalid_api_key');
    await after.stop();
  });
});

describe('revocation', () => {
  it('of what is unknown, or another’s, is 200 and does nothing', async () => {
    const [mine, other] = [await makeClient(daemon), await makeClient(daemon)];
    const token = await tokenOf(daemon, other);
    for (const text of ['unknown', 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA', token, `${token}x`]) {
      const { status, text: body } = await revoke(text, basic(mine.id, mine.secret));
      expect([status, body]).toEqual([200, '']);
    }
    expect(await standing(daemon, token)).toBe('200');
    const login = await logIn(daemon);
    await revoke(login.refresh, basic(mine.id, mine.secret));
    expect((await postForm(daemon.url, '/oauth/token', refreshForm(login.refresh))).status).toBe(200);
  });

  it('wants the client’s proof', async () => {
    const client = await makeClient(daemon);
    const token = await tokenOf(daemon, client);
    expect([(await revoke(token)).status, (await revoke(token, basic(client.id, 'wrong'))).status, (await revoke(token, {}, { client_id: client.id })).status]).toEqual([401, 401, 401]);
    expect(await standing(daemon, token)).toBe('200');
    expect((await revoke(token, basic(client.id, client.secret))).status).toBe(200);
    expect(await standing(daemon, token)).toBe('401 token_revoked');
  });
});

describe('introspection', () => {
  it('asks who asks, and tells those who cannot prove it of their own tokens alone', async () => {
    const client = await makeClient(daemon);
    const token = await tokenOf(daemon, client);
    expect([(await introspect(token)).status, (await introspect(token, basic(client.id, 'wrong'))).status, (await introspect(token, {}, { client_id: client.id })).status]).toEqual([401, 401, 401]);
    expect((await introspect(token, {}, { client_id: 'keyward-cli' })).json).toEqual({ active: false });
    expect((await introspect(token, basic(client.id, client.secret))).json).toMatchObject({ active: true, sub: client.id, client_id: client.id });
    const login = await logIn(daemon);
    for (const text of [login.access, login.refresh]) expect((await introspect(text, {}, { client_id: 'keyward-workload' })).json).toEqual({ active: false });
  });

  it('of what is no good token says that alone', async () => {
    const client = await makeClient(daemon);
    for (const text of ['x', '__proto__', 'eyJhbGciOiJFUzI1NiJ9.e30.'.padEnd(120, 'A'), client.secret]) expect((await introspect(text, basic(client.id, client.secret))).json).toEqual({ active: false });
  });
});

describe('metadata', () => {
  it('lists only what is there', async () => {
    const told = await metadata();
    expect(told).toMatchObject({
      issuer: daemon.issuer,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['ES256'],
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    });
    for (const name of ['registration_endpoint', 'userinfo_endpoint', 'end_session_endpoint', 'pushed_authorization_request_endpoint', 'backchannel_authentication_endpoint', 'claims_parameter_supported', 'request_parameter_supported']) expect(told[name]).toBeUndefined();
    expect(told['scopes_supported']).not.toContain('secrets:read');
    for (const [name, address] of Object.entries(told)) {
      if (!name.endsWith('_endpoint')) continue;
      const { pathname } = new URL(String(address));
      const isThere = [(await fetch(`${daemon.url}${pathname}`, { redirect: 'manual' })).status, (await postForm(daemon.url, pathname, '')).status];
      expect([name, isThere.includes(404)]).toEqual([name, false]);
    }
  });

  it('is kept to: no other way of answering, no weaker proof of a code, no other response', async () => {
    const ask = async (more: Readonly<Record<string, string>>, without: readonly string[] = []): Promise<string> => {
      const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:9/callback', state: 's', code_challenge: createHash('sha256').update('x').digest('base64url'), code_challenge_method: 'S256', ...more });
      for (const name of without) query.delete(name);
      const answer = await fetch(`${daemon.url}/oauth/authorize?${query.toString()}`, { redirect: 'manual' });
      const location = answer.headers.get('location') ?? '';
      return location.startsWith('/oauth/interaction/') ? 'asked' : (/[?#&]error=(\w+)/.exec(location)?.[1] ?? `${answer.status}`);
    };
    expect(await ask({})).toBe('asked');
    expect(await ask({ code_challenge_method: 'plain' })).toBe('invalid_request');
    expect(await ask({}, ['code_challenge_method'])).toBe('invalid_request');
    expect(await ask({}, ['code_challenge', 'code_challenge_method'])).toBe('invalid_request');
    for (const response_mode of ['form_post', 'fragment', 'web_message', 'jwt']) expect(await ask({ response_mode })).toMatch(/^(?:400|unsupported_response_mode|invalid_request)$/);
    for (const response_type of ['token', 'id_token', 'code id_token', 'none']) expect(await ask({ response_type })).toMatch(/^(?:unsupported_response_type|invalid_request)$/);
    expect(await ask({ request: 'eyJhbGciOiJub25lIn0.e30.' })).toBe('request_not_supported');
    expect(await ask({ request_uri: 'https://evil.test/' })).toBe('request_uri_not_supported');
    expect(await ask({ resource: 'https://evil.test' })).toBe('invalid_target');
  });

  it.each(['http://127.0.0.1:9/callback/', 'http://localhost:9/callback', 'http://user@127.0.0.1:9/callback', 'http://127.0.0.1:9/callback?x=1', 'http://127.0.0.1:9/callback#x', 'http://127.0.0.1.:9/callback', 'http://127.0.0.1:9@evil.test/callback', 'http://0x7f.1:9/callback', 'https://127.0.0.1/callback', 'http://127.0.0.1/../callback', '//evil.test', 'javascript:alert(1)', 'http://127.0.0.1:9/callback\\@evil.test'])('a browser is sent to no %s, not even with an error', async (redirectUri) => {
    const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: redirectUri, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' });
    const answer = await fetch(`${daemon.url}/oauth/authorize?${query.toString()}`, { redirect: 'manual', headers: { accept: 'text/html' } });
    expect([answer.status, answer.headers.get('location'), answer.headers.get('content-type')]).toEqual([400, null, 'text/html; charset=utf-8']);
  });
});

describe('what pages of others can do with it', () => {
  it('is nothing: no CORS, and no request that a page sends is served', async () => {
    const foreign = { origin: 'https://evil.test' };
    for (const origin of ['https://evil.test', 'https://app.example.com']) {
      const answer = await postForm(daemon.url, '/oauth/token', { grant_type: 'client_credentials' }, { origin });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
    expect((await postForm(daemon.url, '/oauth/device_authorization', { client_id: 'keyward-cli' }, foreign)).status).toBe(403);
    expect((await postForm(daemon.url, '/device', 'step=enter', foreign)).status).toBe(403);
    expect((await postForm(daemon.url, '/oauth/interaction/x', 'step=decide', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask(daemon.url, '/oauth/jwks', { headers: { host: 'rebound.test' } })).status).toBe(421);
  });

  it('answers with tokens in them are kept nowhere', async () => {
    const client = await makeClient(daemon);
    const { headers } = await postForm(daemon.url, '/oauth/token', { grant_type: 'client_credentials' }, basic(client.id, client.secret));
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
    expect((await introspect('x', basic(client.id, client.secret))).headers.get('cache-control')).toBe('no-store');
  });
});
