import { generateKeyPairSync } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authFile } from '../../support/auth-files.ts';
import { createGrantsWorld, type GrantsWorld } from '../../support/grants-world.ts';
import { startGoogle, type SimulatedGoogle } from '../../support/simulated-logins/google.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const account = { type: 'service_account', project_id: 'p-1', private_key_id: 'key-1', private_key: pair.privateKey, client_email: 'sa@p-1.iam.example.com', token_uri: 'https://oauth2.googleapis.com/token' };

let google: SimulatedGoogle;
let world: GrantsWorld;

beforeEach(async () => {
  google = await startGoogle();
  world = createGrantsWorld({ vertex: { 'token-url': `${google.url}/token` } });
});

afterEach(async () => {
  await world.close();
  await google.close();
});

const ask = (serviceAccount: object | undefined): ReturnType<GrantsWorld['grants']['serviceAccount']> =>
  world.grants.serviceAccount(world.login('vertex'), authFile('vertex', serviceAccount === undefined ? {} : { serviceAccount: JSON.stringify(serviceAccount) }), new AbortController().signal);

describe('service accounts', () => {
  it('a signed assertion is traded for a short token (RFC 7523)', async () => {
    const outcome = await ask(account);
    expect(outcome).toMatchObject({ kind: 'issued', tokens: { refreshToken: undefined } });
    const { payload, protectedHeader } = await jwtVerify(google.assertions()[0] ?? '', await importSPKI(pair.publicKey, 'RS256'));
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(payload).toMatchObject({ iss: 'sa@p-1.iam.example.com', aud: `${google.url}/token`, scope: 'https://www.googleapis.com/auth/cloud-platform' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
  });

  it.each([
    ['a token endpoint that is not Google’s', { ...account, token_uri: 'https://evil.example/token' }],
    ['no key', { ...account, private_key: undefined }],
    ['a key that is none', { ...account, private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' }],
    ['no account', undefined],
  ])('%s is refused before anything is sent', async (_what, serviceAccount) => {
    const outcome = await ask(serviceAccount);
    expect(outcome).toMatchObject({ kind: 'refused', error: 'invalid_service_account' });
    expect(JSON.stringify(outcome)).not.toContain('BEGIN');
    expect(google.seen).toEqual([]);
  });
});
