import { generateKeyPair, SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { verifyClientKey, type Verdict } from '../../../../internal/clients/verify.ts';
import { holdsScope } from '../../../../internal/clients/rights.ts';
import { audience, createWorkloadWorld, githubClaims, kubernetesClaims, ownIssuer, type Platform, type WorkloadWorld } from '../../../support/workload-world.ts';

const github = 'https://token.actions.githubusercontent.com';
const cluster = 'https://kubernetes.default.svc.cluster.local';
const forGithub = { issuer: github, audience, subjects: ['repo:octo/app:ref:refs/heads/*'], scopes: ['models:use'], models: ['gpt-*'] };
const forCluster = { issuer: cluster, audience, subjects: ['system:serviceaccount:ci:*'], algorithms: ['RS256'] };

let world: WorkloadWorld;
let actions: Platform;
let kubernetes: Platform;
beforeEach(async () => {
  world = createWorkloadWorld();
  actions = await world.found(github);
  kubernetes = await world.found(cluster, 'RS256');
  await world.configure({ 'trusted-issuers': [forGithub, forCluster] });
});

const verify = (token: string): Verdict => verifyClientKey([world.source], token, '10.0.0.1');
const said = (verdict: Verdict | undefined): string => (verdict === undefined ? 'not its own' : verdict.kind === 'valid' ? verdict.principal.label : verdict.kind === 'invalid' ? verdict.code : 'unknown');

describe('a workload at the door', () => {
  it('comes in from GitHub Actions as one holder with the rights of its entry', async () => {
    const verdict = verify(await actions.sign(githubClaims));
    expect(verdict).toMatchObject({ kind: 'valid', principal: { kind: 'workload', label: githubClaims.sub } });
    const principal = verdict.kind === 'valid' ? verdict.principal : undefined;
    expect(principal?.holders).toEqual([{ id: principal?.id, grant: { scopes: ['models:use'], models: ['gpt-*'] } }]);
    expect([holdsScope({ holders: principal?.holders }, 'models:use'), holdsScope({ holders: principal?.holders }, 'models:read')]).toEqual([true, false]);
  });

  it('comes in from Kubernetes, whose tokens say no type', async () => {
    const token = await kubernetes.sign(kubernetesClaims, { typ: undefined });
    expect(said(verify(token))).toBe(kubernetesClaims.sub);
  });

  it('is the same caller with its next token, and another one with another subject', async () => {
    const ids = await Promise.all([{}, { jti: 'b' }, { sub: 'repo:octo/app:ref:refs/heads/x' }].map(async (more) => {
      const verdict = verify(await actions.sign({ ...githubClaims, ...more }));
      return verdict.kind === 'valid' ? verdict.principal.id : '';
    }));
    expect(ids[0]).toMatch(/^workload_[\da-f]{20}$/);
    expect([ids[1] === ids[0], ids[2] === ids[0]]).toEqual([true, false]);
  });

  it('may bring its token more than once: jti is once in exchange only', async () => {
    const token = await actions.sign(githubClaims);
    expect([said(verify(token)), said(verify(token))]).toEqual([githubClaims.sub, githubClaims.sub]);
  });

  it('is not looked at unless its token names a trusted issuer', async () => {
    const stranger = await world.found('https://other.example.com');
    for (const text of ['sk-key', 'kw_live_x', 'a.b.c', 'eyJ.e30.x', await stranger.sign(githubClaims), await actions.sign({ iss: ownIssuer })]) expect(said(verify(text))).toBe('invalid_api_key');
    expect(world.refused).toEqual([]);
  });

  it('goes out at the very moment its token ends, remembered or not', async () => {
    const token = await actions.sign(githubClaims);
    expect(said(verify(token))).toBe(githubClaims.sub);
    world.clock.advance(299_999);
    expect(said(verify(token))).toBe(githubClaims.sub);
    world.clock.advance(1);
    expect(said(verify(token))).toBe('key_expired');
    await world.configure({ 'trusted-issuers': [forGithub] });
    expect(said(verify(token))).toBe('key_expired');
    expect(said(verify(await actions.sign({ ...githubClaims, iat: Math.floor(world.clock.nowMs() / 1_000) - 3_600 })))).toBe('key_expired');
  });
});

describe('an attack on a workload’s token', () => {
  const unsigned = (header: object, claims: object): string => [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

  it('by a key of another issuer is refused', async () => {
    await kubernetes.addKey('first-ec', 'ES256');
    await world.configure({ 'trusted-issuers': [forGithub, { ...forCluster, algorithms: ['RS256', 'ES256'] }] });
    world.clock.advance(900_000);
    await world.issuers.settled(cluster);
    const token = await kubernetes.sign({ ...githubClaims, iss: github }, { kid: 'first' });
    expect(said(verify(token))).toBe('invalid_api_key');
    expect(said(verify(await kubernetes.sign({ ...githubClaims, iss: github })))).toBe('invalid_api_key');
    expect(world.refused).toEqual(['wrong_signature', 'unknown_key']);
  });

  it('by an algorithm that is not pinned is refused, though the issuer has a key for it', async () => {
    await actions.addKey('rsa', 'PS256');
    world.clock.advance(900_000);
    await world.issuers.settled(github);
    expect(said(verify(await actions.sign(githubClaims)))).toBe('invalid_api_key');
    expect(world.refused).toEqual(['algorithm_not_allowed']);
  });

  it('without a signature is refused', async () => {
    const claims = { iss: github, aud: audience, iat: 0, exp: 1e10, ...githubClaims };
    for (const alg of ['none', 'HS256']) expect(said(verify(`${unsigned({ alg, kid: 'first' }, claims)}.AAAA`))).toBe('invalid_api_key');
    expect(said(verify(`${unsigned({ alg: 'none' }, claims)}.`))).toBe('invalid_api_key');
  });

  it('with a key of its own in the header is refused, and none of its addresses is asked', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const now = Math.floor(world.clock.nowMs() / 1_000);
    const token = await new SignJWT({ ...githubClaims, iss: github, aud: audience, iat: now, exp: now + 300 })
      .setProtectedHeader({ alg: 'ES256', kid: 'first', jku: 'https://evil.test/jwks', x5u: 'https://evil.test/cert' })
      .sign(privateKey);
    expect(said(verify(token))).toBe('invalid_api_key');
    expect(addressesOf('evil.test')).toEqual([]);
  });

  it('with another type is refused', async () => {
    for (const typ of ['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'JOSE']) expect(said(verify(await actions.sign(githubClaims, { typ })))).toBe('invalid_api_key');
  });

  it('with good claims of another audience, subject or issuer is refused and told apart for the audit', async () => {
    for (const claims of [{ aud: `${audience}.evil.test` }, { sub: 'repo:octo/app:ref:refs/heads/a/b' }, { iat: Math.floor(world.clock.nowMs() / 1_000) + 3_600 }, { cnf: { jkt: 'x' } }]) {
      expect(said(verify(await actions.sign({ ...githubClaims, ...claims })))).toBe('invalid_api_key');
    }
    expect(world.refused).toEqual(['wrong_audience', 'subject_not_allowed', 'made_in_future', 'bound_token']);
  });

  const addressesOf = (host: string): readonly string[] => world.addresses.asked.filter((url) => url.includes(host));
});

describe('keys that cannot be had', () => {
  it('are no word against a token: not while they are fetched for the first time, nor when that failed', async () => {
    const fresh = createWorkloadWorld();
    const platform = await fresh.found(github);
    const token = await platform.sign(githubClaims);
    fresh.addresses.failing.add(`${github}/.well-known/openid-configuration`);
    const ready = fresh.configure({ 'trusted-issuers': [forGithub] });
    expect(verifyClientKey([fresh.source], token).kind).toBe('unknown');
    await ready;
    expect(verifyClientKey([fresh.source], token)).toMatchObject({ kind: 'unknown', cause: { message: 'the keys of the issuer cannot be had at the moment' } });
    fresh.addresses.failing.clear();
    fresh.clock.advance(60_000);
    await fresh.issuers.settled(github);
    expect(verifyClientKey([fresh.source], await platform.sign(githubClaims)).kind).toBe('valid');
    expect(fresh.problems).toEqual([`${github}: the metadata of the issuer cannot be read (ECONNRESET)`, `${github}: well`]);
  });

  it('that are new are waited for, not refused', async () => {
    await actions.addKey('second');
    world.clock.advance(60_000);
    const token = await actions.sign(githubClaims);
    expect(said(verify(token))).toBe('unknown');
    await world.issuers.settled(github);
    expect(said(verify(token))).toBe(githubClaims.sub);
  });

  it('do not stop those who were verified before', async () => {
    const token = await actions.sign({ ...githubClaims, exp: Math.floor(world.clock.nowMs() / 1_000) + 1_800 });
    expect(said(verify(token))).toBe(githubClaims.sub);
    for (const url of world.addresses.answers.keys()) world.addresses.failing.add(url);
    world.clock.advance(1_200_000);
    await world.issuers.settled(github);
    expect(said(verify(token))).toBe(githubClaims.sub);
  });

  it('that the issuer withdrew end what was remembered by them', async () => {
    const token = await actions.sign({ ...githubClaims, exp: Math.floor(world.clock.nowMs() / 1_000) + 1_800 });
    expect(said(verify(token))).toBe(githubClaims.sub);
    await actions.addKey('second');
    actions.keys.shift();
    world.clock.advance(900_000);
    await world.issuers.settled(github);
    expect(said(verify(token))).toBe('invalid_api_key');
  });
});

describe('a reload', () => {
  it('counts at the next request and for those who are in', async () => {
    const token = await actions.sign(githubClaims);
    const before = verify(token);
    const principal = before.kind === 'valid' ? before.principal : undefined;
    if (principal === undefined) throw new Error('not let in');
    expect(await world.configure({ 'trusted-issuers': [forGithub, forCluster] })).toBe(false);
    expect(said(world.source.recheck(principal))).toBe(githubClaims.sub);

    expect(await world.configure({ 'trusted-issuers': [{ ...forGithub, models: ['small'] }] })).toBe(true);
    expect(verify(token)).toMatchObject({ principal: { id: principal.id, holders: [{ grant: { models: ['small'] } }] } });
    expect(world.source.recheck(principal)).toMatchObject({ kind: 'valid', principal: { holders: [{ grant: { models: ['small'] } }] } });

    await world.configure({ 'trusted-issuers': [{ ...forGithub, subjects: ['repo:octo/app:ref:refs/heads/release'] }] });
    expect([said(world.source.recheck(principal)), said(verify(token))]).toEqual(['key_revoked', 'invalid_api_key']);

    await world.configure({ 'trusted-issuers': [] });
    expect([said(world.source.recheck(principal)), said(verify(token))]).toEqual(['key_revoked', 'invalid_api_key']);
  });

  it('says nothing of callers of other kinds, and of an ended token only that it ended', async () => {
    const verdict = verify(await actions.sign(githubClaims));
    world.clock.advance(300_000);
    expect(said(world.source.recheck({ id: 'x', kind: 'static-key', label: 'x' }))).toBe('not its own');
    expect(said(verdict.kind === 'valid' ? world.source.recheck(verdict.principal) : undefined)).toBe('key_expired');
  });

  it('fetches keys from their new place, and stops asking issuers that are gone', async () => {
    const asked = world.addresses.asked.length;
    world.addresses.answers.set('https://mirror.example.com/jwks', () => JSON.stringify({ keys: actions.keys }));
    await world.configure({ 'trusted-issuers': [{ ...forGithub, 'jwks-url': 'https://mirror.example.com/jwks' }] });
    world.clock.advance(900_000);
    await world.issuers.settled(github);
    expect(world.addresses.asked.slice(asked)).toEqual(['https://mirror.example.com/jwks', 'https://mirror.example.com/jwks']);
    world.issuers.close();
    world.clock.advance(900_000);
    expect(world.addresses.asked).toHaveLength(asked + 2);
  });
});
