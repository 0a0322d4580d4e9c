import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { settings, type Config } from '../../../internal/config/schema.ts';
import { findSecretSlots } from '../../../internal/management/secret-slots.ts';
import { isObject, type JsonObject } from '../../../internal/management/values.ts';
import { claudeFile, codexFile, tokens } from '../../http/management/auth-file-samples.ts';
import { createFakeAccounts } from '../../http/management/fake-accounts.ts';
import { noLogs, openManagement, operator } from '../../http/management/fixture.ts';

const yaml = [
  'remote-management:\n  secret-key: "the-management-secret-0001"\n',
  'proxy-url: "http://me:proxy-password-01@127.0.0.1:3128"\n',
  'api-keys: ["client-key-000000001", "short"]\n',
  'gemini-api-key:\n  - api-key: "gemini-key-000000001"\n    headers: {X-Team: "header-secret-000001"}\n',
  'openai-compatibility:\n  - name: or\n    base-url: "https://or.example"\n    api-key-entries: [{api-key: "compat-key-000000001"}]\n    api-keys: ["legacy-key-000000001"]\n',
].join('');
const secrets = ['proxy-password-01', 'client-key-000000001', 'short', 'gemini-key-000000001', 'header-secret-000001', 'compat-key-000000001', 'legacy-key-000000001'];
const revealing = ['/config', '/config.yaml', '/api-keys', '/gemini-api-key', '/openai-compatibility', '/proxy-url'];

describe('rule 20: plaintext of secrets is for root', () => {
  it.each([...revealing, '/status', '/audit', '/usage', '/claude-api-key'])('%s shows no secret to anyone who did not ask for it', async (path) => {
    const management = openManagement(yaml);
    await management.send('PATCH', '/gemini-api-key', { json: { index: 0, value: { prefix: 'x' } } });
    const { status, text } = await management.send('GET', path);
    expect(status).toBe(200);
    for (const secret of [...secrets, 'the-management-secret-0001']) expect(text).not.toContain(secret);
  });

  it.each(revealing)('%s reveals to root, unstored and audited', async (path) => {
    const management = openManagement(yaml);
    const { status, text, headers } = await management.send('GET', `${path}?reveal=true`);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(secrets.some((secret) => text.includes(secret))).toBe(true);
    expect(management.audited()).toMatchObject([{ action: 'secret.revealed', actor: 'root', target: path.slice(1) }]);
  });

  it.each(revealing)('%s reveals to nobody else, and the attempt is audited', async (path) => {
    const management = openManagement(yaml);
    const refused = await management.send('GET', `${path}?reveal=true`, { as: operator });
    expect([refused.status, refused.code]).toEqual([403, 'root_required']);
    for (const secret of secrets) expect(refused.text).not.toContain(secret);
    expect(management.audited()).toMatchObject([{ action: 'management.refused', actor: operator.id, code: 'root_required' }]);
  });

  it.each(revealing)('%s never shows the management secret, revealed or not', async (path) => {
    const { text } = await openManagement(yaml).send('GET', `${path}?reveal=true`);
    expect(text).not.toContain('the-management-secret-0001');
  });

  it('secrets under 16 characters are masked whole', async () => {
    expect((await openManagement('api-keys: ["fifteen-chars-x", "sixteen-chars-xy"]\n').send('GET', '/api-keys')).body).toEqual({ 'api-keys': ['********', 'sixt…s-xy'] });
  });

  it.each(['/logs', '/request-error-logs', '/request-error-logs/error-a.log', '/request-log-by-id/req-1'])('%s is for root alone', async (path) => {
    const management = openManagement(yaml, { logs: { ...noLogs, isEnabled: () => true } });
    expect((await management.send('GET', path, { as: operator })).code).toBe('root_required');
  });

  it('explain takes a key’s id, and does not echo a key sent by mistake', async () => {
    const { status, text } = await openManagement(yaml).send('GET', '/explain?model=m&key=client-key-000000001');
    expect([status, text.includes('client-key')]).toEqual([400, false]);
  });

  it('every secret that the settings table knows in a list is one that the lists mask', () => {
    const sections = ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key', 'openai-compatibility'] as const satisfies readonly (keyof Config)[];
    for (const section of sections) {
      const item = sampleOf(itemSchema(settings.entries[section]));
      const places = secretPlaces(itemSchema(settings.entries[section]));
      expect(places).toEqual(expect.arrayContaining(['headers.X-Name', 'proxy-url']));
      expect(findSecretSlots(item).map((slot) => slot.path.join('.'))).toEqual(expect.arrayContaining([...places]));
      expect(v.is(settings.entries[section], [item])).toBe(true);
    }
  });
});

describe('rule 20: account files', () => {
  const files = { 'claude-ann.json': claudeFile, 'codex-bob.json': codexFile };
  const hidden = Object.values(tokens);

  it.each(['/auth-files', '/auth-files?name=claude-ann.json', '/auth-files/models?name=claude-ann.json', '/status', '/audit', '/config', '/oauth-sessions'])('%s shows no token, header or proxy password of them, to root neither', async (path) => {
    const management = openManagement('', { accounts: createFakeAccounts(files) });
    await management.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', note: 'x', headers: { 'x-more': 'more-header-canary-0005' } } });
    const { status, text } = await management.send('GET', path);
    expect(status).toBe(200);
    for (const secret of [...hidden, 'more-header-canary-0005']) expect(text).not.toContain(secret);
  });

  it.each(['/auth-files/download?name=claude-ann.json', '/auth-files/download?name=claude-ann.json&reveal=true'])('%s gives plain text to root, unstored and audited, and to nobody else', async (path) => {
    const management = openManagement('', { accounts: createFakeAccounts(files) });
    const refused = await management.send('GET', path, { as: operator });
    expect([refused.status, refused.code]).toEqual([403, 'root_required']);
    for (const secret of hidden) expect(refused.text).not.toContain(secret);
    const { text, headers } = await management.send('GET', path);
    expect([text, headers.get('cache-control')]).toEqual([claudeFile, 'no-store']);
    expect(management.audited()).toMatchObject([{ action: 'management.refused', code: 'root_required' }, { action: 'account.revealed', target: 'claude-ann.json', actor: 'root' }]);
  });

  it.each([
    ['PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', refresh_token: tokens.claudeRefresh } }],
    ['PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', headers: { x: `${tokens.headerValue}\n` } } }],
    ['POST', '/auth-files?name=x.json', { body: `{"type":"claude","refresh_token":"${tokens.claudeRefresh}"` }],
    ['POST', '/vertex/import', { json: { type: 'service_account', private_key: tokens.claudeRefresh } }],
    ['POST', '/oauth-callback', { json: { provider: 'nobody', code: tokens.claudeRefresh, state: 'x' } }],
  ] as const)('a refusal of %s %s repeats nothing that was sent', async (method, path, options) => {
    const refused = await openManagement('', { accounts: createFakeAccounts(files) }).send(method, path, options);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    for (const secret of hidden) expect(refused.text).not.toContain(secret);
  });
});

/** The schema of one item of an optional list. */
function itemSchema(list: unknown): JsonObject {
  const array = memberOf(list, 'wrapped');
  return memberOf(array, 'item');
}

function memberOf(schema: unknown, name: string): JsonObject {
  const member = isObject(schema) ? schema[name] : undefined;
  if (!isObject(member)) throw new TypeError(`a schema without ${name}`);
  return member;
}

function kindOf(schema: JsonObject): 'whole' | 'userinfo' | undefined {
  const found = /"secret":"(whole|userinfo)"/.exec(JSON.stringify(isObject(schema['wrapped']) ? schema['wrapped']['pipe'] : schema['pipe']) ?? '');
  return found?.[1] === 'whole' ? 'whole' : found?.[1] === 'userinfo' ? 'userinfo' : undefined;
}

/** Dotted places of secrets in an item as `sampleOf` makes it. */
function secretPlaces(schema: JsonObject, path = ''): readonly string[] {
  const inner = isObject(schema['wrapped']) ? schema['wrapped'] : schema;
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (isObject(inner['entries'])) return Object.entries(inner['entries']).flatMap(([name, member]) => (isObject(member) ? secretPlaces(member, at(name)) : []));
  if (inner['type'] === 'array') return secretPlaces(memberOf(inner, 'item'), at('0'));
  if (inner['type'] === 'record') return secretPlaces(memberOf(inner, 'value'), at('X-Name'));
  return kindOf(schema) === undefined ? [] : [path];
}

/** An item in which every place of the schema is filled. */
function sampleOf(schema: JsonObject): unknown {
  const inner = isObject(schema['wrapped']) ? schema['wrapped'] : schema;
  if (isObject(inner['entries'])) return Object.fromEntries(Object.entries(inner['entries']).map(([name, member]) => [name, isObject(member) ? sampleOf(member) : undefined]));
  if (inner['type'] === 'array') return [sampleOf(memberOf(inner, 'item'))];
  if (inner['type'] === 'record') return { 'X-Name': sampleOf(memberOf(inner, 'value')) };
  if (inner['type'] === 'boolean') return true;
  if (inner['type'] === 'number') return 1;
  if (inner['type'] === 'picklist') return Array.isArray(inner['options']) ? inner['options'][0] : undefined;
  return 'http://user:password@host.example';
}
