import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { askForCode, claimsOf, deviceForm, logIn, makeClient, postForm, standing, tokenOf, stealSigningKey } from '../../support/oauth-calls.ts';
import { openSocket } from '../../support/socket-client.ts';

/* Security rule 10 for tokens: in headers alone, bound ones from their holder alone, one caller at a time, and not without end. */

let daemon: IdentityDaemon;
let key: CryptoKey;
let jwk: JWK;
let bound: string;
let plain: string;
beforeAll(async () => {
  daemon = await startIdentityDaemon();
  const pair = await generateKeyPair('ES256', { extractable: true });
  key = pair.privateKey;
  jwk = await exportJWK(pair.publicKey);
  const { userCode, deviceCode } = await askForCode(daemon, { scope: 'models:use models:read config:read' });
  await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name: 'ann' });
  const { json } = await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode), { dpop: await prove({ method: 'POST', path: '/oauth/token', token: null }) });
  expect(json['token_type']).toBe('DPoP');
  bound = String(json['access_token']);
  plain = (await logIn(daemon, { name: 'ann' })).access;
});
afterAll(() => daemon.stop());

function prove({ method = 'GET', path = '/v1/models', htu = `${daemon.publicUrl}${path}`, token = bound, claims = {}, header = {} }: { readonly method?: string; readonly path?: string; readonly htu?: string; readonly token?: string | null; readonly claims?: object; readonly header?: object } = {}): Promise<string> {
  const ath = token === null ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
  return new SignJWT({ htm: method, htu, jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1_000), ...ath, ...claims }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header }).sign(key);
}
async function call(headers: Readonly<Record<string, string>>, path = '/v1/models', method = 'GET'): Promise<string> {
  const answer = await fetch(`${daemon.url}${path}`, { method, headers });
  return `${answer.status} ${/"code":"(\w+)"/.exec(await answer.text())?.[1] ?? ''}`.trim();
}

describe('a token that is bound to a key', () => {
  it('counts as DPoP with a proof, and is refused as Bearer, bare and in other headers, at every door', async () => {
    expect(await call({ authorization: `DPoP ${bound}`, dpop: await prove() })).toBe('200');
    expect(await call({ authorization: `dpop ${bound}`, dpop: await prove() })).toBe('200');
    for (const carrier of [{ authorization: `Bearer ${bound}` }, { authorization: bound }, { 'x-api-key': bound }, { 'x-goog-api-key': bound }]) {
      expect(await call({ ...carrier, dpop: await prove() })).toMatch(/^401(?: invalid_dpop_proof)?$/);
    }
    expect(await call({ authorization: `DPoP ${bound}` })).toBe('401 invalid_dpop_proof');
    const path = '/v0/management/config';
    expect(await call({ authorization: `DPoP ${bound}`, dpop: await prove({ path }) }, path)).toBe('200');
    expect(await call({ authorization: `DPoP ${bound}` }, path)).toBe('401 invalid_dpop_proof');
    expect(await call({ authorization: `Bearer ${bound}`, dpop: await prove({ path }) }, path)).toBe('401 invalid_dpop_proof');
    expect(await call({ 'x-management-key': bound, dpop: await prove({ path }) }, path)).toBe('401 invalid_dpop_proof');
    for (const own of ['/oauth/bearer-token', '/oauth/run-keys']) expect(await call({ authorization: `Bearer ${bound}` }, own, 'POST')).toBe('401 invalid_dpop_proof');
  });

  it('opens no socket without a proof', async () => {
    await expect(openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${bound}` } })).rejects.toThrow();
    const socket = await openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `DPoP ${bound}`, dpop: await prove({ path: '/v1/responses' }) } });
    socket.send({ type: 'nonsense' });
    expect(await call({ authorization: `Bearer ${bound}` })).toBe('401 invalid_dpop_proof');
  });

  it('is not lent by an unbound token of the same person beside it', async () => {
    expect(await call({ authorization: `Bearer ${plain}`, 'x-api-key': bound, dpop: await prove() })).toBe('401 invalid_dpop_proof');
    // Here the unbound one decides, with its own rights: it holds no scope of management.
    expect(await call({ authorization: `Bearer ${bound}`, 'x-management-key': plain }, '/v0/management/config')).toMatch(/^40[013] /);
  });

  it.each<readonly [string, Parameters<typeof prove>[0]]>([
    ['another host', { htu: 'http://evil.test/v1/models' }],
    ['the address that the socket has', { htu: 'http://127.0.0.1/v1/models' }],
    ['a name with user', { htu: 'http://ann@localhost/v1/models' }],
    ['another path', { path: '/v1/models/x' }],
    ['a path in other letters', { path: '/V1/models' }],
    ['a path with an encoded letter', { path: '/v1/%6dodels' }],
    ['an empty address', { htu: '' }],
    ['another token', { token: 'x' }],
    ['no token', { token: null }],
    ['the method in small letters', { method: 'get' }],
    ['an id that is no text', { claims: { jti: 5 } }],
    ['an id without end', { claims: { jti: 'x'.repeat(300) } }],
    ['a time that is no number', { claims: { iat: `${Math.floor(Date.now() / 1_000)}` } }],
    ['a time in milliseconds', { claims: { iat: Date.now() } }],
    ['a critical header', { header: { crit: ['x'], x: 1 } }],
    ['another type', { header: { typ: 'at+jwt' } }],
    ['no type', { header: { typ: undefined } }],
  ])('takes no proof with %s', async (_what, wish) => {
    const proof = await prove(wish).catch(() => 'x');
    expect(await call({ authorization: `DPoP ${bound}`, dpop: proof })).toBe('401 invalid_dpop_proof');
  });

  it('takes no proof by another key, with a private or huge key in it, by a symmetric or no algorithm, or two at once', async () => {
    const other = await generateKeyPair('ES256');
    const ath = createHash('sha256').update(bound).digest('base64url');
    const claims = { htm: 'GET', htu: `${daemon.publicUrl}/v1/models`, iat: Math.floor(Date.now() / 1_000), jti: crypto.randomUUID(), ath };
    const sign = (header: object, by: CryptoKey | Uint8Array): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', ...header }).sign(by);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const proofs = [
      await sign({ jwk }, other.privateKey),
      await sign({ jwk: await exportJWK(other.publicKey) }, other.privateKey),
      await sign({ jwk: { ...jwk, d: 'x' } }, key),
      await sign({ jwk: { ...jwk, pad: 'x'.repeat(10_000) } }, key),
      await sign({ jwk, alg: 'HS256' }, new TextEncoder().encode(JSON.stringify(jwk).padEnd(64))),
      `${encode({ alg: 'none', typ: 'dpop+jwt', jwk })}.${encode(claims)}.`,
      `${await sign({ jwk }, key)}, ${await sign({ jwk }, key)}`,
    ];
    for (const dpop of proofs) expect(await call({ authorization: `DPoP ${bound}`, dpop })).toMatch(/^4(?:01 invalid_dpop_proof|31|00)/);
  });

  it('takes each proof once, however many bring it at one moment', async () => {
    const dpop = await prove();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call({ authorization: `DPoP ${bound}`, dpop })));
    expect(answers.filter((each) => each === '200')).toHaveLength(1);
  });
});

describe('a token', () => {
  it('in an address is none, and an unbound one is no DPoP token', async () => {
    for (const token of [plain, bound]) for (const name of ['key', 'auth_token']) expect(await call({}, `/v1/models?${name}=${token}`)).toBe('401 invalid_api_key');
    expect(await call({ authorization: `DPoP ${plain}`, dpop: await prove({ token: plain }) })).toBe('401 invalid_dpop_proof');
  });

  it('beside a credential of somebody else is 400, and beside another of the same person is fine', async () => {
    const machine = await tokenOf(daemon, await makeClient(daemon));
    const { body } = await daemon.manage('POST', '/client-keys', { name: 'x' });
    for (const other of [machine, String(body['key'])]) expect(await call({ authorization: `Bearer ${plain}`, 'x-api-key': other })).toBe('400 conflicting_credentials');
    const again = (await logIn(daemon, { name: 'ann' })).access;
    expect(await call({ authorization: `Bearer ${plain}`, 'x-api-key': again })).toBe('200');
  });

  it('of more than 12 kB is not read, nor a key of more than 4 kB', async () => {
    const { kid, key: signing } = await stealSigningKey(daemon);
    const ofLength = async (length: number): Promise<string> => {
      const pad = (count: number): Promise<string> => new SignJWT({ ...claimsOf(plain), pad: 'x'.repeat(count) }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(signing);
      return pad(Math.floor(((length - (await pad(0)).length) * 3) / 4));
    };
    expect((await ofLength(12_200)).length).toBeGreaterThan(12_190);
    expect([await standing(daemon, await ofLength(12_200)), await standing(daemon, await ofLength(12_400))]).toEqual(['200', '401 invalid_api_key']);
    expect(await standing(daemon, 'k'.repeat(4_097))).toBe('401 invalid_api_key');
  });
});
