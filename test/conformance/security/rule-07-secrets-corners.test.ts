import { hash } from '@node-rs/bcrypt';
import { describe, expect, it } from 'vitest';
import { createDoorBench, judgeConfig, rulesOf, type Ask } from '../../support/door-fixtures.ts';

const secret = 'a-management-secret-of-length';
const manage = (value: string): Ask => ({ access: 'management', path: '/v0/management/config', headers: { authorization: `Bearer ${value}` } });
const remote = (secretKey: string, more: Readonly<Record<string, unknown>> = {}) => ({
  'api-keys': ['sk-a-good-long-client-key'], 'remote-management': { 'secret-key': secretKey, 'allow-remote': true }, ...more,
});
const withTls = { tls: { enable: true, cert: '/c.pem', key: '/k.pem' } };

describe('rule 7: the corners of secrets', () => {
  it('a blank MANAGEMENT_PASSWORD is unset', async () => {
    const { ask } = createDoorBench();
    for (const blank of ['', ' ', '\t\n']) {
      expect(await ask(rulesOf({ 'remote-management': { 'secret-key': secret } }, { managementPassword: blank }), manage(secret))).toBe('ok root');
      expect(await ask(rulesOf({}, { managementPassword: blank }), manage(secret))).toBe('404 not_found');
    }
  });

  it('MANAGEMENT_PASSWORD replaces the file’s secret', async () => {
    const { ask } = createDoorBench();
    const rules = rulesOf({ 'remote-management': { 'secret-key': secret } }, { managementPassword: 'of-the-environment' });
    expect(await ask(rules, manage('of-the-environment'))).toBe('ok root');
    expect(await ask(rules, manage(secret))).toBe('401 invalid_management_key');
  });

  it('a value that begins `$2` is only ever a hash: presented itself it opens nothing', async () => {
    const { ask, clock } = createDoorBench();
    const stored = await hash(secret, { cost: 4 });
    const rules = rulesOf({ 'remote-management': { 'secret-key': stored } });
    expect(await ask(rules, manage(stored))).toBe('401 invalid_management_key');
    clock.advance(100);
    expect(await ask(rules, manage(secret))).toBe('ok root');
  });

  it.each(['$2', '$2b$10$short', `$2x$10$${'a'.repeat(53)}`, `$2b$03$${'a'.repeat(53)}`, `$2b$32$${'a'.repeat(53)}`, `$2b$10$${'!'.repeat(53)}`, `$2b$10$${'a'.repeat(54)}`, '$2-my-plain-secret-is-not-one'])(
    'the malformed hash %s refuses the config',
    (value) => {
      expect(judgeConfig({ 'remote-management': { 'secret-key': value } }).errors).toEqual(['remote-management.secret-key']);
      expect(judgeConfig({}, { managementPassword: value }).errors).toEqual(['']);
    },
  );

  it('over 72 bytes are refused against a hash, although bcrypt would cut them off', async () => {
    const { ask } = createDoorBench();
    const long = 'x'.repeat(72);
    const rules = rulesOf({ 'remote-management': { 'secret-key': await hash(long, { cost: 4 }) } });
    expect(await ask(rules, manage(`${long}y`))).toBe('401 invalid_management_key');
    expect(await ask(rules, manage(long))).toBe('ok root');
  });

  it.each(['your-secure-management-key', 'your-management-secret', 'short', '123456789012345'])('allow-remote refuses %s as a secret', (value) => {
    expect(judgeConfig(remote(value, withTls)).errors).toEqual(['remote-management.secret-key']);
    expect(judgeConfig(remote('', withTls), { managementPassword: value }).errors).toEqual(['']);
    expect(judgeConfig({ 'remote-management': { 'secret-key': value } }).errors).toEqual([]);
  });

  it('allow-remote wants TLS, or consent to go without', () => {
    expect(judgeConfig(remote(secret)).errors).toEqual(['remote-management.allow-remote']);
    expect(judgeConfig(remote(secret, withTls)).errors).toEqual([]);
    expect(judgeConfig(remote(secret, { 'insecure-plaintext-management': true })).errors).toEqual([]);
  });

  it('MANAGEMENT_PASSWORD does not imply allow-remote', async () => {
    const { ask } = createDoorBench();
    const rules = rulesOf({}, { managementPassword: secret });
    const peer = { address: '203.0.113.9', isLocal: false, isControlSocket: false, throttleKey: '203.0.113.9' };
    expect(await ask(rules, { ...manage(secret), peer })).toBe('403 remote_management_disabled');
  });
});
