import { afterEach, describe, expect, it } from 'vitest';
import type { StartedLogin } from '../../../internal/upstreamauth/ports.ts';
import { parsePasted } from '../../../internal/upstreamauth/parse-return.ts';
import { createGrantsWorld } from '../../support/grants-world.ts';
import { createLoginWorld, type LoginWorld, type LoginWorldSetup } from '../../support/login-world.ts';
import { startAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { startCodex } from '../../support/simulated-logins/codex.ts';
import { startGoogle } from '../../support/simulated-logins/google.ts';
import { startIflow } from '../../support/simulated-logins/iflow.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function opened<T extends { readonly close: () => Promise<void> }>(part: T | Promise<T>): Promise<T> {
  const there = await part;
  closers.push(there.close);
  return there;
}

function worldOf(setup: LoginWorldSetup): Promise<LoginWorld> {
  return opened(createLoginWorld(setup));
}

async function paste(world: LoginWorld, provider: string, text: string): ReturnType<LoginWorld['logins']['finish']> {
  const returned = parsePasted(text);
  if (!returned.ok) throw returned.error;
  return world.logins.finish(provider, returned.value);
}

const parametersOf = ({ url }: StartedLogin): URLSearchParams => new URL(url).searchParams;

describe('anthropic', () => {
  it('gets JSON token requests with the state inside, and `code#state` finishes the login', async () => {
    const vendor = await opened(startAnthropic());
    const world = await worldOf({ oauth: { anthropic: vendor.entry() } });
    const started = await world.logins.start('claude', {});
    expect(started.redirect?.uri).toBe('http://localhost:8317/anthropic/callback');
    expect(parametersOf(started).get('code')).toBe('true');
    const { code, state } = vendor.book.grant(started.url);
    const done = await paste(world, 'anthropic', ` ${code}#${state}\n`);
    expect(done.label).toBe('claude (ann@example.com)');
    expect(world.stored).toMatchObject([{ type: 'claude', isDisabled: false, facts: { email: 'ann@example.com', account_uuid: '99999999-9999-4999-8999-999999999999', organization_uuid: '11111111-1111-4111-8111-111111111111', client_id: 'anthropic-client' } }]);
    expect(vendor.seen.map(({ headers }) => headers['user-agent'])).toEqual(['keyward/test']);
  });

  it('three workspaces under one e-mail are three files', async () => {
    const vendor = await opened(startAnthropic());
    const world = await worldOf({ oauth: { anthropic: vendor.entry() } });
    for (const organization of ['a', 'b', 'c']) {
      vendor.setOrganization(organization);
      const started = await world.logins.start('anthropic', {});
      await paste(world, 'anthropic', vendor.book.grant(started.url).url);
    }
    const names = world.stored.map(({ suggestedName }) => suggestedName);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^claude-[\da-f]{8}-ann@example\.com\.json$/);
  });

  it('refreshes with JSON; a spent token is refused, and the vendor’s echo of it goes nowhere', async () => {
    const vendor = await opened(startAnthropic());
    const world = await worldOf({ oauth: { anthropic: vendor.entry() } });
    const started = await world.logins.start('anthropic', {});
    await paste(world, 'anthropic', vendor.book.grant(started.url).url);
    const { refresh } = await opened(createGrantsWorld({ anthropic: vendor.entry() }));
    const [stored] = world.stored;
    await expect(refresh('anthropic', stored)).resolves.toMatchObject({ kind: 'issued', facts: {} });
    const again = await refresh('anthropic', stored);
    expect(again).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
    for (const secret of vendor.book.secrets()) expect(JSON.stringify(again)).not.toContain(secret);
  });
});

describe('codex', () => {
  it('takes account, plan and e-mail from an id token whose issuer it cannot check', async () => {
    const vendor = await opened(startCodex());
    const world = await worldOf({ oauth: { codex: vendor.entry() } });
    vendor.setAccount('acc-team', 'ann@example.com', 'team');
    const started = await world.logins.start('openai', {});
    expect(parametersOf(started).get('codex_cli_simplified_flow')).toBe('true');
    await paste(world, 'codex', vendor.book.grant(started.url).url);
    expect(world.stored).toMatchObject([{ type: 'codex', facts: { account_id: 'acc-team', email: 'ann@example.com', plan_type: 'team' } }]);
    expect(world.stored[0]?.suggestedName).toMatch(/^codex-[\da-f]{8}-ann@example\.com-team\.json$/);
    expect(world.stored[0]?.tokens.expiresAtMs).toBeGreaterThan(Date.now() + 863_000_000);
  });

  it('its own device login ends in a code that is redeemed', async () => {
    const vendor = await opened(startCodex());
    const world = await worldOf({ oauth: { codex: vendor.entry() } });
    const started = await world.logins.start('codex', { grant: 'device' });
    expect(started).toMatchObject({ grant: 'codex-device', url: `${vendor.url}/codex/device`, userCode: 'CODE-0', redirect: undefined });
    vendor.agree('CODE-0');
    await expect(world.logins.wait(started.state, AbortSignal.timeout(10_000))).resolves.toMatchObject({ kind: 'done', label: 'codex (ann@example.com)' });
    expect(world.stored).toMatchObject([{ isDisabled: false, facts: { account_id: 'acc-00000001' } }]);
  });

  it('a refused client is told as such when a device login is not switched on', async () => {
    const vendor = await opened(startCodex());
    const world = await worldOf({ oauth: { codex: vendor.entry({ 'client-id': 'unknown' }) } });
    await expect(world.logins.start('codex', { grant: 'device' })).rejects.toMatchObject({ code: 'login_failed', message: expect.stringContaining('not switched on') });
  });

  it('a refresh keeps the vendor’s own word for a reused token; without a client id in the config the token’s counts', async () => {
    const vendor = await opened(startCodex());
    const world = await worldOf({ oauth: { codex: vendor.entry() } });
    const started = await world.logins.start('codex', {});
    await paste(world, 'codex', vendor.book.grant(started.url).url);
    const [stored] = world.stored;
    if (stored === undefined) throw new Error('nothing was stored');
    vendor.setAccount('acc-00000001', 'ann@example.com', 'pro');
    const { refresh, revoke } = await opened(createGrantsWorld({ codex: vendor.entry({ 'client-id': '' }) }));
    await expect(refresh('codex', { ...stored, facts: {} })).resolves.toMatchObject({ kind: 'issued', facts: { plan_type: 'pro', account_id: 'acc-00000001' } });
    await expect(refresh('codex', stored)).resolves.toMatchObject({ kind: 'refused', error: 'refresh_token_reused' });
    await expect(revoke('codex', stored.tokens.refreshToken, undefined)).resolves.toMatchObject({ offered: true, ok: true });
    expect(vendor.seen.at(-1)?.body.toString()).toContain('token_type_hint=refresh_token');
  });
});

describe('google and antigravity', () => {
  it('google: a project that was named is in name and file, the e-mail is from user info', async () => {
    const vendor = await opened(startGoogle());
    const world = await worldOf({ oauth: { google: vendor.entry() } });
    const started = await world.logins.start('gemini-cli', { projectId: 'my-project-1' });
    expect(parametersOf(started).get('access_type')).toBe('offline');
    await paste(world, 'google', vendor.book.grant(started.url).url);
    expect(world.stored).toMatchObject([{ type: 'gemini', suggestedName: 'gemini-ann@example.com-my-project-1.json', isDisabled: false, facts: { email: 'ann@example.com', project_id: 'my-project-1' } }]);
    await expect(world.logins.start('google', { projectId: '../evil' })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('google in code-assist mode finds the project that the account has', async () => {
    const vendor = await opened(startGoogle());
    vendor.setProject('known-project');
    const world = await worldOf({ oauth: { google: vendor.entry({ mode: 'code-assist' }) } });
    // The Go program's word for it.
    const started = await world.logins.start('google', { projectId: 'ALL' });
    await paste(world, 'google', vendor.book.grant(started.url).url);
    expect(world.stored).toMatchObject([{ suggestedName: 'gemini-ann@example.com-known-project.json', facts: { project_id: 'known-project', auto: true, checked: true } }]);
  });

  it('antigravity: no PKCE, the account is taken on, and one never seen stays off until it is confirmed', async () => {
    const vendor = await opened(startGoogle());
    const world = await worldOf({ oauth: { antigravity: vendor.entry() } });
    const started = await world.logins.start('antigravity', {});
    expect(parametersOf(started).has('code_challenge')).toBe(false);
    const done = await paste(world, 'antigravity', vendor.book.grant(started.url).url);
    expect(done.isDisabled).toBe(true);
    expect(world.stored).toMatchObject([{ type: 'antigravity', isDisabled: true, suggestedName: 'antigravity-ann@example.com.json', facts: { project_id: 'made-project-1', email: 'ann@example.com' } }]);
  });

  it('antigravity: an account that is known already is not switched off', async () => {
    const vendor = await opened(startGoogle());
    vendor.setProject('known-project');
    const world = await worldOf({ oauth: { antigravity: vendor.entry() }, isKnown: ({ facts }) => facts?.['email'] === 'ann@example.com' });
    const started = await world.logins.start('antigravity', {});
    await expect(paste(world, 'antigravity', vendor.book.grant(started.url).url)).resolves.toMatchObject({ isDisabled: false });
  });

  it('antigravity: an account without a project is not stored, and the answer says why', async () => {
    const vendor = await opened(startGoogle());
    const world = await worldOf({ oauth: { antigravity: vendor.entry() } });
    // The account is known to no tier, and taking it on is refused.
    vendor.setProject('');
    const started = await world.logins.start('antigravity', {});
    const { url } = vendor.book.grant(started.url);
    vendor.refuseOnboarding();
    await expect(paste(world, 'antigravity', url)).rejects.toMatchObject({ code: 'login_failed', message: expect.stringContaining('not eligible') });
    expect(world.stored).toEqual([]);
    expect(world.logins.statusOf(started.state)).toMatchObject({ kind: 'failed', code: 'login_failed' });
  });

  it('a refresh keeps the refresh token, which Google does not repeat', async () => {
    const vendor = await opened(startGoogle());
    const world = await worldOf({ oauth: { google: vendor.entry() } });
    const started = await world.logins.start('google', {});
    await paste(world, 'google', vendor.book.grant(started.url).url);
    const { refresh, revoke } = await opened(createGrantsWorld({ google: vendor.entry() }));
    const [stored] = world.stored;
    const first = await refresh('google', stored);
    if (first.kind !== 'issued') throw new Error('not issued');
    expect(first.tokens.refreshToken?.reveal()).toBe(stored?.tokens.refreshToken?.reveal());
    await expect(refresh('google', stored)).resolves.toMatchObject({ kind: 'issued' });
    await expect(revoke('google', stored?.tokens.refreshToken, undefined)).resolves.toMatchObject({ ok: true });
    await expect(revoke('google', stored?.tokens.refreshToken, undefined)).resolves.toMatchObject({ offered: true, ok: false });
    await expect(refresh('google', stored)).resolves.toMatchObject({ kind: 'refused', error: 'invalid_grant' });
  });
});

describe('iflow', () => {
  it('redirect under its own name, Basic authentication, and the API key out of user info', async () => {
    const vendor = await opened(startIflow());
    const world = await worldOf({ oauth: { iflow: vendor.entry() }, isKnown: () => true });
    const started = await world.logins.start('i-flow', {});
    expect(parametersOf(started).get('redirect')).toBe('http://localhost:8317/iflow/callback');
    expect(parametersOf(started).has('redirect_uri')).toBe(false);
    await paste(world, 'iflow', vendor.book.grant(started.url, 'redirect').url);
    expect(world.stored).toMatchObject([{ type: 'iflow', facts: { email: '+49-123' } }]);
    expect(world.stored[0]?.tokens.apiKey?.reveal()).toBe(vendor.apiKeys()[0]);
  });

  it('a refresh whose user info fails keeps the issued tokens and the old key', async () => {
    const vendor = await opened(startIflow());
    const world = await worldOf({ oauth: { iflow: vendor.entry() } });
    const started = await world.logins.start('iflow', {});
    await paste(world, 'iflow', vendor.book.grant(started.url, 'redirect').url);
    const { refresh, logText } = await opened(createGrantsWorld({ iflow: vendor.entry() }));
    vendor.setUserinfo('broken');
    const [stored] = world.stored;
    const refreshed = await refresh('iflow', stored);
    if (refreshed.kind !== 'issued') throw new Error('not issued');
    expect(refreshed.tokens.apiKey?.reveal()).toBe(vendor.apiKeys()[0]);
    expect(refreshed.tokens.refreshToken?.reveal()).not.toBe(stored?.tokens.refreshToken?.reveal());
    expect(logText()).toContain('gave no API key');
    vendor.setUserinfo('fine');
    const next = await refresh('iflow', stored, refreshed.tokens);
    if (next.kind !== 'issued') throw new Error('not issued');
    expect(next.tokens.apiKey?.reveal()).toBe(vendor.apiKeys()[1]);
  });

  it('a login without an API key is not stored', async () => {
    const vendor = await opened(startIflow());
    const world = await worldOf({ oauth: { iflow: vendor.entry() } });
    vendor.setUserinfo('broken');
    const started = await world.logins.start('iflow', {});
    await expect(paste(world, 'iflow', vendor.book.grant(started.url, 'redirect').url)).rejects.toMatchObject({ code: 'login_failed' });
    expect(world.stored).toEqual([]);
  });
});
