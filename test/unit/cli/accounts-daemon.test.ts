import { describe, expect, it } from 'vitest';
import { createDaemonLogin } from '../../../internal/cli/accounts/daemon-login.ts';
import { createDaemonStore } from '../../../internal/cli/accounts/daemon-store.ts';
import { systemClock, type Clock } from '../../../internal/clock/clock.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { listenAsDaemon, type Reply, type SeenCall } from './control-fixtures.ts';
import { createFakeProcess, createFolder, type FakeProcess } from './fake-process.ts';

const state = '0123456789abcdef0123456789abcdef';
const running: Reply = { body: { version: '1' } };
/** Polls follow each other at once. */
const hasty: Clock = { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(0, signal) };

async function run(cli: FakeProcess): Promise<number> {
  return runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
}

/** Answers by the path without query; everything else is a mistake of the test. */
function byPath(replies: Readonly<Record<string, Reply | readonly Reply[]>>): (call: SeenCall) => Reply {
  const left = new Map(Object.entries(replies).map(([path, reply]) => [path, Array.isArray(reply) ? [...reply] : reply] as const));
  return ({ method, url }) => {
    const reply = left.get(`${method} ${url.split('?')[0] ?? ''}`);
    if (Array.isArray(reply)) return (reply.length > 1 ? reply.shift() : reply[0]) ?? running;
    return reply ?? { status: 500, body: { error: { message: `not foreseen: ${method} ${url}` } } };
  };
}

const started = { status: 'ok', url: 'https://id.example.com/authorize', state, provider: 'anthropic', flow: 'code', expires_in: 600, redirect_uri: 'http://localhost:54545/callback', listening: true };

describe('a login through the running daemon', () => {
  it('starts there, polls, and tells what was stored', async () => {
    const cli = createFakeProcess(['accounts', 'login', 'Claude Max/2', '--project-id', 'p-1', '--json']);
    const daemon = await listenAsDaemon(
      cli.home,
      byPath({
        'GET /v0/management/status': running,
        'GET /v0/management/Claude%20Max%2F2-auth-url': { body: started },
        'GET /v0/management/get-auth-status': [{ body: { status: 'wait' } }, { body: { status: 'ok', name: 'claude-ann.json', label: 'claude (ann)', disabled: false } }],
      }),
    );
    expect(await run(cli)).toBe(0);
    expect(JSON.parse(cli.out())).toEqual({ status: 'ok', provider: 'Claude Max/2', file: 'claude-ann.json', account: 'claude (ann)', disabled: false });
    expect(cli.err()).toContain('The account goes to the running daemon.');
    expect(daemon.seen.map(({ url }) => url)).toEqual([
      '/v0/management/status',
      '/v0/management/Claude%20Max%2F2-auth-url?project_id=p-1',
      `/v0/management/get-auth-status?state=${state}`,
      `/v0/management/get-auth-status?state=${state}`,
    ]);
  });

  it('a line on a piped standard input is taken as a paste; its parts go to the daemon and into no output', async () => {
    const cli = createFakeProcess(['accounts', 'login', 'anthropic'], { stdin: `http://localhost:54545/callback?code=the-secret-code&state=${state}&iss=https%3A%2F%2Fid.example.com\n` });
    let isFinished = false;
    const daemon = await listenAsDaemon(cli.home, (call) => {
      if (call.method === 'POST') isFinished = true;
      return byPath({
        'GET /v0/management/status': running,
        'GET /v0/management/anthropic-auth-url': { body: started },
        'POST /v0/management/oauth-callback': { body: { status: 'ok' } },
        'GET /v0/management/get-auth-status': { body: isFinished ? { status: 'ok', name: 'a.json', label: 'a', disabled: false } : { status: 'wait' } },
      })(call);
    });
    expect(await run(cli)).toBe(0);
    const post = daemon.seen.find(({ method }) => method === 'POST');
    expect(JSON.parse(post?.body ?? '')).toEqual({ provider: 'anthropic', code: 'the-secret-code', state, error: '', error_description: '', iss: 'https://id.example.com' });
    expect(`${cli.out()}${cli.err()}`).not.toContain('the-secret-code');
  });

  it('a device login asks for that flow and shows its code', async () => {
    const cli = createFakeProcess(['accounts', 'login', 'kimi', '--device']);
    const daemon = await listenAsDaemon(
      cli.home,
      byPath({
        'GET /v0/management/status': running,
        'GET /v0/management/kimi-auth-url': { body: { ...started, flow: 'device', user_code: 'WDJB-MJHT', verification_uri: 'https://id.example.com/device', redirect_uri: undefined } },
        'GET /v0/management/get-auth-status': { body: { status: 'error', error: 'access was denied', code: 'login_denied' } },
      }),
    );
    expect(await run(cli)).toBe(1);
    expect(daemon.seen[1]?.url).toBe('/v0/management/kimi-auth-url?flow=device');
    expect(cli.out()).toContain('│  WDJB-MJHT  │');
    expect(cli.err()).toBe('keyward: access was denied\n');
  });

  it.each([
    [404, { error: { message: 'There is no login of this name.', code: 'login_not_offered' } }, 2, 'There is no login of this name.'],
    [409, { error: { message: 'Add these lines.', code: 'oauth_client_not_configured' } }, 2, 'Add these lines.'],
    [502, { error: { message: 'The provider cannot be asked.', code: 'login_failed' } }, 1, 'The provider cannot be asked.'],
    [200, { status: 'ok' }, 1, 'restart it'],
  ])('a start that is answered %d %j ends with %d and %j', async (status, body, exitCode, said) => {
    const cli = createFakeProcess(['accounts', 'login', 'x']);
    await listenAsDaemon(cli.home, byPath({ 'GET /v0/management/status': running, 'GET /v0/management/x-auth-url': { status, body } }));
    expect(await run(cli)).toBe(exitCode);
    expect(cli.err()).toContain(said);
  });

  it('Ctrl-C cancels the session in the daemon', async () => {
    const daemon = await listenAsDaemon(createFolder(), byPath({ 'DELETE /v0/management/oauth-sessions': { body: { status: 'ok', cancelled: true } } }));
    expect(await createDaemonLogin(daemon.socketPath, hasty).cancel(state)).toBe(true);
    expect(daemon.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([`DELETE /v0/management/oauth-sessions?state=${state}`]);
  });

  it('a daemon that is stopped meanwhile ends the login with what to do', async () => {
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: { status: 'wait' } }));
    const waiting = createDaemonLogin(daemon.socketPath, hasty).wait(state, new AbortController().signal);
    await daemon.stop();
    expect(await waiting).toMatchObject({ kind: 'failed', code: 'not_running', message: expect.stringContaining('Start the login again') });
  });

  it('a single question without answer is no end', async () => {
    let asked = 0;
    const daemon = await listenAsDaemon(createFolder(), () => (++asked === 1 ? { status: 503, body: { error: { message: 'busy' } } } : { body: { status: 'ok', name: 'a.json', label: 'a', disabled: true } }));
    expect(await createDaemonLogin(daemon.socketPath, hasty).wait(state, new AbortController().signal)).toEqual({ kind: 'done', fileName: 'a.json', label: 'a', isDisabled: true });
  });

  it('a daemon of another user is said to be, and nothing is done beside it', async () => {
    const cli = createFakeProcess(['accounts', 'login', 'anthropic']);
    await listenAsDaemon(cli.home, () => ({ status: 403, body: { error: { message: 'Not for you.', code: 'local_only' } } }));
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toBe('keyward: Not for you.\n');
  });
});

describe('the running daemon’s accounts', () => {
  it('are listed with the contract’s words for their states', async () => {
    const files = [
      { name: 'a.json', provider: 'anthropic', account: 'ann@example.com', status: 'active', status_message: '', expires_at: '2030-01-01T00:00:00.000Z', last_refresh: null, prefix: 'p', problem: null, duplicate_of: null },
      { name: 'b.json', provider: 'codex', account: '', label: 'codex (bob)', status: 'needs_login', status_message: 'the refresh token was refused', expires_at: null, last_refresh: '2029-12-31T00:00:00.000Z', prefix: '', problem: null, duplicate_of: 'a.json' },
      { name: 'c.json', status: 'error', status_message: 'is not JSON', problem: { code: 'not_json', severity: 'error', message: 'is not JSON' } },
    ];
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: { files } }));
    expect(await createDaemonStore(daemon.socketPath).list()).toEqual({
      ok: true,
      value: [
        { file: 'a.json', provider: 'anthropic', account: 'ann@example.com', state: 'ready', expires: '2030-01-01T00:00:00.000Z', lastRefresh: '', prefix: 'p', problem: '' },
        { file: 'b.json', provider: 'codex', account: 'codex (bob)', state: 'needs_login', expires: '', lastRefresh: '2029-12-31T00:00:00.000Z', prefix: '', problem: 'the refresh token was refused; the same account as a.json' },
        { file: 'c.json', provider: '', account: '', state: 'unusable', expires: '', lastRefresh: '', prefix: '', problem: 'is not JSON' },
      ],
    });
  });

  it.each([
    [[{ name: 'a.json', offered: true, ok: true, detail: '' }], { kind: 'revoked' }],
    [[{ name: 'a.json', offered: false, ok: false, detail: '' }], { kind: 'not_offered' }],
    [[{ name: 'a.json', offered: true, ok: false, detail: 'it answered 503' }], { kind: 'failed', detail: 'it answered 503' }],
    [[], { kind: 'failed', detail: expect.stringContaining('could not be read') }],
  ])('are removed with revocation; %j is told as %j', async (revocations, told) => {
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: { status: 'ok', deleted: 1, files: ['a.json'], revocations } }));
    expect(await createDaemonStore(daemon.socketPath).remove('a&b.json', { isKeptAtVendor: false })).toEqual({ ok: true, value: told });
    expect(daemon.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['DELETE /v0/management/auth-files?name=a%26b.json&revoke=true']);
  });

  it('are removed without revocation when the login is to be kept', async () => {
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: { status: 'ok', deleted: 1 } }));
    expect(await createDaemonStore(daemon.socketPath).remove('a.json', { isKeptAtVendor: true })).toEqual({ ok: true, value: { kind: 'kept' } });
    expect(daemon.seen[0]?.url).toBe('/v0/management/auth-files?name=a.json');
  });

  it('are switched on and off by the route that panels use', async () => {
    const daemon = await listenAsDaemon(createFolder(), byPath({ 'PATCH /v0/management/auth-files/status': [{ body: { status: 'ok', disabled: false } }, { status: 404, body: { error: { message: 'auth file not found', code: 'item_not_found' } } }] }));
    const store = createDaemonStore(daemon.socketPath);
    expect(await store.setDisabled('a.json', false)).toEqual({ ok: true, value: undefined });
    expect(await store.setDisabled('b.json', true)).toEqual({ ok: false, error: { code: 'item_not_found', message: 'auth file not found' } });
    expect(daemon.seen.map(({ body }) => JSON.parse(body))).toEqual([{ name: 'a.json', disabled: false }, { name: 'b.json', disabled: true }]);
  });

  it('take in a file as it is, and never over another one unless told so', async () => {
    const daemon = await listenAsDaemon(createFolder(), byPath({ 'POST /v0/management/auth-files': [{ body: { status: 'ok', name: 'a.json' } }, { status: 412, body: { error: { message: 'x', code: 'precondition_failed' } } }] }));
    const store = createDaemonStore(daemon.socketPath);
    const text = '{ "type":"claude",  "note": "ä" }';
    expect(await store.importFile('a.json', text, { mayReplace: true })).toEqual({ ok: true, value: { file: 'a.json', account: '' } });
    expect(await store.importFile('a.json', text, { mayReplace: false })).toMatchObject({ ok: false, error: { code: 'precondition_failed', message: expect.stringContaining('--replace') } });
    expect(daemon.seen.map(({ url, headers, body }) => [url, headers['if-none-match'], body])).toEqual([
      ['/v0/management/auth-files?name=a.json', undefined, text],
      ['/v0/management/auth-files?name=a.json', '*', text],
    ]);
  });

  it('take in a service account with location and prefix', async () => {
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: { status: 'ok', name: 'vertex-p.json', email: 'sa@p.example' } }));
    expect(await createDaemonStore(daemon.socketPath).importVertex('{}', { location: 'europe-west4', prefix: 'eu' })).toEqual({ ok: true, value: { file: 'vertex-p.json', account: 'sa@p.example' } });
    expect(daemon.seen[0]?.url).toBe('/v0/management/vertex/import?location=europe-west4&prefix=eu');
  });

  it('an answer of another shape is said to be one', async () => {
    const daemon = await listenAsDaemon(createFolder(), () => ({ body: [] }));
    expect(await createDaemonStore(daemon.socketPath).list()).toMatchObject({ ok: false, error: { code: 'unexpected_answer' } });
  });
});
