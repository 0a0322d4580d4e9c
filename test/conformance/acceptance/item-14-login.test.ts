import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const secret = 'your-management-secret';
const code = 'authorization-code-canary-0001';
const issued = { access_token: 'sk-ant-oat01-access-canary', refresh_token: 'sk-ant-ort01-refresh-canary', expires_in: 28_800, token_type: 'Bearer', account: { uuid: 'acc-1', email_address: 'ann@example.com' }, organization: { uuid: 'org-1', name: 'Ann' } };
let vendor: ScriptedUpstream;
let daemon: RunningDaemon;

beforeAll(async () => {
  vendor = await startScriptedUpstream((_, res) => answerJson(res, 200, issued));
  daemon = await startDaemon({
    config: `api-keys: ["sk-client-0123456789abcdef"]
remote-management:
  secret-key: "${secret}"
oauth:
  anthropic: { client-id: "client-of-ours", token-url: "${vendor.url}/v1/oauth/token", redirect-port: 0 }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await vendor.close();
});

const management = (path: string) => ask(daemon.url, `/v0/management${path}`, { key: secret });
/** What a browser sends when the vendor's page redirects its window here. */
const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const callback = (query: Readonly<Record<string, string>>) => ask(daemon.url, `/anthropic/callback?${new URLSearchParams(query).toString()}`, { headers: navigation });

describe('a login, from its URL to the stored file', () => {
  let state = '';
  let challenge = '';

  it('anthropic-auth-url gives a URL with our client, a state and an S256 challenge', async () => {
    const { status, json } = await management('/anthropic-auth-url');
    expect([status, memberOf(json, 'status')]).toEqual([200, 'ok']);
    const url = new URL(String(memberOf(json, 'url')));
    const parameters = Object.fromEntries(url.searchParams);
    expect([url.origin, parameters]).toMatchObject(['https://claude.ai', { client_id: 'client-of-ours', response_type: 'code', code_challenge_method: 'S256', state: memberOf(json, 'state') }]);
    state = String(memberOf(json, 'state'));
    challenge = parameters['code_challenge'] ?? '';
    expect([state, challenge]).toEqual([expect.stringMatching(/^[\da-f]{32}$/), expect.stringMatching(/^[\w-]{43}$/)]);
    expect(parameters['redirect_uri']).toBe(`http://localhost:${daemon.port}/anthropic/callback`);
  });

  it('a callback with another state is a 400 page that says so, and the login still waits', async () => {
    const refused = await callback({ code, state: 'f'.repeat(32) });
    expect([refused.status, refused.headers['content-type'], refused.headers['referrer-policy'], refused.headers['cache-control']]).toEqual([400, expect.stringContaining('text/html'), 'no-referrer', 'no-store']);
    expect(refused.text).not.toContain(code);
    expect(vendor.seen).toHaveLength(0);
    expect((await management(`/get-auth-status?state=${state}`)).json).toEqual({ status: 'wait' });
  });

  it('the right one exchanges the code with its verifier, answers 303 to a clean URL, and the page there says what was stored', async () => {
    const answer = await callback({ code, state });
    expect([answer.status, answer.headers['location']]).toEqual([303, expect.stringMatching(/^\/login\/[\w-]+$/)]);
    const location = String(answer.headers['location']);
    for (const hidden of [code, state]) expect(location).not.toContain(hidden);
    const page = await ask(daemon.url, location, { headers: navigation });
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('ann@example.com')]);
    for (const hidden of [code, state, issued.access_token, issued.refresh_token]) expect(page.text).not.toContain(hidden);

    const sent: unknown = JSON.parse(vendor.seen[0]?.body.toString() ?? '');
    expect([vendor.seen.length, sent]).toMatchObject([1, { grant_type: 'authorization_code', code, client_id: 'client-of-ours' }]);
    expect(createHash('sha256').update(String(memberOf(sent, 'code_verifier'))).digest('base64url')).toBe(challenge);
  });

  it('the status is ok and the file is there, 0600, with the tokens', async () => {
    const { json } = await management(`/get-auth-status?state=${state}`);
    expect(json).toMatchObject({ status: 'ok', name: expect.stringMatching(/^claude-.*\.json$/) });
    const names = readdirSync(join(daemon.folder, 'auth')).filter((name) => name.endsWith('.json'));
    expect(names).toEqual([memberOf(json, 'name')]);
    const path = join(daemon.folder, 'auth', names[0] ?? '');
    expect([statSync(path).mode & 0o777, JSON.parse(readFileSync(path, 'utf8'))]).toMatchObject([0o600, { type: 'claude', email: 'ann@example.com', access_token: issued.access_token, refresh_token: issued.refresh_token }]);
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-client-0123456789abcdef' })).text).toContain('claude-');
  });

  it('a state counts once', async () => {
    expect((await callback({ code, state })).status).toBe(400);
    expect(vendor.seen).toHaveLength(1);
  });

  it('code, state and tokens are in no log and no audit record', async () => {
    const audit = await management('/audit');
    expect(audit.text).toContain('login.started');
    for (const hidden of [code, state, issued.access_token, issued.refresh_token]) {
      expect(audit.text).not.toContain(hidden);
      expect(daemon.output()).not.toContain(hidden);
    }
  });
});

describe('a login without a client of the operator’s', () => {
  it('is 409 with the lines to add', async () => {
    const refused = await management('/codex-auth-url');
    expect([refused.status, refused.code, memberOf(memberOf(refused.json, 'error'), 'message')]).toEqual([409, 'oauth_client_not_configured', expect.stringMatching(/oauth:\n {2}codex:\n {4}client-id:/)]);
  });
});
