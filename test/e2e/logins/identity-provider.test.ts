import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noTokens } from '../../../internal/accounts/token-set.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import type { Login } from '../../../internal/providers/login.ts';
import { createTokenGrants } from '../../../internal/upstreamauth/grants.ts';
import { parsePasted } from '../../../internal/upstreamauth/parse-return.ts';
import { createRevoke } from '../../../internal/upstreamauth/revoke.ts';
import { authFile } from '../../support/auth-files.ts';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { configOf } from '../../support/config.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { createKeptLog, createLoginWorld, createTestDispatchers, type LoginWorld } from '../../support/login-world.ts';

let identityProvider: IdentityProvider;
let corp: LoginWorld;
const scopes = ['openid', 'offline_access', 'email', 'models'];

const corpEntry = (more: object = {}): object => ({ issuer: identityProvider.issuer, 'client-id': 'native', scopes, 'base-url': 'http://127.0.0.1:1/v1', ...more });

beforeAll(async () => {
  identityProvider = await startIdentityProvider();
  corp = createLoginWorld({ oauth: { corp: corpEntry() } });
});

afterAll(async () => {
  await corp.close();
  await identityProvider.stop();
});

function grantsOf(oauth: object): { readonly login: (name: string) => Login; readonly grants: ReturnType<typeof createTokenGrants>; readonly revoke: ReturnType<typeof createRevoke>; readonly close: () => Promise<void> } {
  const profiles = resolveLoginProfiles(configOf({ oauth }));
  const dispatchers = createTestDispatchers();
  const deps = { clock: systemClock, log: createKeptLog().log, dispatchers, userAgent: 'keyward/test', profiles: () => profiles };
  return {
    login: (name) => {
      const profile = profiles.find(name);
      if (profile === undefined) throw new Error(`no profile ${name}`);
      return { key: 'k', source: 'refresh-token', profile, fileNames: ['a.json'], label: name, accountId: 'login:1', disabled: false };
    },
    grants: createTokenGrants(deps),
    revoke: createRevoke(deps),
    close: () => dispatchers.close(),
  };
}

async function logIn(world: LoginWorld, account: string): Promise<void> {
  const started = await world.logins.start('corp', {});
  const end = await createBrowserWalk().open(`${started.url}&login_hint=${account}`, 'http://localhost');
  const returned = parsePasted(end.url);
  if (!returned.ok) throw returned.error;
  await world.logins.finish('corp', returned.value);
}

describe('logins at a certified authorization server', () => {
  it('a login by code and PKCE ends with tokens stored under the account’s own name', async () => {
    const started = await corp.logins.start('corp', {});
    const url = new URL(started.url);
    expect(started.state).toMatch(/^[\da-f]{32}$/);
    expect(url.searchParams.get('state')).toBe(started.state);
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(started.redirect).toMatchObject({ uri: 'http://localhost:8317/oauth/callback/corp', isListening: true });

    const end = await createBrowserWalk().open(`${started.url}&login_hint=bea`, 'http://localhost:8317');
    const answer = await corp.logins.pages.callback('corp', new URL(end.url).search.slice(1));
    expect(answer.status).toBe(303);
    expect(corp.logins.statusOf(started.state)).toMatchObject({ kind: 'done', label: 'corp (bea@example.com)', isDisabled: false });
    const stored = corp.stored.at(-1);
    expect(stored).toMatchObject({ type: 'corp', isDisabled: false, facts: { email: 'bea@example.com', sub: 'bea', client_id: 'native' } });
    expect(stored?.suggestedName).toMatch(/^corp-[\da-f]{8}-bea@example\.com\.json$/);
    expect(stored?.tokens.refreshToken).toBeDefined();
    expect(stored?.tokens.expiresAtMs).toBeGreaterThan(Date.now() + 500_000);
  });

  it('a pasted address finishes the login, whatever name this machine goes by in it', async () => {
    const started = await corp.logins.start('corp', {});
    const end = await createBrowserWalk().open(`${started.url}&login_hint=cem`, 'http://localhost:8317');
    const returned = parsePasted(end.url.replace('localhost', '[::1]'));
    if (!returned.ok) throw returned.error;
    await expect(corp.logins.finish('corp', returned.value)).resolves.toMatchObject({ kind: 'done', label: 'corp (cem@example.com)' });
  });

  it('a login that the person refuses says so, and the state is used', async () => {
    const started = await corp.logins.start('corp', {});
    const end = await createBrowserWalk().open(`${started.url}&login_hint=refuse`, 'http://localhost:8317');
    const answer = await corp.logins.pages.callback('corp', new URL(end.url).search.slice(1));
    expect(answer.status).toBe(303);
    const page = corp.logins.pages.result(answer.headers['location']?.replace('/login/', '') ?? '');
    expect(page.status).toBe(400);
    expect(page.body).toContain('ann said no');
    expect(corp.logins.statusOf(started.state)).toMatchObject({ kind: 'failed', code: 'login_denied' });
  });

  it('a device login ends by itself once the person has agreed', async () => {
    const started = await corp.logins.start('corp', { grant: 'device' });
    expect(started).toMatchObject({ grant: 'device', redirect: undefined });
    expect(started.userCode).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    const walk = createBrowserWalk();
    const form = await walk.open(started.url);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
    const confirmed = await walk.send(`${identityProvider.issuer}/device`, { xsrf, user_code: started.userCode ?? '', confirm: 'yes' });
    expect(confirmed.body).toBe('granted');
    await expect(corp.logins.wait(started.state, AbortSignal.timeout(15_000))).resolves.toMatchObject({ kind: 'done', label: 'corp (ann@example.com)' });
  });

  it('a refresh gets a new token, keeps the account, and a spent one is refused as a whole', async () => {
    await logIn(corp, 'dov');
    const first = corp.stored.at(-1)?.tokens ?? noTokens;
    const { grants, login, close } = grantsOf({ corp: corpEntry() });
    const file = authFile('corp', { facts: { client_id: 'native' } });
    const refreshed = await grants.refresh(login('corp'), first, file, new AbortController().signal);
    expect(refreshed).toMatchObject({ kind: 'issued', facts: { email: 'dov@example.com', sub: 'dov' } });
    if (refreshed.kind !== 'issued') throw new Error('not issued');
    expect(refreshed.tokens.refreshToken?.reveal()).not.toBe(first.refreshToken?.reveal());

    const reused = await grants.refresh(login('corp'), first, file, new AbortController().signal);
    expect(reused).toMatchObject({ kind: 'refused', error: 'invalid_grant' });
    // Reuse ends the whole family there (RFC 9700 §4.14.2): that the keeper never does this is shown by the burn test.
    await expect(grants.refresh(login('corp'), refreshed.tokens, file, new AbortController().signal)).resolves.toMatchObject({ kind: 'refused', error: 'invalid_grant' });
    await close();
  });

  it('the client of a token is the one that the token names, when neither file nor config does', async () => {
    await logIn(corp, 'eli');
    const { grants, login, close } = grantsOf({ corp: corpEntry({ 'client-id': '' }) });
    const tokens = corp.stored.at(-1)?.tokens ?? noTokens;
    await expect(grants.refresh(login('corp'), tokens, authFile('corp'), new AbortController().signal)).resolves.toMatchObject({ kind: 'issued' });
    await expect(grants.refresh(login('corp'), { ...tokens, idToken: undefined }, authFile('corp'), new AbortController().signal)).resolves.toMatchObject({ kind: 'refused', error: 'oauth_client_not_configured' });
    await close();
  });

  it('client credentials give short tokens without a file', async () => {
    const { grants, login, close } = grantsOf({ machine: corpEntry({ 'client-id': 'machine', 'client-secret': 'machine-secret-0123456789abcdef', grant: 'client-credentials', scopes: ['models'] }) });
    const issued = await grants.clientCredentials(login('machine'), new AbortController().signal);
    expect(issued).toMatchObject({ kind: 'issued', tokens: { refreshToken: undefined } });
    await close();

    const wrong = grantsOf({ machine: corpEntry({ 'client-id': 'machine', 'client-secret': 'wrong-secret-0123456789abcdef', grant: 'client-credentials', scopes: ['models'] }) });
    await expect(wrong.grants.clientCredentials(wrong.login('machine'), new AbortController().signal)).resolves.toMatchObject({ kind: 'refused', error: 'invalid_client' });
    await wrong.close();
  });

  it('a revoked login cannot be refreshed any more', async () => {
    await logIn(corp, 'fay');
    const tokens = corp.stored.at(-1)?.tokens ?? noTokens;
    const { grants, revoke, login, close } = grantsOf({ corp: corpEntry() });
    await expect(revoke('corp', tokens.refreshToken, tokens.accessToken)).resolves.toMatchObject({ offered: true, ok: true });
    await expect(grants.refresh(login('corp'), tokens, authFile('corp'), new AbortController().signal)).resolves.toMatchObject({ kind: 'refused', error: 'invalid_grant' });
    await close();
  });

  it('an answer that names another issuer is refused', async () => {
    const started = await corp.logins.start('corp', {});
    const end = await createBrowserWalk().open(started.url, 'http://localhost:8317');
    const returned = parsePasted(end.url);
    if (!returned.ok) throw returned.error;
    expect(returned.value.iss).toBe(identityProvider.issuer);
    await expect(corp.logins.finish('corp', { ...returned.value, iss: 'https://evil.example' })).rejects.toMatchObject({ code: 'login_issuer_mismatch' });
    await expect(corp.logins.finish('corp', returned.value)).rejects.toMatchObject({ code: 'login_state_used' });
  });

  it('an issuer that always names itself must do so', async () => {
    const started = await corp.logins.start('corp', {});
    await expect(corp.logins.finish('corp', { code: 'c', state: started.state, error: '', errorDescription: '', iss: '' })).rejects.toMatchObject({ code: 'login_issuer_mismatch' });
  });
});
