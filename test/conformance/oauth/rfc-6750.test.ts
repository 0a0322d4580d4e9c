import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { startOAuthWorld, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
let token: string;
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
  token = await newToken(world, machine);
});
afterAll(() => world.stop());

const newToken = async (at: OAuthWorld, client: TestClient): Promise<string> => (await at.token({ grant_type: 'client_credentials' }, client.basic)).at('access_token');
const ask = (headers: Readonly<Record<string, string>> = {}, path = '/v1/models', init: RequestInit = {}): Promise<Response> => fetch(`${world.url}${path}`, { ...init, headers });
const challengeOf = async (headers: Readonly<Record<string, string>>): Promise<readonly [number, string | null]> => {
  const { status, headers: answered } = await ask(headers);
  return [status, answered.get('www-authenticate')];
};

describe('RFC 6750 §2: where a token may stand', () => {
  it('§2.1 in the header Authorization, the scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) expect((await ask({ authorization: `${scheme} ${token}` })).status, scheme).toBe(200);
  });

  it('§2.2 not in a form', async () => {
    const answer = await ask({ 'content-type': 'application/x-www-form-urlencoded' }, '/v1/chat/completions', { method: 'POST', body: new URLSearchParams({ access_token: token }) });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="keyward", error_description="missing_api_key"']);
  });

  it('§2.3 not in an address, by whatever name', async () => {
    for (const name of ['access_token', 'key', 'auth_token', 'token']) expect((await ask({}, `/v1/models?${name}=${token}`)).status, name).toBe(401);
  });

  it('§2 a request with two tokens of different clients is refused, not guessed at', async () => {
    const other = await newToken(world, await world.makeClient());
    expect(await world.use({ authorization: `Bearer ${token}`, 'x-api-key': other })).toBe('400 conflicting_credentials');
  });
});

describe('RFC 6750 §3: what a refusal says', () => {
  it('§3 without a token the answer is 401 and asks for Bearer with a realm, without an error code', async () => {
    expect(await challengeOf({})).toEqual([401, 'Bearer realm="keyward", error_description="missing_api_key"']);
  });

  it('§3 another scheme of authentication is none: the answer asks for Bearer', async () => {
    const [status, challenge] = await challengeOf({ authorization: 'Basic YTpi' });
    expect([status, challenge]).toEqual([401, expect.stringMatching(/^Bearer realm="keyward"/)]);
  });

  it('§3 realm, error and error_description stand there once at most, in plain characters', async () => {
    const [, challenge] = await challengeOf({ authorization: 'Bearer wrong' });
    expect(challenge).toMatch(/^Bearer realm="[\x20-\x21\x23-\x5b\x5d-\x7e]*", error="[\x20-\x21\x23-\x5b\x5d-\x7e]*", error_description="[\x20-\x21\x23-\x5b\x5d-\x7e]*"$/);
  });

  it('§3.1 a token that is malformed, forged or of another issuer is 401 invalid_token', async () => {
    const [header = '', claims = ''] = token.split('.');
    for (const text of ['x', 'eyJ.a.b', `${header}.${claims}.${Buffer.alloc(64).toString('base64url')}`, `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${claims}.`]) {
      expect(await challengeOf({ authorization: `Bearer ${text}` }), text).toEqual([401, 'Bearer realm="keyward", error="invalid_token", error_description="invalid_api_key"']);
    }
  });

  it('§3.1 a token that was revoked is 401 invalid_token', async () => {
    const ended = await newToken(world, machine);
    await world.post('/revoke', { token: ended }, machine.basic);
    expect(await challengeOf({ authorization: `Bearer ${ended}` })).toEqual([401, 'Bearer realm="keyward", error="invalid_token", error_description="token_revoked"']);
  });

  it('§3.1 a token that has expired is 401 invalid_token', async () => {
    const short = await startOAuthWorld({ identity: '  access-token-ttl: 1s\n' });
    try {
      const brief = await newToken(short, await short.makeClient());
      await until('the token to end', async () => (await short.useToken(brief)) === '401 token_expired');
      expect((await fetch(`${short.url}/v1/models`, { headers: { authorization: `Bearer ${brief}` } })).headers.get('www-authenticate')).toBe('Bearer realm="keyward", error="invalid_token", error_description="token_expired"');
    } finally {
      await short.stop();
    }
  });

  it('§3.1 a token without the scope is 403 insufficient_scope, and the challenge names the scope', async () => {
    const weak = await newToken(world, await world.makeClient({ scopes: ['models:read'] }));
    const answer = await ask({ authorization: `Bearer ${weak}`, 'content-type': 'application/json' }, '/v1/chat/completions', { method: 'POST', body: '{"model":"m","messages":[]}' });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="keyward", error="insufficient_scope", error_description="scope_not_allowed", scope="models:use"');
    expect([answer.status, await answer.json()]).toEqual([403, { error: expect.objectContaining({ code: 'scope_not_allowed', scope: 'models:use' }) }]);
  });

  it('§3 the management API refuses in the same way', async () => {
    const answer = await ask({ authorization: `Bearer ${token}x` }, '/v0/management/sessions');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer realm="keyward", error="invalid_token"/)]);
  });

  it('§5.3 refusals are not kept by caches', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) expect((await ask(headers)).headers.get('cache-control')).toBe('no-store');
  });
});
