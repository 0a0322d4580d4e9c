import { describe, expect, it } from 'vitest';
import type { Principal } from '../../../internal/clients/principal.ts';
import type { LogFiles } from '../../../internal/log/ports.ts';
import { authIndexOf } from '../../../internal/management/list-items.ts';
import type { AccountState } from '../../../internal/routing/ports.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import type { StoredUsage } from '../../../internal/usage/store.ts';
import { codexFile, tokens } from './auth-file-samples.ts';
import { authDirPath, createFakeAccounts } from './fake-accounts.ts';
import { messageOf, noLogs, openManagement, operator } from './fixture.ts';

const row = (requestId: string, failed: boolean): StoredUsage => ({
  requestId, atMs: Date.UTC(2026, 10, 24, 10), clientId: 'key_0123456789ab', clientLabel: 'sk-f…0001', accountId: 'gemini:1', accountLabel: 'gemini (AIza…0001)', provider: 'gemini', model: 'm',
  endpoint: 'POST /v1/chat/completions', status: failed ? 502 : 200, outcome: failed ? 'upstream_error' : 'ok', failed, attempts: 1, latencyMs: 10, firstByteMs: 5,
  tokens: { input: 3, output: 4, reasoning: 0, cached: 0, estimated: false }, totalTokens: 7,
});

describe('/usage', () => {
  it('counts requests and failures, by client and model', async () => {
    const management = openManagement('');
    management.usageStore.append([row('r1', false), row('r2', true)]);
    const { body } = await management.send('GET', '/usage');
    expect(body).toMatchObject({ failed_requests: 1, usage: { total_requests: 2, success_count: 1, failure_count: 1, total_tokens: 14, apis: { 'sk-f…0001': { models: { m: { total_requests: 2 } } } } } });
  });

  it('one call tells which models a client used within a time, with exact sums', async () => {
    const management = openManagement('');
    const at = (hour: number): number => Date.UTC(2026, 10, 24, hour);
    management.usageStore.append([
      ...Array.from({ length: 1_203 }, (_, index) => ({ ...row(`a${index}`, false), atMs: at(9) + index })),
      { ...row('b', true), atMs: at(10), model: 'n' },
      { ...row('late', false), atMs: at(12), model: 'after' },
      { ...row('c', false), atMs: at(10), clientId: 'key_ba9876543210', clientLabel: 'sk-o…0002', model: 'others' },
    ]);
    const { body } = await management.send('GET', '/usage/export?client=key_0123456789ab&from=2026-11-24T09:00:00Z&to=2026-11-24T12:00:00Z');
    expect(body).toMatchObject({ details_left_out: 0, usage: { total_requests: 1_204, failure_count: 1, requests_by_hour: { '09': 1_203, '10': 1 }, apis: { 'sk-f…0001': { client_id: 'key_0123456789ab', models: { m: { total_requests: 1_203, total_tokens: 8_421 }, n: { total_requests: 1, details: [{ timestamp: '2026-11-24T10:00:00.000Z', request_id: 'b' }] } } } } } });
    expect(JSON.stringify(body)).not.toMatch(/others|after/);
    expect((await management.send('GET', '/usage/export?client=nobody')).body).toMatchObject({ usage: { total_requests: 0, apis: {} } });
    for (const query of ['client=a%20b', 'from=noon', 'to=x']) expect((await management.send('GET', `/usage/export?${query}`)).code).toBe('invalid_request');
  });

  it('what is exported can be imported elsewhere, once', async () => {
    const from = openManagement('');
    from.usageStore.append([row('r1', false), row('r2', true)]);
    const exported = (await from.send('GET', '/usage/export')).body;
    expect(exported).toMatchObject({ version: 1, exported_at: expect.stringMatching(/^2026-/) });
    const to = openManagement('');
    expect((await to.send('POST', '/usage/import', { json: exported })).body).toEqual({ added: 2, skipped: 0, total_requests: 2, failed_requests: 1 });
    expect((await to.send('POST', '/usage/import', { json: exported })).body).toEqual({ added: 0, skipped: 2, total_requests: 2, failed_requests: 1 });
    expect(to.audited()).toMatchObject([{ action: 'usage.imported', after: { added: 2 } }, { action: 'usage.imported', after: { added: 0 } }]);
  });

  it('an import may be larger than other bodies, and an unknown version or member is refused', async () => {
    const management = openManagement('');
    const large = { version: 1, usage: { apis: {}, padding: 'x'.repeat(1_100_000) } };
    expect((await management.send('POST', '/usage/import', { json: large })).status).toBe(200);
    expect((await management.send('POST', '/usage/import', { json: { version: 2, usage: {} } })).status).toBe(400);
    expect(messageOf(await management.send('POST', '/usage/import', { json: { usages: {} } }))).toContain('"usages"');
  });

  it('is hidden while usage-statistics-enabled is false, and says so', async () => {
    const management = openManagement('usage-statistics-enabled: false\n');
    for (const [method, path, json] of [['GET', '/usage', undefined], ['GET', '/usage/export', undefined], ['POST', '/usage/import', { usage: {} }]] as const) {
      const hidden = await management.send(method, path, { json });
      expect([hidden.status, messageOf(hidden)]).toEqual([404, expect.stringContaining('usage-statistics-enabled')]);
    }
  });
});

describe('logs', () => {
  const asked: { limit: number; afterMs: number }[] = [];
  const logs: LogFiles = {
    ...noLogs,
    isEnabled: () => true,
    tail: (query) => {
      asked.push(query);
      return Promise.resolve({ lines: ['one', 'two'], latestMs: 1_700_000_000_123 });
    },
    clear: () => Promise.resolve(3),
    listErrorLogs: () => Promise.resolve([{ name: 'error-a.log', size: 12, modifiedMs: 1_700_000_000_999 }]),
    readErrorLog: (name) => Promise.resolve(name === 'error-a.log' ? Buffer.from('<script>') : undefined),
    readRequestLog: (id) => Promise.resolve(id === 'req-1' ? { name: 'v1-chat "x".log', bytes: Buffer.from('text') } : undefined),
  };

  it('lines come with their count, the newest time in seconds, and a cursor in milliseconds', async () => {
    const { body } = await openManagement('', { logs }).send('GET', '/logs?limit=2');
    expect(body).toEqual({ lines: ['one', 'two'], 'line-count': 2, 'latest-timestamp': 1_700_000_000, 'next-cursor': '1700000000123' });
  });

  it('after counts whole seconds that were seen; cursor wins over it', async () => {
    const management = openManagement('', { logs });
    asked.length = 0;
    await management.send('GET', '/logs?after=1700000000&limit=5');
    await management.send('GET', '/logs?after=1700000000&cursor=1700000000123');
    expect(asked).toEqual([{ limit: 5, afterMs: 1_700_000_000_999 }, { limit: 1_000, afterMs: 1_700_000_000_123 }]);
  });

  it.each(['limit=0', 'limit=x', 'limit=10001', 'after=-1', 'after=1e3', 'cursor=now'])('refuses %s by name', async (query) => {
    const refused = await openManagement('', { logs }).send('GET', `/logs?${query}`);
    expect([refused.status, messageOf(refused)]).toEqual([400, expect.stringContaining(`invalid ${query.split('=')[0]}`)]);
  });

  it('says so while the file log is off', async () => {
    for (const method of ['GET', 'DELETE']) {
      const refused = await openManagement('').send(method, '/logs');
      expect([refused.status, messageOf(refused)]).toEqual([400, 'logging to file disabled']);
    }
  });

  it('clearing tells how many files went, and is audited', async () => {
    const management = openManagement('', { logs });
    expect((await management.send('DELETE', '/logs')).body).toEqual({ success: true, message: 'Logs cleared successfully', removed: 3 });
    expect(management.audited()).toMatchObject([{ action: 'logs.cleared', after: { removed: 3 } }]);
  });

  it('error logs are listed, and served as attachments that no browser interprets', async () => {
    const management = openManagement('', { logs });
    expect((await management.send('GET', '/request-error-logs')).body).toEqual({ files: [{ name: 'error-a.log', size: 12, modified: 1_700_000_000 }] });
    const { text, headers } = await management.send('GET', '/request-error-logs/error-a.log');
    expect([text, headers.get('content-type'), headers.get('content-disposition'), headers.get('x-content-type-options')]).toEqual(['<script>', 'text/plain; charset=utf-8', 'attachment; filename="error-a.log"', 'nosniff']);
    expect((await management.send('GET', '/request-log-by-id/req-1')).headers.get('content-disposition')).toBe('attachment; filename="v1-chat__x_.log"');
  });

  it.each(['/request-error-logs/..%2Fkeyward.log', '/request-error-logs/%5Cetc', '/request-error-logs/...', '/request-error-logs/a%00.log', '/request-error-logs/%', '/request-log-by-id/a.b', '/request-log-by-id/..%2Fx', `/request-log-by-id/${'a'.repeat(65)}`])('%s is refused as a name', async (path) => {
    const refused = await openManagement('', { logs: { ...logs, readErrorLog: () => Promise.resolve(Buffer.from('leak')) } }).send('GET', path);
    expect([refused.status, messageOf(refused)]).toEqual([400, expect.stringMatching(/^invalid (log file name|request ID)$/)]);
  });

  it('what is not there is 404', async () => {
    const management = openManagement('', { logs });
    expect((await management.send('GET', '/request-error-logs/error-b.log')).code).toBe('item_not_found');
    expect((await management.send('GET', '/request-log-by-id/req-2')).code).toBe('item_not_found');
  });
});

describe('/audit', () => {
  it('lists newest first, pages by before, and filters by action', async () => {
    const management = openManagement('');
    for (const value of [1, 2, 3]) await management.send('PUT', '/request-retry', { json: { value } });
    await management.send('GET', '/config?reveal=true');
    const first = await management.send('GET', '/audit?limit=2');
    expect(first.body).toMatchObject({ events: [{ action: 'secret.revealed', request_id: 'req-test', at: expect.stringMatching(/^2026-.*Z$/) }, { action: 'config.changed', after: { 'request-retry': 3 } }] });
    const rest = await management.send('GET', `/audit?limit=2&before=${String(first.body['next_before'])}`);
    expect(rest.body).toMatchObject({ events: [{ after: { 'request-retry': 2 } }, { after: { 'request-retry': 1 } }] });
    expect((await management.send('GET', '/audit?action=secret.revealed')).body).toMatchObject({ events: [{ target: 'config' }], next_before: null });
  });

  it('filters by actor and time', async () => {
    const management = openManagement('');
    await management.send('PUT', '/request-retry', { json: { value: 1 } });
    await management.send('GET', '/config?reveal=true', { as: operator });
    expect((await management.send('GET', `/audit?actor=${operator.id}`)).body).toMatchObject({ events: [{ action: 'management.refused', outcome: 'refused', actor_label: 'operator' }] });
    expect((await management.send('GET', '/audit?from=2026-11-24&to=2026-11-25')).body).toMatchObject({ events: [{}, {}] });
    expect((await management.send('GET', '/audit?to=2026-11-24')).body).toMatchObject({ events: [] });
  });

  it('exports all of it as JSON lines, oldest first, and says so itself', async () => {
    const management = openManagement('');
    for (let value = 1; value <= 12; value += 1) await management.send('PUT', '/request-retry', { json: { value: value % 10 } });
    const { headers, text } = await management.send('GET', '/audit/export');
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual(['application/x-ndjson; charset=utf-8', 'no-store']);
    const lines = text.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(13);
    expect([lines[0], lines[12]]).toMatchObject([{ id: 1, action: 'config.changed', outcome: 'ok', after: { 'request-retry': 1 } }, { action: 'audit.exported' }]);
    const some = await management.send('GET', '/audit/export?action=audit.exported&actor=root&from=2026-11-24T00:00:00Z');
    expect(some.text.trimEnd().split('\n')).toHaveLength(2);
  });

  it.each(['limit=0', 'limit=1001', 'before=x', 'action=a%20b', 'actor=a%20b', 'from=noon', 'to=1e9'])('refuses %s', async (query) => {
    expect((await openManagement('').send('GET', `/audit?${query}`)).code).toBe('invalid_request');
  });
});

const cooling: AccountState = { accountId: 'gemini-api-key:0123456789ab', label: 'gemini (AIza…0001)', provider: 'gemini', state: 'cooling', block: undefined, models: [{ model: 'm', untilMs: Date.UTC(2026, 10, 24, 13), reason: 'rate_limited' }] };

describe('/status', () => {
  it('tells what runs, on which config, and how the accounts are', async () => {
    const management = openManagement('request-retry: 1\n', { states: [cooling] });
    expect((await management.send('GET', '/status')).body).toMatchObject({
      version: '1.2.3', pid: 42, uptime_seconds: 5, binds: ['127.0.0.1:8317'], open_exchanges: 3, usage_queue_length: 7, storage: { healthy: true }, warnings: [],
      config: { path: management.config.path, hash: management.config.current().hash, refused: null },
      accounts: [{ state: 'cooling', 'auth-index': authIndexOf(cooling.accountId), models: [{ model: 'm', until: '2026-11-24T13:00:00.000Z', reason: 'rate_limited' }] }],
    });
    expect((await management.send('GET', '/status', { as: operator })).body['config']).not.toHaveProperty('hash');
  });
});

describe('/status of accounts behind logins', () => {
  const account = (accountId: string): AccountState => ({ accountId, label: 'codex (bob@example.com)', provider: 'codex', state: 'ready', block: undefined, models: [] });

  it('says which needs a person, why and since when, and which files are not used', async () => {
    const fake = createFakeAccounts({ 'codex-bob.json': codexFile, 'bad.json': '{' });
    const probe = openManagement('', { accounts: fake });
    await probe.send('GET', '/auth-files');
    const accountId = fake.accounts().accounts[0]?.id ?? '';
    fake.states.set('codex-bob.json', { kind: 'needs_login', reason: 'refresh_refused', detail: 'The vendor says that the login is over.', sinceMs: Date.UTC(2026, 10, 24, 9), usableUntilMs: 0 });
    const management = openManagement('auth-dir-encryption: off\n', { accounts: fake, states: [{ ...account(accountId), state: 'needs_login' }, account('gemini-api-key:1')] });
    await management.send('GET', '/auth-files');
    const { body, text } = await management.send('GET', '/status');
    expect(body).toMatchObject({
      accounts: [
        { account_id: accountId, state: 'needs_login', file: 'codex-bob.json', login: 'needs_login', reason: 'refresh_refused', detail: 'The vendor says that the login is over.', since: '2026-11-24T09:00:00.000Z' },
        { account_id: 'gemini-api-key:1', state: 'ready' },
      ],
      auth_dir: { path: authDirPath, encryption: 'off', files: 1, problems: [{ name: 'bad.json', code: 'not_json', severity: 'error', message: expect.stringContaining('not valid JSON') }] },
    });
    expect(text).not.toContain(tokens.codexRefresh);
  });

  it('says of a ready account whose login needs a person until when it still serves', async () => {
    const fake = createFakeAccounts({ 'codex-bob.json': codexFile });
    const probe = openManagement('', { accounts: fake });
    await probe.send('GET', '/auth-files');
    const management = openManagement('', { accounts: fake, states: [account(fake.accounts().accounts[0]?.id ?? '')] });
    await management.send('GET', '/auth-files');
    fake.states.set('codex-bob.json', { kind: 'needs_login', reason: 'refresh_refused', detail: 'The vendor said no.', sinceMs: 0, usableUntilMs: Date.UTC(2026, 10, 24, 15) });
    expect((await management.send('GET', '/status')).body).toMatchObject({ accounts: [{ state: 'ready', login: 'needs_login', usable_until: '2026-11-24T15:00:00.000Z', detail: 'The vendor said no; its last access token still serves until 2026-11-24T15:00:00.000Z' }] });
  });

  it('shows until when a token is good, and a refresh under way', async () => {
    const fake = createFakeAccounts({ 'codex-bob.json': codexFile });
    const probe = openManagement('', { accounts: fake });
    await probe.send('GET', '/auth-files');
    const states = [account(fake.accounts().accounts[0]?.id ?? '')];
    const management = openManagement('', { accounts: fake, states });
    await management.send('GET', '/auth-files');
    fake.states.set('codex-bob.json', { kind: 'ready', expiresAtMs: Date.UTC(2026, 10, 24, 15), lastRefreshMs: undefined });
    expect((await management.send('GET', '/status')).body).toMatchObject({ accounts: [{ login: 'ready', expires_at: '2026-11-24T15:00:00.000Z' }] });
    fake.states.set('codex-bob.json', { kind: 'refreshing', sinceMs: Date.UTC(2026, 10, 24, 12) });
    expect((await management.send('GET', '/status')).body).toMatchObject({ accounts: [{ login: 'refreshing', since: '2026-11-24T12:00:00.000Z' }] });
  });
});

describe('/explain', () => {
  it('knows credentials that stand in no config, and what they may use', async () => {
    const principal: Principal = { id: 'ck_ann', kind: 'managed-key', label: 'ann', holders: [{ id: 'ck_ann', grant: { models: ['other'] } }] };
    const management = openManagement('port: 8317\n', { principalOf: (id) => (id === 'ck_ann' ? principal : undefined) });
    expect((await management.send('GET', '/explain?model=gpt&key=ck_ann')).body).toMatchObject({ key: 'ck_ann', key_known: true, key_may_use: false });
  });

  it('takes a model, the id of a client key and a dialect', async () => {
    const key = 'sk-first-key-0000001';
    const id = `key_${sha256Hex(key).slice(0, 12)}`;
    expect((await openManagement(`api-keys: [${key}]\n`).send('GET', `/explain?model=gpt&key=${id}&dialect=gemini`)).body).toEqual({
      model: 'gpt', dialect: 'gemini', operation: 'chat', at: '2026-11-24T12:00:00.000Z', strategy: 'round-robin', max_cooldown_seconds: 900,
      session_affinity: { enabled: false, ttl_seconds: 0, bound_sessions: 0 }, candidates: [], key: id, key_known: true, key_may_use: true, near_names: [],
    });
  });

  it('says of an id that is nobody’s that it is not known', async () => {
    const management = openManagement('api-keys: [sk-first-key-0000001]\n');
    expect((await management.send('GET', '/explain?model=gpt&key=key_000000000000')).body).toMatchObject({ key: 'key_000000000000', key_known: false, key_may_use: false });
  });

  it('refuses the key itself without repeating it, and what is no dialect', async () => {
    const management = openManagement('api-keys: [sk-first-key-0000001]\n');
    const refused = await management.send('GET', '/explain?model=gpt&key=sk-first-key-0000001');
    expect([refused.status, refused.text.includes('sk-first')]).toEqual([400, false]);
    expect((await management.send('GET', '/explain?model=gpt&dialect=latin')).code).toBe('invalid_request');
    expect((await management.send('GET', '/explain')).code).toBe('invalid_request');
  });
});

describe('/reset-quota', () => {
  it('ends the cooldowns of one account, or of all, and is audited', async () => {
    const management = openManagement('', { states: [cooling] });
    const authIndex = authIndexOf(cooling.accountId);
    expect((await management.send('POST', '/reset-quota', { json: { auth_index: authIndex } })).body).toMatchObject({ status: 'ok', auth_index: authIndex, models: ['m'] });
    expect((await management.send('POST', '/reset-quota')).body).toMatchObject({ status: 'ok' });
    expect((await management.send('POST', '/reset-quota', { json: {} })).body).toMatchObject({ status: 'ok' });
    expect(management.resets).toEqual([cooling.accountId, undefined, undefined]);
    expect(management.audited()).toMatchObject([{ action: 'cooldown.reset', target: cooling.accountId }, { target: 'all' }, { target: 'all' }]);
  });

  it('an account that is not there is 404, and nothing is reset', async () => {
    const management = openManagement('', { states: [cooling] });
    for (const auth_index of ['0000000000000000', 7, null]) expect((await management.send('POST', '/reset-quota', { json: { auth_index } })).code).toBe('item_not_found');
    expect(management.resets).toEqual([]);
  });
});
