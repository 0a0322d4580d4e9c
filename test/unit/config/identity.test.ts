import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { err } from '../../../internal/fault/result.ts';

/** `path: message` of every error. */
function errorsOf(text: string): readonly string[] {
  const decoded = decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
  return decoded.ok ? [] : decoded.error.filter(({ severity }) => severity === 'error').map(({ path, message }) => `${path}: ${message}`);
}

function warningsOf(text: string): readonly string[] {
  const decoded = decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
  return decoded.ok ? decoded.value.warnings.map(({ path, message }) => `${path}: ${message}`) : ['refused'];
}

const github = { issuer: 'https://token.actions.githubusercontent.com', audience: 'https://keyward.example.com', subjects: ['repo:octo/app:ref:refs/heads/main'] };
const withIdentity = (identity: object, top: object = {}): string => JSON.stringify({ ...top, identity });
const trusting = (...entries: readonly object[]): string => withIdentity({ 'trusted-issuers': entries });

describe('identity that is written and off', () => {
  it('is told apart from identity that is on', () => {
    // Their tokens count as they are; only what is issued here waits.
    expect(warningsOf(trusting(github))).toEqual([]);
    expect(warningsOf(withIdentity({ oidc: { issuer: 'https://id.example.com', 'client-id': 'keyward' } }))).toEqual(['identity.oidc: has no effect while `identity.enabled` is false: nobody signs in there']);
    expect(warningsOf(withIdentity({ enabled: true, 'trusted-issuers': [github] }))).toEqual([]);
  });

  it('needs an address that others know', () => {
    expect(errorsOf(withIdentity({ enabled: true }, { port: 0 }))).toEqual([expect.stringContaining('public-url: must say where others reach this daemon')]);
    expect(errorsOf(withIdentity({ enabled: true }, { port: 0, 'public-url': 'http://localhost:9' }))).toEqual([]);
  });
});

describe('a trusted issuer in the config', () => {
  it.each([
    ['GitHub Actions', github],
    ['a branch pattern', { ...github, subjects: ['repo:octo/app:ref:refs/heads/release-*', 'repo:octo/*:environment:production'] }],
    ['owner and repository by their ids', { ...github, subjects: ['repo:octo@65/app@74:ref:refs/heads/main', 'repo:*@65/*@74:ref:refs/heads/main', 'repo:octo@*/app@*:environment:production'] }],
    ['an owner by its id, since names change hands', { ...github, subjects: ['repo:*/*:ref:refs/heads/main'], claims: { repository_owner_id: 65 } }],
    ['Kubernetes with the place of its keys', { issuer: 'https://kubernetes.default.svc.cluster.local', audience: 'keyward', 'jwks-url': 'https://k8s.example.com/openid/v1/jwks', subjects: ['system:serviceaccount:ci:*'] }],
    ['an issuer on this machine', { issuer: 'http://127.0.0.1:9000', audience: 'keyward', subjects: ['job'] }],
    ['scopes and models', { ...github, scopes: ['models:use', 'usage:read'], models: ['gpt-*'], algorithms: ['EdDSA'] }],
  ])('is taken: %s', (_what, entry) => {
    expect(errorsOf(trusting(entry))).toEqual([]);
  });

  it('is taken as docs/machines.md writes it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/machines.md'), 'utf8');
    const recipes = [...page.matchAll(/```yaml\n(identity:\n[^`]*)```/g)].map(([, text = '']) => text);
    expect(recipes.map(errorsOf)).toEqual([[], [], []]);
  });

  const at = 'identity.trusted-issuers.0';
  it.each([
    ['plain http', { ...github, issuer: 'http://id.example.com' }, `${at}.issuer: must be https; plain http will do on this machine only`],
    ['plain http on the local network', { ...github, issuer: 'http://10.0.0.5' }, `${at}.issuer: must be https; plain http will do on this machine only`],
    ['a metadata address', { ...github, issuer: 'https://169.254.169.254' }, `${at}.issuer: leads to an address that Keyward never connects to (link-local, metadata or multicast)`],
    ['no address', { ...github, issuer: 'github' }, `${at}.issuer: must be a URL such as https://id.example.com`],
    ['a query', { ...github, issuer: 'https://id.example.com/?a=b' }, `${at}.issuer: must not hold a query or fragment`],
    ['keys over plain http', { ...github, 'jwks-url': 'http://id.example.com/keys' }, `${at}.jwks-url: must be https; plain http will do on this machine only`],
    ['no audience', { ...github, audience: ' ' }, `${at}.audience: must not be empty`],
    ['the issuer for an audience', { ...github, audience: github.issuer }, `${at}.audience: names the issuer and not this daemon: whoever gets a token for the issuer could use it here`],
    ['no subjects', { ...github, subjects: [] }, `${at}.subjects: must name at least one subject, such as \`repo:octo/app:ref:refs/heads/main\` or \`system:serviceaccount:my-namespace:*\``],
    ['a lone star', { ...github, subjects: ['*'] }, `${at}.subjects.0: would let in whoever the issuer makes tokens for; name who may come in`],
    ['stars and separators', { ...github, subjects: ['*:*/**:*'] }, `${at}.subjects.0: would let in whoever the issuer makes tokens for; name who may come in`],
    ['everybody’s repositories', { ...github, subjects: ['repo:*/app:ref:refs/heads/main'] }, `${at}.subjects.0: would let in everybody’s repositories: write the owner out, or add repository_owner_id to \`claims\``],
    ['everybody whose name begins alike', { ...github, subjects: ['repo:octo*/app:ref:refs/heads/main'] }, `${at}.subjects.0: would let in everybody’s repositories: write the owner out, or add repository_owner_id to \`claims\``],
    ['everybody’s ids', { ...github, subjects: ['repo:*@*/app@74:ref:refs/heads/main'] }, `${at}.subjects.0: would let in everybody’s repositories: write the owner out, or add repository_owner_id to \`claims\``],
    ['everything of a kind', { ...github, subjects: ['repo:*'] }, `${at}.subjects.0: would let in everybody’s repositories: write the owner out, or add repository_owner_id to \`claims\``],
    ['no algorithm', { ...github, algorithms: [] }, `${at}.algorithms: must name at least one`],
    ['no age', { ...github, 'max-age': '0s' }, `${at}.max-age: must be longer than nothing: every token would be too old`],
    ['a mistyped scope', { ...github, scopes: ['model:use'] }, `${at}.scopes.0: is no scope; did you mean \`models:use\`?`],
    ['a scope of nobody else', { ...github, scopes: ['secrets:read'] }, `${at}.scopes.0: is the management secret’s alone`],
    ['an inexact number', { ...github, claims: { repository_id: 2 ** 60 } }, `${at}.claims.repository_id: must be in quotes: as a number it is not exact`],
    ['a condition that anything meets', { ...github, claims: { repository: '*/*' } }, `${at}.claims.repository: is met by any value; name what it must be`],
    ['a condition on what is checked anyway', { ...github, claims: { exp: 1 } }, `${at}.claims.exp: is checked already; leave it out`],
  ])('is refused: %s', (_what, entry, message) => {
    expect(errorsOf(trusting(entry))).toEqual([message]);
  });

  it.each(['HS256', 'none', 'ES256K'])('is refused with the algorithm %s', (algorithm) => {
    expect(errorsOf(trusting({ ...github, algorithms: [algorithm] })).join()).toMatch(/^identity\.trusted-issuers\.0\.algorithms/);
  });

  it('may stand several times with other subjects, claims or audiences', () => {
    expect(errorsOf(trusting(github, { ...github, subjects: ['repo:octo/other:*'] }, { ...github, claims: { ref_protected: true } }, { ...github, audience: 'other' }))).toEqual([]);
  });

  it('is refused where an earlier entry stands for the same already', () => {
    expect(errorsOf(trusting({ ...github, claims: { a: 1, b: 2 } }, { ...github, models: ['x'], subjects: ['repo:octo/b:*', ...github.subjects], claims: { b: 2, a: 1 } }))).toEqual([
      'identity.trusted-issuers.1.subjects.1: stands for this issuer, audience and claims already in `identity.trusted-issuers.0`; keep one',
    ]);
  });

  it('is refused with other keys than an earlier entry of the issuer has', () => {
    expect(errorsOf(trusting(github, { ...github, audience: 'b', 'jwks-url': 'https://k.example.com' }))).toEqual([
      'identity.trusted-issuers.1.jwks-url: differs from that of an earlier entry of this issuer, which has one set of keys',
    ]);
  });

  it('is refused where it is Keyward itself', () => {
    const own = { ...github, issuer: 'https://keyward.example.com/oauth' };
    expect(errorsOf(withIdentity({ 'trusted-issuers': [own] }, { 'public-url': 'https://keyward.example.com/' }))).toEqual([`${at}.issuer: is this daemon itself, whose own tokens need no entry`]);
  });

  it('is refused where people’s ID tokens would count', () => {
    const oidc = { issuer: 'https://id.example.com', 'client-id': 'keyward' };
    const entry = { ...github, issuer: oidc.issuer, audience: 'keyward' };
    expect(errorsOf(withIdentity({ oidc, 'trusted-issuers': [entry] })).join()).toMatch(/audience: is `identity\.oidc\.client-id`/);
    expect(errorsOf(withIdentity({ oidc, 'trusted-issuers': [{ ...entry, audience: 'keyward-machines' }] }))).toEqual([]);
  });
});

describe('where people sign in', () => {
  const oidc = { issuer: 'https://id.example.com', 'client-id': 'keyward' };
  it.each([
    ['a provider', oidc],
    ['scopes by group', { ...oidc, 'group-scopes': { developers: ['models:use'], admins: ['models:use', 'config:write'] } }],
    ['none', {}],
  ])('is taken: %s', (_what, section) => {
    expect(errorsOf(withIdentity({ oidc: section }))).toEqual([]);
  });

  it.each([
    ['no client id', { issuer: oidc.issuer }, 'identity.oidc.client-id: must be what the provider at `issuer` gave for Keyward'],
    ['no issuer', { 'client-id': 'keyward' }, 'identity.oidc.issuer: must name the provider that `client-id` is for'],
    ['plain http', { ...oidc, issuer: 'http://id.example.com' }, 'identity.oidc.issuer: must be https; plain http will do on this machine only'],
    ['scopes without openid', { ...oidc, scopes: ['email'] }, 'identity.oidc.scopes: must hold `openid`: without it the provider says not who signed in'],
    ['a group without scopes', { ...oidc, 'group-scopes': { all: [] } }, 'identity.oidc.group-scopes.all: must list at least one scope'],
    ['a scope that is none', { ...oidc, 'group-scopes': { all: ['keys:reed'] } }, 'identity.oidc.group-scopes.all.0: is no scope; did you mean `keys:read`?'],
    ['a scope of nobody else', { ...oidc, 'group-scopes': { all: ['secrets:read'] } }, 'identity.oidc.group-scopes.all.0: is the management secret’s alone'],
  ])('is refused: %s', (_what, section, message) => {
    expect(errorsOf(withIdentity({ oidc: section }))).toEqual([message]);
  });
});

describe('public-url while tokens are issued', () => {
  it.each(['http://keyward.example.com', 'http://10.0.0.5:8317', 'http://keyward.local'])('must be https off this machine: %s', (url) => {
    expect(errorsOf(withIdentity({ enabled: true }, { 'public-url': url }))).toEqual(['public-url: must be https; plain http will do on this machine only while `identity.enabled` is true']);
    expect(errorsOf(withIdentity({}, { 'public-url': url }))).toEqual([]);
  });

  it.each(['https://keyward.example.com', 'http://localhost:8317', 'http://127.0.0.1:8317', ''])('is taken: %s', (url) => {
    expect(errorsOf(withIdentity({ enabled: true }, { 'public-url': url }))).toEqual([]);
  });
});
