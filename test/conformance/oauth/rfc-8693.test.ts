import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProofKey, exchangeGrant, expectRefusal, nowSeconds, partOf, startOAuthWorld, type OAuthAnswer, type OAuthWorld } from '../../support/oauth-world.ts';
import { startPlatform, type PlatformServer } from '../../support/platform-server.ts';

let world: OAuthWorld;
let platform: PlatformServer;
const audience = 'https://keyward.example.com';
beforeAll(async () => {
  platform = await startPlatform();
  world = await startOAuthWorld({ identity: `  trusted-issuers:\n    - { issuer: "${platform.issuer}", audience: "${audience}", subjects: ["job:*"], scopes: ["models:use", "models:read"] }\n` });
});
afterAll(async () => {
  await world.stop();
  await platform.close();
});

const kind = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;
const subject = (claims: Readonly<Record<string, unknown>> = {}): Promise<string> => platform.sign({ sub: 'job:build', jti: randomUUID(), ...claims });
/** An exchange that is right but for what is said here; empty members are left out. */
const exchange = async (more: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> =>
  world.token({ grant_type: exchangeGrant, client_id: 'keyward-workload', subject_token: await subject(), subject_token_type: kind('jwt'), ...more }, headers);
const exchangePairs = async (more: readonly (readonly [string, string])[]): Promise<OAuthAnswer> =>
  world.token([['grant_type', exchangeGrant], ['client_id', 'keyward-workload'], ['subject_token', await subject()], ['subject_token_type', kind('jwt')], ...more]);

describe('RFC 8693 §2.1: the request', () => {
  it('§2.1 a token that a trusted platform signed is exchanged for one of ours', async () => {
    const answer = await exchange();
    expect(answer.status, answer.text).toBe(200);
    expect(await world.useToken(answer.at('access_token'))).toBe('200');
  });

  it('§2.1 subject_token and subject_token_type must be there', async () => {
    expectRefusal(await exchange({ subject_token: '' }), 400, 'invalid_request');
    expectRefusal(await exchange({ subject_token_type: '' }), 400, 'invalid_request');
  });

  it('§2.1 subject_token_type is one that is understood: of a JWT, an ID token, an access token', async () => {
    for (const name of ['jwt', 'id_token', 'access_token']) expect((await exchange({ subject_token_type: kind(name) })).status, name).toBe(200);
    for (const type of [kind('saml2'), kind('refresh_token'), 'jwt']) expectRefusal(await exchange({ subject_token_type: type }), 400, 'invalid_request');
  });

  it('§2.1 requested_token_type is that of an access token, or left out', async () => {
    expect((await exchange({ requested_token_type: kind('access_token') })).status).toBe(200);
    for (const name of ['refresh_token', 'id_token', 'jwt']) expectRefusal(await exchange({ requested_token_type: kind(name) }), 400, 'invalid_request');
  });

  it('§2.1 actor_token_type stands beside actor_token and never alone', async () => {
    expectRefusal(await exchange({ actor_token_type: kind('jwt') }), 400, 'invalid_request');
  });

  it('§2.1 nobody acts for a workload: actor_token is invalid_request', async () => {
    expectRefusal(await exchange({ actor_token: await subject(), actor_token_type: kind('jwt') }), 400, 'invalid_request');
  });

  it('§2.1 resource and audience may stand there, more than once, where each is this daemon', async () => {
    for (const name of ['resource', 'audience']) {
      expect((await exchange({ [name]: world.publicUrl })).status, name).toBe(200);
      expect((await exchangePairs([[name, world.publicUrl], [name, world.publicUrl]])).status, name).toBe(200);
    }
    expect((await exchange({ resource: world.publicUrl, audience: world.publicUrl })).status).toBe(200);
  });

  it('§2.1 scope asks for less than the platform was given', async () => {
    const answer = await exchange({ scope: 'models:read' });
    expect([answer.body['scope'], partOf(answer.at('access_token'), 1)['scope']]).toEqual(['models:read', 'models:read']);
    expectRefusal(await exchange({ scope: 'keys:write' }), 400, 'invalid_scope');
  });

  it('§2.1 other parameters that stand twice are invalid_request', async () => {
    expectRefusal(await exchangePairs([['scope', 'models:use'], ['scope', 'models:use']]), 400, 'invalid_request');
    expectRefusal(await exchangePairs([['subject_token_type', kind('jwt')]]), 400, 'invalid_request');
  });
});

describe('RFC 8693 §2.2: the answer', () => {
  it('§2.2.1 it names the type of what was issued, its kind of use, life and scope, no refresh token, and no cache keeps it', async () => {
    const answer = await exchange();
    expect(answer.body).toEqual({ access_token: expect.any(String), issued_token_type: kind('access_token'), token_type: 'Bearer', expires_in: expect.any(Number), scope: 'models:use models:read' });
    expect([answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  });

  it('§2.2.1 the token ends no later than the one that was brought', async () => {
    const answer = await exchange({ subject_token: await subject({ exp: nowSeconds() + 60 }) });
    expect(Number(answer.body['expires_in'])).toBeLessThanOrEqual(60);
    expect(Number(partOf(answer.at('access_token'), 1)['exp'])).toBeLessThanOrEqual(nowSeconds() + 61);
  });

  it('§2.2.2 a subject_token that does not count is invalid_request, whatever the reason', async () => {
    const tokens = [
      'nonsense',
      await subject({ aud: 'https://other.example.com' }),
      await subject({ sub: 'person:ann' }),
      await subject({ exp: nowSeconds() - 10 }),
      await subject({ nbf: nowSeconds() + 600 }),
      await subject({ iss: 'https://stranger.example.com' }),
      await subject({ exp: undefined }),
      (await subject()).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
    ];
    for (const subject_token of tokens) expectRefusal(await exchange({ subject_token }), 400, 'invalid_request');
  });

  it('§2.2.2 a token that was exchanged is not exchanged again', async () => {
    const subject_token = await subject();
    expect((await exchange({ subject_token })).status).toBe(200);
    expectRefusal(await exchange({ subject_token }), 400, 'invalid_request');
  });

  it('§2.2.2 tokens of this very server are not exchanged', async () => {
    expectRefusal(await exchange({ subject_token: (await exchange()).at('access_token'), subject_token_type: kind('access_token') }), 400, 'invalid_request');
  });

  it('§2.2.2 a resource or audience that is another is invalid_target', async () => {
    for (const name of ['resource', 'audience']) {
      expectRefusal(await exchange({ [name]: 'https://other.example.com' }), 400, 'invalid_target');
      expectRefusal(await exchangePairs([[name, world.publicUrl], [name, 'https://other.example.com']]), 400, 'invalid_target');
    }
  });

  it('§2.2.2 a refused request uses the token up no more than one that was never sent', async () => {
    const subject_token = await subject();
    expectRefusal(await exchange({ subject_token, resource: 'https://other.example.com' }), 400, 'invalid_target');
    expectRefusal(await exchange({ subject_token, scope: 'keys:write' }), 400, 'invalid_scope');
    expect((await exchange({ subject_token })).status).toBe(200);
  });
});

describe('RFC 8693 §1 and §5: who may', () => {
  it('§2.1 a client of its own may exchange when it was given the grant, and proves who it is', async () => {
    const form = async (): Promise<Readonly<Record<string, string>>> => ({ grant_type: exchangeGrant, subject_token: await subject(), subject_token_type: kind('jwt') });
    const client = await world.makeClient({ grants: [exchangeGrant] });
    const answer = await world.token(await form(), client.basic);
    expect([answer.status, partOf(answer.at('access_token'), 1)['client_id']]).toEqual([200, client.id]);
    expectRefusal(await world.token({ ...(await form()), client_id: client.id }), 401, 'invalid_client');
    expectRefusal(await world.token(await form(), (await world.makeClient()).basic), 400, 'unauthorized_client');
  });

  it('§4.1 the token names the workload as its subject and nobody as actor', async () => {
    const claims = partOf((await exchange()).at('access_token'), 1);
    expect([claims['sub'], claims['act'], claims['may_act']]).toEqual([expect.stringMatching(/^workload_[0-9a-f]{20}$/), undefined, undefined]);
  });

  it('§2.2.1 tokens got in exchange are not bound: a proof beside the request is refused, not passed over', async () => {
    const key = await createProofKey();
    expectRefusal(await exchange({}, { dpop: await key.prove({ htm: 'POST', htu: `${world.issuer}/token` }) }), 400, 'invalid_request');
  });
});
