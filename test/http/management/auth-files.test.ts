import { describe, expect, it } from 'vitest';
import { noTokens } from '../../../internal/accounts/token-set.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { authIndexOf } from '../../../internal/management/list-items.ts';
import type { AccountState } from '../../../internal/routing/ports.ts';
import { claudeFile, codexFile, tokens } from './auth-file-samples.ts';
import { authDirPath, createFakeAccounts, type FakeAccounts } from './fake-accounts.ts';
import { messageOf, openManagement, operator, type Management } from './fixture.ts';
import { isObject, type JsonObject } from '../../../internal/management/values.ts';

const yaml = 'remote-management:\n  secret-key: "the-management-secret-0001"\n';

interface Bench extends Management {
  readonly fake: FakeAccounts;
}

function open(files: Readonly<Record<string, string>> = { 'claude-ann.json': claudeFile, 'codex-bob.json': codexFile }, states: readonly AccountState[] = []): Bench {
  const fake = createFakeAccounts(files);
  return { ...openManagement(yaml, { accounts: fake, states }), fake };
}

async function list(bench: Management, query = ''): Promise<readonly JsonObject[]> {
  const { files } = (await bench.send('GET', `/auth-files${query}`)).body;
  return Array.isArray(files) ? files.filter(isObject) : [];
}
const entry = async (bench: Management, name: string): Promise<JsonObject> => (await list(bench, `?name=${name}`))[0] ?? {};

function expectNoSecret(text: string): void {
  for (const secret of Object.values(tokens)) expect(text).not.toContain(secret);
}

describe('GET /auth-files', () => {
  it('tells of each file who it is, how it is and what its operator said, without a secret', async () => {
    const bench = open();
    const answer = await bench.send('GET', '/auth-files');
    expectNoSecret(answer.text);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await list(bench)).toMatchObject([
      {
        id: 'claude-ann.json', name: 'claude-ann.json', auth_index: expect.stringMatching(/^[\da-f]{16}$/), type: 'claude', provider: 'anthropic', label: expect.stringContaining('ann@example.com'), email: 'ann@example.com', account: 'ann@example.com', account_type: 'oauth',
        status: 'active', status_message: '', disabled: false, unavailable: false, next_retry_after: null, source: 'file', path: `${authDirPath}/claude-ann.json`, size: claudeFile.length, modtime: '2026-10-01T00:00:00.000Z',
        last_refresh: '2026-11-24T11:00:00.000Z', expires_at: '2026-12-24T12:00:00.000Z', prefix: 'team', priority: 3, weight: 1, headers: { 'x-team': 'head…0003' }, proxy_url: 'socks5://********@10.0.0.1:1080', duplicate_of: null, problem: null, sealed: false,
      },
      { name: 'codex-bob.json', provider: 'codex', id_token: { chatgpt_account_id: 'acct-0001', plan_type: 'pro' } },
    ]);
  });

  it('is sorted by name without regard to case, and can be asked for one name or account', async () => {
    const bench = open({ 'b.json': claudeFile, 'C.json': codexFile, 'a.json': codexFile.replace('acct-0001', 'acct-2').replaceAll('bob@', 'cid@') });
    const all = await list(bench);
    expect(all.map(({ name }) => name)).toEqual(['a.json', 'b.json', 'C.json']);
    expect(await list(bench, '?name=C.json')).toHaveLength(1);
    expect((await list(bench, `?auth_index=${String(all[1]?.['auth_index'])}`)).map(({ name }) => name)).toEqual(['b.json']);
    expect(await list(bench, '?name=none.json')).toEqual([]);
  });

  it('the index of a file is that of its account everywhere else', async () => {
    const bench = open();
    const indexes = (await list(bench)).map((file) => file['auth_index']);
    expect(indexes).toEqual(bench.fake.accounts().accounts.map((account) => authIndexOf(account.id)));
  });

  it('a file that cannot be used is there with what is wrong with it', async () => {
    const bench = open({ 'bad.json': '{"type": "claude"', 'odd.json': '{"type":"nobody"}' });
    expect(await list(bench)).toMatchObject([
      { name: 'bad.json', status: 'error', unavailable: true, problem: { code: 'not_json', severity: 'error', message: expect.stringContaining('line 1') } },
      { name: 'odd.json', status: 'error', problem: { code: 'unknown_type' }, status_message: expect.stringContaining('nobody') },
    ]);
  });

  it('a file whose newest version is broken serves by its last good one, and says so', async () => {
    const bench = open();
    bench.fake.problems.push({ name: 'codex-bob.json', code: 'not_json', severity: 'error', message: 'The file is not valid JSON.' });
    expect(await entry(bench, 'codex-bob.json')).toMatchObject({ status: 'active', status_message: 'The file is not valid JSON.', problem: { code: 'not_json', severity: 'error' } });
  });

  it('a second file of one identity names the first', async () => {
    const bench = open({ 'a.json': codexFile, 'b.json': codexFile });
    expect(await list(bench)).toMatchObject([{ name: 'a.json', duplicate_of: null }, { name: 'b.json', duplicate_of: 'a.json', problem: { code: 'duplicate_of', severity: 'warning' }, status: 'active' }]);
  });

  it.each([
    ['needs_login', { status: 'needs_login', reason: 'refresh_refused', status_message: 'The vendor said no.', since: '2026-11-24T10:00:00.000Z', unavailable: true }],
    ['refreshing', { status: 'refreshing', unavailable: false }],
    ['disabled', { status: 'disabled', disabled: true, unavailable: true }],
    ['cooling', { status: 'cooling', next_retry_after: '2026-11-24T13:00:00.000Z', unavailable: true }],
  ] as const)('shows an account that is %s as that', async (state, expected) => {
    const text = state === 'disabled' ? codexFile.replace('{', '{"disabled":true,') : codexFile;
    const probe = open({ 'x.json': text });
    await list(probe);
    const account = probe.fake.accounts().accounts[0];
    const cooling: AccountState = { accountId: account?.id ?? '', label: '', provider: 'codex', state: 'cooling', block: undefined, models: [{ model: 'm', untilMs: Date.UTC(2026, 10, 24, 13), reason: 'rate_limited' }] };
    const bench = open({ 'x.json': text }, state === 'cooling' ? [cooling] : []);
    if (state === 'needs_login') bench.fake.states.set('x.json', { kind: 'needs_login', reason: 'refresh_refused', detail: 'The vendor said no.', sinceMs: Date.UTC(2026, 10, 24, 10), usableUntilMs: 0 });
    if (state === 'refreshing') bench.fake.states.set('x.json', { kind: 'refreshing', sinceMs: 0 });
    expect(await entry(bench, 'x.json')).toMatchObject(expected);
  });

  it('an account that needs a login is of use while its last token is good', async () => {
    const bench = open({ 'x.json': codexFile });
    bench.fake.states.set('x.json', { kind: 'needs_login', reason: 'refresh_refused', detail: '', sinceMs: 0, usableUntilMs: Date.UTC(2026, 10, 24, 12, 1) });
    expect(await entry(bench, 'x.json')).toMatchObject({ status: 'needs_login', unavailable: false, usable_until: '2026-11-24T12:01:00.000Z', status_message: 'its last access token still serves until 2026-11-24T12:01:00.000Z' });
  });

  it('control and direction characters out of a file are spelled out', async () => {
    const bench = open({ 'x.json': JSON.stringify({ type: 'claude', email: 'a\u202e\u001b[31m@x', note: 'n\u0007', refresh_token: 'rt' }) });
    const { text } = await bench.send('GET', '/auth-files');
    expect(JSON.parse(text)).toMatchObject({ files: [{ email: String.raw`a\u202e\x1b[31m@x`, note: String.raw`n\x07` }] });
  });
});

describe('PATCH /auth-files/status', () => {
  it('switches a file off and on, leaves every other byte, and is on record', async () => {
    const bench = open();
    expect((await bench.send('PATCH', '/auth-files/status', { json: { name: 'claude-ann.json', disabled: true } })).body).toEqual({ status: 'ok', disabled: true });
    expect(bench.fake.texts.get('claude-ann.json')).toBe(claudeFile.replace('1.50 }\n}', '1.50 },\n  "disabled": true\n}'));
    expect(await entry(bench, 'claude-ann.json')).toMatchObject({ status: 'disabled' });
    await bench.send('PATCH', '/auth-files/status', { json: { name: 'claude-ann.json', disabled: false } });
    expect(await entry(bench, 'claude-ann.json')).toMatchObject({ status: 'active' });
    expect(bench.audited()).toMatchObject([{ action: 'account.changed', target: 'claude-ann.json', before: { disabled: false }, after: { disabled: true } }, { after: { disabled: false } }]);
  });

  it('takes the account’s index instead of a name, and says which file is meant where two are one account', async () => {
    const bench = open({ 'a.json': codexFile, 'b.json': codexFile, 'c.json': claudeFile });
    const index = (await entry(bench, 'c.json'))['auth_index'];
    expect((await bench.send('PATCH', '/auth-files/status', { json: { auth_index: index, disabled: true } })).status).toBe(200);
    const both = (await entry(bench, 'a.json'))['auth_index'];
    expect((await bench.send('PATCH', '/auth-files/status', { json: { auth_index: both, disabled: true } })).body).toMatchObject({ error: { code: 'ambiguous_match', matches: ['a.json', 'b.json'] } });
  });

  it('switching on tries an account again that needs a login', async () => {
    const bench = open();
    bench.fake.states.set('codex-bob.json', { kind: 'needs_login', reason: 'refresh_refused', detail: '', sinceMs: 0, usableUntilMs: 0 });
    await bench.send('PATCH', '/auth-files/status', { json: { name: 'codex-bob.json', disabled: false } });
    expect(bench.fake.retried).toEqual(['codex-bob.json']);
  });

  it.each([
    [{ disabled: true }, 400, 'name is required'],
    [{ name: 'codex-bob.json' }, 400, 'disabled is required'],
    [{ name: 'codex-bob.json', disabled: 'yes' }, 400, 'disabled is required'],
    [{ name: 'none.json', disabled: true }, 404, 'auth file not found'],
    [{ name: '../config.yaml', disabled: true }, 404, 'auth file not found'],
    [{ name: 'codex-bob.json', disabled: true, more: 1 }, 400, '"more"'],
  ])('%j is refused', async (json, status, message) => {
    const bench = open();
    const refused = await bench.send('PATCH', '/auth-files/status', { json });
    expect([refused.status, messageOf(refused)]).toEqual([status, expect.stringContaining(message)]);
    expect(bench.fake.written).toEqual([]);
  });
});

describe('PATCH /auth-files/fields', () => {
  it('sets what an operator may say, in either spelling, and removes what is empty', async () => {
    const bench = open();
    const json = { name: 'claude-ann.json', prefix: '/prod/', priority: 0, weight: 5, note: 'Ann’s', 'excluded-models': ['*-preview'], model_aliases: [{ name: 'claude-opus-5', alias: 'best' }], disable_cooling: true, base_url: 'https://llm.example.com', proxy_url: '' };
    expect((await bench.send('PATCH', '/auth-files/fields', { json })).body).toEqual({ status: 'ok' });
    expect(await entry(bench, 'claude-ann.json')).toMatchObject({ prefix: 'prod', priority: 0, weight: 5, note: 'Ann’s', excluded_models: ['*-preview'], model_aliases: [{ name: 'claude-opus-5', alias: 'best' }], disable_cooling: true, base_url: 'https://llm.example.com', proxy_url: '' });
    const text = bench.fake.texts.get('claude-ann.json') ?? '';
    expect(text).toContain('"their-own": { "kept": 1.50 }');
    expect(text).toContain(tokens.claudeRefresh);
    expect(text).not.toContain('proxy_url');
    expectNoSecret(JSON.stringify(bench.audited()));
  });

  it('merges headers: a null or an empty value takes one away, masks stay what they stand for', async () => {
    const bench = open();
    await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', headers: { 'X-Team': 'head…0003', 'x-new': 'fresh-value-00000001' } } });
    expect(JSON.parse(bench.fake.texts.get('claude-ann.json') ?? '')).toMatchObject({ headers: { 'x-team': tokens.headerValue, 'x-new': 'fresh-value-00000001' } });
    await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', headers: { 'X-TEAM': null, 'x-new': '' } } });
    expect(await entry(bench, 'claude-ann.json')).toMatchObject({ headers: {} });
  });

  it('what was read can be sent back, and changes nothing', async () => {
    const bench = open();
    const { headers, proxy_url, prefix, priority } = await entry(bench, 'claude-ann.json');
    expect((await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', headers, proxy_url, prefix, priority } })).status).toBe(200);
    expect(JSON.parse(bench.fake.texts.get('claude-ann.json') ?? '')).toEqual(JSON.parse(claudeFile));
  });

  it.each([
    [{}, 400, 'no fields to update'],
    [{ access_token: 'x' }, 400, '"access_token" is written by logins alone'],
    [{ 'refresh-token': 'x' }, 400, '"refresh-token" is written by logins alone'],
    [{ type: 'codex' }, 400, '"type" is not known'],
    [{ preifx: 'x' }, 400, '"preifx" is not known'],
    [{ prefix: 'a/b' }, 400, '"prefix" must be'],
    [{ priority: 1.5 }, 400, '"priority" must be'],
    [{ weight: -1 }, 400, '"weight" must be'],
    [{ disabled: 'no' }, 400, '"disabled" must be'],
    [{ headers: ['x'] }, 400, '"headers" must be'],
    [{ headers: { 'bad name': 'x' } }, 400, '"headers" holds'],
    [{ headers: { x: 'a\r\nb' } }, 400, '"headers.x" must be'],
    [{ headers: { 'Keep-Alive': '5' } }, 400, '"headers.Keep-Alive" is set by Keyward itself'],
    [{ headers: { x: 'wron…0009' } }, 400, 'mask of no stored value'],
    [{ proxy_url: 'nope' }, 400, '"proxy_url" must be'],
    [{ proxy_url: 'socks5://********@evil.example:1080' }, 409, 'proxy_url has another address'],
    [{ base_url: 'http://llm.example.com' }, 400, '"base_url" is plain http'],
    [{ base_url: 'http://169.254.169.254/' }, 400, '"base_url" leads to'],
    [{ excluded_models: 'x' }, 400, '"excluded_models" must be'],
    [{ model_aliases: [{ name: 'a' }] }, 400, '"model_aliases" must be'],
    [{ weight: 1, 'disable-cooling': true, disable_cooling: true }, 400, 'two spellings'],
  ])('%j is refused by name, and nothing is written', async (fields, status, message) => {
    const bench = open();
    const refused = await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', ...fields } });
    expect([refused.status, messageOf(refused)]).toEqual([status, expect.stringContaining(message)]);
    expect(bench.fake.written).toEqual([]);
  });

  it('a stale If-Match is 412 and the newest tag comes along; tokens refreshed meanwhile are no conflict', async () => {
    const bench = open();
    const etag = (await bench.send('GET', '/auth-files?name=claude-ann.json')).headers.get('etag') ?? '';
    expect(etag).toBe((await entry(bench, 'claude-ann.json'))['etag']);
    bench.fake.texts.set('claude-ann.json', claudeFile.replace(tokens.claudeAccess, 'sk-ant-oat01-newer'));
    expect((await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', note: 'mine' }, headers: { 'if-match': etag } })).status).toBe(200);
    const stale = await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', note: 'theirs' }, headers: { 'if-match': etag } });
    expect([stale.status, stale.code]).toEqual([412, 'precondition_failed']);
    expect(stale.headers.get('etag')).toBe((await entry(bench, 'claude-ann.json'))['etag']);
    expect(bench.fake.texts.get('claude-ann.json')).toContain('sk-ant-oat01-newer');
    expect(await entry(bench, 'claude-ann.json')).toMatchObject({ note: 'mine' });
  });

  it('a file that cannot be used cannot be edited, and says why', async () => {
    const bench = open({ 'bad.json': '{' });
    const refused = await bench.send('PATCH', '/auth-files/fields', { json: { name: 'bad.json', note: 'x' } });
    expect([refused.code, messageOf(refused)]).toEqual(['invalid_auth_file', expect.stringContaining('not valid JSON')]);
  });
});

describe('DELETE /auth-files', () => {
  it('without a name says that one is needed, and removes nothing', async () => {
    const bench = open();
    // As Node hands a request on that was sent without one.
    expect(await bench.send('DELETE', '/auth-files', { body: new Uint8Array() })).toMatchObject({ status: 400, code: 'invalid_request', body: { error: { message: 'name is required.' } } });
  });

  it('removes one by name, and says when there is none', async () => {
    const bench = open();
    expect((await bench.send('DELETE', '/auth-files?name=codex-bob.json')).body).toEqual({ status: 'ok', deleted: 1, files: ['codex-bob.json'] });
    expect([...bench.fake.texts.keys()]).toEqual(['claude-ann.json']);
    const missing = await bench.send('DELETE', '/auth-files?name=codex-bob.json');
    expect([missing.status, messageOf(missing)]).toEqual([404, 'auth file not found']);
    expect(bench.audited()).toMatchObject([{ action: 'account.removed', target: 'codex-bob.json' }]);
  });

  it.each([
    ['?name=a.json&name=b.json', undefined],
    ['', { names: ['a.json', 'b.json'] }],
    ['', ['a.json', 'b.json']],
  ])('removes several: %s %j', async (query, json) => {
    const bench = open({ 'a.json': claudeFile, 'b.json': codexFile });
    expect((await bench.send('DELETE', `/auth-files${query}`, { json })).body).toEqual({ status: 'ok', deleted: 2, files: ['a.json', 'b.json'] });
  });

  it('one of several that is not there fails alone', async () => {
    const bench = open({ 'a.json': claudeFile });
    const answer = await bench.send('DELETE', '/auth-files', { json: { names: ['a.json', 'none.json'] } });
    expect([answer.status, answer.body]).toEqual([207, { status: 'partial', deleted: 1, files: ['a.json'], failed: [{ name: 'none.json', error: 'auth file not found', code: 'item_not_found' }] }]);
  });

  it.each(['true', '1', '*'])('all=%s removes every account, and leaves files that are none', async (all) => {
    const bench = open({ 'a.json': claudeFile, 'b.json': codexFile, 'other-program.json': '{"name":"x"}' });
    expect((await bench.send('DELETE', `/auth-files?all=${encodeURIComponent(all)}`)).body).toMatchObject({ deleted: 2 });
    expect([...bench.fake.texts.keys()]).toEqual(['other-program.json']);
  });

  it('revoke ends the login at its vendor first and tells how that went', async () => {
    const bench = open();
    expect((await bench.send('DELETE', '/auth-files?name=codex-bob.json&revoke=true')).body).toEqual({ status: 'ok', deleted: 1, files: ['codex-bob.json'], revocations: [{ name: 'codex-bob.json', offered: true, ok: true, detail: '' }] });
    expect(bench.fake.revoked).toEqual([`codex ${tokens.codexRefresh} at-codex`]);
    expect(bench.audited()).toMatchObject([{ action: 'account.removed', after: { revoked: true } }]);
    expectNoSecret(JSON.stringify(bench.audited()));
  });

  it('revoke ends the newest token, which the file may not have yet, once for all copies', async () => {
    const bench = open({ 'a.json': codexFile, 'b.json': codexFile });
    bench.fake.newest.set('a.json', { ...noTokens, refreshToken: new Secret('rt-rotated'), accessToken: new Secret('at-rotated') });
    expect((await bench.send('DELETE', '/auth-files?name=b.json&name=a.json&revoke=true')).body).toMatchObject({ deleted: 2, revocations: [{ name: 'b.json', ok: true }, { name: 'a.json', ok: true }] });
    expect(bench.fake.revoked).toEqual(['codex rt-rotated at-rotated']);
  });

  it('revoke of a login that another process refreshes for too long is a conflict, and nothing goes', async () => {
    const bench = open();
    bench.fake.busy.add('codex-bob.json');
    const refused = await bench.send('DELETE', '/auth-files?name=codex-bob.json&revoke=true');
    expect([refused.status, refused.code]).toEqual([409, 'conflict']);
    expect([bench.fake.revoked, bench.fake.written]).toEqual([[], []]);
    const mixed = await bench.send('DELETE', '/auth-files?all=true&revoke=true');
    expect([mixed.status, mixed.body]).toEqual([207, expect.objectContaining({ files: ['claude-ann.json'], failed: [expect.objectContaining({ name: 'codex-bob.json', code: 'conflict' })] })]);
  });

  it('revoke does not pull the login out from under another copy that stays', async () => {
    const bench = open({ 'a.json': codexFile, 'b.json': codexFile });
    const refused = await bench.send('DELETE', '/auth-files?name=a.json&revoke=true');
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([409, 'conflict', expect.stringContaining('b.json')]);
    expect([bench.fake.revoked, bench.fake.written]).toEqual([[], []]);
    expect((await bench.send('DELETE', '/auth-files?name=a.json&name=b.json&revoke=true')).status).toBe(200);
  });

  it('takes If-Match for one file', async () => {
    const bench = open();
    expect((await bench.send('DELETE', '/auth-files?name=codex-bob.json', { headers: { 'if-match': '"other"' } })).status).toBe(412);
    expect((await bench.send('DELETE', '/auth-files?name=codex-bob.json', { headers: { 'if-match': String((await entry(bench, 'codex-bob.json'))['etag']) } })).status).toBe(200);
    expect((await bench.send('DELETE', '/auth-files?all=true&name=x.json')).status).toBe(400);
  });

  it.each([['', undefined], ['?all=no', undefined], ['', { names: [] }], ['', { names: [7] }], ['', { file: 'a.json' }], ['?name=', undefined]])('%s %j names nothing', async (query, json) => {
    const bench = open();
    expect((await bench.send('DELETE', `/auth-files${query}`, { json })).status).toBe(400);
    expect(bench.fake.written).toEqual([]);
  });
});

describe('GET /auth-files/download', () => {
  it('gives root the bytes as they stand, as an attachment that is not stored, and puts that on record', async () => {
    const bench = open();
    const { text, headers } = await bench.send('GET', '/auth-files/download?name=claude-ann.json');
    expect(text).toBe(claudeFile);
    expect([headers.get('content-disposition'), headers.get('cache-control'), headers.get('content-type')]).toEqual(['attachment; filename="claude-ann.json"', 'no-store', 'application/json; charset=utf-8']);
    expect(bench.audited()).toMatchObject([{ action: 'account.revealed', target: 'claude-ann.json', code: '' }]);
  });

  it('gives plain text to nobody else, and the attempt is on record', async () => {
    const bench = open();
    for (const query of ['?name=claude-ann.json', '?name=claude-ann.json&reveal=true', '?name=none.json']) {
      const refused = await bench.send('GET', `/auth-files/download${query}`, { as: operator });
      expect(refused.code).toBe('root_required');
      expectNoSecret(refused.text);
    }
    expect(bench.audited()).toMatchObject([{ action: 'management.refused', actor: operator.id, outcome: 'refused' }]);
  });

  it('a sealed file stays sealed unless root asks; sealed it goes to others, unless secrets stand beside its tokens', async () => {
    const bench = open();
    bench.fake.sealed.add('codex-bob.json').add('claude-ann.json');
    expect((await bench.send('GET', '/auth-files/download?name=codex-bob.json')).text).toContain('keyward_sealed');
    expect((await bench.send('GET', '/auth-files/download?name=codex-bob.json', { as: operator })).text).toContain('keyward_sealed');
    expect((await bench.send('GET', '/auth-files/download?name=claude-ann.json', { as: operator })).code).toBe('root_required');
    expect((await bench.send('GET', '/auth-files/download?name=codex-bob.json&reveal=true')).text).toBe(codexFile);
    expect(bench.audited().map(({ action }) => action)).toEqual(['account.downloaded', 'account.downloaded', 'management.refused', 'account.revealed']);
  });

  it.each(['', '?name=', '?name=..%2Fconfig.yaml', '?name=none.json'])('%s is refused', async (query) => {
    expect([400, 404]).toContain((await open().send('GET', `/auth-files/download${query}`)).status);
  });
});

describe('GET /auth-files/models', () => {
  it('lists what would route to the account, its prefix included', async () => {
    const bench = open();
    const { models } = (await bench.send('GET', '/auth-files/models?name=claude-ann.json')).body;
    expect(Array.isArray(models) && models.length > 0 && models.every((model) => isObject(model) && String(model['id']).includes('claude'))).toBe(true);
    expect(JSON.stringify(models)).toContain('"team/');
    expect((await bench.send('GET', '/auth-files/models')).status).toBe(400);
    expect((await bench.send('GET', '/auth-files/models?name=none.json')).status).toBe(404);
  });
});

describe('who is not root', () => {
  it.each([{ base_url: 'https://evil.example' }, { proxy_url: 'http://evil.example:3128' }, { headers: { host: 'evil.example' } }, { 'base-url': '' }])('does not move where a file’s tokens are sent: %j', async (fields) => {
    const bench = open({ 'x.json': claudeFile.replace('"priority"', '"base_url": "https://one.example", "priority"') });
    const refused = await bench.send('PATCH', '/auth-files/fields', { json: { name: 'x.json', ...fields }, as: operator });
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([403, 'root_required', expect.stringContaining('tokens are sent')]);
    expect(bench.fake.written).toEqual([]);
    expect(bench.audited()).toMatchObject([{ action: 'management.refused', code: 'root_required' }]);
  });

  it('changes what moves nothing', async () => {
    const bench = open();
    expect((await bench.send('PATCH', '/auth-files/fields', { json: { name: 'claude-ann.json', prefix: 'x', note: 'y', priority: 1 }, as: operator })).status).toBe(200);
  });
});
