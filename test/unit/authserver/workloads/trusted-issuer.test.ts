import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSubjects, compileTrust } from '../../../../internal/authserver/workloads/trusted-issuer.ts';
import { configOf } from '../../../support/config.ts';

const admits = (pattern: string, subject: string): boolean => compileSubjects([pattern])(subject);

describe('a pattern of subjects', () => {
  it.each([
    ['repo:octo/app:ref:refs/heads/main', 'repo:octo/app:ref:refs/heads/main'],
    ['repo:octo/app:ref:refs/heads/release-*', 'repo:octo/app:ref:refs/heads/release-1.2'],
    ['repo:octo/*:ref:refs/heads/main', 'repo:octo/:ref:refs/heads/main'],
    ['system:serviceaccount:*:builder', 'system:serviceaccount:ci:builder'],
    ['*-job', 'nightly-job'],
    ['a*b*c', 'a-b-b-c'],
    ['grüße:*', 'grüße:x'],
  ])('%s lets in %s', (pattern, subject) => {
    expect(admits(pattern, subject)).toBe(true);
  });

  it.each([
    ['repo:octo/*', 'repo:octo/app:ref:refs/heads/main'],
    ['repo:octo/app:*', 'repo:octo/app:ref:refs/heads/main'],
    ['repo:octo/app:ref:refs/heads/*', 'repo:octo/app:ref:refs/heads/a/b'],
    ['repo:octo/app:ref:refs/heads/*', 'repo:octo/app:ref:refs/heads/a:b'],
    ['repo:*', 'repo:octo/app'],
    ['system:serviceaccount:*', 'system:serviceaccount:ci:builder'],
    ['repo:octo/app', 'repo:octo/app-fork'],
    ['repo:octo/app', 'xrepo:octo/app'],
    ['repo:octo/app', 'repo:Octo/app'],
    ['repo:octo/app', 'repo:octo:app'],
    ['repo:octo/app', 'repo:\u043ecto/app'],
    ['repo:octo/*', 'repo:octo/a\uff0fb'],
    ['repo:octo/*', 'repo:octo/a\uff1ab'],
    ['repo:octo/*', 'repo:octo/a\u2044b'],
    ['repo:octo/*', 'repo:octo/a b'],
    ['repo:octo/*', 'repo:octo/a\n'],
    ['repo:octo/*', 'repo:octo/\u202e'],
    ['caf\u00e9', 'cafe\u0301'],
    ['a.c', 'abc'],
    ['', 'x'],
  ])('%s does not let in %s', (pattern, subject) => {
    expect(admits(pattern, subject)).toBe(false);
  });

  const piece = fc.array(fc.constantFrom('a', 'b', '-', '.', '(', '$'), { maxLength: 4 }).map((letters) => letters.join(''));
  const separator = fc.constantFrom('/', ':');
  it('never lets a star cross a separator', () => {
    fc.assert(
      fc.property(piece, piece, piece, piece, separator, (before, after, left, right, mark) => {
        expect(admits(`${before}*${after}`, `${before}${left}${after}`)).toBe(true);
        expect(admits(`${before}*${after}`, `${before}${left}${mark}${right}${after}`)).toBe(false);
      }),
    );
  });

  it('takes time in proportion to the subject, whatever the stars', () => {
    const started = performance.now();
    expect(admits(`${'a*'.repeat(50)}b`, 'a'.repeat(1_024))).toBe(false);
    expect(performance.now() - started).toBeLessThan(100);
  });
});

describe('a condition on a claim', () => {
  const isMet = (wanted: string | number | boolean, value: unknown): boolean | undefined => {
    const { identity } = configOf({ identity: { 'trusted-issuers': [{ issuer: 'https://a.example', audience: 'x', subjects: ['s'], claims: { c: wanted } }] } });
    return compileTrust({ identity }, '').issuers.get('https://a.example')?.rules[0]?.conditions[0]?.isMetBy(value);
  };
  it.each([
    ['main', 'main', true],
    ['main', 'Main', false],
    ['release-*', 'release-1', true],
    ['release-*', 'release-1/x', false],
    [74, 74, true],
    [74, '74', true],
    [74, '074', false],
    [74, '740', false],
    ['74', 74, true],
    [true, true, true],
    [true, 'true', true],
    [true, false, false],
    [true, 1, false],
    ['main', ['main'], false],
    ['main', { main: 'main' }, false],
    ['null', null, false],
    ['*', undefined, false],
  ])('that wants %j is met by %j: %s', (wanted, value, outcome) => {
    expect(isMet(wanted, value)).toBe(outcome);
  });
});

describe('the rules of the config', () => {
  it('are one issuer’s in the file’s order, with defaults filled in', () => {
    const entry = { issuer: 'https://a.example', audience: 'x', subjects: ['s'] };
    const { identity } = configOf({ identity: { organization: 'octo', oidc: { issuer: 'https://id.example', 'client-id': 'kw' }, 'trusted-issuers': [entry, { ...entry, subjects: ['t'], algorithms: ['EdDSA'], scopes: ['usage:read'], models: ['m'], organization: 'other' }] } });
    const trust = compileTrust({ identity }, 'https://own.example/oauth');
    expect(trust).toMatchObject({ ownIssuer: 'https://own.example/oauth', signIn: { issuer: 'https://id.example', clientId: 'kw' } });
    expect(trust.issuers.get('https://a.example')).toMatchObject({
      jwksUrl: '',
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      rules: [{ scopes: ['models:use', 'models:read'], models: undefined, organization: 'octo', maxAgeMs: 3_600_000 }, { scopes: ['usage:read'], models: ['m'], organization: 'other' }],
    });
  });
});
