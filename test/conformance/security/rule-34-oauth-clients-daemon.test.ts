import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { asked, claimsOf, logIn, makeClient, postForm, basic, standing, tokenOf, type MadeClient } from '../../support/oauth-calls.ts';

/* Security rule 34 for OAuth clients: whoever makes one gives no more than he has, looked at when it is made and at each use. */

const clients = '/v0/management/oauth-clients';
let daemon: IdentityDaemon;
beforeAll(async () => {
  daemon = await startIdentityDaemon();
});
afterAll(() => daemon.stop());

async function makeKey(body: object): Promise<string> {
  const { status, body: made } = await daemon.manage('POST', '/client-keys', { name: 'minter', ...body });
  expect(status).toBe(201);
  return String(made['key']);
}
const told = async (key: string, path: string, body?: object, method?: string): Promise<string> => {
  const { status, code } = await asked(daemon, path, key, body, method);
  return `${status} ${code}`.trim();
};

describe('a client made by a limited credential', () => {
  it('can be given no scope, model or rate that its maker lacks, when made and when changed', async () => {
    const key = await makeKey({ scopes: ['models:use', 'models:read', 'clients:write', 'clients:read'], models: ['gpt-*'], requests_per_minute: 10 });
    for (const over of [{ scopes: ['config:write'] }, { scopes: ['secrets:read'] }, { models: ['claude-*'] }, { models: ['*'] }, { requests_per_minute: 11 }]) expect(await told(key, clients, { name: 'x', ...over })).toMatch(/^40[03] (?:exceeds_minter|invalid_request)$/);
    const { id } = await makeClient(daemon, { models: ['gpt-5'] }, key);
    for (const over of [{ scopes: ['config:write'] }, { models: ['claude-*'] }, { requests_per_minute: 11 }]) expect(await told(key, `${clients}/${id}`, over, 'PATCH')).toBe('403 exceeds_minter');
  });

  it('is nobody else’s to see, change, rotate, revoke or delete', async () => {
    const [mine, other] = [await makeKey({ scopes: ['clients:write', 'clients:read'] }), await makeKey({ scopes: ['clients:write', 'clients:read'] })];
    const { id } = await makeClient(daemon, { scopes: ['clients:read'] }, mine);
    const byOperator = await makeClient(daemon);
    for (const target of [id, byOperator.id]) {
      expect(await told(other, `${clients}/${target}`)).toBe('404 item_not_found');
      expect(await told(other, `${clients}/${target}`, { name: 'y' }, 'PATCH')).toBe('404 item_not_found');
      expect(await told(other, `${clients}/${target}`, undefined, 'DELETE')).toBe('404 item_not_found');
      for (const act of ['rotate', 'revoke']) expect(await told(other, `${clients}/${target}/${act}`, {})).toBe('404 item_not_found');
    }
    expect((await asked(daemon, clients, other)).body['clients']).toEqual([]);
    expect(await told(mine, `${clients}/${id}`)).toBe('200');
  });

  it('made with a login of a limited application is not wider than that application', async () => {
    const app = await makeClient(daemon, { name: 'app', authentication: 'none', grants: ['urn:ietf:params:oauth:grant-type:device_code'], scopes: ['models:use', 'models:read', 'clients:write', 'clients:read'], models: ['gpt-5'] });
    const login = await logIn(daemon, { clientId: app.id, scope: 'models:use models:read clients:write clients:read' });
    // Left out, `models` would be those of the person, who has all.
    expect(await told(login.access, clients, { name: 'wide' })).toBe('403 exceeds_minter');
    expect(await told(login.access, clients, { name: 'wide', models: ['claude-*'] })).toBe('403 exceeds_minter');
    const { id } = await makeClient(daemon, { models: ['gpt-5'] }, login.access);
    expect(await told(login.access, `${clients}/${id}`, { models: null }, 'PATCH')).toBe('403 exceeds_minter');
    expect(await told(login.access, `${clients}/${id}`, { name: 'fine' }, 'PATCH')).toBe('200');
  });

  it('made with a login of an application that has a budget or a rate is not made: it could not draw on it', async () => {
    const app = await makeClient(daemon, { name: 'app', authentication: 'none', grants: ['urn:ietf:params:oauth:grant-type:device_code'], scopes: ['models:use', 'models:read', 'clients:write'], daily_budget: { requests: 5 } });
    const login = await logIn(daemon, { clientId: app.id, scope: 'models:use models:read clients:write' });
    expect(await told(login.access, clients, { name: 'x', daily_budget: { requests: 5 } })).toBe('403 exceeds_minter');
  });

  it('that can do more gives its secret, its keys and its way back to no narrower token of its maker', async () => {
    const wide = await logIn(daemon, { name: 'eve', scope: 'models:read clients:write config:read' });
    const { id } = await makeClient(daemon, { scopes: ['config:read'] }, wide.access);
    const narrow = await logIn(daemon, { name: 'eve', scope: 'clients:write' });
    expect(await told(narrow.access, `${clients}/${id}/rotate`, {})).toBe('403 exceeds_minter');
    expect(await told(narrow.access, `${clients}/${id}`, { redirect_uris: ['https://evil.test/'] }, 'PATCH')).toBe('403 exceeds_minter');
    expect(await told(wide.access, `${clients}/${id}/rotate`, {})).toBe('200');
    expect(await told(narrow.access, `${clients}/${id}/revoke`, {})).toBe('200');
  });

  it('counts only so far as its maker does now, at each use, however deep', async () => {
    const key = await makeKey({ scopes: ['models:use', 'models:read', 'clients:write', 'clients:read'] });
    const first = await makeClient(daemon, { scopes: ['models:read', 'clients:write'] }, key);
    const second = await makeClient(daemon, { scopes: ['models:read'] }, await tokenOf(daemon, first));
    const token = await tokenOf(daemon, second);
    expect(await standing(daemon, token)).toBe('200');
    expect((await daemon.manage('PATCH', `/oauth-clients/${first.id}`, { scopes: ['clients:write'] })).status).toBe(200);
    expect(await standing(daemon, token)).toBe('403 scope_not_allowed');
    await daemon.manage('DELETE', `/oauth-clients/${first.id}`);
    expect(await standing(daemon, token)).toBe('401 token_revoked');
  });

  it('hangs in a chain that has an end, and beside no more than a thousand others', async () => {
    let key = await makeKey({ scopes: ['models:read', 'clients:write'] });
    let depth = 0;
    let last = '';
    for (; depth < 12 && last === ''; depth++) {
      const made = await asked(daemon, clients, key, { name: `deep ${depth}`, scopes: ['models:read', 'clients:write'] });
      if (made.status !== 201) last = `${made.status} ${made.code}`;
      else key = await tokenOf(daemon, { id: String(made.body['id']), secret: String(made.body['client_secret']) });
    }
    expect([last, depth]).toEqual(['409 conflict', 9]);
  });
});

describe('a token', () => {
  it('of an exchange or grant says no scope that its client lacks', async () => {
    const client = await makeClient(daemon, { scopes: ['models:read'] });
    expect(claimsOf(await tokenOf(daemon, client, { scope: 'models:read models:use keys:write secrets:read' }))['scope']).toBe('models:read');
    await expect(tokenOf(daemon, client, { scope: 'keys:write' })).rejects.toThrow('invalid_scope');
  });

  it.each([
    ['claims', '{"access_token":{"sub":{"value":"person_000000000000"}}}'],
    ['sub', 'person_000000000000'],
    ['workload', '{"claims":{},"algorithm":"ES256"}'],
    ['derived', 'true'],
    ['sid', 'x'],
    ['org', 'other'],
    ['authorization_details', '[{"type":"x"}]'],
    ['client_id', 'keyward-cli'],
    ['resource', 'https://evil.test'],
    ['audience', 'https://evil.test'],
  ])('takes nothing from the parameter %s', async (name, value) => {
    const client = await makeClient(daemon);
    const { status, json } = await postForm(daemon.url, '/oauth/token', { grant_type: 'client_credentials', [name]: value }, basic(client.id, client.secret));
    if (status !== 200) return expect([400, 401]).toContain(status);
    expect(claimsOf(String(json['access_token']))).toEqual({ iss: daemon.issuer, aud: daemon.publicUrl, sub: client.id, client_id: client.id, scope: 'models:use models:read', jti: expect.any(String), iat: expect.any(Number), exp: expect.any(Number) });
  });

  it('is introspected with what it may do now, and with no more', async () => {
    const client: MadeClient = await makeClient(daemon, { scopes: ['models:use', 'models:read'] });
    const token = await tokenOf(daemon, client);
    await daemon.manage('PATCH', `/oauth-clients/${client.id}`, { scopes: ['models:read'] });
    const { json } = await postForm(daemon.url, '/oauth/introspect', { token }, basic(client.id, client.secret));
    expect(json).toMatchObject({ active: true, scope: 'models:read' });
  });

  it('that is derived makes no further one, and holds no scope of management', async () => {
    const login = await logIn(daemon, { scope: 'models:use models:read clients:write keys:write' });
    const { body } = await asked(daemon, '/oauth/run-keys', login.access, {});
    const key = String(body['key']);
    expect(claimsOf(key)['scope']).toBe('models:use models:read');
    for (const path of ['/oauth/run-keys', '/oauth/bearer-token']) expect(await told(key, path, {})).toBe('403 scope_not_allowed');
    expect(await told(key, clients, { name: 'x' })).toBe('403 scope_not_allowed');
    expect(await told(key, '/v0/management/client-keys', { name: 'x' })).toBe('403 scope_not_allowed');
    const bearer = await asked(daemon, '/oauth/bearer-token', login.access, {});
    expect(await told(String(bearer.body['access_token']), '/oauth/run-keys', {})).toBe('403 scope_not_allowed');
  });

  it('never holds secrets:read, whatever is asked for and whoever approves', async () => {
    const login = await logIn(daemon, { scope: 'models:read secrets:read config:read' });
    expect(login.scope).toBe('models:read config:read');
    expect(await told(login.access, '/v0/management/config.yaml?reveal=true')).toMatch(/^403 /);
  });
});

describe('logins and people', () => {
  it('are shown to a limited credential only where it made the client, and ended by it only there', async () => {
    const key = await makeKey({ scopes: ['models:use', 'models:read', 'clients:write', 'clients:read'] });
    await logIn(daemon, { name: 'somebody' });
    const { body } = await daemon.manage('GET', '/sessions?limit=1');
    const rows: unknown = body['sessions'];
    const id = Array.isArray(rows) ? String(Reflect.get(Object(rows[0]), 'id')) : '';
    expect((await asked(daemon, '/v0/management/sessions', key)).body['sessions']).toEqual([]);
    expect(await told(key, `/v0/management/sessions/${id}`, undefined, 'DELETE')).toBe('404 item_not_found');
    expect(await told(key, '/v0/management/people')).toMatch(/^403 /);
    const app = await makeClient(daemon, { name: 'app', authentication: 'none', grants: ['urn:ietf:params:oauth:grant-type:device_code'] }, key);
    await logIn(daemon, { name: 'guest', clientId: app.id });
    const own: unknown = (await asked(daemon, '/v0/management/sessions', key)).body['sessions'];
    expect(own).toEqual([expect.objectContaining({ client_id: app.id })]);
    const ownId = Array.isArray(own) ? String(Reflect.get(Object(own[0]), 'id')) : '';
    expect(await told(key, `/v0/management/sessions/${ownId}`, undefined, 'DELETE')).toBe('200');
  });
});
