import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProofKey, expectRefusal, nowSeconds, partOf, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type ProofKey, type TestClient, type Tokens } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
let holder: ProofKey;
let other: ProofKey;
/** A login whose tokens are bound to the holder's key. */
let bound: Tokens;
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
  [holder, other] = [await createProofKey(), await createProofKey()];
  bound = await world.logIn({ headers: { dpop: await atToken() } });
});
afterAll(() => world.stop());

type Wish = Readonly<Record<string, unknown>>;
const atToken = (claims: Wish = {}, header: Wish = {}, key = holder): Promise<string> => key.prove({ htm: 'POST', htu: `${world.issuer}/token`, ...claims }, header);
const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
const atResource = (claims: Wish = {}, header: Wish = {}, key = holder): Promise<string> => key.prove({ htm: 'GET', htu: `${world.publicUrl}/v1/models`, ath: hashOf(bound.access), ...claims }, header);
const askToken = (dpop: string): Promise<OAuthAnswer> => world.token({ grant_type: 'client_credentials' }, { ...machine.basic, dpop });
const use = (dpop: string, scheme = 'DPoP'): Promise<string> => world.use({ authorization: `${scheme} ${bound.access}`, dpop });

/** A proof whose signature is not made over its header: `alg` as it says, signed by whatever. */
function forge(header: Wish, claims: Wish, signature = Buffer.alloc(64).toString('base64url')): string {
  const encode = (value: Wish): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode(header)}.${encode({ jti: randomUUID(), iat: nowSeconds(), ...claims })}.${signature}`;
}

/** What both places refuse, with the reason. */
const wrong: readonly (readonly [string, Wish, Wish])[] = [
  ['no jti', { jti: undefined }, {}],
  ['an empty jti', { jti: '' }, {}],
  ['no htm', { htm: undefined }, {}],
  ['another method', { htm: 'PUT' }, {}],
  ['the method in other letters', { htm: 'get' }, {}],
  ['no htu', { htu: undefined }, {}],
  ['another address', { htu: 'https://evil.test/oauth/token' }, {}],
  ['another path', { htu: 'http://localhost/v1/messages' }, {}],
  ['no iat', { iat: undefined }, {}],
  ['an iat of long ago', { iat: nowSeconds() - 600 }, {}],
  ['an iat to come', { iat: nowSeconds() + 600 }, {}],
  ['no typ', {}, { typ: undefined }],
  ['another typ', {}, { typ: 'JWT' }],
  ['no key', {}, { jwk: undefined }],
];

describe('RFC 9449 §4: proofs, at the token endpoint', () => {
  it('§4.1 a request with two proofs is refused', async () => {
    // `fetch` joins them into one line, as a proxy may.
    expectRefusal(await askToken(`${await atToken()}, ${await atToken()}`), 400, 'invalid_dpop_proof');
  });

  it('§4.3 a proof that lacks or misses something is invalid_dpop_proof', async () => {
    for (const [what, claims, header] of wrong) {
      const answer = await askToken(await atToken(claims, header));
      expect([what, answer.outcome]).toEqual([what, '400 invalid_dpop_proof']);
    }
    expectRefusal(await askToken('no.jwt.at-all'), 400, 'invalid_dpop_proof');
  });

  it('§4.3 (5, 6) it is signed, by the key it names, by an algorithm that is taken', async () => {
    const [claims, { privateKey }] = [{ htm: 'POST', htu: `${world.issuer}/token` }, await generateKeyPair('ES256')];
    expectRefusal(await askToken(await holder.prove(claims, {}, privateKey)), 400, 'invalid_dpop_proof');
    expectRefusal(await askToken(forge({ alg: 'none', typ: 'dpop+jwt', jwk: holder.jwk }, claims, '')), 400, 'invalid_dpop_proof');
    expectRefusal(await askToken(forge({ alg: 'ES256', typ: 'dpop+jwt', jwk: holder.jwk }, claims)), 400, 'invalid_dpop_proof');
    const secret = Buffer.from('0123456789abcdef0123456789abcdef');
    const jwk: JWK = { kty: 'oct', k: secret.toString('base64url') };
    const symmetric = await new SignJWT({ ...claims, jti: randomUUID(), iat: nowSeconds() }).setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk }).sign(secret);
    expectRefusal(await askToken(symmetric), 400, 'invalid_dpop_proof');
    expectRefusal(await askToken(await atToken({}, {}, await createProofKey('RS256'))), 400, 'invalid_dpop_proof');
  });

  it('§4.3 (7) the key it names is the public part alone', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const [pair, half]: readonly JWK[] = [await exportJWK(privateKey), await exportJWK(publicKey)];
    const proofNaming = (jwk: JWK = {}): Promise<string> => new SignJWT({ htm: 'POST', htu: `${world.issuer}/token`, jti: randomUUID(), iat: nowSeconds() }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(privateKey);
    expect((await askToken(await proofNaming(half))).status).toBe(200);
    expectRefusal(await askToken(await proofNaming(pair)), 400, 'invalid_dpop_proof');
  });

  it('§4.3 (9) htu is compared without query and fragment', async () => {
    expect((await askToken(await atToken({ htu: `${world.issuer}/token?x=1#y` }))).status).toBe(200);
  });

  it('§11.1 a proof counts once', async () => {
    const proof = await atToken();
    expect((await askToken(proof)).status).toBe(200);
    expectRefusal(await askToken(proof), 400, 'invalid_dpop_proof');
  });
});

describe('RFC 9449 §5: tokens that are bound', () => {
  it('§5 with a proof the token is bound to its key: token_type DPoP', async () => {
    const answer = await askToken(await atToken());
    expect([answer.status, answer.body['token_type'], partOf(answer.at('access_token'), 1)['cnf']]).toEqual([200, 'DPoP', { jkt: holder.thumbprint }]);
    const eddsa = await createProofKey('EdDSA');
    expect(partOf((await askToken(await atToken({}, {}, eddsa))).at('access_token'), 1)['cnf']).toEqual({ jkt: eddsa.thumbprint });
  });

  it('§5 without one it is a bearer token', async () => {
    const answer = await world.token({ grant_type: 'client_credentials' }, machine.basic);
    expect([answer.body['token_type'], partOf(answer.at('access_token'), 1)['cnf']]).toEqual(['Bearer', undefined]);
  });

  it('§5 the refresh token of a public client is bound too: from another key, or without a proof, it is refused', async () => {
    const refresh = async (token: string, key?: ProofKey): Promise<OAuthAnswer> => world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token: token }, key === undefined ? {} : { dpop: await atToken({}, {}, key) });
    const login = await world.logIn({ headers: { dpop: await atToken() } });
    expectRefusal(await refresh(login.refresh), 400, 'invalid_grant');
    expectRefusal(await refresh(login.refresh, other), 400, 'invalid_grant');
    const again = await refresh(login.refresh, holder);
    expect([again.status, again.body['token_type']]).toEqual([200, 'DPoP']);
  });

  it('§5.1 the metadata lists the algorithms of proofs, none of them symmetric', async () => {
    const metadata: Record<string, unknown> = JSON.parse(await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server/oauth`)).text());
    expect(metadata['dpop_signing_alg_values_supported']).toEqual(['ES256', 'EdDSA']);
  });

  it('§6.2 introspection says what key a token is bound to, and that its type is DPoP', async () => {
    expect((await world.post('/introspect', { token: bound.access }, machine.basic)).body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: holder.thumbprint } });
  });

  it('§8 no nonce is asked for, and none given', async () => {
    const answer = await askToken(await atToken());
    expect([answer.status, answer.headers.get('dpop-nonce')]).toEqual([200, null]);
    expectRefusal(await askToken(await atToken({ nonce: 'made-up' })), 400, 'invalid_dpop_proof');
  });

  it('§10 a code that was asked for with dpop_jkt is for the holder of that key alone', async () => {
    const newCode = (): Promise<string> => world.code({ dpop_jkt: holder.thumbprint });
    expectRefusal(await world.redeem(await newCode(), {}, { dpop: await atToken({}, {}, other) }), 400, 'invalid_grant');
    expectRefusal(await world.redeem(await newCode()), 400, 'invalid_grant');
    const answer = await world.redeem(await newCode(), {}, { dpop: await atToken() });
    expect([answer.status, answer.body['token_type']]).toEqual([200, 'DPoP']);
  });
});

describe('RFC 9449 §7: bound tokens at the resource', () => {
  it('§7.1 a bound token comes as `Authorization: DPoP` with a proof', async () => {
    expect(await use(await atResource())).toBe('200');
    expect(await use(await atResource(), 'dpop')).toBe('200');
    expect(await world.use({ authorization: `DPoP ${bound.access}` })).toBe('401 invalid_dpop_proof');
  });

  it('§7.1 a proof that lacks or misses something is refused', async () => {
    for (const [what, claims, header] of wrong) expect([what, await use(await atResource(claims, header))]).toEqual([what, '401 invalid_dpop_proof']);
    expect(await use('no.jwt.at-all')).toBe('401 invalid_dpop_proof');
  });

  it('§7.1 the proof holds the hash of the token, of this one', async () => {
    for (const ath of [undefined, '', 'x', hashOf('another'), createHash('sha256').update(bound.access).digest('hex')]) expect(await use(await atResource({ ath }))).toBe('401 invalid_dpop_proof');
  });

  it('§7.1 the proof is by the key that the token is bound to', async () => {
    expect(await use(await atResource({}, {}, other))).toBe('401 invalid_dpop_proof');
    const { privateKey } = await generateKeyPair('ES256');
    expect(await use(await holder.prove({ htm: 'GET', htu: `${world.publicUrl}/v1/models`, ath: hashOf(bound.access) }, {}, privateKey))).toBe('401 invalid_dpop_proof');
    expect(await use(forge({ alg: 'none', typ: 'dpop+jwt', jwk: holder.jwk }, { htm: 'GET', htu: `${world.publicUrl}/v1/models`, ath: hashOf(bound.access) }, ''))).toBe('401 invalid_dpop_proof');
  });

  it('§7.1 a proof counts once there too, and htu is compared without query', async () => {
    const proof = await atResource();
    expect([await use(proof), await use(proof)]).toEqual(['200', '401 invalid_dpop_proof']);
    expect(await world.use({ authorization: `DPoP ${bound.access}`, dpop: await atResource() }, '/v1/models?limit=1')).toBe('200');
  });

  it('§7.1 a token that does not count, sent as `DPoP`, is answered with a challenge for DPoP', async () => {
    const answer = await fetch(`${world.url}/v1/models`, { headers: { authorization: 'DPoP eyJ.a.b' } });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'DPoP realm="keyward", error="invalid_token", error_description="invalid_api_key", algs="ES256 EdDSA"']);
  });

  it('§7.1 the challenge names the scheme, the error and the algorithms', async () => {
    const { headers } = await fetch(`${world.url}/v1/models`, { headers: { authorization: `DPoP ${bound.access}` } });
    expect(headers.get('www-authenticate')).toBe('DPoP realm="keyward", error="invalid_dpop_proof", algs="ES256 EdDSA"');
  });

  it('§7.2 a bound token is no bearer token, not even with a proof', async () => {
    for (const headers of [{ authorization: `Bearer ${bound.access}` }, { 'x-api-key': bound.access }, { 'x-goog-api-key': bound.access }]) expect(await world.use({ ...headers, dpop: await atResource() })).toBe('401 invalid_dpop_proof');
  });

  it('§7.2 a bearer token is not taken as a bound one', async () => {
    const token = (await world.token({ grant_type: 'client_credentials' }, machine.basic)).at('access_token');
    expect(await world.use({ authorization: `DPoP ${token}`, dpop: await atResource({ ath: hashOf(token) }) })).toBe('401 invalid_dpop_proof');
    expect(await world.useToken(token)).toBe('200');
  });
});
