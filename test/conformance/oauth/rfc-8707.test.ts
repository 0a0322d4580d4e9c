import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, partOf, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
});
afterAll(() => world.stop());

const ask = (resources: readonly string[]): Promise<OAuthAnswer> => world.token([['grant_type', 'client_credentials'], ...resources.map((resource) => ['resource', resource] as const)], machine.basic);
const audienceOf = (answer: OAuthAnswer): unknown => partOf(answer.at('access_token'), 1)['aud'];
const other = 'https://other.example.com';

describe('RFC 8707: resource indicators', () => {
  it('§2 a token is for the resource that was named, and for this daemon where none was', async () => {
    for (const resources of [[], [world.publicUrl]]) expect(audienceOf(await ask(resources))).toBe(world.publicUrl);
  });

  it('§2 a resource is an absolute address without a fragment: else invalid_target', async () => {
    for (const resource of ['/v1', 'keyward', `${world.publicUrl}#part`, `${world.publicUrl}#`]) expectRefusal(await ask([resource]), 400, 'invalid_target');
  });

  it('§2 a resource that is unknown is invalid_target, also beside one that is known, also one that only looks alike', async () => {
    for (const resources of [[other], [world.publicUrl, other], [other, world.publicUrl], [`${world.publicUrl}/v1`], [`${world.publicUrl}.evil.test`]]) expectRefusal(await ask(resources), 400, 'invalid_target');
  });

  it('§2 it may stand there several times', async () => {
    expect(audienceOf(await ask([world.publicUrl, world.publicUrl]))).toBe(world.publicUrl);
  });

  it('§2.1 at the authorization endpoint a wrong one is sent back as invalid_target', async () => {
    const { location } = await world.authorize({ resource: other });
    expect([location?.origin, location?.searchParams.get('error'), location?.searchParams.get('state')]).toEqual(['http://127.0.0.1:49152', 'invalid_target', 'state-1']);
    const twice = await world.authorize(`${world.authorizeUrl({ resource: world.publicUrl })}&resource=${encodeURIComponent(other)}`);
    expect(twice.location?.searchParams.get('error')).toBe('invalid_target');
  });

  it('§2.1 at the device authorization endpoint likewise', async () => {
    expectRefusal(await world.askCode({ resource: other }), 400, 'invalid_target');
    expect((await world.askCode({ resource: world.publicUrl })).status).toBe(200);
  });

  it('§2.2 a code that was asked for with a resource gives a token for it; another one with the code is invalid_target', async () => {
    const resource = world.publicUrl;
    expect(audienceOf(await world.redeem(await world.code({ resource }), { resource }))).toBe(world.publicUrl);
    expect(audienceOf(await world.redeem(await world.code({ resource })))).toBe(world.publicUrl);
    expect(audienceOf(await world.redeem(await world.code()))).toBe(world.publicUrl);
    expectRefusal(await world.redeem(await world.code({ resource }), { resource: other }), 400, 'invalid_target');
  });

  it('§2.2 with a refresh token likewise', async () => {
    const login = await world.logIn();
    const refresh = (refresh_token: string, resource: string): Promise<OAuthAnswer> => world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token, resource });
    expectRefusal(await refresh((await world.logIn()).refresh, other), 400, 'invalid_target');
    expect(audienceOf(await refresh(login.refresh, world.publicUrl))).toBe(world.publicUrl);
  });

  it('§3 a token is for one resource, which takes none that is for another', async () => {
    expect(typeof audienceOf(await ask([world.publicUrl]))).toBe('string');
    const elsewhere = await startOAuthWorld();
    try {
      expect(await elsewhere.useToken((await ask([])).at('access_token'))).toBe('401 invalid_api_key');
    } finally {
      await elsewhere.stop();
    }
  });
});
