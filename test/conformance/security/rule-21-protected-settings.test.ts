import { describe, expect, it } from 'vitest';
import { settings } from '../../../internal/config/schema.ts';
import { isProtectedSetting } from '../../../internal/management/protected-settings.ts';
import { messageOf, openManagement, operator } from '../../http/management/fixture.ts';

const yaml = 'api-keys: [client-key-000000001]\ncodex-api-key:\n  - api-key: upstream-key-0000001\n    base-url: https://one.example\n';
const put = (body: string) => ({ body, headers: { 'content-type': 'text/yaml' }, as: operator });

describe('rule 21: the settings that guard everything else change only in the file or with the root secret', () => {
  it('each setting is judged: these open a door, raise budgets or cut the record, and the rest does not; a new one must be added to either', () => {
    const rootOnly = [
      'allowed-hosts', 'allowed-origins', 'api-keys', 'audit', 'auth-dir', 'auth-dir-encryption', 'auth-dir-key-file', 'client-auth', 'data-dir', 'host', 'identity', 'insecure-open-access', 'insecure-open-websocket',
      'insecure-plaintext-management', 'metrics-open', 'port', 'prices', 'public-url', 'remote-management', 'tls', 'trusted-proxies', 'usage-retention-days', 'ws-auth',
    ];
    const forWriters = [
      'claude-api-key', 'claude-header-defaults', 'codex-api-key', 'codex-header-defaults', 'commercial-mode', 'debug', 'disable-cooling', 'error-logs-max-files', 'force-model-prefix', 'gemini-api-key',
      'generative-language-api-key', 'include-stream-usage', 'log-level', 'logging-to-file', 'logs-max-total-size-mb', 'max-body-mb', 'max-cooldown', 'max-open-exchanges', 'max-open-exchanges-per-client', 'max-retry-credentials',
      'max-retry-interval', 'model-list-refresh', 'nonstream-keepalive-interval', 'oauth', 'oauth-excluded-models', 'oauth-model-alias', 'openai-compatibility', 'passthrough-headers', 'payload', 'pprof', 'proxy-url',
      'quota-exceeded', 'request-log', 'request-retry', 'routing', 'shutdown-timeout', 'stored-responses', 'streaming', 'upstream-connect-timeout', 'upstream-headers-timeout', 'upstream-idle-timeout',
      'usage-statistics-enabled', 'vertex-api-key', 'websocket',
    ];
    const names = Object.keys(settings.entries);
    expect(names.filter(isProtectedSetting).sort()).toEqual(rootOnly);
    expect(names.filter((name) => !isProtectedSetting(name)).sort()).toEqual(forWriters);
  });

  it.each([
    ['remote-management', 'remote-management: {allow-remote: true}\n'],
    ['client-auth', 'client-auth: required\n'],
    ['identity', 'identity: {enabled: true}\n'],
    ['tls', 'tls: {cert: other.pem}\n'],
    ['auth-dir', 'auth-dir: /tmp\n'],
    ['auth-dir-encryption', 'auth-dir-encryption: env\n'],
    ['auth-dir-key-file', 'auth-dir-key-file: /tmp/key\n'],
    ['data-dir', 'data-dir: /tmp\n'],
    ['trusted-proxies', 'trusted-proxies: [0.0.0.0/0]\n'],
    ['ws-auth', 'ws-auth: false\n'],
    ['allowed-hosts', 'allowed-hosts: [evil.example]\n'],
    ['allowed-origins', 'allowed-origins: ["*"]\n'],
    ['metrics-open', 'metrics-open: true\n'],
    ['host', 'host: 0.0.0.0\n'],
    ['port', 'port: 8318\n'],
    ['public-url', 'public-url: https://evil.example\n'],
    ['prices', 'prices: [{ model: "*", input: 0, output: 0 }]\n'],
    ['usage-retention-days', 'usage-retention-days: 1\n'],
    ['audit', 'audit: {retention-days: 1}\n'],
    ['insecure-open-access', 'insecure-open-access: true\n'],
    ['insecure-plaintext-management', 'insecure-plaintext-management: true\n'],
    ['codex-api-key.0.insecure-http', '    insecure-http: true\n'],
  ])('PUT config.yaml that changes %s is refused to others, named and audited', async (name, addition) => {
    const management = openManagement(yaml);
    const body = addition.startsWith(' ') ? `${yaml}${addition}` : `${addition}${yaml}`;
    const refused = await management.send('PUT', '/config.yaml', put(body));
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([403, 'root_required', `Only the root management secret may change ${name}.`]);
    expect(management.config.fileText()).toBe(yaml);
    expect(management.audited()).toMatchObject([{ action: 'management.refused', actor: operator.id, code: 'root_required' }]);
    expect((await management.send('PUT', '/config.yaml', { ...put(body), as: { id: 'root', kind: 'root', label: 'root' } })).status).toBe(200);
  });

  it.each([
    ['PUT', '/api-keys', ['other-key-0000000001']],
    ['PATCH', '/api-keys', { index: 0, value: 'other-key-0000000001' }],
    ['PATCH', '/api-keys', { new: 'other-key-0000000001' }],
    ['PATCH', '/codex-api-key', { index: 0, value: { 'insecure-http': true } }],
    ['PUT', '/ws-auth', { value: false }],
    ['PATCH', '/ws-auth', { value: false }],
  ] as const)('%s %s is refused to others', async (method, path, json) => {
    const management = openManagement(yaml);
    const refused = await management.send(method, path, { json, as: operator });
    expect([refused.status, refused.code]).toEqual([403, 'root_required']);
    expect(management.config.fileText()).toBe(yaml);
  });

  it('DELETE of a client key is refused to others, also with allow-open', async () => {
    const management = openManagement(yaml);
    expect((await management.send('DELETE', '/api-keys?index=0&allow-open=true', { as: operator })).code).toBe('root_required');
  });

  it('only root makes a setting refer to a variable or a file', async () => {
    const value = { 'api-key': 'env:AWS_SECRET_ACCESS_KEY', 'base-url': 'https://evil.example' };
    const management = openManagement(yaml);
    expect((await management.send('PATCH', '/codex-api-key', { json: { index: 0, value }, as: operator })).code).toBe('root_required');
    expect((await management.send('PUT', '/config.yaml', put(yaml.replace('upstream-key-0000001', 'file:/etc/hostname')))).code).toBe('root_required');
    expect((await management.send('PUT', '/proxy-url', { json: { value: 'env:SECRET' }, as: operator })).code).toBe('root_required');
  });

  it('the rest is open to others who may write the config', async () => {
    const management = openManagement(yaml);
    expect((await management.send('PUT', '/request-retry', { json: { value: 2 }, as: operator })).status).toBe(200);
    expect((await management.send('PATCH', '/codex-api-key', { json: { index: 0, value: { prefix: 'x' } }, as: operator })).status).toBe(200);
    expect((await management.send('PUT', '/config.yaml', put(`${yaml}debug: true\n`))).status).toBe(200);
  });
});
