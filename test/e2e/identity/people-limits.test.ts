import { initiateDeviceAuthorization, None, pollDeviceAuthorizationGrant, refreshTokenGrant, type Configuration } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

/* What the operator allows a person holds over all that the person has: logins, refreshed tokens, run keys. */

let upstream: ScriptedUpstream;
let daemon: IdentityDaemon;
let cli: Configuration;
beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }));
  daemon = await startIdentityDaemon({ config: `openai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }, { name: dear }] }\n` });
  cli = await daemon.client('keyward-cli', undefined, None());
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

async function logIn(name: string, scope = 'openid models:use models:read') {
  const device = await initiateDeviceAuthorization(cli, { scope });
  expect((await daemon.manage('POST', `/device-codes/${device.user_code}/approve`, { name })).status).toBe(200);
  const tokens = await pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 });
  return { token: tokens.access_token, refresh: tokens.refresh_token ?? '', sub: String(tokens.claims()?.sub) };
}
const sessionsOf = async (sub: string): Promise<readonly unknown[]> => {
  const rows: unknown = (await daemon.manage('GET', `/sessions?person=${sub}`)).body['sessions'];
  return Array.isArray(rows) ? rows : [];
};
const use = async (key: string, model = 'm'): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/chat/completions', { key, json: { model, messages: [{ role: 'user', content: 'hi' }] } });
  return `${status} ${code}`.trim();
};

describe('limits of a person', () => {
  it('hold across two logins, a refreshed token and a run key, from the moment they are set', async () => {
    const [one, other] = [await logIn('ann'), await logIn('ann')];
    expect([await use(one.token), await use(other.token)]).toEqual(['200', '200']);
    const set = await daemon.manage('PATCH', `/people/${one.sub}`, { requests_per_minute: 4 });
    expect([set.status, set.body['limits']]).toEqual([200, expect.objectContaining({ requests_per_minute: 4 })]);
    const runKey = String(memberOf((await ask(daemon.url, '/oauth/run-keys', { method: 'POST', key: one.token, json: { name: 'tool' } })).json, 'key'));
    const fresh = await refreshTokenGrant(cli, other.refresh);
    const told = [];
    for (const key of [one.token, other.token, runKey, fresh.access_token, one.token, other.token, runKey, fresh.access_token]) told.push(await use(key));
    expect(told.filter((each) => each === '200').length).toBeLessThanOrEqual(4);
    expect(told.slice(4)).toEqual(Array.from({ length: 4 }, () => '429 rate_limit_exceeded'));
    // A third login is no way out, and somebody else is not held by it.
    expect(await use((await logIn('ann')).token)).toBe('429 rate_limit_exceeded');
    expect(await use((await logIn('bob')).token)).toBe('200');
    expect((await daemon.manage('PATCH', `/people/${one.sub}`, { requests_per_minute: null })).status).toBe(200);
    expect(await use(other.token)).toBe('200');
  });

  it('of models hold in tokens that are out, and stay when the person signs in again', async () => {
    const carl = await logIn('carl');
    expect(await use(carl.token, 'dear')).toBe('200');
    await daemon.manage('PATCH', `/people/${carl.sub}`, { models: ['m'] });
    expect([await use(carl.token, 'dear'), await use(carl.token, 'm')]).toEqual(['403 model_not_allowed', '200']);
    const again = await logIn('carl');
    expect([await use(again.token, 'dear'), await use(again.token, 'm')]).toEqual(['403 model_not_allowed', '200']);
    const { body } = await daemon.manage('GET', '/audit?action=person.changed');
    expect(body['events']).toEqual(expect.arrayContaining([expect.objectContaining({ actor: 'root', target: carl.sub, after: expect.objectContaining({ limits: expect.objectContaining({ models: ['m'] }) }) })]));
  });

  it('are the operator’s to set: a person has no such right, whatever the scopes', async () => {
    const dora = await logIn('dora', 'openid models:use clients:read clients:write config:write');
    const answer = await ask(daemon.url, `/v0/management/people/${dora.sub}`, { method: 'PATCH', key: dora.token, json: { requests_per_minute: 1 } });
    expect(answer.status).toBe(403);
  });
});

describe('what a person makes', () => {
  it('an OAuth client can do no more than the person, now and later', async () => {
    const emil = await logIn('emil', 'openid models:use models:read clients:read clients:write');
    const make = (body: object) => ask(daemon.url, '/v0/management/oauth-clients', { method: 'POST', key: emil.token, json: { name: 'ci', ...body } });
    expect((await make({ scopes: ['audit:read'] })).code).toBe('exceeds_minter');
    const made = (await make({})).json;
    const [id, secret] = [String(memberOf(made, 'id')), String(memberOf(made, 'client_secret'))];
    const token = async (): Promise<string> => {
      const answer = await fetch(`${daemon.issuer}/token`, { method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
      return String(memberOf(await answer.json(), 'access_token'));
    };
    const of = await token();
    expect(await use(of, 'dear')).toBe('200');
    await daemon.manage('PATCH', `/people/${emil.sub}`, { models: ['m'] });
    expect([await use(of, 'dear'), await use(of, 'm')]).toEqual(['403 model_not_allowed', '200']);
  });

  it('a key can do no more than the person, now and later, and no more than the token that asked for it', async () => {
    const fred = await logIn('fred', 'openid models:use models:read keys:read keys:write');
    const make = (token: string, body: object) => ask(daemon.url, '/v0/management/client-keys', { method: 'POST', key: token, json: { name: 'script', ...body } });
    expect((await make(fred.token, { scopes: ['audit:read'] })).code).toBe('exceeds_minter');
    const made = await make(fred.token, {});
    expect([made.status, memberOf(made.json, 'minter')]).toEqual([201, fred.sub]);
    const [key, id] = [String(memberOf(made.json, 'key')), String(memberOf(made.json, 'id'))];
    expect(await use(key, 'dear')).toBe('200');
    await daemon.manage('PATCH', `/people/${fred.sub}`, { models: ['m'] });
    expect([await use(key, 'dear'), await use(key, 'm')]).toEqual(['403 model_not_allowed', '200']);

    // Another login of the same person, for less: it makes no wider key, and gets no new text of a wide one.
    const narrow = await logIn('fred', 'openid keys:read keys:write');
    expect((await make(narrow.token, {})).code).toBe('exceeds_minter');
    expect((await make(narrow.token, { scopes: ['keys:read'] })).status).toBe(201);
    expect((await ask(daemon.url, `/v0/management/client-keys/${id}/rotate`, { method: 'POST', key: narrow.token })).code).toBe('exceeds_minter');
    // Logins come and go; the key hangs on the person, and is the person’s to see and to end.
    expect((await daemon.manage('DELETE', `/sessions/${String(memberOf((await sessionsOf(fred.sub)).at(-1), 'id'))}`)).status).toBe(200);
    expect(await use(key, 'm')).toBe('200');
    expect((await ask(daemon.url, `/v0/management/client-keys/${id}`, { key: (await logIn('gina', 'openid keys:read')).token })).code).toBe('item_not_found');
    expect((await ask(daemon.url, `/v0/management/client-keys/${id}/revoke`, { method: 'POST', key: narrow.token })).status).toBe(200);
    expect(await use(key, 'm')).toBe('401 key_revoked');
  });

  it('a key made by a machine ends with the machine’s client', async () => {
    const client = await daemon.manage('POST', '/oauth-clients', { name: 'vault', scopes: ['models:use', 'models:read', 'keys:write'] });
    const [id, secret] = [String(client.body['id']), String(client.body['client_secret'])];
    const granted = await fetch(`${daemon.issuer}/token`, { method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
    const made = await ask(daemon.url, '/v0/management/client-keys', { method: 'POST', key: String(memberOf(await granted.json(), 'access_token')), json: { name: 'lent' } });
    const key = String(memberOf(made.json, 'key'));
    expect(await use(key)).toBe('200');
    expect((await daemon.manage('POST', `/oauth-clients/${id}/revoke`)).status).toBe(200);
    expect(await use(key)).toBe('401 key_revoked');
  });
});
