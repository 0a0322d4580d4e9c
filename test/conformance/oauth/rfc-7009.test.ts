import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicOf, expectRefusal, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
});
afterAll(() => world.stop());

const newToken = async (client = machine): Promise<string> => (await world.token({ grant_type: 'client_credentials' }, client.basic)).at('access_token');
const revoke = (token: string, more: Readonly<Record<string, string>> = {}, headers = machine.basic): Promise<OAuthAnswer> => world.post('/revoke', { token, ...more }, headers);
const revokeByCli = (token: string, more: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> => world.post('/revoke', { token, client_id: 'keyward-cli', ...more });
const refresh = (token: string): Promise<OAuthAnswer> => world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token: token });

describe('RFC 7009: revocation', () => {
  it('§2 the endpoint takes POST alone', async () => {
    expect((await fetch(`${world.issuer}/revoke?token=x`, { headers: machine.basic })).status).toBe(405);
  });

  it('§2.1 token must be there, once', async () => {
    expectRefusal(await world.post('/revoke', {}, machine.basic), 400, 'invalid_request');
    expectRefusal(await world.post('/revoke', [['token', 'a'], ['token', 'b']], machine.basic), 400, 'invalid_request');
  });

  it('§2.1 a client with a secret proves who it is, a public one says who it is', async () => {
    const token = await newToken();
    expectRefusal(await revoke(token, {}, basicOf(machine.id, 'wrong')), 401, 'invalid_client');
    expectRefusal(await world.post('/revoke', { token, client_id: machine.id }), 401, 'invalid_client');
    expectRefusal(await world.post('/revoke', { token }), 401, 'invalid_client');
    expect(await world.useToken(token)).toBe('200');
    const login = await world.logIn();
    expect((await revokeByCli(login.access)).status).toBe(200);
    expect(await world.useToken(login.access)).toBe('401 token_revoked');
  });

  it('§2.1 a token of another client is not revoked', async () => {
    const other = await world.makeClient();
    const [token, login] = [await newToken(other), await world.logIn()];
    for (const foreign of [token, login.access, login.refresh]) expect((await revoke(foreign)).status).toBe(200);
    expect([await world.useToken(token), await world.useToken(login.access), (await refresh(login.refresh)).status]).toEqual(['200', '200', 200]);
  });

  it('§2.1 a refresh token that is revoked takes the access tokens of its login along', async () => {
    const login = await world.logIn();
    expect(await world.useToken(login.access)).toBe('200');
    expect((await revokeByCli(login.refresh)).status).toBe(200);
    expect(await world.useToken(login.access)).toBe('401 token_revoked');
    expectRefusal(await refresh(login.refresh), 400, 'invalid_grant');
  });

  it('§2.1 an access token that is revoked leaves the login as it is', async () => {
    const login = await world.logIn();
    await revokeByCli(login.access);
    expect((await refresh(login.refresh)).status).toBe(200);
  });

  it('§2.1 a hint that is wrong, or unheard of, changes nothing', async () => {
    const hints = ['access_token', 'refresh_token', 'unheard_of', ''];
    for (const token_type_hint of hints) {
      const [token, login] = [await newToken(), await world.logIn()];
      expect([(await revoke(token, { token_type_hint })).status, (await revokeByCli(login.refresh, { token_type_hint })).status], token_type_hint).toEqual([200, 200]);
      expect([await world.useToken(token), (await refresh(login.refresh)).outcome], token_type_hint).toEqual(['401 token_revoked', '400 invalid_grant']);
    }
  });

  it('§2.2 the answer is 200 with nothing in it, and the token is out at once', async () => {
    const token = await newToken();
    expect(await world.useToken(token)).toBe('200');
    const answer = await revoke(token);
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(await world.useToken(token)).toBe('401 token_revoked');
  });

  it('§2.2 a token that is unknown, or was revoked before, is 200 as well', async () => {
    const token = await newToken();
    for (const text of ['nonsense', 'eyJ.a.b', `${token}x`, token, token]) {
      const answer = await revoke(text);
      expect([answer.status, answer.text], text).toEqual([200, '']);
    }
  });

  it('§2.2.1 a refusal is an error of RFC 6749 §5.2, never one for the kind of token', async () => {
    for (const token of [await newToken(), (await world.logIn()).refresh, 'nonsense']) expect((await revoke(token)).outcome).not.toContain('unsupported_token_type');
  });

  it('§5 of many that revoke one token at the same time each gets 200', async () => {
    const login = await world.logIn();
    expect((await Promise.all(Array.from({ length: 6 }, () => revokeByCli(login.refresh)))).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  });
});
