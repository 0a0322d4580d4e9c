import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { basicOf, expectRefusal, nowSeconds, partOf, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
/** A service of the operator that asks about the tokens it is shown. */
let service: TestClient;
let machine: TestClient;
beforeAll(async () => {
  world = await startOAuthWorld();
  [service, machine] = [await world.makeClient({ name: 'service' }), await world.makeClient()];
});
afterAll(() => world.stop());

const newToken = async (at = world, client = machine): Promise<string> => (await at.token({ grant_type: 'client_credentials' }, client.basic)).at('access_token');
const introspect = (token: string, more: Readonly<Record<string, string>> = {}, headers = service.basic): Promise<OAuthAnswer> => world.post('/introspect', { token, ...more }, headers);

describe('RFC 7662: introspection', () => {
  it('§2.1 the endpoint takes POST alone', async () => {
    expect((await fetch(`${world.issuer}/introspect?token=x`, { headers: service.basic })).status).toBe(405);
  });

  it('§2.1 token must be there, once', async () => {
    expectRefusal(await world.post('/introspect', {}, service.basic), 400, 'invalid_request');
    expectRefusal(await world.post('/introspect', [['token', 'a'], ['token', 'b']], service.basic), 400, 'invalid_request');
  });

  it('§2.1 who asks must show who he is: nobody, a wrong secret, and an access token for it are 401', async () => {
    const token = await newToken();
    expectRefusal(await world.post('/introspect', { token }), 401, 'invalid_client');
    expectRefusal(await introspect(token, {}, basicOf(service.id, 'wrong')), 401, 'invalid_client');
    expectRefusal(await introspect(token, {}, { authorization: `Bearer ${token}` }), 401, 'invalid_client');
    expectRefusal(await world.post('/introspect', { token, client_id: service.id }), 401, 'invalid_client');
  });

  it('§2.1 a hint that is wrong, or unheard of, changes nothing', async () => {
    const [token, login] = [await newToken(), await world.logIn()];
    for (const token_type_hint of ['access_token', 'refresh_token', 'unheard_of']) for (const text of [token, login.access, login.refresh]) expect((await introspect(text, { token_type_hint })).body['active']).toBe(true);
  });

  it('§2.2 of a good token it tells what the token says', async () => {
    const token = await newToken();
    const claims = partOf(token, 1);
    const answer = await introspect(token);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({ active: true, scope: 'models:use models:read', client_id: machine.id, username: 'ci', token_type: 'Bearer', exp: claims['exp'], iat: claims['iat'], sub: machine.id, aud: world.publicUrl, iss: world.issuer, jti: claims['jti'] });
  });

  it('§2.2 of a person’s token it names the person, and the client by which he came', async () => {
    const login = await world.logIn();
    expect((await introspect(login.access)).body).toMatchObject({ active: true, client_id: 'keyward-cli', username: 'ann', sub: expect.stringMatching(/^person_/) });
    expect((await introspect(login.refresh)).body).toMatchObject({ active: true, client_id: 'keyward-cli', sub: expect.stringMatching(/^person_/) });
  });

  it('§2.2 of a token that was revoked it says active false and nothing else', async () => {
    const token = await newToken();
    await world.post('/revoke', { token }, machine.basic);
    expect((await introspect(token)).body).toEqual({ active: false });
  });

  it('§2.2 likewise of a token whose login or client has ended', async () => {
    const [ended, login] = [await world.makeClient(), await world.logIn()];
    const token = await newToken(world, ended);
    expect((await introspect(token)).body['active']).toBe(true);
    await world.manage('POST', `/oauth-clients/${ended.id}/revoke`);
    await world.post('/revoke', { token: login.refresh, client_id: 'keyward-cli' });
    for (const text of [token, login.access, login.refresh]) expect((await introspect(text)).body).toEqual({ active: false });
  });

  it('§2.2 likewise of a token that has expired', async () => {
    const short = await startOAuthWorld({ identity: '  access-token-ttl: 1s\n' });
    try {
      const client = await short.makeClient();
      const token = await newToken(short, client);
      await until('the token to end', async () => (await short.post('/introspect', { token }, client.basic)).text === '{"active":false}');
    } finally {
      await short.stop();
    }
  });

  it('§2.2 likewise of what is no token of this server: nonsense, forged, of another issuer', async () => {
    const token = await newToken();
    const [header = '', claims = ''] = token.split('.');
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const foreign = await new SignJWT({ client_id: machine.id, scope: 'models:use' }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(partOf(token, 0)['kid']), jwk: await exportJWK(publicKey) }).setIssuer(world.issuer).setAudience(world.publicUrl).setSubject(machine.id).setJti('1').setIssuedAt().setExpirationTime(nowSeconds() + 60).sign(privateKey);
    for (const text of ['nonsense', 'eyJ.a.b', `${header}.${claims}.${Buffer.alloc(64).toString('base64url')}`, foreign]) {
      const answer = await introspect(text);
      expect([answer.status, answer.body], text).toEqual([200, { active: false }]);
    }
  });

  it('§2.2, §4 a public client, who cannot show who he is, is told of his own tokens alone', async () => {
    const [token, login] = [await newToken(), await world.logIn()];
    const byCli = async (text: string): Promise<unknown> => (await world.post('/introspect', { token: text, client_id: 'keyward-cli' })).body['active'];
    expect([await byCli(login.access), await byCli(login.refresh), await byCli(token)]).toEqual([true, true, false]);
  });

  it('§2.2 no cache keeps the answer', async () => {
    expect((await introspect(await newToken())).headers.get('cache-control')).toBe('no-store');
    expect((await introspect('nonsense')).headers.get('cache-control')).toBe('no-store');
  });

  it('§2.2 an ID token, a code and a user code are no tokens that are told of', async () => {
    const { answer } = await world.logIn();
    const device = await world.askCode();
    for (const text of [answer.at('id_token'), await world.code(), device.at('device_code'), device.at('user_code')]) expect((await introspect(text)).body).toEqual({ active: false });
  });
});
