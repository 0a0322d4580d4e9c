import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { basic, claimsOf, logIn, makeClient, postForm, standing, tokenOf, type Told } from '../../support/oauth-calls.ts';
import { until } from '../../support/until.ts';

/* Security rules 32 and 33 on the built daemon: the exchange of a platform's token for one of ours. */

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
let daemon: IdentityDaemon;
let issuing: Server;
let issuer: string;
let signingKey: CryptoKey;
beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  signingKey = privateKey;
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] });
  issuing = createServer((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(keys));
  await new Promise<void>((resolve) => issuing.listen(0, '127.0.0.1', resolve));
  const bound = issuing.address();
  issuer = typeof bound === 'object' && bound !== null ? `http://127.0.0.1:${bound.port}` : '';
  daemon = await startIdentityDaemon({ identity: `  trusted-issuers:\n    - { issuer: "${issuer}", jwks-url: "${issuer}/jwks", audience: "https://keyward.test", subjects: ["job:*"], algorithms: [ES256], scopes: ["models:use", "models:read"] }\n` });
  await until('its keys are there', async () => (await exchange({ subject_token: await subject() })).status === 200, 10_000);
});
afterAll(async () => {
  await daemon.stop();
  issuing.close();
});

const subject = (more: object = {}, seconds = 600): Promise<string> => {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ iss: issuer, aud: 'https://keyward.test', sub: 'job:1', jti: crypto.randomUUID(), iat: now, exp: now + seconds, ...more }).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(signingKey);
};
const exchange = (form: Readonly<Record<string, string>>, headers = {}): Promise<Told> => postForm(daemon.url, '/oauth/token', { grant_type: grantType, subject_token_type: jwtType, ...('authorization' in headers ? {} : { client_id: 'keyward-workload' }), ...form }, headers);

describe('a token in exchange', () => {
  it('says what it is, whose, and ends no later than what was brought', async () => {
    const { status, json } = await exchange({ subject_token: await subject({}, 60), scope: 'models:read keys:write' });
    expect({ status, json }).toMatchObject({ status: 200, json: { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', scope: 'models:read' } });
    expect(Number(json['expires_in'])).toBeLessThanOrEqual(60);
    expect(json['refresh_token']).toBeUndefined();
    expect(claimsOf(String(json['access_token']))['sub']).toMatch(/^workload_[0-9a-f]{20}$/);
    expect(await standing(daemon, String(json['access_token']))).toBe('200');
  });

  it('is made once of each token, however many ask at one moment', async () => {
    const subject_token = await subject();
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange({ subject_token })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ json }) => json['error']))).toEqual(new Set(['invalid_request']));
  });

  it('says and has no scope that its client lacks', async () => {
    const client = await makeClient(daemon, { grants: [grantType], scopes: ['models:read'] });
    const { json } = await exchange({ subject_token: await subject() }, basic(client.id, client.secret));
    expect([json['scope'], claimsOf(String(json['access_token']))['scope']]).toEqual(['models:read', 'models:read']);
    expect((await exchange({ subject_token: await subject(), scope: 'models:use' }, basic(client.id, client.secret))).json['error']).toBe('invalid_scope');
  });

  it('is made of no token of ours, for no actor, for no other place, and of no forged claims', async () => {
    const own = await tokenOf(daemon, await makeClient(daemon));
    const login = await logIn(daemon);
    for (const subject_token of [own, login.access, 'x', '']) expect((await exchange({ subject_token })).json['error']).toBe('invalid_request');
    expect((await exchange({ subject_token: await subject(), actor_token: await subject() })).json['error']).toBe('invalid_request');
    expect((await exchange({ subject_token: await subject(), audience: 'https://evil.test' })).json['error']).toBe('invalid_target');
    expect((await exchange({ subject_token: await subject({ aud: 'https://other.test' }) })).json['error']).toBe('invalid_request');
    expect((await exchange({ subject_token: await subject({ sub: 'person_000000000000' }) })).json['error']).toBe('invalid_request');
    const { json } = await exchange({ subject_token: await subject({ derived: true, sid: 'x', client_id: 'keyward-cli', scope: 'config:write' }) });
    const claims = claimsOf(String(json['access_token']));
    expect([claims['client_id'], claims['sid'], claims['derived'], claims['scope']]).toEqual(['keyward-workload', undefined, undefined, 'models:use models:read']);
  });
});
