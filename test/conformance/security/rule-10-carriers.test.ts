import { describe, expect, it } from 'vitest';
import { indexStaticKeys } from '../../../internal/clients/static-keys.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { createFakeCredentials } from '../../support/fake-credentials.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';

const first = 'sk-the-first-good-client-key';
const second = 'sk-the-second-good-client-key';
const rules = rulesOf({ 'api-keys': [first, second] });

describe('rule 10: carriers', () => {
  it('two valid credentials of different principals are 400', async () => {
    const { ask } = createDoorBench();
    expect(await ask(rules, { headers: { authorization: `Bearer ${first}`, 'x-api-key': second } })).toBe('400 conflicting_credentials');
    expect(await ask(rules, { headers: { authorization: `Bearer ${first}` }, query: `key=${second}` })).toBe('400 conflicting_credentials');
  });

  it('so are two credentials of other kinds, at both doors', async () => {
    const keys = createFakeCredentials();
    keys.mint('reader', { scopes: ['models:use', 'config:read'] });
    keys.mint('writer', { scopes: ['models:use', 'config:write'] });
    const { ask } = createDoorBench({ sources: [keys] });
    const managed = rulesOf({ 'api-keys': [first], 'remote-management': { 'secret-key': 'a-management-secret-of-length' } });
    expect(await ask(managed, { headers: { authorization: 'Bearer reader', 'x-api-key': 'writer' } })).toBe('400 conflicting_credentials');
    expect(await ask(managed, { headers: { authorization: 'Bearer reader', 'x-api-key': first } })).toBe('400 conflicting_credentials');
    const management = { access: 'management', scope: 'config:read', path: '/v0/management/config' } as const;
    expect(await ask(managed, { ...management, headers: { authorization: 'Bearer reader', 'x-management-key': 'writer' } })).toBe('400 conflicting_credentials');
    expect(await ask(managed, { ...management, headers: { authorization: 'Bearer reader', 'x-management-key': 'reader' } })).toBe('ok ck_reader');
  });

  it('the same principal twice is fine', async () => {
    const { ask } = createDoorBench();
    expect(await ask(rules, { headers: { authorization: `Bearer ${first}`, 'x-api-key': first }, query: `key=${first}` })).toMatch(/^ok key_/);
  });

  it('a wrong value in one carrier does not block a right one in another', async () => {
    const { ask } = createDoorBench();
    expect(await ask(rules, { headers: { authorization: 'Bearer wrong', 'x-goog-api-key': 'wrong too', 'x-api-key': first }, query: 'key=wrong' })).toMatch(/^ok key_/);
    expect(await ask(rules, { headers: { authorization: 'Basic d3Jvbmc6', 'x-api-key': 'wrong' }, query: `auth_token=${first}` })).toMatch(/^ok key_/);
  });

  it('DPoP counts as a carrier', async () => {
    const { ask } = createDoorBench();
    expect(await ask(rules, { headers: { authorization: `dpop ${first}` } })).toMatch(/^ok key_/);
  });

  it('a key over 4 kB is refused without being hashed, even if it were configured', async () => {
    const long = 'x'.repeat(4_097);
    const { ask } = createDoorBench();
    expect(await ask({ ...rules, staticKeys: indexStaticKeys([new Secret(long)]) }, { headers: { authorization: `Bearer ${long}` } })).toBe('401 invalid_api_key');
    const fits = 'x'.repeat(4_096);
    expect(await ask(rulesOf({ 'api-keys': [fits] }), { headers: { authorization: `Bearer ${fits}` } })).toMatch(/^ok key_/);
  });
});

describe('rule 10: lengths', () => {
  it('keys are at most 4 kB, and only what has the form of a token may be longer, up to 12 kB', async () => {
    const seen: string[] = [];
    const { ask } = createDoorBench({ sources: [{ name: 'seeing', verify: (value) => (seen.push(value), { kind: 'invalid', code: 'invalid_api_key' }) }] });
    const parts = `eyJ9.${'A'.repeat(8_000)}.AAAA`;
    for (const value of ['k'.repeat(4_096), 'k'.repeat(4_097), parts, `${parts}.AAAA`, `eyJ9.${'A'.repeat(12_288)}.AAAA`]) await ask(rules, { headers: { authorization: `Bearer ${value}` } });
    expect(seen.map((value) => value.length)).toEqual([4_096, parts.length]);
  });
});
