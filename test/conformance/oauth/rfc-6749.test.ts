import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { assertionType, basicOf, deviceGrant, expectRefusal, redirectUri, startOAuthWorld, verifier, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
let machine: TestClient;
/** A web application of somebody else: confidential, for people. */
let web: TestClient;
const webBack = 'https://app.example.com/back?tenant=1';
beforeAll(async () => {
  world = await startOAuthWorld();
  machine = await world.makeClient();
  web = await world.makeClient({ name: 'web', grants: ['authorization_code'], redirect_uris: [webBack] });
});
afterAll(() => world.stop());

const clientCredentials = { grant_type: 'client_credentials' };
const asMachine = (form: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> => world.token({ ...clientCredentials, ...form }, machine.basic);
/** What the redirect back to the client says. */
const told = async (parameters: Readonly<Record<string, string | undefined>>): Promise<Readonly<Record<string, string>>> => {
  const { location } = await world.authorize(parameters);
  return location === undefined || !location.href.startsWith(parameters['redirect_uri'] ?? redirectUri) ? {} : Object.fromEntries(location.searchParams);
};

describe('RFC 6749 §2: clients', () => {
  it('§2.3 two ways of authentication in one request are invalid_request', async () => {
    expectRefusal(await world.token({ ...clientCredentials, client_id: machine.id, client_secret: machine.secret }, machine.basic), 400, 'invalid_request');
    expectRefusal(await world.token({ ...clientCredentials, client_assertion_type: assertionType, client_assertion: 'a.b.c' }, machine.basic), 400, 'invalid_request');
    expectRefusal(await world.token({ ...clientCredentials, client_id: machine.id, client_secret: machine.secret, client_assertion_type: assertionType, client_assertion: 'a.b.c' }), 400, 'invalid_request');
  });

  it('§2.3.1 a client with a secret is known by HTTP Basic, id and secret form-encoded in it', async () => {
    expect((await asMachine()).status).toBe(200);
    const encodeAll = (text: string): string => text.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
    expect((await world.token(clientCredentials, { authorization: `basic ${Buffer.from(`${encodeAll(machine.id)}:${encodeAll(machine.secret)}`).toString('base64')}` })).status).toBe(200);
  });

  it('§2.3.1 id and secret in the body are taken too, and never in the address', async () => {
    const credentials = { client_id: machine.id, client_secret: machine.secret };
    expect((await world.token({ ...clientCredentials, ...credentials })).status).toBe(200);
    expectRefusal(await world.post(`/token?${new URLSearchParams(credentials).toString()}`, clientCredentials), 401, 'invalid_client');
    expectRefusal(await world.post(`/token?client_secret=${machine.secret}`, { ...clientCredentials, client_id: machine.id }), 401, 'invalid_client');
  });
});

describe('RFC 6749 §3: endpoints', () => {
  it('§3.1 the authorization endpoint serves GET, passes over parameters it does not know, and takes empty ones as left out', async () => {
    const asked = await world.authorize({ unheard_of: '1' });
    expect([asked.status, asked.location?.pathname]).toEqual([303, expect.stringMatching(/^\/oauth\/interaction\//)]);
    expect(await told({ response_type: '', state: '' })).toEqual({ error: 'invalid_request', error_description: expect.any(String), iss: world.issuer });
  });

  it('§3.1 a parameter that stands twice is invalid_request', async () => {
    for (const twice of ['scope=models:use', 'response_type=code', 'code_challenge=x']) {
      const { location } = await world.authorize(`${world.authorizeUrl()}&${twice}`);
      expect(location?.searchParams.get('error'), twice).toBe('invalid_request');
    }
    // With two of these nobody knows where to send the person.
    for (const twice of ['client_id=keyward-cli', `redirect_uri=${encodeURIComponent(redirectUri)}`]) {
      const answer = await world.authorize(`${world.authorizeUrl()}&${twice}`);
      expect([answer.location, answer.outcome], twice).toEqual([undefined, '400 invalid_request']);
    }
  });

  it('§3.1.1 without response_type it is invalid_request, with one that is not offered an error too', async () => {
    expect(await told({ response_type: undefined })).toMatchObject({ error: 'invalid_request', state: 'state-1' });
    const { location } = await world.authorize({ response_type: 'token' });
    // The way back that goes with it is refused before it is: answers come in the query alone.
    expect(['unsupported_response_type', 'invalid_request']).toContain(new URLSearchParams(location?.hash.slice(1)).get('error'));
  });

  it('§3.1.2 a redirect address is absolute and has no fragment', async () => {
    for (const uri of ['/back', 'https://app.example.com/back#part', 'https://app.example.com/back#']) {
      expect((await world.manage('POST', '/oauth-clients', { name: 'web', grants: ['authorization_code'], redirect_uris: [uri] })).status, uri).toBe(400);
    }
  });

  it('§3.1.2.2 a client that gets codes registers its redirect addresses first', async () => {
    expect((await world.manage('POST', '/oauth-clients', { name: 'web', grants: ['authorization_code'] })).status).toBe(400);
  });

  it('§3.1.2.3 the redirect address asked for is one that was registered, letter by letter, its query kept', async () => {
    const back = await world.walk({ client_id: web.id, redirect_uri: webBack });
    expect([back.searchParams.get('tenant'), back.searchParams.has('code')]).toEqual(['1', true]);
    for (const uri of ['https://app.example.com/back', 'https://app.example.com/back?tenant=2', 'https://app.example.com/back?tenant=1&x=2', 'https://app.example.com:444/back?tenant=1', 'https://APP.example.com/back?tenant=1', 'https://app.example.com/back/?tenant=1', 'http://app.example.com/back?tenant=1', 'https://app.example.com.evil.test/back?tenant=1', 'https://app.example.com/x/../back?tenant=1']) {
      const answer = await world.authorize({ client_id: web.id, redirect_uri: uri });
      expect([answer.status, answer.location], uri).toEqual([400, undefined]);
    }
  });

  it('§3.1.2.4 nobody is sent to an address that was not registered, nor for a client that is not known', async () => {
    for (const wrong of [{ redirect_uri: 'https://evil.test/' }, { redirect_uri: undefined }, { client_id: 'nobody' }, { client_id: undefined }, { client_id: machine.id }, { redirect_uri: 'javascript:alert(1)' }, { redirect_uri: 'https://evil.test/', response_type: 'token' }]) {
      const answer = await world.authorize(wrong);
      expect([answer.status, answer.location], JSON.stringify(wrong)).toEqual([400, undefined]);
    }
  });

  it('§3.2 the token endpoint serves POST alone', async () => {
    const answer = await fetch(`${world.issuer}/token?grant_type=client_credentials`, { headers: machine.basic });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
  });

  it('§3.2 it takes forms alone, and reads no parameters out of the address', async () => {
    const json = await fetch(`${world.issuer}/token`, { method: 'POST', headers: { ...machine.basic, 'content-type': 'application/json' }, body: JSON.stringify(clientCredentials) });
    expect([json.status, await json.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_request' })]);
    expectRefusal(await world.post('/token?grant_type=client_credentials', {}, machine.basic), 400, 'invalid_request');
  });

  it('§3.2 a parameter that stands twice is invalid_request, one that is not known is passed over, an empty one left out', async () => {
    for (const twice of ['grant_type', 'scope', 'client_id']) {
      const value = twice === 'grant_type' ? 'client_credentials' : twice === 'scope' ? 'models:use' : machine.id;
      expectRefusal(await world.token([...Object.entries(twice === 'grant_type' ? {} : clientCredentials), [twice, value], [twice, value]], machine.basic), 400, 'invalid_request');
    }
    expectRefusal(await world.token([...Object.entries(clientCredentials), ['client_id', machine.id], ['client_secret', machine.secret], ['client_secret', machine.secret]]), 400, 'invalid_request');
    expect((await asMachine({ unheard_of: '1', scope: '' })).body['scope']).toBe('models:use models:read');
    expectRefusal(await world.token({ grant_type: '' }, machine.basic), 400, 'invalid_request');
  });

  it('§3.2.1 a client that has a secret must show it, whatever it asks for', async () => {
    const code = (await world.walk({ client_id: web.id, redirect_uri: webBack })).searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, redirect_uri: webBack, code_verifier: verifier };
    expectRefusal(await world.token({ ...form, client_id: web.id }), 401, 'invalid_client');
    const answer = await world.token(form, web.basic);
    expect(answer.status).toBe(200);
    expectRefusal(await world.token({ grant_type: 'refresh_token', client_id: web.id, refresh_token: answer.at('refresh_token') }), 401, 'invalid_client');
    expect((await world.token({ grant_type: 'refresh_token', refresh_token: answer.at('refresh_token') }, web.basic)).status).toBe(200);
  });

  it('§3.3 without a scope the client gets what it may have, and is told; with less than it asked for it is told too', async () => {
    expect((await asMachine()).body['scope']).toBe('models:use models:read');
    expect((await asMachine({ scope: 'models:read' })).body['scope']).toBe('models:read');
    expect((await asMachine({ scope: 'models:read keys:write' })).body['scope']).toBe('models:read');
    expect((await asMachine({ scope: 'models:read models:use' })).status).toBe(200);
  });

  it('§3.3 a scope that cannot be read, or of which nothing is the client’s, is invalid_scope; letters count in their case', async () => {
    for (const scope of ['models:"read"', 'models:use\\', 'nonsense', 'keys:write', 'MODELS:USE']) expectRefusal(await asMachine({ scope }), 400, 'invalid_scope');
    expect(await told({ scope: 'models:"read"' })).toMatchObject({ error: 'invalid_scope', state: 'state-1' });
  });
});

describe('RFC 6749 §4: grants', () => {
  it('§4.1.2 the answer holds a code, and the state exactly as it was sent', async () => {
    const state = 'a b+c/ü&=%25"';
    const back = await world.walk({ state });
    expect([...back.searchParams.keys()]).toEqual(['code', 'state', 'iss']);
    expect(back.searchParams.get('state')).toBe(state);
    expect((await world.walk({ state: undefined })).searchParams.has('state')).toBe(false);
  });

  it('§4.1.2 a code counts once: used again it is refused, and the tokens it gave end', async () => {
    const code = await world.code();
    const first = await world.redeem(code);
    expect(await world.useToken(first.at('access_token'))).toBe('200');
    expectRefusal(await world.redeem(code), 400, 'invalid_grant');
    expect(await world.useToken(first.at('access_token'))).toBe('401 token_revoked');
    expectRefusal(await world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token: first.at('refresh_token') }), 400, 'invalid_grant');
  });

  it('§4.1.2 of many that send one code at the same time one gets tokens at most', async () => {
    const code = await world.code();
    const outcomes = (await Promise.all(Array.from({ length: 8 }, () => world.redeem(code)))).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === '200').length).toBeLessThanOrEqual(1);
    expect(new Set(outcomes.filter((outcome) => outcome !== '200'))).toEqual(new Set(['400 invalid_grant']));
  });

  it('§4.1.2.1 who says no sends access_denied with the state, and no code', async () => {
    const back = await world.walk({}, { decision: 'deny' });
    expect(Object.fromEntries(back.searchParams)).toEqual({ error: 'access_denied', error_description: expect.any(String), state: 'state-1', iss: world.issuer });
  });

  it('§4.1.3 a code is for the client it was given to', async () => {
    const code = await world.code();
    expectRefusal(await world.token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }, web.basic), 400, 'invalid_grant');
    expect((await world.redeem(code)).status).toBe(200);
  });

  it('§4.1.3 the redirect address stands in the token request again, the same', async () => {
    const code = await world.code();
    expectRefusal(await world.redeem(code, { redirect_uri: 'http://127.0.0.1:49153/callback' }), 400, 'invalid_grant');
    expectRefusal(await world.redeem(code, { redirect_uri: '' }), 400, 'invalid_request');
    expect((await world.redeem(code)).status).toBe(200);
  });

  it('§4.1.3 without a code it is invalid_request, with one that is none invalid_grant', async () => {
    expectRefusal(await world.redeem(''), 400, 'invalid_request');
    expectRefusal(await world.redeem('no-code'), 400, 'invalid_grant');
  });

  it('§4.4.2 client credentials are for clients that prove who they are', async () => {
    expectRefusal(await world.token({ ...clientCredentials, client_id: 'keyward-cli' }), 400, 'unauthorized_client');
    expect((await world.manage('POST', '/oauth-clients', { name: 'public', authentication: 'none' })).status).toBe(400);
  });

  it('§4.4.3 client credentials give no refresh token', async () => {
    expect(Object.keys((await asMachine()).body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
  });
});

describe('RFC 6749 §5: answers of the token endpoint', () => {
  const isNotStored = ({ headers }: OAuthAnswer): void => expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);

  it('§5.1 tokens come as JSON with their type and life, and no cache keeps them', async () => {
    const answer = await world.redeem(await world.code());
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3_600, refresh_token: expect.any(String), scope: expect.any(String), id_token: expect.any(String) });
    isNotStored(answer);
    isNotStored(await asMachine());
  });

  it('§5.2 refusals are 400, as JSON with error and error_description, and no cache keeps them', async () => {
    const answer = await world.token({ grant_type: 'authorization_code', code: 'x', redirect_uri: redirectUri, client_id: 'keyward-cli' });
    expectRefusal(answer, 400, 'invalid_grant');
    isNotStored(answer);
  });

  it('§5.2 a request that lacks grant_type is invalid_request', async () => expectRefusal(await world.token({}, machine.basic), 400, 'invalid_request'));

  it('§5.2 an unknown client is `invalid_client` 401 with WWW-Authenticate when it used the header', async () => {
    const byHeader = await world.token(clientCredentials, basicOf('nobody', 'x'));
    expectRefusal(byHeader, 401, 'invalid_client');
    expect(byHeader.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
    expectRefusal(await world.token({ ...clientCredentials, client_id: 'nobody', client_secret: 'x' }), 401, 'invalid_client');
  });

  it('§5.2 a wrong secret is `invalid_client` 401, likewise', async () => {
    const byHeader = await world.token(clientCredentials, basicOf(machine.id, web.secret));
    expectRefusal(byHeader, 401, 'invalid_client');
    expect(byHeader.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
    expectRefusal(await world.token({ ...clientCredentials, client_id: machine.id, client_secret: `${machine.secret}x` }), 401, 'invalid_client');
  });

  it('§5.2 a client that shows no authentication at all is `invalid_client`', async () => {
    for (const endpoint of ['/token', '/introspect', '/revoke', '/device_authorization']) expectRefusal(await world.post(endpoint, { ...clientCredentials, token: 'x' }), 401, 'invalid_client');
  });

  it('§5.2 a header that is no Basic authentication is `invalid_client` 401 with a challenge for Basic', async () => {
    for (const authorization of ['Bearer abc', 'Basic', 'Basic !!', `Basic ${Buffer.from('no-colon').toString('base64')}`, `Basic ${Buffer.from('%zz:x').toString('base64')}`]) {
      const answer = await world.token(clientCredentials, { authorization });
      expectRefusal(answer, 401, 'invalid_client');
      expect(answer.headers.get('www-authenticate'), authorization).toMatch(/^Basic realm="/);
    }
  });

  it('§5.2 a client id in the body that is another than in the header is `invalid_client`', async () => {
    expectRefusal(await world.token({ ...clientCredentials, client_id: web.id }, machine.basic), 401, 'invalid_client');
  });

  it('§5.2 a grant that the client was not given is unauthorized_client', async () => {
    expectRefusal(await world.token({ grant_type: deviceGrant, device_code: 'x' }, machine.basic), 400, 'unauthorized_client');
    expectRefusal(await world.token(clientCredentials, web.basic), 400, 'unauthorized_client');
    expectRefusal(await world.post('/device_authorization', {}, machine.basic), 400, 'unauthorized_client');
  });

  it('§5.2 a grant that is not offered is unsupported_grant_type, the password grant among them', async () => {
    for (const grant_type of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer', 'nonsense']) expectRefusal(await world.token({ grant_type, username: 'ann', password: 'x' }, machine.basic), 400, 'unsupported_grant_type');
  });

  it('§5.2 a client that was revoked is `invalid_client`', async () => {
    const ended = await world.makeClient();
    expect((await world.manage('POST', `/oauth-clients/${ended.id}/revoke`)).status).toBe(200);
    expectRefusal(await world.token(clientCredentials, ended.basic), 401, 'invalid_client');
  });
});

describe('RFC 6749 §6: refreshing', () => {
  const refresh = (refresh_token: string, more: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> => world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token, ...more });

  it('§6 a refresh gives a new token and a new refresh token, and the old one is spent', async () => {
    const first = await world.redeem(await world.code());
    const second = await refresh(first.at('refresh_token'));
    expect(second.body).toMatchObject({ token_type: 'Bearer', scope: first.body['scope'] });
    expect(second.body['refresh_token']).not.toBe(first.body['refresh_token']);
    expect(await world.useToken(second.at('access_token'))).toBe('200');
  });

  it('§6 a refresh asks for less, never for more: invalid_scope', async () => {
    const first = await world.redeem(await world.code());
    expectRefusal(await refresh(first.at('refresh_token'), { scope: 'models:use keys:write' }), 400, 'invalid_scope');
    const less = await refresh(first.at('refresh_token'), { scope: 'models:read' });
    expect(less.body['scope']).toBe('models:read');
    // What was left out this once is the login's still.
    expect((await refresh(less.at('refresh_token'))).body['scope']).toBe('models:use models:read');
  });

  it('§6 a refresh token is for the client it was given to, and one that is none is invalid_grant', async () => {
    const first = await world.redeem(await world.code());
    expectRefusal(await world.token({ grant_type: 'refresh_token', refresh_token: first.at('refresh_token') }, web.basic), 400, 'invalid_grant');
    expectRefusal(await refresh('nonsense'), 400, 'invalid_grant');
    expectRefusal(await refresh(''), 400, 'invalid_request');
    expect((await refresh(first.at('refresh_token'))).status).toBe(200);
  });
});

describe('RFC 6749 §10: security', () => {
  it('§10.4 a refresh token that comes again ends the login: nobody can tell which of the two was the thief', async () => {
    const first = await world.redeem(await world.code());
    const refresh = (token: string): Promise<OAuthAnswer> => world.token({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token: token });
    const second = await refresh(first.at('refresh_token'));
    expectRefusal(await refresh(first.at('refresh_token')), 400, 'invalid_grant');
    expectRefusal(await refresh(second.at('refresh_token')), 400, 'invalid_grant');
    expect([await world.useToken(first.at('access_token')), await world.useToken(second.at('access_token'))]).toEqual(['401 token_revoked', '401 token_revoked']);
  });

  it('§10.10 codes and refresh tokens are 160 random bits and more', async () => {
    const codes = [await world.code(), await world.code()];
    const answer = await world.redeem(codes[0] ?? '');
    for (const text of [...codes, answer.at('refresh_token')]) expect(text).toMatch(/^[\w-]{43,}$/);
    expect(codes[0]).not.toBe(codes[1]);
  });

  it('§10.12 a decision counts from the page that asked alone: without its token nothing is decided', async () => {
    const browser = createBrowserWalk();
    const page = await browser.open(world.authorizeUrl());
    const sent = await browser.send(page.url, { step: 'decide', decision: 'approve' });
    expect([sent.status >= 400, sent.url.startsWith(redirectUri)]).toEqual([true, false]);
  });

  it('§10.13 the pages are never shown in a frame', async () => {
    const { headers, status } = await createBrowserWalk().open(world.authorizeUrl());
    expect([status, headers.get('x-frame-options'), headers.get('content-security-policy')]).toEqual([200, 'DENY', expect.stringContaining("frame-ancestors 'none'")]);
  });

  it('§10.15 the page of a refusal leads nowhere', async () => {
    const { text, headers } = await world.authorize({ redirect_uri: 'https://evil.test/' });
    expect([text.includes('evil.test'), headers.get('refresh')]).toEqual([false, null]);
  });
});
