import { hash } from '@node-rs/bcrypt';
import { describe, expect, it } from 'vitest';
import { createDoorBench, localPeer, remotePeer, rulesOf, settle } from '../../support/door-fixtures.ts';

const secret = 'a-management-secret-of-length';
const plain = rulesOf({ 'remote-management': { 'secret-key': secret } });
const ask = (value: string) => ({ access: 'management', path: '/v0/management/config', method: 'GET', headers: value === '' ? {} : { authorization: `Bearer ${value}` } }) as const;

describe('the management door', () => {
  it('takes a plain secret in each carrier', async () => {
    const bench = createDoorBench();
    expect(await bench.ask(plain, ask(secret))).toBe('ok root');
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: secret } })).toBe('ok root');
    expect(await bench.ask(plain, { ...ask(''), headers: { 'x-management-key': secret } })).toBe('ok root');
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: 'Bearer a-client-key', 'x-management-key': secret } })).toBe('ok root');
    expect(await bench.ask(plain, { ...ask(''), headers: { 'x-api-key': secret } })).toBe('401 missing_management_key');
    expect(await bench.ask(plain, { ...ask(''), query: `key=${secret}` })).toBe('401 missing_management_key');
  });

  it('takes the secret of a bcrypt hash as the Go program writes it', async () => {
    const bench = createDoorBench();
    for (const version of ['2a', '2b', '2y'] as const) {
      const rules = rulesOf({ 'remote-management': { 'secret-key': await hash(secret, { cost: 4, version }) } });
      expect(await bench.ask(rules, ask(secret))).toBe('ok root');
      bench.clock.advance(100);
      expect(await bench.ask(rules, ask(`${secret}x`))).toBe('401 invalid_management_key');
      bench.clock.advance(100);
    }
  });

  it('computes a hash once for a secret that stays right', async () => {
    let computed = 0;
    const bench = createDoorBench({ verifyBcrypt: async (value) => { computed += 1; return Promise.resolve(value === secret); } });
    const rules = rulesOf({ 'remote-management': { 'secret-key': `$2b$10$${'a'.repeat(53)}` } });
    for (let round = 0; round < 50; round += 1) expect(await bench.ask(rules, ask(secret))).toBe('ok root');
    expect(computed).toBe(1);
    const changed = rulesOf({ 'remote-management': { 'secret-key': `$2b$10$${'b'.repeat(53)}` } });
    const again = bench.ask(changed, ask(secret));
    await settle();
    bench.clock.advance(100);
    expect(await again).toBe('ok root');
    expect(computed).toBe(2);
  });

  it('judges a key that a page sends many times at once a single time', async () => {
    let computed = 0;
    const bench = createDoorBench({ verifyBcrypt: async (value) => { computed += 1; await settle(); return value === secret; } });
    const rules = rulesOf({ 'remote-management': { 'secret-key': `$2b$10$${'a'.repeat(53)}` } });
    const answers = await Promise.all(Array.from({ length: 30 }, () => bench.ask(rules, ask(secret))));
    expect(new Set(answers)).toEqual(new Set(['ok root']));
    expect(computed).toBe(1);
  });

  it('answers 503, not 401, when hashes cannot be computed', async () => {
    const bench = createDoorBench({ verifyBcrypt: async () => Promise.reject(new Error('no binary')) });
    const rules = rulesOf({ 'remote-management': { 'secret-key': `$2b$10$${'a'.repeat(53)}` } });
    expect(await bench.ask(rules, ask(secret))).toBe('503 auth_unavailable');
  });

  it('takes the local password from this machine alone, with or without another secret', async () => {
    const bench = createDoorBench();
    const local = rulesOf({}, { localPassword: 'tui' });
    const both = rulesOf({ 'remote-management': { 'secret-key': secret, 'allow-remote': true }, 'insecure-plaintext-management': true }, { localPassword: 'tui' });
    expect(await bench.ask(local, ask('tui'))).toBe('ok local');
    expect(await bench.ask(local, ask('wrong'))).toBe('401 invalid_management_key');
    expect(await bench.ask(both, ask('tui'))).toBe('ok local');
    expect(await bench.ask(both, ask(secret))).toBe('ok root');
    expect(await bench.ask(both, { ...ask('tui'), peer: remotePeer })).toBe('401 invalid_management_key');
    expect(await bench.ask(local, { ...ask('tui'), peer: remotePeer })).toBe('403 remote_management_disabled');
  });

  it('lets the control socket in as root without a secret, even where management is off', async () => {
    const bench = createDoorBench();
    const peer = { address: 'unix', isLocal: true, isControlSocket: true, throttleKey: 'unix' };
    expect(await bench.ask(rulesOf({}), { ...ask(''), peer })).toBe('ok root');
    expect(await bench.ask(rulesOf({}), { ...ask(''), peer: { ...peer, isControlSocket: false } })).toBe('404 not_found');
  });

  it('checks in the contract’s order', async () => {
    const bench = createDoorBench();
    const remote = rulesOf({ 'remote-management': { 'secret-key': secret, 'allow-remote': true }, 'insecure-plaintext-management': true });
    const off = rulesOf({});
    const foreign = { host: 'evil.test', origin: 'https://evil.test' };
    // 1 wins over all, also over Host and Origin.
    expect(await bench.ask(off, { ...ask(secret), headers: { ...ask(secret).headers, ...foreign }, peer: remotePeer })).toBe('404 not_found');
    // 2 before keys are looked at.
    expect(await bench.ask(plain, { ...ask(secret), peer: remotePeer })).toBe('403 remote_management_disabled');
    expect(await bench.ask(plain, { ...ask(''), peer: remotePeer })).toBe('403 remote_management_disabled');
    expect(await bench.ask(remote, { ...ask(secret), peer: remotePeer })).toBe('ok root');
    // 4
    expect(await bench.ask(plain, ask(''))).toBe('401 missing_management_key');
    expect(await bench.ask(plain, ask('wrong'))).toBe('401 invalid_management_key');
    // 5: no key excuses a foreign page.
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: `Bearer ${secret}`, origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: `Bearer ${secret}`, origin: 'http://localhost:8317' } })).toBe('ok root');
  });

  it('does not tell a peer that may not come in whether its key is right', async () => {
    const bench = createDoorBench();
    const headers = (value: string) => ({ authorization: `Bearer ${value}`, host: 'kw.example' });
    const right = await bench.ask(plain, { ...ask(''), headers: headers(secret), peer: remotePeer });
    const wrong = await bench.ask(plain, { ...ask(''), headers: headers('wrong'), peer: remotePeer });
    expect(right).toBe(wrong);
  });

  it('lets a right key excuse an unknown Host, and a wrong one not', async () => {
    const bench = createDoorBench();
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: `Bearer ${secret}`, host: 'kw.example' } })).toBe('ok root');
    expect(await bench.ask(plain, { ...ask(''), headers: { authorization: 'Bearer wrong', host: 'kw.example' } })).toBe('421 misdirected_request');
    expect(await bench.ask(plain, { ...ask(''), headers: { host: 'kw.example' } })).toBe('421 misdirected_request');
  });

  it('never counts a missing key as a failure', async () => {
    const bench = createDoorBench();
    for (let round = 0; round < 20; round += 1) expect(await bench.ask(plain, ask(''))).toBe('401 missing_management_key');
    expect(await bench.ask(plain, ask('wrong'))).toBe('401 invalid_management_key');
    expect(await bench.ask(plain, { ...ask(secret), peer: localPeer })).toBe('ok root');
  });
});
