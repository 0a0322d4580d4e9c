import { createHmac, createPublicKey } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { exchangeSubject, type ExchangeRequest } from '../../../internal/authserver/workloads/exchange-subject.ts';
import { createReplayMemory, type ReplayMemory } from '../../../internal/authserver/workloads/replay-memory.ts';
import { createDoorBench, remotePeer, rulesOf, type Ask } from '../../support/door-fixtures.ts';
import { audience, createWorkloadWorld, githubClaims, kubernetesClaims, ownIssuer, type Platform, type WorkloadWorld } from '../../support/workload-world.ts';

const github = 'https://token.actions.githubusercontent.com';
const cluster = 'https://kubernetes.default.svc.cluster.local';
const id = 'https://id.example.com';
const rules = rulesOf({ 'client-auth': 'required' });

let world: WorkloadWorld;
let actions: Platform;
let kubernetes: Platform;
let signIn: Platform;
let replays: ReplayMemory;
beforeEach(async () => {
  world = createWorkloadWorld();
  [actions, kubernetes, signIn] = [await world.found(github), await world.found(cluster, 'RS256'), await world.found(id)];
  replays = createReplayMemory({ clock: world.clock });
  await world.configure({
    oidc: { issuer: id, 'client-id': 'keyward' },
    'trusted-issuers': [
      { issuer: github, audience, subjects: ['repo:octo/app:ref:refs/heads/*'], claims: { repository_id: 74 }, scopes: ['models:use', 'models:read'] },
      { issuer: cluster, audience, subjects: ['system:serviceaccount:ci:*'] },
      { issuer: id, audience, subjects: ['*-job'] },
    ],
  });
});

const now = (): number => Math.floor(world.clock.nowMs() / 1_000);
const withToken = (token: string): Ask => ({ headers: { authorization: `Bearer ${token}` } });
const atDoor = (token: string): Promise<string> => createDoorBench({ sources: [world.source] }).ask(rules, withToken(token));
function inExchange(subjectToken: string, more: Partial<ExchangeRequest> = {}): string {
  const request = { subjectToken, subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt', actorToken: undefined, requestedTokenType: undefined, scope: undefined, ...more };
  const outcome = exchangeSubject(request, { issuers: world.issuers, replays });
  return outcome.ok ? outcome.value.scopes.join(' ') : outcome.error.error;
}
/** What both doors say. */
const both = async (token: string): Promise<readonly string[]> => [await atDoor(token), inExchange(token)];
const refused = ['401 invalid_api_key', 'invalid_request'];
const isTaken = [expect.stringMatching(/^ok workload_[\da-f]{20}$/), 'models:use models:read'];

describe('rule 33: tokens of trusted issuers', () => {
  it('are taken from GitHub Actions and Kubernetes as their entries say', async () => {
    expect(await both(await actions.sign(githubClaims))).toEqual(isTaken);
    expect(await both(await kubernetes.sign(kubernetesClaims, { typ: undefined }))).toEqual(isTaken);
  });

  it('algorithms are pinned: neither none, nor HMAC by a public key, nor another that the issuer has a key for', async () => {
    const [header, claims] = (await actions.sign(githubClaims, { jti: 'x' })).split('.');
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const publicKey = createPublicKey({ key: { ...actions.keys[0] }, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
    const hmacInput = `${encode({ alg: 'HS256', kid: 'first', typ: 'JWT' })}.${claims}`;
    expect(await both(`${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`)).toEqual(refused);
    expect(await both(`${encode({ alg: 'none', typ: 'JWT' })}.${claims}.AAAA`)).toEqual(refused);
    expect(await both(`${hmacInput}.${createHmac('sha256', publicKey).update(hmacInput).digest('base64url')}`)).toEqual(refused);
    expect(await both(`${header}.${claims}.${Buffer.alloc(64).toString('base64url')}`)).toEqual(refused);
    await actions.addKey('pss', 'PS256');
    world.clock.advance(900_000);
    await world.issuers.settled(github);
    expect(await both(await actions.sign(githubClaims))).toEqual(refused);
  });

  it('keys are the issuer’s own: not another’s, not one that the token brings or points at', async () => {
    const stranger = await world.found('https://stranger.example.com');
    const header = { jku: `${stranger.issuer}/jwks`, x5u: `${stranger.issuer}/cert`, jwk: stranger.keys[0] };
    expect(await both(await stranger.sign({ ...githubClaims, iss: github }, header))).toEqual(refused);
    expect(await both(await signIn.sign({ ...githubClaims, iss: github }))).toEqual(refused);
    expect(await both(await actions.sign(githubClaims, { kid: 'other' }))).toEqual(refused);
    expect(await both(await stranger.sign(githubClaims))).toEqual(refused);
    expect(world.addresses.asked.filter((url) => url.startsWith(stranger.issuer))).toEqual([]);
  });

  it.each([
    ['aud that begins alike', { aud: `${audience}.evil.test` }],
    ['aud of another', { aud: ['https://other.example.com'] }],
    ['a star that would cross `/`', { sub: 'repo:octo/app:ref:refs/heads/a/b' }],
    ['a star that would cross `:`', { sub: 'repo:octo/app:ref:refs/heads/a:b' }],
    ['a look-alike of `/`', { sub: 'repo:octo/app:ref:refs/heads/a\u2215b' }],
    ['a look-alike of a letter', { sub: 'repo:\u043ecto/app:ref:refs/heads/main' }],
    ['a repository that only has the name', { repository_id: '75' }],
    ['iat of the future', { iat: 4_102_444_800 }],
    ['no iat', { iat: undefined }],
    ['no exp', { exp: undefined }],
    ['a binding to a key', { cnf: { jkt: 'x' } }],
  ])('claims are exact: refused with %s', async (_what, claims) => {
    expect(await both(await actions.sign({ ...githubClaims, ...claims }))).toEqual(refused);
  });

  it('types are exact, and nothing critical is passed over', async () => {
    for (const header of [{ typ: 'dpop+jwt' }, { typ: 'logout+jwt' }]) expect(await both(await actions.sign(githubClaims, header))).toEqual(refused);
    const [, claims] = (await actions.sign(githubClaims)).split('.');
    expect(await both(`${Buffer.from('{"alg":"ES256","kid":"first","crit":["x"],"x":1}').toString('base64url')}.${claims}.AAAA`)).toEqual(refused);
  });

  it('count until exp and max-age, the earlier of them', async () => {
    expect(await both(await actions.sign({ ...githubClaims, exp: now() }))).toEqual(['401 key_expired', 'invalid_request']);
    expect(await both(await actions.sign({ ...githubClaims, iat: now() - 3_600, exp: now() + 3_600 }))).toEqual(['401 key_expired', 'invalid_request']);
  });

  it('each jti is exchanged once, of several at one time too; what comes of it is mapping ∩ request, and lives no longer', async () => {
    const token = await actions.sign(githubClaims);
    expect(inExchange(token, { scope: 'config:write' })).toBe('invalid_scope');
    const outcomes = [1, 2, 3, 4].map(() => inExchange(token, { scope: 'models:use config:write' }));
    expect(outcomes).toEqual(['models:use', 'invalid_request', 'invalid_request', 'invalid_request']);
    const grant = exchangeSubject({ subjectToken: await actions.sign({ ...githubClaims, jti: 'b' }), subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt', actorToken: undefined, requestedTokenType: undefined, scope: undefined }, { issuers: world.issuers, replays });
    expect(grant.ok && grant.value.expiresAtMs).toBe((now() + 300) * 1_000);
  });

  it('own tokens, ID tokens of people and actor tokens are no subjects', async () => {
    expect(await both(await actions.sign({ ...githubClaims, iss: ownIssuer }))).toEqual(refused);
    for (const claims of [{ aud: [audience, 'keyward'] }, { azp: 'keyward' }, { nonce: 'n' }]) expect(await both(await signIn.sign({ sub: 'nightly-job', ...claims }))).toEqual(refused);
    expect(await both(await signIn.sign({ sub: 'nightly-job', azp: 'nightly' }))).toEqual(isTaken);
    const token = await actions.sign(githubClaims);
    expect(inExchange(token, { actorToken: token })).toBe('invalid_request');
  });

  it('an issuer that cannot be asked is 503 with Retry-After, and never 401', async () => {
    for (const url of world.addresses.answers.keys()) world.addresses.failing.add(url);
    world.clock.advance(900_000);
    await world.issuers.settled(github);
    await actions.addKey('second');
    const token = await actions.sign(githubClaims);
    expect(await both(token)).toEqual(['503 auth_unavailable', 'temporarily_unavailable']);
    const error = await createDoorBench({ sources: [world.source] }).error(rules, { ...withToken(token), peer: remotePeer });
    expect(error.headers['retry-after']).toBe('5');
  });
});
