import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PageAnswer } from '../../../../internal/upstreamauth/ports.ts';
import { createBrowserWalk } from '../../../support/browser-walk.ts';
import { startIdentityProvider, type IdentityProvider } from '../../../support/identity-provider.ts';
import { createPageClient, createPeopleWorld, fieldsOf, type PageClient, type PeopleWorld } from '../../../support/people-world.ts';

/*
 * Against oidc-provider in its own process, as the provider of the operator.
 */

const publicUrl = 'http://localhost:8317';
const signInRedirect = `${publicUrl}/oauth/signin/callback`;
const oidcOf = (provider: IdentityProvider): Readonly<Record<string, unknown>> => ({ issuer: provider.issuer, 'client-id': 'keyward', 'client-secret': 'keyward-secret-0123456789-abcdef', scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] });

/** From the code page through the provider and back; the answer of the callback. */
async function signIn(client: PageClient, code = 'BCDF-GHJK'): Promise<PageAnswer> {
  const walk = createBrowserWalk();
  let answer = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: code });
  let url = /content="0;url=([^"]+)"/.exec(answer.body)?.[1]?.replaceAll('&amp;', '&');
  for (let trip = 0; trip < 2 && url !== undefined; trip++) {
    const end = await walk.open(url, signInRedirect);
    answer = await client.get(end.url.slice(publicUrl.length));
    url = answer.status === 303 && answer.headers['location']?.startsWith('http') === true ? answer.headers['location'] : undefined;
  }
  return answer;
}

describe('signing in at the operator’s provider', () => {
  let provider: IdentityProvider;
  let world: PeopleWorld;

  const start = (oidc: Readonly<Record<string, unknown>> = {}): PageClient => {
    world = createPeopleWorld({ publicUrl, oidc: { ...oidcOf(provider), ...oidc } });
    world.devices.ask('BCDFGHJK');
    return createPageClient(world);
  };

  beforeAll(async () => {
    provider = await startIdentityProvider({ signInRedirect });
    await provider.setAccount('ann', { name: 'Ann Example', groups: ['ml', 'staff'] });
    await provider.setAccount('eve', { email: 'eve@evilexample.com' });
    await provider.setAccount('uma', { isEmailVerified: false });
  });
  afterEach(() => world.close());
  afterAll(() => provider.stop());

  it('gives a person by issuer and subject, with a token to ask again by, and leads back to the code', async () => {
    const client = start({ 'group-scopes': { ml: ['models:use', 'keys:write'], staff: ['models:read'] } });
    await provider.signInAs('ann');
    const answer = await signIn(client);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/device']);
    const [person] = world.persons.all();
    expect(person).toMatchObject({ issuer: provider.issuer, subject: 'ann', label: 'Ann Example', email: 'ann@example.com', groups: ['ml', 'staff'], scopes: ['models:use', 'models:read', 'keys:write'] });
    expect(person?.providerRefreshToken).toBeDefined();
    expect((await client.get('/device')).body).toContain('BCDF-GHJK');
    expect(world.events.map(({ action, actor }) => [action, actor])).toEqual([['person.entered', person?.id]]);
  });

  it('an address of another domain, not verified, or a group that is not there: refused with a reason, and nobody is stored', async () => {
    for (const [who, oidc, reason] of [
      ['eve', { 'allowed-domains': ['example.com'] }, 'email_not_allowed'],
      ['uma', { 'allowed-domains': ['example.com'] }, 'email_not_verified'],
      ['eve', { 'group-scopes': { ml: ['models:use'] } }, 'no_group'],
    ] as const) {
      const client = start(oidc);
      await provider.signInAs(who);
      const answer = await signIn(client);
      expect(answer.status).toBe(403);
      expect(answer.body).toContain(`<code>${reason}</code>`);
      expect(world.persons.all()).toEqual([]);
      expect(world.events.at(-1)).toMatchObject({ action: 'person.refused', code: reason });
      expect((await client.get('/device')).body).toContain('Connect a device');
      await world.close();
    }
  });

  it('a person who is switched off there ends at the next question, one who is still there gets the rights of now', async () => {
    const client = start({ 'group-scopes': { ml: ['models:use'], boss: ['keys:write'] } });
    await provider.setAccount('dan', { groups: ['ml', 'boss'] });
    await provider.signInAs('dan');
    await signIn(client);
    const dan = world.persons.all()[0];
    if (dan === undefined) throw new Error('nobody');
    expect(dan.scopes).toEqual(['models:use', 'keys:write']);
    const first = await world.people.askAgain(dan);
    expect(first).toMatchObject({ kind: 'still', person: { scopes: ['models:use', 'keys:write'] } });
    // The token was rotated, and the new one kept; the caller’s copy is old now.
    expect(world.persons.all()[0]?.providerRefreshToken?.reveal()).not.toBe(dan.providerRefreshToken?.reveal());
    await provider.setAccount('dan', { groups: ['ml'] });
    expect(await world.people.askAgain(dan)).toMatchObject({ kind: 'still', person: { scopes: ['models:use'], groups: ['ml'] } });
    await provider.setAccount('dan', { groups: [] });
    expect(await world.people.askAgain(dan)).toEqual({ kind: 'ended', why: 'no_group' });
    await provider.setAccount('dan', { groups: ['ml'], isDisabled: true });
    expect(await world.people.askAgain(dan)).toMatchObject({ kind: 'ended', why: expect.stringContaining('invalid_grant') });
    expect(world.events.at(-1)).toMatchObject({ action: 'person.ended', actor: dan.id, from: 'daemon' });
  });

  it('several questions at one time are one: the provider would take a second use of its token for theft', async () => {
    const client = start();
    await provider.signInAs('ann');
    await signIn(client);
    const ann = world.persons.all()[0];
    if (ann === undefined) throw new Error('nobody');
    const before = provider.events().filter(({ grant }) => grant === 'refresh_token').length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.people.askAgain(ann)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['still']));
    expect(provider.events().filter(({ grant }) => grant === 'refresh_token').length).toBe(before + 1);
    expect(await world.people.askAgain(ann)).toMatchObject({ kind: 'still' });
    expect(provider.events().some(({ event }) => event === 'family ended')).toBe(false);
  });

  it('without a refresh token somebody cannot be asked about again, so that ends', async () => {
    const client = start({ scopes: ['openid', 'profile', 'email'] });
    await provider.signInAs('ann');
    expect((await signIn(client)).status).toBe(303);
    const ann = world.persons.all()[0];
    if (ann === undefined) throw new Error('nobody');
    expect(ann.providerRefreshToken).toBeUndefined();
    expect(await world.people.askAgain(ann)).toEqual({ kind: 'ended', why: 'cannot be asked again' });
  });

  it('the answer counts once, in the browser that began, with the state that was given', async () => {
    const client = start();
    await provider.signInAs('ann');
    const begun = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: 'BCDFGHJK' });
    const url = new URL(/content="0;url=([^"]+)"/.exec(begun.body)?.[1]?.replaceAll('&amp;', '&') ?? '');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ client_id: 'keyward', redirect_uri: signInRedirect, response_type: 'code', code_challenge_method: 'S256', nonce: expect.stringMatching(/^[\w-]{43}$/), state: expect.stringMatching(/^[\w-]{60,}$/) });
    // The person's code goes to nobody else.
    expect(url.href).not.toContain('BCDFGHJK');
    const back = new URL((await createBrowserWalk().open(url.href, signInRedirect)).url);
    const path = `${back.pathname}${back.search}`;

    const stranger = createPageClient(world);
    expect((await stranger.get(path)).status).toBe(400);
    await stranger.get('/device');
    expect((await stranger.get(path)).body).toContain('No sign-in is under way in this browser');
    for (const [name, value] of [['state', 'x'], ['code', 'x'], ['iss', 'https://evil.test']] as const) {
      const forged = new URL(back);
      forged.searchParams.set(name, value);
      const answer = await client.get(`${forged.pathname}${forged.search}`);
      expect([answer.status, world.persons.all().length], name).toEqual([400, 0]);
    }
    expect((await client.get(`${path}&code=again`)).status).toBe(400);
    expect(world.persons.all()).toEqual([]);
  });

  it('a replayed answer is refused, also at the same time', async () => {
    const client = start({ scopes: ['openid', 'email', 'profile'] });
    await provider.signInAs('ann');
    const begun = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: 'BCDFGHJK' });
    const back = (await createBrowserWalk().open(/content="0;url=([^"]+)"/.exec(begun.body)?.[1]?.replaceAll('&amp;', '&') ?? '', signInRedirect)).url.slice(publicUrl.length);
    const cookie = client.cookie();
    const twin = createPageClient(world);
    twin.setCookie(cookie);
    const statuses = (await Promise.all([client.get(back), twin.get(back)])).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 400]);
    expect((await client.get(back)).status).toBe(400);
  });

  it('too late is too late, and a refusal there is told', async () => {
    const client = start();
    expect((await client.get('/oauth/signin/callback?error=access_denied&state=x')).status).toBe(400);
    const begun = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: 'BCDFGHJK' });
    const state = /[?;]state=([\w-]+)/.exec(begun.body)?.[1] ?? '';
    const denied = await client.get(`/oauth/signin/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(provider.issuer)}`);
    expect([denied.status, world.events.at(-1)?.code]).toEqual([403, 'sign_in_denied']);
    expect(denied.body).toContain('You did not sign in');
  });
});

describe('a provider that tells claims only at its user-info endpoint', () => {
  it('is asked there, at signing in and at each question', async () => {
    const provider = await startIdentityProvider({ signInRedirect, claimsAtUserinfo: true });
    const world = createPeopleWorld({ publicUrl, oidc: { ...oidcOf(provider), 'allowed-domains': ['example.com'], 'group-scopes': { ml: ['models:use'] } } });
    try {
      await provider.setAccount('ann', { groups: ['ml'] });
      const answer = await signIn(createPageClient(world));
      expect(answer.status).toBe(303);
      const ann = world.persons.all()[0];
      if (ann === undefined) throw new Error('nobody');
      expect(ann).toMatchObject({ email: 'ann@example.com', groups: ['ml'], scopes: ['models:use'] });
      expect(await world.people.askAgain(ann)).toMatchObject({ kind: 'still' });
      await provider.setAccount('ann', { groups: ['others'] });
      expect(await world.people.askAgain(ann)).toEqual({ kind: 'ended', why: 'no_group' });
    } finally {
      await world.close();
      await provider.stop();
    }
  });
});

describe('a provider that is away', () => {
  it('lets nobody in and nobody refresh, and ends nobody: both work again when it is back', async () => {
    const provider = await startIdentityProvider({ signInRedirect });
    const world = createPeopleWorld({ publicUrl, oidc: oidcOf(provider) });
    try {
      await signIn(createPageClient(world));
      const ann = world.persons.all()[0];
      if (ann === undefined) throw new Error('nobody');
      await provider.stop();
      expect(await world.people.askAgain(ann)).toMatchObject({ kind: 'unavailable', why: expect.stringContaining('ECONNREFUSED') });
      expect(world.events.some(({ action }) => action === 'person.ended')).toBe(false);
      const fresh = createPeopleWorld({ publicUrl, oidc: oidcOf(provider) });
      const client = createPageClient(fresh);
      const answer = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: 'BCDFGHJK' });
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30']);
      await fresh.close();
    } finally {
      await world.close();
    }
  });

  it.each([['http://id.example.com'], ['http://10.0.0.7'], ['ftp://127.0.0.1'], ['http://169.254.169.254']])('an issuer %s is never asked', async (issuer) => {
    const world = createPeopleWorld({ publicUrl, oidc: { issuer, 'client-id': 'keyward' } });
    const client = createPageClient(world);
    expect((await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: 'BCDFGHJK' })).status).toBe(503);
    await world.close();
  });
});
