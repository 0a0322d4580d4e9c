import { describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import type { LoginGrant } from '../../../internal/providers/login-profile.ts';
import type { StartedLogin } from '../../../internal/upstreamauth/ports.ts';
import { until } from '../../support/until.ts';
import { createFakeAccounts, type FakeAccounts } from './fake-accounts.ts';
import { messageOf, openManagement, operator, type Management } from './fixture.ts';

const state = '0123456789abcdef0123456789abcdef';
const code = 'authorization-code-canary';
const nowMs = Date.UTC(2026, 10, 24, 12);
const corp = 'oauth:\n  corp: { issuer: "https://id.example.com", client-id: x, base-url: "https://llm.example.com/v1" }\n  machine: { issuer: "https://id.example.com", grant: client-credentials, client-id: x, client-secret: "a-client-secret-0001", base-url: "https://llm.example.com/v1" }\n';

const started = (change: Partial<StartedLogin> = {}): StartedLogin => ({
  state,
  provider: 'anthropic',
  grant: 'authorization-code',
  url: `https://claude.ai/oauth/authorize?state=${state}`,
  userCode: undefined,
  expiresAtMs: nowMs + 600_000,
  redirect: { uri: 'http://localhost:54545/callback', isListening: true, obstacle: undefined },
  ...change,
});

interface Bench extends Management {
  readonly fake: FakeAccounts;
}

function open(next: StartedLogin | AppError = started(), yaml = corp): Bench {
  const fake = createFakeAccounts();
  fake.logins.next = next;
  return { ...openManagement(yaml, { accounts: fake }), fake };
}

describe('GET /<provider>-auth-url', () => {
  it('starts a login and gives what to open, the state to ask by, and whether the redirect will be heard', async () => {
    const bench = open();
    const { body } = await bench.send('GET', '/anthropic-auth-url?is_webui=true');
    expect(body).toEqual({ status: 'ok', url: started().url, state, provider: 'anthropic', flow: 'code', expires_in: 600, redirect_uri: 'http://localhost:54545/callback', listening: true });
    expect(bench.fake.logins.started).toEqual([{ provider: 'anthropic', options: {} }]);
    expect(bench.audited()).toMatchObject([{ action: 'login.started', target: 'anthropic' }]);
  });

  it('says who holds a port that is taken', async () => {
    const bench = open(started({ redirect: { uri: 'http://localhost:54545/callback', isListening: false, obstacle: 'port 54545 is in use by node (pid 4711)' } }));
    expect((await bench.send('GET', '/anthropic-auth-url')).body).toMatchObject({ listening: false, obstacle: 'port 54545 is in use by node (pid 4711)' });
  });

  it('a device login tells the code and where to type it', async () => {
    const bench = open(started({ provider: 'codex', grant: 'codex-device', url: 'https://auth.openai.com/codex/device', userCode: 'ABCD-1234', redirect: undefined }));
    expect((await bench.send('GET', '/codex-auth-url?flow=device')).body).toEqual({ status: 'ok', url: 'https://auth.openai.com/codex/device', state, provider: 'codex', flow: 'device', expires_in: 600, user_code: 'ABCD-1234', verification_uri: 'https://auth.openai.com/codex/device' });
    expect(bench.fake.logins.started).toEqual([{ provider: 'codex', options: { grant: 'codex-device' } }]);
  });

  it.each<readonly [string, string, LoginGrant | undefined]>([
    ['anthropic', 'anthropic', undefined], ['claude', 'anthropic', undefined], ['codex', 'codex', undefined], ['google', 'google', undefined], ['gemini-cli', 'google', undefined], ['iflow', 'iflow', undefined],
    ['antigravity', 'antigravity', undefined], ['qwen', 'qwen', undefined], ['kimi', 'kimi', undefined], ['xai', 'xai', undefined], ['corp', 'corp', undefined], ['CORP', 'corp', undefined],
  ])('/%s-auth-url is the login of %s', async (name, provider) => {
    const bench = open(started({ provider }));
    expect((await bench.send('GET', `/${name}-auth-url`)).status).toBe(200);
    expect(bench.fake.logins.started.map((login) => login.provider)).toEqual([provider]);
  });

  it('passes a Google project on', async () => {
    const bench = open();
    await bench.send('GET', '/gemini-cli-auth-url?project_id=my-project-1');
    expect(bench.fake.logins.started).toEqual([{ provider: 'google', options: { projectId: 'my-project-1' } }]);
    expect((await bench.send('GET', '/gemini-cli-auth-url?project_id=a%20b')).status).toBe(400);
  });

  it('a login that a reload brought is offered at once, and none of another name', async () => {
    const bench = open();
    expect((await bench.send('GET', '/nobody-auth-url')).code).toBe('login_not_offered');
    await bench.config.writeBehindItsBack(`${corp}  late: { issuer: "https://id.example.com", client-id: x, base-url: "https://llm.example.com/v1" }\n`);
    await bench.send('POST', '/reload');
    expect((await bench.send('GET', '/late-auth-url')).status).toBe(200);
  });

  it.each([
    ['/vertex-auth-url', 404, 'login_not_offered', '/vertex/import'],
    ['/machine-auth-url', 404, 'login_not_offered', 'client credentials'],
    ['/anthropic-auth-url?flow=device', 400, 'invalid_request', 'anthropic offers no device flow'],
    ['/qwen-auth-url?flow=code', 400, 'invalid_request', 'qwen offers no code flow'],
    ['/codex-auth-url?flow=magic', 400, 'invalid_request', 'flow must be'],
  ])('%s is refused', async (path, status, errorCode, message) => {
    const bench = open();
    const refused = await bench.send('GET', path);
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([status, errorCode, expect.stringContaining(message)]);
    expect(bench.fake.logins.started).toEqual([]);
  });

  it('a refusal of the login is passed on, and only a GET starts one', async () => {
    const bench = open(new AppError('oauth_client_not_configured', { message: 'Add these lines: oauth: …' }));
    const refused = await bench.send('GET', '/anthropic-auth-url');
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([409, 'oauth_client_not_configured', 'Add these lines: oauth: …']);
    expect((await bench.send('HEAD', '/anthropic-auth-url')).status).toBe(405);
    expect(bench.fake.logins.started).toHaveLength(1);
    expect(bench.audited()).toEqual([]);
  });
});

describe('GET /get-auth-status', () => {
  it('answers in the words that panels poll for', async () => {
    const bench = open();
    await bench.send('GET', '/anthropic-auth-url');
    const ask = async (query: string) => {
      const { status, body } = await bench.send('GET', `/get-auth-status${query}`);
      return [status, body];
    };
    expect(await ask('')).toEqual([200, { status: 'ok' }]);
    expect(await ask(`?state=${state}`)).toEqual([200, { status: 'wait' }]);
    bench.fake.logins.sessions.splice(0, 1, { state, provider: 'anthropic', grant: 'authorization-code', startedAtMs: 0, expiresAtMs: 0, status: { kind: 'failed', code: 'login_denied', message: 'The provider did not grant the login.' } });
    expect(await ask(`?state=${state}`)).toEqual([200, { status: 'error', error: 'The provider did not grant the login.', code: 'login_denied' }]);
    bench.fake.logins.sessions.splice(0, 1, { state, provider: 'anthropic', grant: 'authorization-code', startedAtMs: 0, expiresAtMs: 0, status: { kind: 'done', fileName: 'claude-ann.json', label: 'claude (ann)', isDisabled: false } });
    expect(await ask(`?state=${state}`)).toEqual([200, { status: 'ok', name: 'claude-ann.json', label: 'claude (ann)', disabled: false }]);
    expect(await ask('?state=ffff')).toEqual([200, { status: 'error', error: 'unknown or expired state', code: 'login_state_unknown' }]);
    for (const odd of ['..%2Fx', 'a%20b', 'x'.repeat(129)]) expect(await ask(`?state=${odd}`)).toMatchObject([400, { status: 'error', error: 'invalid state' }]);
  });
});

describe('POST /oauth-callback', () => {
  const done = { kind: 'done', fileName: 'claude-ann.json', label: 'claude (ann)', isDisabled: true } as const;

  it.each([
    ['the whole address', { provider: 'claude', redirect_url: `http://localhost:54545/callback?code=${code}&state=${state}` }],
    ['code#state', { provider: 'anthropic', code: `${code}#${state}` }],
    ['its parts, the login known by its state', { code, state }],
  ])('finishes a login by %s', async (_what, json) => {
    const bench = open();
    bench.fake.logins.outcome = done;
    await bench.send('GET', '/anthropic-auth-url');
    const { body } = await bench.send('POST', '/oauth-callback', { json });
    expect(body).toEqual({ status: 'ok', name: 'claude-ann.json', label: 'claude (ann)', disabled: true });
    expect(bench.fake.logins.finished).toEqual([{ provider: 'anthropic', returned: { code, state, error: '', errorDescription: '', iss: '' } }]);
  });

  it.each(['login_state_unknown', 'login_state_used', 'login_state_expired', 'login_provider_mismatch', 'login_issuer_mismatch', 'login_denied'] as const)('a refusal has its own code: %s', async (refusal) => {
    const bench = open();
    bench.fake.logins.outcome = new AppError(refusal);
    const refused = await bench.send('POST', '/oauth-callback', { json: { provider: 'anthropic', code, state } });
    expect([refused.status, refused.code]).toEqual([400, refusal]);
  });

  it.each([
    [{ provider: 'nobody', code, state }, 'unsupported provider'],
    [{ provider: 7, code, state }, 'provider must be text'],
    [{ code, state }, 'No login with this state'],
    [{ provider: 'anthropic' }, ''],
    [{ provider: 'anthropic', code, state, more: 1 }, '"more"'],
    [{ provider: 'anthropic', redirect_url: `http://localhost/callback?code=${code}&code=x&state=${state}` }, 'twice'],
  ])('%j is refused without asking the vendor', async (json, message) => {
    const bench = open();
    const refused = await bench.send('POST', '/oauth-callback', { json });
    expect([refused.status, messageOf(refused)]).toEqual([400, expect.stringContaining(message)]);
    expect(refused.text).not.toContain(code);
    expect(bench.fake.logins.finished).toEqual([]);
  });
});

describe('/oauth-sessions', () => {
  it('lists logins without their states, and ends one by state or id', async () => {
    const bench = open();
    await bench.send('GET', '/anthropic-auth-url');
    const listed = await bench.send('GET', '/oauth-sessions');
    expect(listed.body).toEqual({ sessions: [{ id: expect.stringMatching(/^[\da-f]{16}$/), provider: 'anthropic', flow: 'code', started_at: '2026-11-24T12:00:00.000Z', expires_at: '2026-11-24T12:10:00.000Z', status: 'wait' }] });
    expect(listed.text).not.toContain(state);
    const [, id = ''] = /"id":"([\da-f]+)"/.exec(listed.text) ?? [];
    expect((await bench.send('DELETE', `/oauth-sessions?id=${id}`)).body).toEqual({ status: 'ok', cancelled: true });
    expect((await bench.send('DELETE', `/oauth-sessions?state=${state}`)).body).toEqual({ status: 'ok', cancelled: true });
    expect((await bench.send('DELETE', '/oauth-sessions?state=other')).body).toEqual({ status: 'ok', cancelled: false });
    expect((await bench.send('DELETE', '/oauth-sessions')).status).toBe(400);
  });
});

describe('a login belongs to who started it', () => {
  it('another caller sees, finishes and ends nothing of it; root sees all', async () => {
    const bench = open();
    await bench.send('GET', '/anthropic-auth-url');
    const as = operator;
    expect((await bench.send('GET', '/oauth-sessions', { as })).body).toEqual({ sessions: [] });
    expect((await bench.send('GET', `/get-auth-status?state=${state}`, { as })).body).toMatchObject({ error: 'unknown or expired state' });
    expect((await bench.send('POST', '/oauth-callback', { as, json: { provider: 'anthropic', code, state } })).code).toBe('login_state_unknown');
    expect((await bench.send('DELETE', `/oauth-sessions?state=${state}`, { as })).body).toEqual({ status: 'ok', cancelled: false });
    expect(bench.fake.logins.finished).toEqual([]);
    bench.fake.logins.next = started({ state: 'fedcba9876543210fedcba9876543210' });
    await bench.send('GET', '/anthropic-auth-url', { as });
    expect((await bench.send('GET', '/oauth-sessions', { as })).body).toMatchObject({ sessions: [{}] });
    expect((await bench.send('GET', '/oauth-sessions')).body).toMatchObject({ sessions: [{}, {}] });
  });
});

describe('the record of logins', () => {
  it.each([
    [{ kind: 'done', fileName: 'claude-ann.json', label: 'claude (ann)', isDisabled: false }, { action: 'login.finished', target: 'anthropic', after: { file: 'claude-ann.json' } }, 'anthropic done'],
    [{ kind: 'failed', code: 'login_state_expired', message: '' }, { action: 'login.failed', target: 'anthropic', code: 'login_state_expired' }, 'anthropic failed'],
  ] as const)('has the end of each once, whichever way it came: %j', async (status, event, counted) => {
    const bench = open();
    await bench.send('GET', '/anthropic-auth-url');
    bench.fake.logins.waiting.get(state)?.(status);
    await until('the end is on record', () => bench.audited().length === 2);
    expect(bench.audited()[1]).toMatchObject(event);
    expect(bench.loginsEnded).toEqual([counted]);
    expect(JSON.stringify(bench.audited())).not.toContain(state);
  });

  it('a cancelled login has not failed', async () => {
    const bench = open();
    await bench.send('GET', '/anthropic-auth-url');
    await bench.send('DELETE', `/oauth-sessions?state=${state}`);
    bench.fake.logins.waiting.get(state)?.({ kind: 'failed', code: 'login_cancelled', message: '' });
    await until('the end is counted', () => bench.loginsEnded.length === 1);
    expect(bench.loginsEnded).toEqual(['anthropic cancelled']);
    expect(bench.audited().map(({ action }) => action)).toEqual(['login.started', 'login.cancelled']);
  });
});
