import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../internal/clock/clock.ts';
import { decodeConfig } from '../../../internal/config/decode.ts';
import type { ConfigStore } from '../../../internal/config/ports.ts';
import { createConfigStore } from '../../../internal/config/store.ts';
import { err, ok } from '../../../internal/fault/result.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-rule02-'));
  file = join(folder, 'config.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const errorsOf = (text: string): readonly string[] => {
  const decoded = decodeConfig({ path: '/c/config.yaml', text, env: {}, home: '/h', readSecretFile: () => err('does not exist') });
  return decoded.ok ? [] : decoded.error.filter((problem) => problem.severity === 'error').map((problem) => `${problem.path}: ${problem.message}`);
};

async function open(text: string): Promise<ConfigStore> {
  writeFileSync(file, text);
  const opened = await createConfigStore({ path: file, env: {}, home: folder, clock: systemClock, prepare: () => ok({ commit: () => undefined, warnings: [] }) });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  return opened.value;
}

describe('rule 2: open mode comes from the config alone', () => {
  it.each([
    ['api_keys', 'api-keys'], ['apikeys', 'api-keys'], ['apiKeys', 'api-keys'], ['API-KEYS', 'api-keys'], ['api-key', 'api-keys'], ['api-kesy', 'api-keys'],
    ['remote_management', 'remote-management'], ['remotemanagement', 'remote-management'], ['secret_key', 'remote-management.secret-key'], ['allow_remote', 'remote-management.allow-remote'],
    ['allow-remote', 'remote-management.allow-remote'], ['ws_auth', 'ws-auth'], ['wsauth', 'ws-auth'], ['trusted_proxies', 'trusted-proxies'], ['trusted-proxy', 'trusted-proxies'],
    ['client_auth', 'client-auth'], ['insecureOpenAccess', 'insecure-open-access'], ['allowed_hosts', 'allowed-hosts'], ['allowed_origins', 'allowed-origins'], ['auth_dir', 'auth-dir'], ['TLS', 'tls'], ['Host', 'host'],
  ])('`%s` is an error that names `%s`', (written, meant) => {
    expect(errorsOf(`${written}: []\n`)).toEqual([`${written}: is not a setting; did you mean \`${meant}\`? A misspelt security setting is never ignored`]);
  });

  it.each(['secret_key', 'secretkey', 'allow_remote', 'allowremote', 'Listen'])('`remote-management.%s` is an error too', (member) => {
    expect(errorsOf(`remote-management: {${member}: x}\n`)).toHaveLength(1);
  });

  it('a misspelt base-url, which would send a key to its vendor instead, is an error', () => {
    expect(errorsOf('claude-api-key: [{api-key: k, base_url: "http://localhost:1"}]\n')[0]).toMatch(/did you mean `base-url`/);
  });

  it.each(['api-keys: [""]\n', 'api-keys: [~]\n', 'api-keys:\n  - "  "\n  -\n', 'auth: {providers: [{type: config-api-key, api-keys: [""]}]}\n'])('a list with no usable key is an error: %j', (text) => {
    expect(errorsOf(text)).toEqual(['api-keys: holds no usable key; add one, or write `api-keys: []` if open access is meant']);
  });

  it('an authentication of the legacy file that Keyward does not know is an error, not open access', () => {
    expect(errorsOf('auth: {providers: [{type: ldap, api-keys: [a]}]}\n')[0]).toMatch(/only `config-api-key` is/);
  });

  it.each(['port: 8317\n', '', '# gone\n', 'api-keys:\n'])('a reload that would open by %j is refused, and the old keys stay', async (text) => {
    const store = await open('api-keys: [k1]\n');
    writeFileSync(file, text);
    expect((await store.reload()).ok).toBe(false);
    expect(store.current().config['api-keys'].map((key) => key.reveal())).toEqual(['k1']);
    expect(store.lastRefusal()?.problems[0]?.message).toMatch(/write `api-keys: \[\]` if open access is meant/);
  });

  it('a reload opens when `api-keys: []` stands there', async () => {
    const store = await open('api-keys: [k1]\n');
    writeFileSync(file, 'api-keys: []\n');
    expect((await store.reload()).ok).toBe(true);
  });

  it('`client-auth: required` keeps a reload without keys closed, and taking it out is opening', async () => {
    const store = await open('api-keys: [k1]\n');
    writeFileSync(file, 'client-auth: required\n');
    expect((await store.reload()).ok).toBe(true);
    writeFileSync(file, 'port: 1\n');
    expect((await store.reload()).ok).toBe(false);
    expect(store.current().config['client-auth']).toBe('required');
  });

  it.each<[string, (store: ConfigStore, allowOpen: boolean) => ReturnType<ConfigStore['replace']>]>([
    ['a new text', (store, allowOpen) => store.replace('api-keys: []\n', { allowOpen })],
    ['a new list', (store, allowOpen) => store.edit([{ kind: 'set', path: ['api-keys'], value: [] }], { allowOpen })],
    ['deleting the last key', (store, allowOpen) => store.edit([{ kind: 'delete', path: ['api-keys', 0] }], { allowOpen })],
    ['deleting the list', (store, allowOpen) => store.edit([{ kind: 'delete', path: ['api-keys'] }], { allowOpen })],
  ])('%s by the API needs consent', async (_how, change) => {
    const store = await open('api-keys: ["k1"] # mine\n');
    const refused = await change(store, false);
    expect(refused).toMatchObject({ ok: false, error: { code: 'would_open_access' } });
    expect(readFileSync(file, 'utf8')).toBe('api-keys: ["k1"] # mine\n');
    expect((await change(store, true)).ok).toBe(true);
  });
});
