import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { configHead, makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { bearerOf, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { until } from '../../support/until.ts';
import { keyFile } from '../../http/management/auth-file-samples.ts';

/* A person who runs the Go program today points the daemon at the same auth directory and keeps working. */

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
const head = `api-keys: ["${clientKey}"]\nremote-management: { secret-key: "${secret}" }\n`;
const tokens = { access_token: 'at-0123456789', refresh_token: 'rt-0123456789', last_refresh: '2026-11-01T12:00:00Z', expired: '2099-01-01T00:00:00Z' };
const claims = (of: object): string => `e30.${Buffer.from(JSON.stringify(of)).toString('base64url')}.c2ln`;

/** As the Go program writes them: 0644, four spaces here, tabs there, fields that only it knows. */
const files: Readonly<Record<string, object>> = {
  'claude-ann@example.com.json': { type: 'claude', id_token: '', email: 'ann@example.com', ...tokens },
  'claude-bob@example.com.json': { type: 'claude', email: 'bob@example.com', disabled: true, 'excluded-models': ['claude-opus-*'], ...tokens, refresh_token: 'rt-bob' },
  'codex-1a2b3c4d-ann@example.com-team.json': { type: 'codex', id_token: claims({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-1' } }), account_id: 'acc-1', email: 'ann@example.com', ...tokens },
  'codex-9f8e7d6c-ann@example.com-team.json': { type: 'codex', id_token: claims({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-2' } }), account_id: 'acc-2', email: 'ann@example.com', ...tokens, refresh_token: 'rt-2' },
  'codex-ann@example.com-plus.json': { type: 'codex', id_token: claims({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-3' } }), account_id: 'acc-3', email: 'ann@example.com', ...tokens, refresh_token: 'rt-3' },
  'gemini-ann@example.com-proj-1.json': { type: 'gemini', token: { access_token: 'at', refresh_token: 'rt', token_type: 'Bearer', expiry: '2099-01-01T00:00:00Z' }, project_id: 'proj-1', email: 'ann@example.com', auto: false, checked: true },
  'antigravity-ann@example.com.json': { type: 'antigravity', expires_in: 3599, timestamp: 1_790_000_000_000, project_id: 'proj-2', email: 'ann@example.com', ...tokens },
  'qwen-1700000000000.json': { type: 'qwen', resource_url: 'portal.qwen.ai', email: '', ...tokens },
  'iflow-ann@example.com-1700000000.json': { type: 'iflow', api_key: 'sk-iflow-0123456789', cookie: '', email: 'ann@example.com', ...tokens },
  'kimi-1700000000000.json': { type: 'kimi', token_type: 'Bearer', scope: '', device_id: 'd', ...tokens },
  'xai-ann@example.com.json': { type: 'xai', sub: 'u-1', base_url: 'https://api.x.ai/v1', token_endpoint: 'https://auth.x.ai/oauth2/token', auth_kind: 'oauth', email: 'ann@example.com', ...tokens },
  'vertex-team-proj-3.json': { type: 'vertex', service_account: keyFile, project_id: 'proj-3', email: keyFile.client_email, location: 'us-central1', prefix: 'team' },
};

let folder: string;
let daemon: RunningDaemon;
let gate: SimulatedGate;
let vendor: SimulatedAnthropic;

beforeEach(async () => {
  [gate, vendor] = await Promise.all([startSimulatedGate(), startAnthropic()]);
  folder = makeFolder();
  mkdirSync(join(folder, 'auth'), { mode: 0o755 });
});
afterEach(async () => {
  await daemon.stop();
  await gate.close();
  await vendor.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, text: string): void => {
  writeFileSync(join(folder, 'auth', name), text);
  chmodSync(join(folder, 'auth', name), 0o644);
};
const message = () => ask(daemon.url, '/v1/messages', { key: clientKey, headers: { 'anthropic-version': '2023-06-01' }, json: { model: 'claude-sonnet-4-5', max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] } });

describe('an auth directory of the Go program', () => {
  it('is taken up as it stands: every file an account of its own, no byte changed, its modes narrowed', async () => {
    const texts = Object.entries(files).map(([name, members], index) => [name, JSON.stringify(members, undefined, index % 2 === 0 ? 4 : '\t')] as const);
    for (const [name, text] of texts) put(name, text);
    daemon = await startDaemon({ folder, config: head });
    const listed = memberOf((await ask(daemon.url, '/v0/management/auth-files', { key: secret })).json, 'files');
    const rows = Array.isArray(listed) ? listed : [];
    const states = Object.fromEntries(rows.map((row) => [String(memberOf(row, 'name')), String(memberOf(row, 'status'))]));
    expect(states).toEqual(Object.fromEntries(texts.map(([name]) => [name, name.includes('bob') ? 'disabled' : 'active'])));
    expect(new Set(rows.map((row) => String(memberOf(row, 'auth_index')))).size).toBe(texts.length);
    for (const [name, text] of texts) {
      expect([name, readFileSync(join(folder, 'auth', name), 'utf8')]).toEqual([name, text]);
      expect([name, statSync(join(folder, 'auth', name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(statSync(join(folder, 'auth')).mode & 0o777).toBe(0o700);
    const models = (await ask(daemon.url, '/v1/models', { key: clientKey })).text;
    for (const part of ['"claude-', '"gpt-', '"gemini-', '"team/gemini-', '"qwen', '"glm-', '"kimi-', '"grok-']) expect(models).toContain(part);
  });

  it('a file that nothing names the client of is warned about, serves until its token ends, then says so; a client id in the config revives it', async () => {
    const refresh = vendor.book.issueRefreshToken();
    put('claude-ann@example.com.json', JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: 'at-old', refresh_token: refresh, expired: new Date(Date.now() + 3_500).toISOString() }));
    const oauth = (clientId: string): string => `${head}oauth: ${JSON.stringify({ anthropic: { ...vendor.entry({ 'base-url': gate.url }), 'client-id': clientId } })}\n`;
    daemon = await startDaemon({ folder, config: oauth('') });
    await until('it is warned about', () => /claude-ann@example\.com\.json.*client-id/.test(daemon.output()), 2_000);
    expect([(await message()).status, bearerOf(gate.seen.at(-1)?.headers ?? {})]).toEqual([200, 'at-old']);
    await until('its token has ended', async () => (await message()).status === 503, 8_000);
    const status = await ask(daemon.url, '/v0/management/status', { key: secret });
    expect(memberOf(status.json, 'accounts')).toMatchObject([{ login: 'needs_login', reason: 'oauth_client_not_configured' }]);
    expect(vendor.seen).toEqual([]);
    writeFileSync(daemon.configPath, `${configHead}${oauth('anthropic-client')}`);
    await until('it serves again', async () => (await message()).status === 200);
    expect(vendor.seen).toHaveLength(1);
    expect(JSON.parse(vendor.seen[0]?.body.toString() ?? '')).toMatchObject({ grant_type: 'refresh_token', refresh_token: refresh, client_id: 'anthropic-client' });
  });
});
