import { beforeEach, describe, expect, it } from 'vitest';
import { exchangeSubject, type ExchangeError, type ExchangeGrant, type ExchangeRequest } from '../../../../internal/authserver/workloads/exchange-subject.ts';
import { createReplayMemory, type ReplayMemory } from '../../../../internal/authserver/workloads/replay-memory.ts';
import type { Result } from '../../../../internal/fault/result.ts';
import { createManualClock } from '../../../support/manual-clock.ts';
import { audience, createWorkloadWorld, githubClaims, ownIssuer, type Platform, type WorkloadWorld } from '../../../support/workload-world.ts';

const github = 'https://token.actions.githubusercontent.com';
const type = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;

let world: WorkloadWorld;
let actions: Platform;
let replays: ReplayMemory;
beforeEach(async () => {
  world = createWorkloadWorld();
  actions = await world.found(github);
  replays = createReplayMemory({ clock: world.clock });
  await world.configure({ 'trusted-issuers': [{ issuer: github, audience, subjects: ['repo:octo/app:ref:refs/heads/*'], scopes: ['models:use', 'models:read', 'usage:read'], 'max-age': '10m' }] });
});

function exchange(subjectToken: string | undefined, more: Partial<ExchangeRequest> = {}): Result<ExchangeGrant, ExchangeError> {
  return exchangeSubject({ subjectToken, subjectTokenType: type('jwt'), actorToken: undefined, requestedTokenType: undefined, scope: undefined, ...more }, { issuers: world.issuers, replays });
}
const said = (outcome: Result<ExchangeGrant, ExchangeError>): string => (outcome.ok ? outcome.value.scopes.join(' ') : outcome.error.error);
const described = (outcome: Result<ExchangeGrant, ExchangeError>): string => (outcome.ok ? 'granted' : outcome.error.description);
const all = 'models:use models:read usage:read';

describe('the subject of an exchange', () => {
  it('gives the entry’s rights, and no longer life than its own', async () => {
    const outcome = exchange(await actions.sign(githubClaims));
    expect(outcome).toMatchObject({ ok: true, value: { workload: { label: githubClaims.sub }, issuer: github, scopes: ['models:use', 'models:read', 'usage:read'], expiresAtMs: world.clock.nowMs() + 300_000 } });
    const old = exchange(await actions.sign({ ...githubClaims, jti: 'b', iat: Math.floor(world.clock.nowMs() / 1_000) - 590 }));
    expect(old.ok && old.value.expiresAtMs).toBe(world.clock.nowMs() + 10_000);
  });

  it.each([
    ['models:use', 'models:use'],
    ['usage:read models:use', 'models:use usage:read'],
    ['models:use config:write openid', 'models:use'],
    ['', all],
    ['config:write', 'invalid_scope'],
    ['models:*', 'invalid_scope'],
  ])('gives of its rights those asked for: %j', async (scope, granted) => {
    expect(said(exchange(await actions.sign(githubClaims), { scope }))).toBe(granted);
  });

  it('is taken as a jwt, id_token or access_token, by what its own type allows', async () => {
    const outcomes = [];
    for (const name of ['jwt', 'id_token', 'access_token', 'saml2', 'refresh_token']) {
      for (const typ of ['JWT', 'at+jwt', undefined]) outcomes.push(said(exchange(await actions.sign({ ...githubClaims, jti: `${name} ${typ}` }, { typ }), { subjectTokenType: type(name) })));
    }
    const no = 'invalid_request';
    expect(outcomes).toEqual([all, all, all, all, no, all, all, all, all, no, no, no, no, no, no]);
  });

  it.each([
    ['no token', { subjectToken: undefined }, 'subject_token is missing'],
    ['no type', { subjectTokenType: undefined }, 'subject_token_type must be that of a jwt, id_token or access_token (urn:ietf:params:oauth:token-type:...)'],
    ['an actor', { actorToken: 'x' }, 'actor_token is not taken here'],
    ['an empty actor', { actorToken: '' }, 'actor_token is not taken here'],
    ['a refresh token wanted', { requestedTokenType: type('refresh_token') }, 'requested_token_type must be that of an access_token, or be left out'],
    ['a key', { subjectToken: 'sk-0123456789' }, 'subject_token is not taken: the token is not a signed JWT of three parts'],
  ])('is refused: %s', async (_what, more, description) => {
    const outcome = exchange(await actions.sign(githubClaims), more);
    expect([said(outcome), described(outcome)]).toEqual(['invalid_request', description]);
  });

  it.each([
    [{ iss: ownIssuer }, 'subject_token is not taken: the token is one that this daemon issued; it is used as it is, and never in exchange'],
    [{ iss: 'https://other.example.com' }, 'subject_token is not taken: the issuer of the token (iss) is none of identity.trusted-issuers'],
    [{ aud: 'other' }, 'subject_token is not taken: the audience of the token (aud) is not the one that its issuer must name here'],
    [{ sub: 'repo:octo/app:pull_request' }, 'subject_token is not taken: the subject of the token (sub) is none of those that may come in'],
    [{ exp: 1 }, 'subject_token is not taken: the token has expired (exp)'],
  ])('is refused with the reason: %j', async (claims, description) => {
    const outcome = exchange(await actions.sign({ ...githubClaims, ...claims }));
    expect([said(outcome), described(outcome)]).toEqual(['invalid_request', description]);
  });

  it('is refused where a person signed in with it', async () => {
    await world.configure({ oidc: { issuer: github, 'client-id': 'keyward' }, 'trusted-issuers': [{ issuer: github, audience, subjects: ['repo:octo/app:*:*/*/*'] }] });
    expect(described(exchange(await actions.sign({ ...githubClaims, nonce: 'x' })))).toMatch(/ID token of a person/);
  });

  it('may come again when its keys were not at hand', async () => {
    await actions.addKey('second');
    world.clock.advance(60_000);
    const token = await actions.sign(githubClaims);
    expect(said(exchange(token))).toBe('temporarily_unavailable');
    await world.issuers.settled(github);
    expect([said(exchange(token)), said(exchange(token))]).toEqual([all, 'invalid_request']);
  });
});

describe('a token in exchange', () => {
  it('is taken once by its jti, whatever else it says', async () => {
    expect(said(exchange(await actions.sign(githubClaims)))).toBe(all);
    const again = exchange(await actions.sign({ ...githubClaims, exp: Math.floor(world.clock.nowMs() / 1_000) + 200 }));
    expect([said(again), described(again)]).toEqual(['invalid_request', 'subject_token was exchanged before; each is taken once']);
    expect(said(exchange(await actions.sign({ ...githubClaims, jti: 'another' })))).toBe(all);
  });

  it('is taken once without jti too, under every signature that is right', async () => {
    const token = await actions.sign({ ...githubClaims, jti: undefined });
    expect(said(exchange(token))).toBe(all);
    expect(said(exchange(twinOf(token)))).toBe('invalid_request');
    expect(described(exchange(twinOf(token)))).toBe('subject_token was exchanged before; each is taken once');
  });

  it('is not used up by a request that was refused', async () => {
    const token = await actions.sign(githubClaims);
    exchange(token, { scope: 'config:write' });
    exchange(token, { actorToken: 'x' });
    expect(said(exchange(token))).toBe(all);
  });

  it('is used up for as long as it lives, of another issuer it is another', async () => {
    const token = await actions.sign(githubClaims);
    exchange(token);
    world.clock.advance(299_000);
    expect(described(exchange(token))).toMatch(/exchanged before/);
    world.clock.advance(1_000);
    expect(described(exchange(token))).toMatch(/expired/);
  });

  it.each([
    ['is full', { useOnce: () => 'full' as const }],
    ['breaks', { useOnce: () => { throw new Error('disk'); } }],
  ])('is not taken while the memory %s', async (_what, memory) => {
    replays = memory;
    expect(said(exchange(await actions.sign(githubClaims)))).toBe('temporarily_unavailable');
  });
});

describe('the memory of used tokens', () => {
  it('keeps each to its end, refuses more than it holds, and takes new ones when old ones ended', () => {
    const clock = createManualClock();
    const memory = createReplayMemory({ clock, maxIds: 3 });
    const endMs = clock.nowMs() + 1_000;
    expect(['a', 'b', 'a', 'c', 'd', 'a'].map((id) => memory.useOnce(id, endMs))).toEqual(['first', 'first', 'again', 'first', 'full', 'again']);
    clock.advance(1_000);
    expect(['d', 'a', 'd'].map((id) => memory.useOnce(id, endMs + 1_000))).toEqual(['first', 'first', 'again']);
  });
});

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The same text under the other ECDSA signature of P-256 that is right: (r, n − s). */
function twinOf(token: string): string {
  const [header, claims, signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = order - BigInt(`0x${bytes.toString('hex', 32)}`);
  return `${header}.${claims}.${Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]).toString('base64url')}`;
}
