import { initiateDeviceAuthorization, None, pollDeviceAuthorizationGrant, refreshTokenGrant, type Configuration } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { freePort } from '../../support/free-port.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { chromiumPath, openPage, startChromium } from '../../support/pages-browser.ts';
import { approveByWalk, walkToQuestion } from '../../support/people-walk.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatEvents, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

/* oidc-provider in a process of its own as the company’s directory, openid-client as the program, and the built daemon. */

const answer: Script = (_, res) => answerJson(res, 200, { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } });

let provider: IdentityProvider;
let upstream: ScriptedUpstream;
let daemon: IdentityDaemon;
let cli: Configuration;

beforeAll(async () => {
  const port = await freePort();
  upstream = await startScriptedUpstream(answer);
  provider = await startIdentityProvider({ signInRedirect: `http://localhost:${port}/oauth/signin/callback` });
  daemon = await startIdentityDaemon({
    port,
    identity: [
      '  oidc:',
      `    issuer: "${provider.issuer}"`,
      '    client-id: keyward',
      '    client-secret: keyward-secret-0123456789-abcdef',
      '    scopes: [openid, profile, email, groups, offline_access]',
      '    allowed-domains: [example.com]',
      '    group-scopes: { ai-users: ["models:use", "models:read"], platform: ["models:use", "models:read", "keys:read", "usage:read"], keepers: ["models:use", "models:read", "keys:write"] }',
    ].join('\n'),
    config: `openai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }] }\n`,
  });
  cli = await daemon.client('keyward-cli', undefined, None());
}, 60_000);
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  await provider.stop();
});

const all = 'openid profile email models:use models:read keys:read keys:write usage:read';

/** The directory knows somebody, who signs in with a fresh browser and lets a device in. */
async function signIn(id: string, groups: readonly string[] = ['ai-users']) {
  await provider.setAccount(id, { name: `${id} Example`, groups });
  await provider.signInAs(id);
  const device = await initiateDeviceAuthorization(cli, { scope: all });
  const page = await approveByWalk(daemon.publicUrl, device.user_code);
  expect(page.body).toContain('The device is in');
  const tokens = await pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 });
  return { ...tokens, refresh: tokens.refresh_token ?? '', sub: String(tokens.claims()?.sub) };
}

const told = async (key: string, path = '/v1/models'): Promise<string> => {
  const { status, code } = await ask(daemon.url, path, { key });
  return `${status} ${code}`.trim();
};
const use = async (key: string): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/chat/completions', { key, json: { model: 'm', messages: [{ role: 'user', content: 'hi' }] } });
  return `${status} ${code}`.trim();
};
const sessionsOf = async (sub: string): Promise<readonly unknown[]> => {
  const { body } = await daemon.manage('GET', `/sessions?person=${sub}`);
  const rows: unknown = body['sessions'];
  return Array.isArray(rows) ? rows : [];
};
const eventsOf = async (actor: string, action: string): Promise<readonly unknown[]> => {
  const { body } = await daemon.manage('GET', `/audit?actor=${actor}&action=${action}`);
  const rows: unknown = body['events'];
  return Array.isArray(rows) ? rows : [];
};
const refreshes = (): number => provider.events().filter(({ event, grant }) => event === 'issued' && grant === 'refresh_token').length;

describe('a person who signs in at the company’s provider', () => {
  it('has the scopes of the groups, and a name in sessions, audit and usage', async () => {
    const ann = await signIn('ann', ['ai-users', 'strangers']);
    expect(ann.scope).toBe('models:use models:read');
    expect(await told(ann.access_token)).toBe('200');
    expect(await use(ann.access_token)).toBe('200');
    expect(await told(ann.access_token, '/v0/management/client-keys')).toBe('403 scope_not_allowed');

    expect(await sessionsOf(ann.sub)).toEqual([expect.objectContaining({ person: { id: ann.sub, label: 'ann Example' }, client_id: 'keyward-cli', status: 'active' })]);
    const { body } = await daemon.manage('GET', '/people');
    expect(body['people']).toEqual(expect.arrayContaining([expect.objectContaining({ id: ann.sub, issuer: provider.issuer, subject: 'ann', email: 'ann@example.com', groups: ['ai-users'], scopes: ['models:use', 'models:read'] })]));
    for (const action of ['person.entered', 'approval.given', 'token.issued']) expect(await eventsOf(ann.sub, action), action).toEqual([expect.objectContaining({ actor: ann.sub, actor_label: 'ann Example', outcome: 'ok' })]);

    const usage = await daemon.manage('GET', `/usage/export?client=${ann.sub}`);
    expect(usage.status).toBe(200);
    const apis = memberOf(usage.body['usage'], 'apis');
    expect(memberOf(usage.body['usage'], 'total_requests')).toBe(1);
    expect(Object.keys(Object(apis))).toEqual([expect.stringContaining('ann Example')]);
    // Nothing of the provider’s token leaves the daemon.
    expect(JSON.stringify(body)).not.toMatch(/refresh/i);
  });

  it('in Chromium: the code, the provider, the question, and the device is in', async () => {
    if (chromiumPath === undefined) return;
    const browser = await startChromium(chromiumPath);
    const shown = await openPage(browser);
    await provider.setAccount('carl', { name: 'Carl Example', groups: ['platform'] });
    await provider.signInAs('carl');
    const device = await initiateDeviceAuthorization(cli, { scope: all });
    await shown.page.goto(device.verification_uri_complete ?? '');
    await shown.press('Continue');
    await shown.page.getByRole('heading', { name: 'Let this device in?' }).waitFor();
    expect(await shown.text()).toContain('Signed in as Carl Example (carl@example.com)');
    await shown.press('Approve');
    expect(await shown.heading()).toBe('The device is in');
    const tokens = await pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 });
    expect(tokens.scope).toBe('models:use models:read keys:read usage:read');
    expect(tokens.claims()).toMatchObject({ name: 'Carl Example', email: 'carl@example.com' });
    expect(await told(tokens.access_token, '/v0/management/client-keys')).toBe('200');
    expect(shown.complaints).toEqual([]);
    await browser.close();
  });

  it('who is in no group, or of another domain, gets no further', async () => {
    for (const [id, account, why] of [
      ['dora', { groups: ['strangers'] }, 'You are in none of the groups that may use this Keyward.'],
      ['emil', { groups: ['ai-users'], email: 'emil@evilexample.com' }, 'Your e-mail address is not among those that may sign in here.'],
      ['fred', { groups: ['ai-users'], isEmailVerified: false }, 'Your identity provider has not verified your e-mail address'],
    ] as const) {
      await provider.setAccount(id, account);
      await provider.signInAs(id);
      const device = await initiateDeviceAuthorization(cli, { scope: all });
      const page = await walkToQuestion(createBrowserWalk(), daemon.publicUrl, device.user_code);
      expect([id, page.status, page.body.includes(why)]).toEqual([id, 403, true]);
    }
  });
});

describe('a person whom the provider switches off', () => {
  it('gets no new token, and every login and token of theirs is dead at once', async () => {
    const [first, second] = [await signIn('gina'), await signIn('gina')];
    expect(first.sub).toBe(second.sub);
    await provider.setAccount('gina', { isDisabled: true });
    expect([await told(first.access_token), await told(second.access_token)]).toEqual(['200', '200']);
    await expect(refreshTokenGrant(cli, first.refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect([await told(first.access_token), await told(second.access_token)]).toEqual(['401 token_revoked', '401 token_revoked']);
    expect(await sessionsOf(first.sub)).toEqual([expect.objectContaining({ status: 'ended', ended_by: 'provider' }), expect.objectContaining({ status: 'ended', ended_by: 'provider' })]);
    await expect(refreshTokenGrant(cli, second.refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await eventsOf(first.sub, 'person.ended')).toEqual([expect.objectContaining({ actor_label: 'gina Example', after: { why: 'the provider answered invalid_grant' } })]);
    expect(await eventsOf(first.sub, 'session.ended')).toHaveLength(2);
    // Back in the directory, a new sign-in does; what has ended stays ended.
    await provider.setAccount('gina', { isDisabled: false });
    const third = await signIn('gina');
    expect([third.sub, await told(third.access_token), await told(first.access_token)]).toEqual([first.sub, '200', '401 token_revoked']);
  });

  it('leaves no key behind that still works, nor a stream by one', async () => {
    const nils = await signIn('nils', ['keepers']);
    const made = await ask(daemon.url, '/v0/management/client-keys', { key: nils.access_token, json: { name: 'script' } });
    const key = String(memberOf(made.json, 'key'));
    expect([made.status, await use(key)]).toEqual([201, '200']);
    upstream.setScript((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const left = upstream.left.length;
    const seen = upstream.seen.length;
    const stream = send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }) });
    await until('the stream has begun', () => upstream.seen.length > seen);
    await provider.setAccount('nils', { isDisabled: true });
    await expect(refreshTokenGrant(cli, nils.refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await stream).body.toString()).toContain('"code":"key_revoked"');
    await until('the upstream is left', () => upstream.left.length > left);
    upstream.setScript(answer);
    expect(await use(key)).toBe('401 key_revoked');
  });

  it('or takes out of every group, likewise', async () => {
    const hugo = await signIn('hugo');
    await provider.setAccount('hugo', { groups: [] });
    await expect(refreshTokenGrant(cli, hugo.refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await told(hugo.access_token)).toBe('401 token_revoked');
  });
});

describe('a provider that is away', () => {
  it('means no refresh for now: nothing ends, and the same refresh token works when it is back', async () => {
    const ida = await signIn('ida');
    await provider.setAway(true);
    const refused = await fetch(`${daemon.issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'keyward-cli', refresh_token: ida.refresh }) });
    await provider.setAway(false);
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([503, '5', { error: 'temporarily_unavailable', error_description: 'the identity provider cannot be asked right now' }]);
    expect(await told(ida.access_token)).toBe('200');
    const again = await refreshTokenGrant(cli, ida.refresh);
    expect(await told(again.access_token)).toBe('200');
    expect(await sessionsOf(ida.sub)).toEqual([expect.objectContaining({ status: 'active' })]);
  });
});

describe('groups that change at the provider', () => {
  it('change what the person may do at the next refresh, in older tokens and other logins at once', async () => {
    const [one, other] = [await signIn('jana', ['platform']), await signIn('jana', ['platform'])];
    expect(await told(other.access_token, '/v0/management/client-keys')).toBe('200');
    await provider.setAccount('jana', { groups: ['ai-users'] });
    const fresh = await refreshTokenGrant(cli, one.refresh);
    for (const token of [one.access_token, other.access_token, fresh.access_token]) expect([await told(token), await told(token, '/v0/management/client-keys')]).toEqual(['200', '403 scope_not_allowed']);
    // What comes back is not more than the login was approved for, and comes back by itself.
    await provider.setAccount('jana', { groups: ['platform'] });
    await refreshTokenGrant(cli, other.refresh);
    expect(await told(one.access_token, '/v0/management/client-keys')).toBe('200');
  });
});

describe('ten refreshes at once', () => {
  it('of several logins of one person use no token of the provider twice, and all succeed', async () => {
    const logins = [];
    for (let count = 0; count < 10; count++) logins.push(await signIn('kurt'));
    const before = refreshes();
    const refreshed = await Promise.all(logins.map(({ refresh }) => refreshTokenGrant(cli, refresh)));
    expect(new Set(refreshed.map(({ access_token: token }) => token)).size).toBe(10);
    for (const { access_token: token } of refreshed) expect(await told(token)).toBe('200');
    expect(refreshes() - before).toBeGreaterThan(0);
    // A second use of one of its tokens would have been taken for theft.
    expect(provider.events().filter(({ event }) => event === 'family ended')).toEqual([]);
    // And the provider’s newest token was kept.
    const again = await refreshTokenGrant(cli, refreshed[0]?.refresh_token ?? '');
    expect(await told(again.access_token)).toBe('200');
  });

  it('of one refresh token give one new one, and the login ends: one of the two was a thief', async () => {
    const lena = await signIn('lena');
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => refreshTokenGrant(cli, lena.refresh)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    expect(await told(lena.access_token)).toBe('401 token_revoked');
    expect(await sessionsOf(lena.sub)).toEqual([expect.objectContaining({ status: 'ended', ended_by: 'reuse' })]);
  });

  it('one after the other, too; the record says why', async () => {
    const mona = await signIn('mona');
    await refreshTokenGrant(cli, mona.refresh);
    await expect(refreshTokenGrant(cli, mona.refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await sessionsOf(mona.sub)).toEqual([expect.objectContaining({ status: 'ended', ended_by: 'reuse' })]);
    expect(await eventsOf(mona.sub, 'session.ended')).toEqual([expect.objectContaining({ code: 'reuse', actor_label: 'mona Example' })]);
  });
});
