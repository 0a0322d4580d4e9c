import { describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { authIndexOf } from '../../../internal/management/list-items.ts';
import { isList, isObject } from '../../../internal/management/values.ts';
import { messageOf, openManagement, operator } from './fixture.ts';

const twoKeys = 'api-keys:\n  - "sk-first-key-0000001"\n  - "sk-second-key-0000002" # for the laptop\n';
const entries = ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key'] as const;
const twoEntries = (section: string): string =>
  `${section}:\n  # the first\n  - api-key: "vendor-key-aaaa-1111"\n    base-url: "https://one.example/v1"\n    prefix: one\n  # the second\n  - api-key: "vendor-key-bbbb-2222"\n    base-url: "https://two.example/v1"\n`;

describe('api-keys', () => {
  it('are shown masked, and in full to root alone', async () => {
    const management = openManagement(twoKeys);
    expect((await management.send('GET', '/api-keys')).body).toEqual({ 'api-keys': ['sk-f…0001', 'sk-s…0002'] });
    expect((await management.send('GET', '/api-keys?reveal=true')).body).toEqual({ 'api-keys': ['sk-first-key-0000001', 'sk-second-key-0000002'] });
    expect((await management.send('GET', '/api-keys?reveal=true', { as: operator })).code).toBe('root_required');
  });

  it.each([['raw', (items: unknown) => items], ['below items', (items: unknown) => ({ items })]])('PUT takes the whole list %s; masks sent back keep their keys', async (_form, wrap) => {
    const management = openManagement(twoKeys);
    const done = await management.send('PUT', '/api-keys', { json: wrap(['sk-s…0002', 'sk-third-key-0000003']) });
    expect([done.status, done.body]).toEqual([200, { status: 'ok' }]);
    expect(management.config.fileText()).toBe('api-keys:\n  - "sk-second-key-0000002" # for the laptop\n  - "sk-third-key-0000003"\n');
  });

  it('PATCH replaces one by index, by match, or by old and new, and adds one by new alone', async () => {
    const management = openManagement(twoKeys);
    expect((await management.send('PATCH', '/api-keys', { json: { index: 0, value: 'sk-a-0' } })).status).toBe(200);
    expect((await management.send('PATCH', '/api-keys', { json: { match: 'sk-s…0002', value: 'sk-b-0' } })).status).toBe(200);
    expect((await management.send('PATCH', '/api-keys', { json: { old: 'sk-a-0', new: 'sk-a-1' } })).status).toBe(200);
    expect((await management.send('PATCH', '/api-keys', { json: { new: 'sk-c-0' } })).status).toBe(200);
    expect(management.config.current().config['api-keys'].map((key) => key.reveal())).toEqual(['sk-a-1', 'sk-b-0', 'sk-c-0']);
  });

  it('DELETE takes one away by index or by value', async () => {
    const management = openManagement(twoKeys);
    expect((await management.send('DELETE', '/api-keys?value=sk-first-key-0000001')).status).toBe(200);
    expect(management.config.fileText()).toBe('api-keys:\n  - "sk-second-key-0000002" # for the laptop\n');
  });

  it('taking the last one away is refused until the caller says that it is meant', async () => {
    for (const [method, path, json] of [['DELETE', '/api-keys?index=0', undefined], ['PUT', '/api-keys', []], ['PUT', '/api-keys', { items: [] }]] as const) {
      const management = openManagement('api-keys: [sk-only-key-00000001]\n');
      const refused = await management.send(method, path, { json });
      expect([refused.status, refused.code]).toEqual([409, 'would_open_access']);
      expect(management.config.current().config['api-keys']).toHaveLength(1);
      expect(management.audited()).toMatchObject([{ action: 'management.refused', code: 'would_open_access', target: `${method} /v0/management/api-keys` }]);
      expect((await management.send(method, `${path}${path.includes('?') ? '&' : '?'}allow-open=true`, { json })).status).toBe(200);
      expect(management.config.fileText()).toBe('api-keys: []\n');
    }
  });

  it('what is no key is refused by its place, and never stored', async () => {
    const management = openManagement(twoKeys);
    for (const bad of [[''], [5], ['k'.repeat(4_097)], [null], ['good-key-00000000001', ' ']]) {
      const refused = await management.send('PUT', '/api-keys', { json: bad });
      expect([refused.status, messageOf(refused)]).toEqual([400, expect.stringMatching(/^items\[[01]\] /)]);
    }
    expect(management.config.fileText()).toBe(twoKeys);
  });

  it('a mask of nothing stored is refused, not stored', async () => {
    const management = openManagement(twoKeys);
    const refused = await management.send('PUT', '/api-keys', { json: ['sk-x…9999'] });
    expect([refused.status, messageOf(refused)]).toEqual([400, 'items[0] is the mask of no stored secret; give the secret itself.']);
  });

  it('masks that look alike keep their order while all are there, and are ambiguous once one is gone', async () => {
    const management = openManagement('api-keys: [short-a, short-b]\n');
    expect((await management.send('PUT', '/api-keys', { json: ['********', '********', 'a-new-key-0000000001'] })).status).toBe(200);
    expect(management.config.current().config['api-keys'].map((key) => key.reveal())).toEqual(['short-a', 'short-b', 'a-new-key-0000000001']);
    const refused = await management.send('PUT', '/api-keys', { json: ['********'] });
    expect([refused.status, refused.code]).toEqual([409, 'ambiguous_match']);
  });
});

describe.each(entries)('%s', (section) => {
  it('shows each entry masked with a stable auth-index', async () => {
    const management = openManagement(twoEntries(section));
    const first = await management.send('GET', `/${section}`);
    expect(first.text).not.toContain('vendor-key-');
    const items = first.body[section];
    expect(items).toMatchObject([{ 'api-key': 'vend…1111', prefix: 'one', 'auth-index': expect.stringMatching(/^[\da-f]{16}$/) }, { 'api-key': 'vend…2222' }]);
    expect((await management.send('GET', `/${section}`)).body[section]).toEqual(items);
  });

  it('PUT of what GET showed changes nothing, to the byte', async () => {
    const management = openManagement(twoEntries(section));
    const shown = (await management.send('GET', `/${section}`)).body[section];
    expect((await management.send('PUT', `/${section}`, { json: shown })).status).toBe(200);
    expect(management.config.fileText()).toBe(twoEntries(section));
    expect(management.audited()).toEqual([]);
  });

  it('PATCH changes the members it names, by index or match, and leaves the rest and the comments', async () => {
    const management = openManagement(twoEntries(section));
    expect((await management.send('PATCH', `/${section}`, { json: { match: 'vendor-key-aaaa-1111', value: { prefix: 'uno', priority: 5 } } })).status).toBe(200);
    expect((await management.send('PATCH', `/${section}`, { json: { index: 1, value: { disabled: true } } })).status).toBe(200);
    expect(management.config.fileText()).toBe(twoEntries(section).replace('prefix: one\n', 'prefix: uno\n    priority: 5\n').replace('https://two.example/v1"\n', 'https://two.example/v1"\n    disabled: true\n'));
  });

  it('PATCH with null takes a member away', async () => {
    const management = openManagement(twoEntries(section));
    await management.send('PATCH', `/${section}`, { json: { index: 0, value: { prefix: null } } });
    expect(management.config.fileText()).toBe(twoEntries(section).replace('    prefix: one\n', ''));
  });

  it('nothing matched is 404, several are 409 and told apart by base-url', async () => {
    const management = openManagement(twoEntries(section).replace('bbbb-2222', 'aaaa-1111'));
    for (const [method, json] of [['PATCH', { match: 'nobody', value: { prefix: 'x' } }], ['PATCH', { index: 2, value: { prefix: 'x' } }]] as const) {
      expect((await management.send(method, `/${section}`, { json })).code).toBe('item_not_found');
    }
    expect((await management.send('DELETE', `/${section}?api-key=nobody`)).status).toBe(404);
    expect((await management.send('PATCH', `/${section}`, { json: { match: 'vendor-key-aaaa-1111', value: { prefix: 'x' } } })).code).toBe('ambiguous_match');
    const several = await management.send('DELETE', `/${section}?api-key=vendor-key-aaaa-1111`);
    expect([several.status, several.code]).toEqual([409, 'ambiguous_match']);
    expect((await management.send('DELETE', `/${section}?api-key=vendor-key-aaaa-1111&base-url=https://two.example/v1`)).status).toBe(200);
    expect(management.config.current().config[section].map((entry) => entry['base-url'])).toEqual(['https://one.example/v1']);
  });

  it('a field of the wrong type is 400 and named, without the value', async () => {
    const management = openManagement(twoEntries(section));
    const patched = await management.send('PATCH', `/${section}`, { json: { index: 0, value: { priority: 'sk-leak-000000000000' } } });
    expect([patched.status, messageOf(patched)]).toEqual([400, 'value.priority must be number']);
    const put = await management.send('PUT', `/${section}`, { json: [{ 'base-url': 'https://one.example' }] });
    expect([put.status, messageOf(put)]).toEqual([400, expect.stringMatching(/^items\[0\]\.api-key must be/)]);
  });
});

describe('openai-compatibility', () => {
  const yaml = 'openai-compatibility:\n  - name: openrouter\n    base-url: "https://or.example/v1"\n    api-key-entries:\n      - api-key: "or-key-000000000001"\n      - api-key: "or-key-000000000002"\n        proxy-url: "socks5://u:p@127.0.0.1:1080"\n    headers:\n      X-Team: "team-secret-000000001"\n';

  it('masks keys, header values and proxy passwords; each key has an auth-index', async () => {
    const management = openManagement(yaml);
    const { text, body } = await management.send('GET', '/openai-compatibility');
    for (const secret of ['or-key-', 'team-secret', 'u:p']) expect(text).not.toContain(secret);
    expect(body['openai-compatibility']).toMatchObject([{ headers: { 'X-Team': 'team…0001' }, 'api-key-entries': [{ 'auth-index': expect.stringMatching(/^[\da-f]{16}$/) }, { 'proxy-url': 'socks5://********@127.0.0.1:1080' }] }]);
    expect((await management.send('PUT', '/openai-compatibility', { json: body['openai-compatibility'] })).status).toBe(200);
    expect(management.config.fileText()).toBe(yaml);
  });

  it('PATCH and DELETE name an entry by name, in any case', async () => {
    const management = openManagement(yaml);
    expect((await management.send('PATCH', '/openai-compatibility', { json: { name: 'OpenRouter', value: { prefix: 'or' } } })).status).toBe(200);
    expect(management.config.current().config['openai-compatibility'][0]?.prefix).toBe('or');
    expect((await management.send('DELETE', '/openai-compatibility?name=openrouter')).status).toBe(200);
    expect(management.config.current().config['openai-compatibility']).toEqual([]);
  });

  it('the auth-index is that of the account the key became', async () => {
    const management = openManagement(yaml);
    await management.config.opened;
    const second = accountsFromConfig(management.config.current().config).accounts[1];
    const shown = (await management.send('GET', '/openai-compatibility')).body['openai-compatibility'];
    const entry = isList(shown) && isObject(shown[0]) ? shown[0]['api-key-entries'] : undefined;
    expect(entry).toMatchObject([{}, { 'auth-index': authIndexOf(second?.id ?? '') }]);
  });
});

describe.each([
  ['oauth-excluded-models', 'provider', 'models', ['a', 'b'], ['c']],
  ['oauth-model-alias', 'channel', 'aliases', [{ name: 'a', alias: 'b' }], [{ name: 'c', alias: 'd', fork: true }]],
] as const)('%s', (section, selector, member, first, second) => {
  const yaml = `${section}:\n  claude: ${JSON.stringify(first)}\n`;

  it('PUT takes a map, raw or below items; GET gives it back', async () => {
    const management = openManagement(yaml);
    for (const json of [{ claude: first, codex: second }, { items: { codex: second } }]) {
      expect((await management.send('PUT', `/${section}`, { json })).status).toBe(200);
      expect((await management.send('GET', `/${section}`)).body).toEqual({ [section]: 'items' in json ? json.items : json });
    }
  });

  it('PATCH sets one, an empty list takes it away, an unknown one is 404', async () => {
    const management = openManagement(yaml);
    expect((await management.send('PATCH', `/${section}`, { json: { [selector]: 'claude', [member]: second } })).status).toBe(200);
    expect((await management.send('GET', `/${section}`)).body).toEqual({ [section]: { claude: second } });
    expect((await management.send('PATCH', `/${section}`, { json: { name: 'nobody', value: second } })).code).toBe('item_not_found');
    expect((await management.send('PATCH', `/${section}`, { json: { [selector]: 'claude', [member]: [] } })).status).toBe(200);
    expect((await management.send('GET', `/${section}`)).body).toEqual({ [section]: {} });
  });

  it('DELETE takes one away; an unknown one is 404', async () => {
    const management = openManagement(yaml);
    expect((await management.send('DELETE', `/${section}?${selector}=nobody`)).status).toBe(404);
    expect((await management.send('DELETE', `/${section}?${selector}=claude`)).status).toBe(200);
    expect((await management.send('GET', `/${section}`)).body).toEqual({ [section]: {} });
  });

  it('a value of the wrong shape is 400 and named', async () => {
    const refused = await openManagement(yaml).send('PUT', `/${section}`, { json: { claude: 'all' } });
    expect([refused.status, messageOf(refused)]).toEqual([400, expect.stringMatching(/^claude must be/)]);
  });
});

describe('every list', () => {
  it.each([...entries, 'api-keys', 'openai-compatibility', 'oauth-excluded-models', 'oauth-model-alias'])('%s refuses requests that name nothing, or something unknown', async (section) => {
    const management = openManagement('port: 8317\n');
    expect((await management.send('DELETE', `/${section}`)).code).toBe('invalid_request');
    expect(messageOf(await management.send('DELETE', `/${section}?everything=true`))).toContain('everything is not known');
    expect((await management.send('PATCH', `/${section}`, { json: { value: 'x' } })).code).toBe('invalid_request');
    expect((await management.send('PATCH', `/${section}`, { json: { index: 0 } })).code).toBe('invalid_request');
    expect(messageOf(await management.send('PATCH', `/${section}`, { json: { indx: 0, value: {} } }))).toContain('"indx"');
    expect((await management.send('PUT', `/${section}`, { json: 'x' })).status).toBe(400);
    expect(management.config.fileText()).toBe('port: 8317\n');
  });

  it.each(['api-keys', 'gemini-api-key', 'oauth-excluded-models'])('%s honours If-Match against its own tag', async (section) => {
    const management = openManagement(`${twoKeys}${twoEntries('gemini-api-key')}oauth-excluded-models: {a: [b]}\n`);
    const etag = (await management.send('GET', `/${section}`)).headers.get('etag') ?? '';
    await management.send('PUT', '/debug', { json: { value: true } });
    expect((await management.send('GET', `/${section}`)).headers.get('etag')).toBe(etag);
    const address = section === 'oauth-excluded-models' ? 'provider=a' : 'index=0';
    expect((await management.send('DELETE', `/${section}?${address}`, { headers: { 'if-match': '"other"' } })).code).toBe('precondition_failed');
    expect((await management.send('DELETE', `/${section}?${address}`, { headers: { 'if-match': etag } })).status).toBe(200);
  });

  it('the audit shows changed secrets masked', async () => {
    const management = openManagement(twoEntries('codex-api-key'));
    await management.send('PATCH', '/codex-api-key', { json: { index: 0, value: { 'api-key': 'vendor-key-cccc-3333' } } });
    const [event] = management.audited();
    expect(event).toMatchObject({ action: 'config.changed', target: 'codex-api-key', before: { 'codex-api-key': [{ 'api-key': 'vend…1111' }, {}] }, after: { 'codex-api-key': [{ 'api-key': 'vend…3333' }, {}] } });
    expect(JSON.stringify(event)).not.toContain('vendor-key-');
  });
});

describe('what stands in the file', () => {
  it('a key of digits is a key: masked to the digit', async () => {
    const yaml = 'api-keys:\n  - 01234567890123456789\n  - other-key-0000000001\n';
    const management = openManagement(yaml);
    expect((await management.send('GET', '/api-keys')).body).toEqual({ 'api-keys': ['0123…6789', 'othe…0001'] });
  });

  it('a mask or a reference with blanks around it is still one', async () => {
    const management = openManagement(twoEntries('codex-api-key').replace('"vendor-key-bbbb-2222"', 'env:KEY_OF_TWO'));
    expect((await management.send('PATCH', '/codex-api-key', { json: { index: 0, value: { 'api-key': ' vend…1111 ', 'base-url': 'https://evil.example' } } })).code).toBe('secret_required');
    expect((await management.send('PATCH', '/codex-api-key', { json: { index: 1, value: { 'api-key': ' env:KEY_OF_TWO', 'base-url': 'https://evil.example' } } })).code).toBe('secret_required');
    expect((await management.send('GET', '/codex-api-key')).text).toContain('env:KEY_OF_TWO');
  });

  it('members left blank, unknown members and anchors survive a PUT of what GET showed', async () => {
    const yaml = 'claude-api-key:\n  - &one\n    api-key: "vendor-key-aaaa-1111"\n    prefix:\n    cloak: {mode: never}\n  - <<: *one\n    api-key: "vendor-key-bbbb-2222"\n';
    const management = openManagement(yaml);
    const shown = (await management.send('GET', '/claude-api-key')).body['claude-api-key'];
    expect(shown).toMatchObject([{ cloak: { mode: 'never' } }, { cloak: { mode: 'never' }, 'api-key': 'vend…2222' }]);
    expect((await management.send('PUT', '/claude-api-key', { json: shown })).status).toBe(200);
    expect(management.config.fileText()).toBe(yaml);
  });
});

describe('edits made at once', () => {
  it('all land, none over another', async () => {
    const { send, config } = openManagement('api-keys: ["sk-first-0123456789abcdef"]\n');
    const keys = Array.from({ length: 16 }, (_, index) => `sk-at-once-${String(index).padStart(2, '0')}-0123456789`);
    const answers = await Promise.all(keys.map((key) => send('PATCH', '/api-keys', { json: { new: key } })));
    expect(answers.map((answer) => answer.status)).toEqual(keys.map(() => 200));
    expect(config.current().config['api-keys'].map((key) => key.reveal()).toSorted()).toEqual(['sk-first-0123456789abcdef', ...keys].toSorted());
  });
});
