import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeyward, makeFolder, startDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/free-port.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { basic, claimsOf, makeClient, postForm, type MadeClient } from '../../support/oauth-calls.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';

/* Security rule 30: `public-url` alone says who issues, where, and under which cookies; what a request writes of itself does not. */

let daemon: IdentityDaemon;
let client: MadeClient;
beforeAll(async () => {
  daemon = await startIdentityDaemon({ config: 'allowed-hosts: ["evil.test"]\ntrusted-proxies: ["127.0.0.1/32"]\n' });
  client = await makeClient(daemon);
});
afterAll(() => daemon.stop());

const lies = {
  host: 'evil.test',
  'x-forwarded-host': 'evil.test',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '444',
  'x-forwarded-prefix': '/evil',
  forwarded: 'host=evil.test;proto=https',
};
const form = (path: string, body: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> =>
  send(daemon.url, { method: 'POST', path, headers: { ...lies, 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(body).toString() });

describe('whatever Host and forwarding headers say, it is public-url that stands in', () => {
  it.each(['/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/oauth', '/.well-known/openid-configuration', '/oauth/.well-known/openid-configuration'])('the metadata at %s', async (path) => {
    const answer = await send(daemon.url, { path, headers: lies });
    expect(answer.status).toBe(200);
    const metadata: unknown = JSON.parse(answer.body.toString());
    expect(Reflect.get(Object(metadata), 'issuer')).toBe(daemon.issuer);
    const addresses = Object.values(Object(metadata)).filter((value) => typeof value === 'string' && value.includes('://'));
    expect(addresses.length).toBeGreaterThan(5);
    for (const address of addresses) expect(address).toMatch(new RegExp(`^${daemon.publicUrl}/`.replaceAll('/', '\\/')));
  });

  it('the page that a device shows', async () => {
    const { body } = await form('/oauth/device_authorization', { client_id: 'keyward-cli' });
    const told: unknown = JSON.parse(body.toString());
    expect(told).toMatchObject({ verification_uri: `${daemon.publicUrl}/device` });
    expect(String(Reflect.get(Object(told), 'verification_uri_complete'))).toMatch(`${daemon.publicUrl}/device?user_code=`);
    expect(body.toString()).not.toContain('evil');
  });

  it('the claims of tokens', async () => {
    const { body } = await form('/oauth/token', { grant_type: 'client_credentials' }, basic(client.id, client.secret));
    const token = /"access_token":"([^"]+)"/.exec(body.toString())?.[1] ?? '';
    expect(claimsOf(token)).toMatchObject({ iss: daemon.issuer, aud: daemon.publicUrl });
  });

  it('where a browser is sent to, what it is told and its cookies, which are for /oauth alone', async () => {
    const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:9/callback', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }).toString();
    const { status, headers } = await send(daemon.url, { path: `/oauth/authorize?${query}`, headers: lies });
    expect([status, headers.location]).toEqual([303, expect.stringMatching(/^\/oauth\/interaction\/[\w-]+$/)]);
    const cookies = headers['set-cookie'] ?? [];
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; path=\/oauth(?:\/authorize\/[\w-]+)?;/);
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
      expect(cookie).not.toMatch(/domain=|secure/i);
    }
    const refused = await send(daemon.url, { path: `/oauth/authorize?${query}&prompt=none`, headers: lies });
    expect(new URL(refused.headers.location ?? '').searchParams.get('iss')).toBe(daemon.issuer);
  });

  it('what proofs at the token endpoint must be for', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const proof = (htu: string): Promise<string> => new SignJWT({ htm: 'POST', htu, jti: crypto.randomUUID() }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).setIssuedAt().sign(privateKey);
    const ask = async (htu: string): Promise<number> => (await form('/oauth/token', { grant_type: 'client_credentials' }, { ...basic(client.id, client.secret), dpop: await proof(htu) })).status;
    expect([await ask('https://evil.test/oauth/token'), await ask('http://evil.test/oauth/token'), await ask(`${daemon.url}/oauth/token`), await ask(`${daemon.issuer}/introspect`), await ask(`${daemon.issuer}/token`)]).toEqual([400, 400, 400, 400, 200]);
  });

  it('whom client assertions must be for', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const { id } = await makeClient(daemon, { authentication: 'private_key_jwt', jwks: { keys: [await exportJWK(publicKey)] } });
    const assertion = (aud: string, seconds: number, jti: string): Promise<string> => new SignJWT({ iss: id, sub: id, aud, jti }).setProtectedHeader({ alg: 'ES256' }).setIssuedAt().setExpirationTime(Math.floor(Date.now() / 1_000) + seconds).sign(privateKey);
    const ask = async (text: string): Promise<number> => (await form('/oauth/token', { grant_type: 'client_credentials', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: text })).status;
    expect([await ask(await assertion('https://evil.test/oauth', 60, 'a')), await ask(await assertion('http://evil.test/oauth/token', 60, 'b')), await ask(await assertion(daemon.url, 60, 'c'))]).toEqual([401, 401, 401]);
    const once = await assertion(daemon.issuer, 60, 'd');
    expect([await ask(once), await ask(once)]).toEqual([200, 401]);
    // Else what is used up would have to be kept for years.
    expect(await ask(await assertion(daemon.issuer, 86_400, 'e'))).toBe(401);
  });
});

describe('a target that names another host', () => {
  it.each(['http://evil.test/oauth/token', '//evil.test/oauth/token', '/oauth/../oauth/token', '/oauth/%2e%2e/oauth/token', '/oauth//token', '/oauth%2ftoken'])('%s is not served', async (path) => {
    expect((await form(path, { grant_type: 'client_credentials' }, basic(client.id, client.secret))).status).not.toBe(200);
  });
});

describe('public-url', () => {
  it('must be https off this machine while tokens are issued', () => {
    const folder = makeFolder();
    const check = (publicUrl: string): string => {
      writeFileSync(join(folder, 'config.yaml'), `public-url: "${publicUrl}"\nidentity: { enabled: true }\n`, { mode: 0o600 });
      const { status, stdout, stderr } = runKeyward(folder, ['config', 'check', '--config', join(folder, 'config.yaml')]);
      return `${status} ${/public-url[^\n]*/.exec(`${stdout}${stderr}`)?.[0] ?? ''}`.trim();
    };
    expect(check('http://keyward.example.com')).toMatch(/^2 public-url/);
    for (const fine of ['https://keyward.example.com', 'http://localhost:8317', 'http://127.0.0.1:8317']) expect(check(fine)).toMatch(/^0/);
    rmSync(folder, { recursive: true });
  });

  it('may have a path before ours, which browsers see: in where they are sent, and in their cookies', async () => {
    const port = await freePort();
    const below = await startIdentityDaemon({ port, config: `public-url: "http://localhost:${port}/llm"\n` });
    const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:9/callback', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }).toString();
    const { headers } = await send(below.url, { path: `/oauth/authorize?${query}` });
    expect(headers.location).toMatch(/^\/llm\/oauth\/interaction\/[\w-]+$/);
    for (const cookie of headers['set-cookie'] ?? []) expect(cookie).toMatch(/; path=\/llm\/oauth(?:\/authorize\/[\w-]+)?;/);
    const { body } = await send(below.url, { path: '/.well-known/oauth-authorization-server' });
    expect(JSON.parse(body.toString())).toMatchObject({ issuer: `http://localhost:${port}/llm/oauth`, token_endpoint: `http://localhost:${port}/llm/oauth/token` });
    await below.stop();
  });

  it('off, nothing of it is served', async () => {
    const plain = await startDaemon({ config: 'api-keys: ["sk-0123456789abcdef0123"]\n' });
    const paths = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/oauth/jwks', '/oauth/authorize', '/device', '/oauth/interaction/x'];
    const statuses = await Promise.all(paths.map(async (path) => (await send(plain.url, { path })).status));
    const posted = await Promise.all(['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/device_authorization', '/oauth/bearer-token', '/oauth/run-keys'].map(async (path) => (await postForm(plain.url, path, 'client_id=keyward-cli')).status));
    expect(new Set([...statuses, ...posted])).toEqual(new Set([404]));
    await plain.stop();
  });
});
