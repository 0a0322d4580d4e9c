import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { expectRefusal, startOAuthWorld, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let native: TestClient;
beforeAll(async () => {
  world = await startOAuthWorld();
  native = await world.makeClient({ name: 'native', authentication: 'none', grants: ['authorization_code'], redirect_uris: ['http://127.0.0.1/back?x=1', 'https://app.example.com/claimed'] });
});
afterAll(() => world.stop());

const isTaken = async (redirect_uri: string, client_id = 'keyward-cli'): Promise<boolean> => {
  const { status, location } = await world.authorize({ redirect_uri, client_id });
  expect([status, location === undefined]).toEqual(location === undefined ? [400, true] : [303, false]);
  return location?.pathname.startsWith('/oauth/interaction/') === true;
};

describe('RFC 8252: programs on people’s own machines', () => {
  it('§6, §8.1 a public client uses PKCE: without it nothing is given', async () => {
    expect((await world.authorize({ code_challenge: undefined, code_challenge_method: undefined })).location?.searchParams.get('error')).toBe('invalid_request');
  });

  it('§7.2 an https address that the program has claimed is taken, exactly as registered, its port included', async () => {
    expect(await isTaken('https://app.example.com/claimed', native.id)).toBe(true);
    for (const uri of ['https://app.example.com:8443/claimed', 'https://app.example.com/claimed/', 'http://app.example.com/claimed']) expect(await isTaken(uri, native.id), uri).toBe(false);
  });

  it('§7.3 on the loopback addresses any port is taken, for IPv4 and IPv6', async () => {
    for (const uri of ['http://127.0.0.1/callback', 'http://127.0.0.1:1/callback', 'http://127.0.0.1:65535/callback', 'http://[::1]:49152/callback']) expect(await isTaken(uri), uri).toBe(true);
    expect(await isTaken('http://127.0.0.1:49152/back?x=1', native.id)).toBe(true);
  });

  it('§7.3 the port alone is free: path, query, scheme and address are as registered', async () => {
    for (const uri of ['http://127.0.0.1:1/callback/', 'http://127.0.0.1:1/', 'http://127.0.0.1:1/callback?x=1', 'http://127.0.0.1:1/callback#x', 'https://127.0.0.1:1/callback', 'http://127.0.0.2:1/callback', 'http://u@127.0.0.1:1/callback', 'http://127.0.0.1.evil.test:1/callback', 'http://127.0.0.1:1@evil.test/callback']) expect(await isTaken(uri), uri).toBe(false);
    expect(await isTaken('http://127.0.0.1:49152/back?x=2', native.id)).toBe(false);
  });

  it('§7.3 the code is redeemed with the very port that it was asked for with', async () => {
    const redirect_uri = 'http://[::1]:50000/callback';
    const code = (await world.walk({ redirect_uri })).searchParams.get('code') ?? '';
    expectRefusal(await world.redeem(code, { redirect_uri: 'http://[::1]:50001/callback' }), 400, 'invalid_grant');
    expect((await world.redeem(code, { redirect_uri })).status).toBe(200);
  });

  it('§8.3 `localhost` is no loopback address: other programs and name servers may answer for it', async () => {
    expect(await isTaken('http://localhost:49152/callback')).toBe(false);
    expect((await world.manage('POST', '/oauth-clients', { name: 'n', authentication: 'none', grants: ['authorization_code'], redirect_uris: ['http://localhost/callback'] })).status).toBe(400);
  });

  it('§8.4 a public client has its redirect addresses registered, whole', async () => {
    expect((await world.manage('POST', '/oauth-clients', { name: 'n', authentication: 'none', grants: ['authorization_code'] })).status).toBe(400);
  });

  it('§8.5 a program that is given out has no secret, and one that is sent for it is no proof', async () => {
    expect(native.secret).toBe('');
    const code = await world.code();
    expectRefusal(await world.redeem(code, { client_secret: 'anything' }), 401, 'invalid_client');
    expect((await world.redeem(code)).status).toBe(200);
  });

  it('§8.6 nothing is given without the person, also when he has signed in a moment ago', async () => {
    const browser = createBrowserWalk();
    await world.walk({}, { browser });
    const again = await browser.open(world.authorizeUrl());
    expect([again.status, again.body.includes('name="decision" value="approve"')]).toEqual([200, true]);
    const silently = await browser.open(world.authorizeUrl({ prompt: 'none' }), 'http://127.0.0.1');
    expect(['login_required', 'consent_required', 'interaction_required']).toContain(new URL(silently.url).searchParams.get('error'));
  });

  it('§8.10 the answer says which server it is of', async () => {
    expect((await world.walk()).searchParams.get('iss')).toBe(world.issuer);
  });
});
