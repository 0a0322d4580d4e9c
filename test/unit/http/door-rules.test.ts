import { describe, expect, it } from 'vitest';
import { buildDoorRules, refuseSilentOpening } from '../../../internal/http/door-rules.ts';
import { isManagementHidden } from '../../../internal/http/door.ts';
import { judgeConfig, loadedWith, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';

describe('the rules of the doors', () => {
  it('warn when every local program may call', () => {
    expect(judgeConfig({})).toMatchObject({ errors: [], warnings: ['api-keys'] });
    expect(rulesOf({}).isOpen).toBe(true);
  });

  it('say nothing of a sound config', () => {
    expect(judgeConfig({ 'api-keys': [key], 'remote-management': { 'secret-key': 'a-good-long-management-key' } })).toMatchObject({ errors: [], warnings: [] });
  });

  it('ignore a blank key beside good ones, with a warning', () => {
    expect(judgeConfig({ 'api-keys': [key, ' '] })).toMatchObject({ errors: [], warnings: ['api-keys.1'] });
  });

  it('refuse a key that no request can present', () => {
    expect(judgeConfig({ 'api-keys': [key, 'x'.repeat(4_097)] }).errors).toEqual(['api-keys.1']);
  });

  it('refuse bad proxies, hosts and origins all at once', () => {
    expect(judgeConfig({ 'api-keys': [key], 'trusted-proxies': ['nope'], 'allowed-hosts': ['*'], 'allowed-origins': ['nope'], 'public-url': 'nope' }).errors).toEqual(['trusted-proxies.0', 'public-url', 'allowed-hosts.0', 'allowed-origins.0']);
  });

  it('warn when one secret opens both doors', () => {
    expect(judgeConfig({ 'api-keys': [key], 'remote-management': { 'secret-key': key } }).warnings).toEqual(['remote-management.secret-key']);
  });

  it('warn that wildcard origins have no effect in open mode', () => {
    expect(judgeConfig({ 'allowed-origins': ['*'] }).warnings).toEqual(['api-keys', 'allowed-origins']);
  });

  it('take --host before the file’s', () => {
    expect(judgeConfig({ host: '127.0.0.1' }, { host: '0.0.0.0' }).errors).toEqual(['api-keys']);
    expect(judgeConfig({ host: '0.0.0.0' }, { host: '127.0.0.1' }).errors).toEqual([]);
  });

  it('never show a secret in a problem', () => {
    const canary = 'canary-5f2e';
    const { text } = judgeConfig({ host: '', 'api-keys': [canary, 'your-api-key-1'], 'remote-management': { 'secret-key': `$2${canary}`, 'allow-remote': true } }, { managementPassword: `$2b$${canary}` });
    expect(text).not.toContain(canary);
    expect(text.length).toBeGreaterThan(0);
  });

  it('hide management when there is no secret of any kind', () => {
    expect(isManagementHidden(rulesOf({}))).toBe(true);
    expect(isManagementHidden(rulesOf({}, { localPassword: ' ', managementPassword: ' ' }))).toBe(true);
    expect(isManagementHidden(rulesOf({}, { localPassword: 'x' }))).toBe(false);
    expect(isManagementHidden(rulesOf({}, { managementPassword: 'x' }))).toBe(false);
    expect(isManagementHidden(rulesOf({ 'remote-management': { 'secret-key': 'x' } }))).toBe(false);
  });
});

describe('a hot reload', () => {
  const closed = rulesOf({ 'api-keys': [key] });
  const opens = (file: Readonly<Record<string, unknown>>) => {
    const loaded = loadedWith(file);
    const built = buildDoorRules(loaded, {});
    return built.ok ? refuseSilentOpening(closed, built.value.rules, loaded, {}).map((problem) => problem.path) : ['refused'];
  };

  it('never opens the door because keys went missing', () => {
    expect(opens({})).toEqual(['api-keys']);
  });

  it('opens it for an explicit empty list on a loopback bind alone', () => {
    expect(opens({ 'api-keys': [] })).toEqual([]);
    expect(opens({ 'api-keys': [], host: '', 'insecure-open-access': true })).toEqual(['api-keys']);
  });

  it('may change keys, and may stay open', () => {
    expect(opens({ 'api-keys': ['another-good-long-key'] })).toEqual([]);
    const loaded = loadedWith({});
    expect(refuseSilentOpening(rulesOf({}), rulesOf({}), loaded, {})).toEqual([]);
    expect(refuseSilentOpening(undefined, rulesOf({}), loaded, {})).toEqual([]);
  });
});
