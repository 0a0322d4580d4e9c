import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertionType, expectRefusal, nowSeconds, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let client: TestClient;
let key: CryptoKey;
beforeAll(async () => {
  world = await startOAuthWorld();
  ({ client, key } = await makeClient('ES256'));
});
afterAll(() => world.stop());

async function makeClient(algorithm: string): Promise<{ readonly client: TestClient; readonly key: CryptoKey }> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { client: await world.makeClient({ authentication: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } }), key: privateKey };
}

/** An assertion that is right but for what is said here; `undefined` members are left out. */
function assertion(claims: Readonly<Record<string, unknown>> = {}, how: { readonly algorithm?: string; readonly key?: CryptoKey | Uint8Array; readonly id?: string } = {}): Promise<string> {
  const { algorithm = 'ES256', key: signingKey = key, id = client.id } = how;
  const payload: Record<string, unknown> = JSON.parse(JSON.stringify({ iss: id, sub: id, aud: world.issuer, iat: nowSeconds(), exp: nowSeconds() + 60, jti: randomUUID(), ...claims }));
  return new SignJWT(payload).setProtectedHeader({ alg: algorithm }).sign(signingKey);
}

const present = (client_assertion: string, more: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> => world.token({ grant_type: 'client_credentials', client_assertion_type: assertionType, client_assertion, ...more });

describe('RFC 7523: clients that authenticate by a signed assertion', () => {
  it('§2.1 assertions as a grant are not offered: unsupported_grant_type', async () => {
    expectRefusal(await world.token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: await assertion() }, (await world.makeClient()).basic), 400, 'unsupported_grant_type');
  });

  it('§2.2 an assertion of the client is its authentication, with or without its client_id beside it', async () => {
    expect((await present(await assertion())).status).toBe(200);
    expect((await present(await assertion(), { client_id: client.id })).status).toBe(200);
    expectRefusal(await present(await assertion(), { client_id: 'keyward-cli' }), 401, 'invalid_client');
  });

  it('§2.2 it authenticates at introspection and revocation too', async () => {
    for (const endpoint of ['/introspect', '/revoke']) expect((await world.post(endpoint, { token: 'x', client_assertion_type: assertionType, client_assertion: await assertion() })).status, endpoint).toBe(200);
  });

  it('§2.2 client_assertion_type is there, and that of a JWT bearer', async () => {
    for (const client_assertion_type of ['', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer']) expectRefusal(await present(await assertion(), { client_assertion_type }), 401, 'invalid_client');
  });

  it('§3 (1) iss is the client', async () => {
    for (const iss of [undefined, 'keyward-cli', '']) expectRefusal(await present(await assertion({ iss })), 401, 'invalid_client');
  });

  it('§3 (2) sub is the client', async () => {
    for (const sub of [undefined, 'keyward-cli', '']) expectRefusal(await present(await assertion({ sub })), 401, 'invalid_client');
  });

  it('§3 (3) aud names this server: its issuer or its token endpoint, alone or among others', async () => {
    for (const aud of [`${world.issuer}/token`, [world.issuer], ['https://other.example.com', `${world.issuer}/token`]]) expect((await present(await assertion({ aud }))).status).toBe(200);
    for (const aud of [undefined, 'https://other.example.com', ['https://other.example.com'], [], `${world.issuer}/`, world.publicUrl]) expectRefusal(await present(await assertion({ aud })), 401, 'invalid_client');
  });

  it('§3 (4) it has an end, and that is not past', async () => {
    for (const exp of [undefined, nowSeconds() - 120, 'tomorrow']) expectRefusal(await present(await assertion({ exp })), 401, 'invalid_client');
  });

  it('§3 (5) one that begins later does not count yet', async () => {
    expectRefusal(await present(await assertion({ nbf: nowSeconds() + 300 })), 401, 'invalid_client');
    expect((await present(await assertion({ nbf: nowSeconds() - 5 }))).status).toBe(200);
  });

  it('§3 (7) it has an id, and counts once', async () => {
    expectRefusal(await present(await assertion({ jti: undefined })), 401, 'invalid_client');
    const once = await assertion();
    expect((await present(once)).status).toBe(200);
    expectRefusal(await present(once), 401, 'invalid_client');
    // What is used is remembered until it would have ended, so that none may end in years.
    expectRefusal(await present(await assertion({ exp: 1e18 })), 401, 'invalid_client');
    const outcomes = await (async (text) => Promise.all(Array.from({ length: 8 }, () => present(text))))(await assertion());
    expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('§3 (7) the same id of another client is another', async () => {
    const [jti, other] = [randomUUID(), await makeClient('ES256')];
    expect((await present(await assertion({ jti }))).status).toBe(200);
    expect((await present(await assertion({ jti }, { key: other.key, id: other.client.id }))).status).toBe(200);
  });

  it('§3 (9) it is signed by a key of the client: not by another’s, not by none, not by a secret', async () => {
    const other = await generateKeyPair('ES256');
    expectRefusal(await present(await assertion({}, { key: other.privateKey })), 401, 'invalid_client');
    const [, payload = ''] = (await assertion()).split('.');
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    expectRefusal(await present(`${header}.${payload}.`), 401, 'invalid_client');
    expectRefusal(await present(await assertion({}, { algorithm: 'HS256', key: Buffer.from('0123456789abcdef0123456789abcdef') })), 401, 'invalid_client');
    const [first = '', claims = ''] = (await assertion()).split('.');
    expectRefusal(await present(`${first}.${claims}.${Buffer.alloc(64).toString('base64url')}`), 401, 'invalid_client');
  });

  it('§3.2 whatever is wrong with it, the answer is `invalid_client`: also what is no JWT at all', async () => {
    for (const text of ['nonsense', 'a.b.c', '..', 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA']) expectRefusal(await present(text), 401, 'invalid_client');
  });

  it('§3.2 a client that was registered with a secret is not known by an assertion, nor the other way round', async () => {
    const other = await world.makeClient();
    expectRefusal(await present(await assertion({}, { id: other.id })), 401, 'invalid_client');
    expectRefusal(await world.token({ grant_type: 'client_credentials', client_id: client.id, client_secret: 'x' }), 401, 'invalid_client');
    expectRefusal(await world.token({ grant_type: 'client_credentials', client_id: client.id }), 401, 'invalid_client');
  });

  it('§5 RS256 is understood, and what the metadata lists beside it', async () => {
    for (const algorithm of ['RS256', 'PS256', 'EdDSA']) {
      const other = await makeClient(algorithm);
      expect((await present(await assertion({}, { algorithm, key: other.key, id: other.client.id }))).status, algorithm).toBe(200);
    }
  });
});
