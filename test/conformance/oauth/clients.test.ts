import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython } from '../../support/find-python.ts';
import { deviceGrant, exchangeGrant, redirectUri, startOAuthWorld, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';
import { startPlatform, type PlatformServer } from '../../support/platform-server.ts';
import { walkPages } from '../../support/page-walk.ts';

let world: OAuthWorld;
let platform: PlatformServer;
let machine: TestClient;
/** Known by a key of its own. */
let keyed: TestClient;
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  platform = await startPlatform();
  world = await startOAuthWorld({ identity: `  trusted-issuers:\n    - { issuer: "${platform.issuer}", audience: "https://keyward.example.com", subjects: ["job:*"] }\n` });
  pair = await generateKeyPair('ES256', { extractable: true });
  [machine, keyed] = [await world.makeClient(), await world.makeClient({ authentication: 'private_key_jwt', jwks: { keys: [await exportJWK(pair.publicKey)] } })];
});
afterAll(async () => {
  await world.stop();
  await platform.close();
});

const resource = (): URL => new URL(`${world.publicUrl}/v1/models`);
/** What a person does whom a client sent to this address. */
const walk = (url: string): Promise<URL> => walkPages(url, redirectUri, { issueCode: async (name) => String((await world.manage('POST', '/approval-codes', { name })).body['code']) });

describe('openid-client', () => {
  const isGood = async (config: client.Configuration, token: string, options: client.DPoPOptions = {}): Promise<number> => (await client.fetchProtectedResource(config, token, resource(), 'GET', undefined, undefined, options)).status;

  it('RFC 6749 §4.1, 7636, 9207, 9449: logs a person in by code, with proofs, and refreshes', async () => {
    const config = await world.client('keyward-cli', undefined, client.None());
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const [pkceCodeVerifier, expectedState, expectedNonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: 'openid models:use models:read', code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', state: expectedState, nonce: expectedNonce, dpop_jkt: await DPoP.calculateThumbprint() });
    const tokens = await client.authorizationCodeGrant(config, await walk(url.href), { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }, undefined, { DPoP });
    expect([tokens.token_type, tokens.claims()?.iss]).toEqual(['dpop', world.issuer]);
    expect(await isGood(config, tokens.access_token, { DPoP })).toBe(200);
    const again = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP });
    expect(await isGood(config, again.access_token, { DPoP })).toBe(200);
  });

  it('RFC 8628: waits for the person who approves on another device', async () => {
    const config = await world.client('keyward-cli', undefined, client.None());
    const device = await client.initiateDeviceAuthorization(config, { scope: 'models:read' });
    await world.decide(device.user_code);
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 });
    expect([tokens.scope, await isGood(config, tokens.access_token)]).toEqual(['models:read', 200]);
  });

  it('RFC 6749 §4.4, 7523, 7662, 7009: a machine by secret or key asks about its token and ends it', async () => {
    for (const config of [await world.client(machine.id, machine.secret, client.ClientSecretBasic(machine.secret)), await world.client(machine.id, machine.secret, client.ClientSecretPost(machine.secret)), await world.client(keyed.id, undefined, client.PrivateKeyJwt(pair.privateKey))]) {
      const tokens = await client.clientCredentialsGrant(config, { resource: world.publicUrl });
      expect(await isGood(config, tokens.access_token)).toBe(200);
      expect((await client.tokenIntrospection(config, tokens.access_token)).active).toBe(true);
      await client.tokenRevocation(config, tokens.access_token);
      expect((await client.tokenIntrospection(config, tokens.access_token)).active).toBe(false);
    }
  });

  it('RFC 8693: a workload exchanges the token of its platform', async () => {
    const config = await world.client('keyward-workload', undefined, client.None());
    const tokens = await client.genericGrantRequest(config, exchangeGrant, { subject_token: await platform.sign({ sub: 'job:build', jti: randomUUID() }), subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' });
    expect([tokens.token_type, await isGood(config, tokens.access_token)]).toEqual(['bearer', 200]);
  });

  it('RFC 6749 §5.2: refusals are those that it names to its caller', async () => {
    const config = await world.client(machine.id, 'wrong', client.ClientSecretBasic('wrong'));
    await expect(client.clientCredentialsGrant(config)).rejects.toMatchObject({ status: 401, cause: [{ scheme: 'basic' }] });
    const cli = await world.client('keyward-cli', undefined, client.None());
    await expect(client.refreshTokenGrant(cli, 'nonsense')).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
    await expect(client.genericGrantRequest(cli, deviceGrant, { device_code: 'nonsense' })).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
  });
});

describe('oauth4webapi', () => {
  // It wants https everywhere; this daemon is on loopback.
  const insecure = { [oauth.allowInsecureRequests]: true } as const;
  const discover = async (): Promise<oauth.AuthorizationServer> => oauth.processDiscoveryResponse(new URL(world.issuer), await oauth.discoveryRequest(new URL(world.issuer), { algorithm: 'oauth2', ...insecure }));

  it('RFC 8414, 6749 §4.1, 7636, 9207, 9449, 9068: logs a person in, and a resource takes the token by its rules', async () => {
    const as = await discover();
    const cli: oauth.Client = { client_id: 'keyward-cli' };
    const keys = await oauth.generateKeyPair('ES256');
    const DPoP = oauth.DPoP(cli, keys);
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const url = new URL(as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({ client_id: cli.client_id, redirect_uri: redirectUri, response_type: 'code', scope: 'openid models:read', code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state }).toString();
    const parameters = oauth.validateAuthResponse(as, cli, await walk(url.href), state);
    const answer = await oauth.authorizationCodeGrantRequest(as, cli, oauth.None(), parameters, redirectUri, verifier, { DPoP, ...insecure });
    const tokens = await oauth.processAuthorizationCodeResponse(as, cli, answer, { requireIdToken: true });
    await oauth.validateApplicationLevelSignature(as, answer, insecure);
    expect((await oauth.protectedResourceRequest(tokens.access_token, 'GET', resource(), undefined, undefined, { DPoP, ...insecure })).status).toBe(200);

    // The other side of RFC 9068 and 9449: a service of the operator that judges the token by what is published.
    let seen: Request | undefined;
    await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('https://service.example.com/'), undefined, undefined, { DPoP, [oauth.customFetch]: async (to, { body: _body, ...init }) => ((seen = new Request(to, init)), Response.json({})) });
    const claims = await oauth.validateJwtAccessToken(as, seen ?? new Request('https://service.example.com/'), world.publicUrl, { requireDPoP: true, ...insecure });
    expect(claims).toMatchObject({ client_id: 'keyward-cli', scope: 'models:read' });

    const again = await oauth.processRefreshTokenResponse(as, cli, await oauth.refreshTokenGrantRequest(as, cli, oauth.None(), tokens.refresh_token ?? '', { DPoP, ...insecure }));
    expect(again.token_type).toBe('dpop');
  });

  it('RFC 7523, 7662, 7009: a machine by its key asks about its token and ends it', async () => {
    const [as, own, proof] = [await discover(), { client_id: keyed.id }, oauth.PrivateKeyJwt(pair.privateKey)];
    const tokens = await oauth.processClientCredentialsResponse(as, own, await oauth.clientCredentialsGrantRequest(as, own, proof, {}, insecure));
    const isActive = async (): Promise<boolean> => (await oauth.processIntrospectionResponse(as, own, await oauth.introspectionRequest(as, own, proof, tokens.access_token, insecure))).active;
    expect(await isActive()).toBe(true);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, own, proof, tokens.access_token, insecure));
    expect(await isActive()).toBe(false);
  });

  it('RFC 8628, 8693: devices and workloads', async () => {
    const [as, cli] = [await discover(), { client_id: 'keyward-cli' }];
    const device = await oauth.processDeviceAuthorizationResponse(as, cli, await oauth.deviceAuthorizationRequest(as, cli, oauth.None(), { scope: 'models:read' }, insecure));
    await world.decide(device.user_code);
    expect((await oauth.processDeviceCodeResponse(as, cli, await oauth.deviceCodeGrantRequest(as, cli, oauth.None(), device.device_code, insecure))).scope).toBe('models:read');
    const workload = { client_id: 'keyward-workload' };
    const form = { subject_token: await platform.sign({ sub: 'job:build', jti: randomUUID() }), subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' };
    const tokens = await oauth.processGenericTokenEndpointResponse(as, workload, await oauth.genericTokenEndpointRequest(as, workload, oauth.None(), exchangeGrant, form, insecure));
    expect(tokens['issued_token_type']).toBe('urn:ietf:params:oauth:token-type:access_token');
  });
});

const python = findPython(['authlib', 'requests_oauthlib']);

describe('Authlib and requests-oauthlib', () => {
  if (python === undefined) {
    it('this machine has no Python with both packages to run them with', () => {
      expect(findPython(['authlib', 'requests_oauthlib'])).toBe(undefined);
    });
    return;
  }

  it('RFC 6749, 6750, 7009, 7523, 7636, 7662, 8414: machines by secret and key, people by code, refreshes', async () => {
    // Authlib 1.9 reads any private key as RSA.
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const signing = await world.makeClient({ authentication: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } });
    const child = spawn(python, [join(import.meta.dirname, 'clients.py')], { env: { PATH: process.env['PATH'] ?? '' }, stdio: ['pipe', 'pipe', 'pipe'] });
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
    child.stdin.write(`${JSON.stringify({ issuer: world.issuer, resource: resource().href, redirect_uri: redirectUri, machine, keyed: { id: signing.id, key: await exportPKCS8(privateKey) } })}\n`);
    let last = '';
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('open ')) child.stdin.write(`${(await walk(line.slice(5))).href}\n`);
      else last = line;
    }
    expect(complaints).toBe('');
    expect(JSON.parse(last)).toEqual({
      'authlib client_secret_basic': [200, true, 401],
      'authlib client_secret_post': [200, true, 401],
      'authlib private_key_jwt': 200,
      'authlib wrong secret': 'invalid_client',
      'authlib code': [200, 200],
      'requests-oauthlib machine': 200,
      'requests-oauthlib code': [200, 200],
    });
  });
});
