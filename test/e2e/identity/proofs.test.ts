import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { getDPoPHandle, initiateDeviceAuthorization, None, pollDeviceAuthorizationGrant, randomDPoPKeyPair, refreshTokenGrant, type Configuration } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';

let daemon: IdentityDaemon;
let cli: Configuration;
let holder: Awaited<ReturnType<typeof randomDPoPKeyPair>>;
let jwk: JWK;
let token: string;
let refreshToken: string;
beforeAll(async () => {
  daemon = await startIdentityDaemon();
  cli = await daemon.client('keyward-cli', undefined, None());
  holder = await randomDPoPKeyPair('ES256', { extractable: true });
  jwk = await exportJWK(holder.publicKey);
  const device = await initiateDeviceAuthorization(cli, { scope: 'openid models:use models:read' });
  await daemon.manage('POST', `/device-codes/${device.user_code}/approve`, { name: 'ann' });
  const tokens = await pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 }, undefined, { DPoP: getDPoPHandle(cli, holder) });
  expect(tokens.token_type).toBe('dpop');
  token = tokens.access_token;
  refreshToken = tokens.refresh_token ?? '';
});
afterAll(() => daemon.stop());

interface ProofWish {
  readonly key?: CryptoKey;
  readonly jwk?: JWK;
  readonly htm?: string;
  readonly htu?: string;
  readonly iat?: number;
  readonly jti?: string;
  readonly ath?: string;
  readonly typ?: string;
}

function proof(wish: ProofWish = {}): Promise<string> {
  const { key = holder.privateKey, jwk: shown = jwk, htm = 'GET', htu = `${daemon.publicUrl}/v1/models`, iat = Math.floor(Date.now() / 1_000), jti = randomUUID(), ath = createHash('sha256').update(token).digest('base64url'), typ = 'dpop+jwt' } = wish;
  return new SignJWT({ htm, htu, jti, ath, iat }).setProtectedHeader({ alg: 'ES256', typ, jwk: shown }).sign(key);
}

async function call(headers: Record<string, string>, path = '/v1/models', method = 'GET'): Promise<string> {
  const answer = await fetch(`${daemon.url}${path}`, { method, headers });
  const body = await answer.text();
  return `${answer.status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? ''}`.trim();
}

const withProof = async (wish?: ProofWish): Promise<string> => call({ authorization: `DPoP ${token}`, dpop: await proof(wish) });

describe('a token that is bound to a key', () => {
  it('is good from the holder of the key, with a fresh proof each time', async () => {
    expect([await withProof(), await withProof()]).toEqual(['200', '200']);
  });

  it('is refused as Bearer, in other carriers, and without a proof', async () => {
    expect(await call({ authorization: `Bearer ${token}`, dpop: await proof() })).toBe('401 invalid_dpop_proof');
    expect(await call({ 'x-api-key': token, dpop: await proof() })).toBe('401 invalid_dpop_proof');
    expect(await call({ authorization: `DPoP ${token}` })).toBe('401 invalid_dpop_proof');
    const refused = await fetch(`${daemon.url}/v1/models`, { headers: { authorization: `DPoP ${token}` } });
    expect(refused.headers.get('www-authenticate')).toBe('DPoP realm="keyward", error="invalid_dpop_proof", algs="ES256 EdDSA"');
  });

  it.each<readonly [string, ProofWish]>([
    ['another method', { htm: 'POST' }],
    ['another address', { htu: 'http://evil.test/v1/models' }],
    ['another path', { htu: 'http://localhost/v1/messages' }],
    ['an old proof', { iat: Math.floor(Date.now() / 1_000) - 120 }],
    ['a proof of tomorrow', { iat: Math.floor(Date.now() / 1_000) + 120 }],
    ['another token', { ath: 'x' }],
    ['no id', { jti: '' }],
    ['another type', { typ: 'jwt' }],
  ])('is refused with %s', async (_what, wish) => {
    expect(await withProof(wish)).toBe('401 invalid_dpop_proof');
  });

  it('is refused with another key, also one that claims to be the holder’s', async () => {
    const other = await generateKeyPair('ES256');
    expect(await withProof({ key: other.privateKey, jwk: await exportJWK(other.publicKey) })).toBe('401 invalid_dpop_proof');
    expect(await withProof({ key: other.privateKey })).toBe('401 invalid_dpop_proof');
  });

  it('is refused when a proof is used twice', async () => {
    const once = await proof();
    expect([await call({ authorization: `DPoP ${token}`, dpop: once }), await call({ authorization: `DPoP ${token}`, dpop: once })]).toEqual(['200', '401 invalid_dpop_proof']);
  });

  it('is refreshed by its holder alone', async () => {
    await expect(refreshTokenGrant(cli, refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' });
    const other = await randomDPoPKeyPair('ES256');
    await expect(refreshTokenGrant(cli, refreshToken, undefined, { DPoP: getDPoPHandle(cli, other) })).rejects.toMatchObject({ error: 'invalid_grant' });
    const again = await refreshTokenGrant(cli, refreshToken, undefined, { DPoP: getDPoPHandle(cli, holder) });
    expect(again.token_type).toBe('dpop');
    refreshToken = again.refresh_token ?? '';
  });
});

describe('tokens by the right of a login', () => {
  const post = async (path: string, body?: object): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
    const htu = `${daemon.publicUrl}${path}`;
    const answer = await fetch(`${daemon.url}${path}`, { method: 'POST', headers: { authorization: `DPoP ${token}`, dpop: await proof({ htm: 'POST', htu }), 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };

  it('are unbound, short, and of the same person', async () => {
    const { status, body } = await post('/oauth/bearer-token');
    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 900, scope: 'models:use models:read' } });
    expect(await call({ authorization: `Bearer ${String(body['access_token'])}` })).toBe('200');
  });

  it('make no further ones, and a run key ends itself', async () => {
    const { status, body } = await post('/oauth/run-keys', { name: 'codex' });
    expect({ status, body }).toMatchObject({ status: 201, body: { id: expect.any(String), key: expect.stringMatching(/^eyJ/), expires_at: expect.any(String) } });
    const key = { authorization: `Bearer ${String(body['key'])}` };
    expect(await call(key)).toBe('200');
    expect(await call({ 'x-api-key': String(body['key']) })).toBe('200');
    expect(await call(key, '/oauth/run-keys', 'POST')).toBe('403 scope_not_allowed');
    expect(await call(key, '/oauth/bearer-token', 'POST')).toBe('403 scope_not_allowed');
    expect(await call(key, '/oauth/run-keys', 'DELETE')).toBe('200');
    expect(await call(key)).toBe('401 token_revoked');
  });

  it('end with the login', async () => {
    const { body } = await post('/oauth/run-keys');
    const key = { authorization: `Bearer ${String(body['key'])}` };
    expect(await call(key)).toBe('200');
    const { body: listed } = await daemon.manage('GET', '/sessions');
    for (const session of Array.isArray(listed['sessions']) ? listed['sessions'] : []) await daemon.manage('DELETE', `/sessions/${String(Reflect.get(Object(session), 'id'))}`);
    expect(await call(key)).toBe('401 token_revoked');
    expect(await withProof()).toBe('401 token_revoked');
  });
});
