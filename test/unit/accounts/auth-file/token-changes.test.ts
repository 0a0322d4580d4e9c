import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChanges, readMembers, type Members } from '../../../../internal/accounts/auth-file/members.ts';
import { operatorChanges } from '../../../../internal/accounts/auth-file/operator-changes.ts';
import { readTokens } from '../../../../internal/accounts/auth-file/read-tokens.ts';
import { tokenChanges } from '../../../../internal/accounts/auth-file/token-changes.ts';
import type { TokenFields } from '../../../../internal/accounts/directory/ports.ts';
import { Secret } from '../../../../internal/secret/secret.ts';
import { tokenSet } from '../../../support/auth-folder.ts';

function membersOf(content: unknown): Members {
  const members = readMembers(Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)));
  if (!members.ok) throw new Error(members.error);
  return members.value;
}

const refreshed = (content: unknown, fields: TokenFields): unknown => {
  const members = membersOf(content);
  return JSON.parse(applyChanges(members, tokenChanges(members, fields)).text);
};
const issuedAtMs = Date.parse('2026-11-01T10:00:00Z');
const expiresAtMs = Date.parse('2026-11-01T11:00:00Z');

describe('what a refresh writes', () => {
  it('stands where the file has it, in its spelling', () => {
    const next = tokenSet('at-2', 'rt-2', { issuedAtMs, expiresAtMs });
    expect(refreshed({ type: 'claude', 'access-token': 'at-1', refresh_token: 'rt-1', expired: '2026-01-01T00:00:00Z', last_refresh: 'x' }, { tokens: next })).toEqual({
      type: 'claude', 'access-token': 'at-2', refresh_token: 'rt-2', expired: '2026-11-01T11:00:00.000Z', last_refresh: '2026-11-01T10:00:00.000Z',
    });
    expect(refreshed({ type: 'gemini', token: { access_token: 'at-1', refresh_token: 'rt-1', token_type: 'Bearer', expiry: '2026-01-01T00:00:00Z' } }, { tokens: next })).toEqual({
      type: 'gemini', token: { access_token: 'at-2', refresh_token: 'rt-2', token_type: 'Bearer', expiry: '2026-11-01T11:00:00.000Z' }, last_refresh: '2026-11-01T10:00:00.000Z',
    });
  });

  it('a number stays a number of the same unit, and every expiry the file has is brought up to date', () => {
    const next = tokenSet('at-2', undefined, { issuedAtMs, expiresAtMs });
    expect(refreshed({ type: 'antigravity', access_token: 'at-1', refresh_token: 'rt-1', expires_in: 9, timestamp: 1_700_000_000_000, expired: 'x', expires_at: 1_700_000_000, expiresAt: 1_700_000_000_000 }, { tokens: next })).toEqual({
      type: 'antigravity', access_token: 'at-2', refresh_token: 'rt-1', expires_in: 3_600, timestamp: issuedAtMs, expired: '2026-11-01T11:00:00.000Z', expires_at: expiresAtMs / 1_000, expiresAt: expiresAtMs, last_refresh: '2026-11-01T10:00:00.000Z',
    });
  });

  it('tokens that did not come stay, and the end of an access token that is gone does not', () => {
    expect(refreshed({ type: 'codex', access_token: 'at-1', refresh_token: 'rt-1', id_token: 'id-1', expired: '2026-01-01T00:00:00Z', expires_in: 5 }, { tokens: tokenSet('at-2', undefined) })).toEqual({
      type: 'codex', access_token: 'at-2', refresh_token: 'rt-1', id_token: 'id-1',
    });
  });

  it('facts are set and removed in the file’s spelling; what belongs to the operator or to tokens is not a fact', () => {
    const facts = { account_id: 'acc-2', 'plan': null, scopes: ['a'], prefix: 'x', disabled: false, base_url: 'https://evil.example', refresh_token: 'x', type: 'codex', keyward_identity: 'x', expired: 'x' };
    expect(refreshed({ type: 'claude', 'account-id': 'acc-1', plan: 'pro', access_token: 'at-1' }, { tokens: tokenSet('at-2', undefined), facts })).toEqual({ type: 'claude', 'account-id': 'acc-2', access_token: 'at-2', scopes: ['a'] });
  });

  it('a key derived from the login has its own field', () => {
    expect(refreshed({ type: 'iflow', api_key: 'k-1' }, { tokens: { ...tokenSet('at', 'rt'), apiKey: new Secret('k-2') } })).toMatchObject({ api_key: 'k-2', access_token: 'at' });
  });

  // Members of a file that nobody here knows, with the spacing they were written with.
  const unknown = fc.uniqueArray(
    fc.record({ name: fc.stringMatching(/^x_[a-z]{1,6}$/), value: fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom('1234567890123456789.10', '{ "a" : [ ] }')), gap: fc.constantFrom('', ' ', '\n  ') }),
    { selector: ({ name }) => name, maxLength: 6 },
  );

  it('after 1,000 refreshes the last tokens are there and unknown members have every byte they had', () => {
    fc.assert(
      fc.property(unknown, fc.boolean(), (parts, isNested) => {
        const pieces = parts.map(({ name, value, gap }) => `${gap}"${name}":${gap}${value}`);
        const tokens = isNested ? '"token":{"access_token":"a","refresh_token":"r","expiry":"2026-01-01T00:00:00Z"}' : '"access_token":"a","refresh_token":"r"';
        let members = membersOf(`{"type":"gemini",${[...pieces, tokens].join(',')}}`);
        for (let turn = 1; turn <= 1_000; turn++) members = applyChanges(members, tokenChanges(members, { tokens: tokenSet(`at-${turn}`, `rt-${turn}`, { issuedAtMs, expiresAtMs: expiresAtMs + turn * 1_000 }) }));
        for (const piece of pieces) expect(members.text).toContain(`${piece},`);
        expect(readTokens(members)).toMatchObject({ accessToken: new Secret('at-1000'), refreshToken: new Secret('rt-1000'), expiresAtMs: expiresAtMs + 1_000_000 });
        expect(members.text.length).toBeLessThan(2_000 + pieces.join(',').length);
      }),
      { numRuns: 4 },
    );
  });
});

describe('what an operator’s edit writes', () => {
  const edited = (content: unknown, fields: Readonly<Record<string, unknown>>): unknown => {
    const members = membersOf(content);
    const changes = operatorChanges(members, fields);
    return changes.ok ? JSON.parse(applyChanges(members, changes.value).text) : changes.error;
  };

  it('sets in the file’s spelling, removes by null, and leaves one spelling', () => {
    expect(edited({ type: 'claude', 'proxy-url': 'a', prefix: 'p', note: 'x', 'note ': 1 }, { proxy_url: 'direct', prefix: null, weight: 2 })).toEqual({ type: 'claude', 'proxy-url': 'direct', note: 'x', 'note ': 1, weight: 2 });
    expect(edited({ type: 'claude', 'proxy-url': 'a', proxy_url: 'b' }, { 'proxy-url': 'c' })).toEqual({ type: 'claude', proxy_url: 'c' });
  });

  it('headers are merged in any letter case, null removes one, and the last one takes the member with it', () => {
    expect(edited({ headers: { 'X-A': '1', 'X-B': '2' } }, { headers: { 'x-a': '3', 'X-C': '4', 'x-b': null } })).toEqual({ headers: { 'x-a': '3', 'X-C': '4' } });
    expect(edited({ type: 'claude', headers: { 'X-A': '1' } }, { headers: { 'x-a': null } })).toEqual({ type: 'claude' });
  });

  it.each([
    [{ prefix: 'a/b' }, 'prefix must not hold a slash inside'],
    [{ priority: 'high' }, 'priority must be a whole number'],
    [{ refresh_token: 'x' }, '"refresh_token" is no field that can be set'],
    [{ type: 'codex' }, '"type" is no field that can be set'],
    [{ keyward_sealed: 'x' }, '"keyward_sealed" is no field that can be set'],
    [{ headers: 'x' }, 'headers must be a map of header names and values'],
    [{ 'a\nb': 1 }, String.raw`"a\nb" is no field that can be set`],
  ])('%j is refused', (fields, message) => {
    expect(edited({ type: 'claude' }, fields)).toBe(message);
  });
});
