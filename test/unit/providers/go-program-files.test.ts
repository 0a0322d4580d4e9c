import { describe, expect, it } from 'vitest';
import { decodeAuthFile } from '../../../internal/accounts/auth-file/decode.ts';
import type { AuthFile } from '../../../internal/accounts/auth-file/auth-file.ts';
import { ok } from '../../../internal/fault/result.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import { accountsOf } from '../../support/auth-files.ts';
import { configOf } from '../../support/config.ts';

async function load(name: string, members: object): Promise<AuthFile> {
  const bytes = Buffer.from(JSON.stringify(members));
  const { ofFileType } = resolveLoginProfiles(configOf({}));
  const decoded = await decodeAuthFile({ name, bytes, hash: sha256Hex(bytes), modifiedAtMs: 0, isWritable: true }, { ofFileType, mode: 'off', readKeys: () => Promise.resolve(ok([])) });
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value.file;
}

const tokens = { access_token: 'at-0123456789', refresh_token: 'rt-0123456789', last_refresh: '2026-11-01T12:00:00Z', expired: '2026-11-01T20:00:00Z', email: 'ann@example.com' };
const claims = (of: object): string => `e30.${Buffer.from(JSON.stringify(of)).toString('base64url')}.c2ln`;

interface GoFile {
  readonly name: string;
  readonly members: object;
  readonly expected: object;
  readonly given?: object;
}

/** Files as the Go program writes them, and what the account of each must be. */
const files: readonly GoFile[] = [
  {
    name: 'claude-ann@example.com.json',
    members: { type: 'claude', id_token: '', ...tokens },
    expected: { provider: 'anthropic', baseUrl: 'https://api.anthropic.com', label: 'claude (ann@example.com)' },
  },
  {
    name: 'codex-1a2b3c4d-ann@example.com-team.json',
    members: { type: 'codex', id_token: 'x', account_id: 'acc-1', ...tokens },
    expected: { provider: 'codex', vendorHeaders: new Map([['chatgpt-account-id', 'acc-1']]) },
  },
  {
    name: 'codex-bob@example.com.json',
    members: { type: 'codex', id_token: claims({ 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-2' } }), ...tokens, email: 'bob@example.com' },
    expected: { vendorHeaders: new Map([['chatgpt-account-id', 'acc-2']]) },
  },
  {
    name: 'gemini-ann@example.com-proj-1.json',
    members: { type: 'gemini', token: { access_token: 'at', refresh_token: 'rt', token_type: 'Bearer', expiry: '2026-11-01T12:00:00Z' }, project_id: 'proj-1', email: 'ann@example.com', auto: false, checked: true },
    expected: { provider: 'google', addressing: 'gemini', vendorHeaders: new Map([['x-goog-user-project', 'proj-1']]) },
  },
  {
    name: 'gemini-bob@example.com-all.json',
    members: { type: 'gemini', token: { refresh_token: 'rt2' }, project_id: 'proj-1,proj-2', email: 'bob@example.com' },
    expected: { addressing: 'code-assist', project: 'proj-1', vendorHeaders: new Map() },
    given: { oauth: { google: { mode: 'code-assist' } } },
  },
  {
    name: 'antigravity-ann@example.com.json',
    members: { type: 'antigravity', expires_in: 3599, timestamp: 1_790_000_000_000, project_id: 'proj-2', ...tokens },
    expected: { provider: 'antigravity', addressing: 'code-assist', project: 'proj-2' },
  },
  {
    name: 'qwen-1700000000000.json',
    members: { type: 'qwen', resource_url: 'portal.qwen.ai', ...tokens, email: '' },
    expected: { provider: 'qwen', baseUrl: 'https://portal.qwen.ai/v1', label: 'qwen (qwen-1700000000000)' },
  },
  {
    name: 'iflow-ann@example.com-1700000000.json',
    members: { type: 'iflow', api_key: 'sk-iflow-0123456789', cookie: '', ...tokens },
    expected: { provider: 'iflow', baseUrl: 'https://apis.iflow.cn/v1' },
  },
  {
    name: 'kimi-1700000000000.json',
    members: { type: 'kimi', token_type: 'Bearer', scope: '', device_id: 'd', ...tokens },
    expected: { provider: 'kimi', baseUrl: 'https://api.kimi.com/coding' },
  },
  {
    name: 'xai-ann@example.com.json',
    members: { type: 'xai', sub: 'u-1', base_url: 'https://api.x.ai/v1', token_endpoint: 'https://auth.x.ai/oauth2/token', auth_kind: 'oauth', ...tokens },
    expected: { provider: 'xai', baseUrl: 'https://api.x.ai/v1' },
  },
  {
    name: 'vertex-team-proj-3.json',
    members: { type: 'vertex', service_account: { type: 'service_account', project_id: 'proj-3', client_email: 'sa@proj-3.iam.gserviceaccount.com', private_key: 'k' }, project_id: 'proj-3', email: 'sa@proj-3.iam.gserviceaccount.com', location: 'us-central1', prefix: 'team' },
    expected: { provider: 'vertex', prefix: 'team', baseUrl: 'https://us-central1-aiplatform.googleapis.com/v1/projects/proj-3/locations/us-central1' },
  },
];

describe('files of the Go program become accounts as they stand', () => {
  it.each(files)('$name', async ({ name, members, expected, given = {} }) => {
    const { accounts, logins, problems } = accountsOf([await load(name, members)], given);
    expect(problems).toEqual([]);
    expect(accounts).toMatchObject([{ origin: name, disabled: false, ...expected }]);
    expect(logins).toMatchObject([{ fileNames: [name], accountId: accounts[0]?.id, source: name.startsWith('vertex') ? 'service-account' : 'refresh-token' }]);
  });

  it('and none of them is taken for another\'s copy', async () => {
    const loaded = await Promise.all(files.map(({ name, members }) => load(name, members)));
    const { accounts, problems } = accountsOf(loaded);
    expect([accounts.length, problems]).toEqual([files.length, []]);
  });

  it('one e-mail with three workspaces is three accounts', async () => {
    const loaded = await Promise.all(['a', 'b', 'c'].map((id) => load(`codex-${id}.json`, { type: 'codex', account_id: `workspace-${id}`, ...tokens })));
    expect(new Set(accountsOf(loaded).accounts.map(({ id }) => id)).size).toBe(3);
  });

  it('what the operator wrote into them in either spelling holds', async () => {
    const file = await load('claude.json', { type: 'claude', ...tokens, 'proxy-url': 'direct', priority: '7', 'excluded-models': ['claude-opus-*'], headers: { 'X-Team': 'a' }, disabled: true });
    expect(accountsOf([file]).accounts).toMatchObject([{ proxyUrl: 'direct', priority: 7, excludedModels: ['claude-opus-*'], disabled: true }]);
  });
});
