import { describe, expect, it } from 'vitest';
import type { Peer } from '../../../internal/http/inbound.ts';
import { createDoorBench, localPeer, remotePeer, rulesOf, settle, type Ask, type DoorBench } from '../../support/door-fixtures.ts';
import { createFakeCredentials, type FakeCredentials } from '../../support/fake-credentials.ts';

const secret = 'a-management-secret-of-length';
const rules = rulesOf({ 'client-auth': 'required', 'remote-management': { 'secret-key': secret, 'allow-remote': true }, 'insecure-plaintext-management': true });
const from = (address: string): Peer => ({ address, isLocal: false, isControlSocket: false, throttleKey: address });
const call = (key: string, more: Ask = {}): Ask => ({ scope: 'models:use', headers: { authorization: `Bearer ${key}` }, ...more });
const manage = (key: string, more: Ask = {}): Ask => ({ access: 'management', path: '/v0/management/config', scope: 'config:read', headers: { authorization: `Bearer ${key}` }, ...more });

function setUp(): DoorBench & { readonly keys: FakeCredentials } {
  const keys = createFakeCredentials();
  return { ...createDoorBench({ sources: [keys] }), keys };
}

describe('rule 34: what every holder allows, and nothing else', () => {
  it('a key without scopes may use models and list them, and manage nothing', async () => {
    const { ask, keys } = setUp();
    keys.mint('plain', {});
    expect(await ask(rules, call('plain'))).toBe('ok ck_plain');
    expect(await ask(rules, call('plain', { scope: 'models:read' }))).toBe('ok ck_plain');
    expect(await ask(rules, manage('plain'))).toBe('403 scope_not_allowed');
  });

  it('a key for one scope is refused by every other route, which names the scope', async () => {
    const { ask, error, keys } = setUp();
    keys.mint('lister', { scopes: ['models:read'] });
    expect(await ask(rules, call('lister', { scope: 'models:read' }))).toBe('ok ck_lister');
    const refused = await error(rules, call('lister'));
    expect([refused.status, refused.code, refused.fields['scope']]).toEqual([403, 'scope_not_allowed', 'models:use']);
  });

  it('a child has no scope, and no address, that its minter lacks', async () => {
    const { ask, keys } = setUp();
    keys.mint('minter', { scopes: ['models:use', 'config:read'], addresses: ['10.0.0.0/8'] });
    keys.mint('child', { scopes: ['models:use', 'models:read', 'config:write'], addresses: ['0.0.0.0/0'] }, 'minter');
    expect(await ask(rules, call('child', { peer: from('10.1.2.3') }))).toBe('ok ck_child');
    expect(await ask(rules, call('child', { peer: from('10.1.2.3'), scope: 'models:read' }))).toBe('403 scope_not_allowed');
    expect(await ask(rules, manage('child', { peer: from('10.1.2.3'), scope: 'config:write' }))).toBe('403 scope_not_allowed');
    expect(await ask(rules, call('child', { peer: from('192.0.2.1') }))).toBe('403 address_not_allowed');
  });

  it('what the minter loses, its child has lost at the next request', async () => {
    const { ask, keys } = setUp();
    keys.mint('minter', { scopes: ['models:use', 'config:read'] });
    keys.mint('child', { scopes: ['config:read'] }, 'minter');
    expect(await ask(rules, manage('child'))).toBe('ok ck_child');
    keys.mint('minter', { scopes: ['models:use'] });
    expect(await ask(rules, manage('child'))).toBe('403 scope_not_allowed');
    keys.end('minter', 'key_revoked');
    expect(await ask(rules, call('child'))).toBe('401 key_revoked');
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::ffff:10.0.0.0/104', '11.9.9.9', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::/0', '192.0.2.7', false],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['nonsense', '192.0.2.7', false],
    ['0.0.0.0/0', 'unix', false],
    ['0.0.0.0/0', 'unknown', false],
  ])('an address limit of %s for a call from %s: %s', async (range, address, isAllowed) => {
    const { ask, keys } = setUp();
    keys.mint('key', { addresses: [range] });
    expect(await ask(rules, call('key', { peer: from(address) }))).toBe(isAllowed ? 'ok ck_key' : '403 address_not_allowed');
  });

  it('a refusal says who it was, for the audit', async () => {
    const { ask, refusals, keys } = setUp();
    keys.mint('lister', { scopes: ['models:read'] });
    await ask(rules, call('lister'));
    await ask(rules, manage('lister'));
    await ask(rules, call('nobody'));
    expect(refusals.map(({ code, actor }) => [code, actor])).toEqual([['scope_not_allowed', 'ck_lister'], ['scope_not_allowed', 'ck_lister'], ['invalid_api_key', undefined]]);
  });

  it('so does the refusal of one whose time is over, at both doors', async () => {
    const { ask, refusals, keys } = setUp();
    for (const name of ['gone', 'past']) keys.mint(name, { scopes: ['models:use', 'config:read'] });
    keys.end('gone', 'key_revoked');
    keys.end('past', 'key_expired');
    for (const name of ['gone', 'past']) {
      await ask(rules, call(name));
      await ask(rules, manage(name));
    }
    expect(refusals.map(({ code, actor }) => [code, actor])).toEqual([['key_revoked', 'ck_gone'], ['key_revoked', 'ck_gone'], ['key_expired', 'ck_past'], ['key_expired', 'ck_past']]);
  });

  it('upgrades pass the same rules', async () => {
    const { ask, keys } = setUp();
    keys.mint('lister', { scopes: ['models:read'] });
    expect(await ask(rules, call('lister', { isUpgrade: true, method: 'GET' }))).toBe('403 scope_not_allowed');
  });

  it('`secrets:read` is the root secret’s alone, whatever a grant says', async () => {
    const { ask, keys } = setUp();
    keys.mint('greedy', { scopes: ['secrets:read', 'config:read'] });
    expect(await ask(rules, manage('greedy', { scope: 'secrets:read' }))).toBe('403 scope_not_allowed');
    expect(await ask(rules, manage(secret, { scope: 'secrets:read' }))).toBe('ok root');
  });
});

describe('keys that may manage, at the management door', () => {
  it('come as Bearer, bare, or in X-Management-Key, and learn at unknown paths that nothing is there', async () => {
    const { ask, keys } = setUp();
    keys.mint('reader', { scopes: ['config:read'] });
    expect(await ask(rules, manage('reader'))).toBe('ok ck_reader');
    expect(await ask(rules, manage('', { headers: { authorization: 'reader' } }))).toBe('ok ck_reader');
    expect(await ask(rules, manage('', { headers: { 'x-management-key': 'reader' } }))).toBe('ok ck_reader');
    expect(await ask(rules, { access: 'management', path: '/v0/management/nowhere', headers: { authorization: 'Bearer reader' } })).toBe('ok ck_reader');
    expect(await ask(rules, { access: 'metrics', scope: 'usage:read', path: '/metrics', headers: { authorization: 'Bearer reader' } })).toBe('403 scope_not_allowed');
  });

  it('come from another machine only where management may be called from there', async () => {
    const { ask, keys } = setUp();
    keys.mint('reader', { scopes: ['config:read'] });
    const local = rulesOf({ 'client-auth': 'required', 'remote-management': { 'secret-key': secret } });
    expect(await ask(local, manage('reader', { peer: remotePeer }))).toBe('403 remote_management_disabled');
    expect(await ask(rulesOf({ 'client-auth': 'required' }), manage('reader'))).toBe('404 not_found');
    expect(await ask(local, manage('reader', { headers: { authorization: 'Bearer reader', origin: 'https://evil.example' } }))).toBe('403 origin_not_allowed');
  });

  it('count as wrong management keys only when they are wrong: expired, revoked and narrow ones are no guesses', async () => {
    const { ask, keys } = setUp();
    for (const name of ['gone', 'past']) keys.mint(name, { scopes: ['config:read'] });
    keys.mint('narrow', { scopes: ['usage:read'] });
    keys.end('gone', 'key_revoked');
    keys.end('past', 'key_expired');
    for (let round = 0; round < 4; round += 1) {
      expect(await ask(rules, manage('gone'))).toBe('401 key_revoked');
      expect(await ask(rules, manage('past'))).toBe('401 key_expired');
      expect(await ask(rules, manage('narrow'))).toBe('403 scope_not_allowed');
    }
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, manage(`wrong-${round}`))).toBe('401 invalid_management_key');
    expect(await ask(rules, manage('wrong'))).toBe('403 too_many_failures');
  });

  it('clear no throttle: whoever has one may not guess at the secret without end', async () => {
    const { ask, keys, clock } = setUp();
    keys.mint('reader', { scopes: ['config:read'] });
    for (let round = 0; round < 4; round += 1) await ask(rules, manage(`wrong-${round}`));
    expect(await ask(rules, manage('reader'))).toBe('ok ck_reader');
    await ask(rules, manage('wrong-5'));
    expect(await ask(rules, manage('wrong-6'))).toBe('403 too_many_failures');
    clock.advance(1_000);
    expect(await ask(rules, manage('wrong-7'))).toBe('403 too_many_failures');
  });

  it('a guess beside an expired key is a guess', async () => {
    const { ask, keys } = setUp();
    keys.mint('past', { scopes: ['config:read'] });
    keys.end('past', 'key_expired');
    const beside = (guess: string): Ask => manage('past', { headers: { authorization: 'Bearer past', 'x-management-key': guess } });
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, beside(`wrong-${round}`))).toBe('401 key_expired');
    expect(await ask(rules, beside('wrong'))).toBe('403 too_many_failures');
  });

  it('that were let in before are not kept out by a neighbour who guesses', async () => {
    const { ask, keys } = setUp();
    keys.mint('reader', { scopes: ['config:read'] });
    expect(await ask(rules, manage('reader'))).toBe('ok ck_reader');
    for (let round = 0; round < 8; round += 1) void ask(rules, manage(`wrong-${round}`));
    await settle();
    expect(await ask(rules, manage('reader'))).toBe('ok ck_reader');
  });

  it('that cannot be looked up are 503 and never 401, and guessing is no freer for it', async () => {
    const { ask, keys, clock } = setUp();
    keys.mint('reader', { scopes: ['config:read'] });
    keys.setBroken(true);
    expect(await ask(rules, manage('reader'))).toBe('ok ck_reader');
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, manage(`unseen-${round}`))).toBe('503 auth_unavailable');
    expect(await ask(rules, manage('unseen'))).toBe('503 auth_unavailable');
    let isAnswered = false;
    const seventh = ask(rules, manage('another')).finally(() => {
      isAnswered = true;
    });
    await settle();
    expect(isAnswered).toBe(false);
    clock.advance(1_000);
    expect(await seventh).toBe('503 auth_unavailable');
    expect(await ask(rules, manage(secret, { peer: from('198.51.100.1') }))).toBe('ok root');
  });

  it('cost no hash of the secret', async () => {
    let hashes = 0;
    const keys = createFakeCredentials();
    const { ask } = createDoorBench({ sources: [keys], verifyBcrypt: () => Promise.resolve(++hashes > 0 && false) });
    keys.mint('reader', { scopes: ['config:read'] });
    const hashed = rulesOf({ 'client-auth': 'required', 'remote-management': { 'secret-key': `$2b$10$${'a'.repeat(53)}` } });
    for (let round = 0; round < 20; round += 1) expect(await ask(hashed, manage('reader', { peer: localPeer }))).toBe('ok ck_reader');
    expect(hashes).toBe(0);
  });

  it('the client keys of the config manage nothing', async () => {
    const { ask } = setUp();
    const keyed = rulesOf({ 'api-keys': ['sk-a-good-long-client-key'], 'remote-management': { 'secret-key': secret } });
    expect(await ask(keyed, manage('sk-a-good-long-client-key'))).toBe('401 invalid_management_key');
  });
});
