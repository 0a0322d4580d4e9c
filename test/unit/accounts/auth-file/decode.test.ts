import { describe, expect, it } from 'vitest';
import type { AuthFile, AuthFileProblem } from '../../../../internal/accounts/auth-file/auth-file.ts';
import { decodeAuthFile, type DecodedFile } from '../../../../internal/accounts/auth-file/decode.ts';
import type { Result } from '../../../../internal/fault/result.ts';
import { sha256Hex } from '../../../../internal/secret/digest.ts';
import { jwt, ofFileType } from '../../../support/auth-folder.ts';

function decode(content: unknown, name = 'a.json'): Promise<Result<DecodedFile, AuthFileProblem>> {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return decodeAuthFile({ name, bytes, hash: sha256Hex(bytes), modifiedAtMs: 5, isWritable: true }, { ofFileType, mode: 'off', readKeys: () => Promise.resolve({ ok: true, value: [] }) });
}

async function fileOf(content: unknown, name?: string): Promise<AuthFile> {
  const decoded = await decode(content, name);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value.file;
}

async function problemOf(content: unknown): Promise<AuthFileProblem> {
  const decoded = await decode(content);
  if (decoded.ok) throw new Error('it was decoded');
  return decoded.error;
}

const tokensOf = ({ tokens }: AuthFile) => ({ access: tokens.accessToken?.reveal(), refresh: tokens.refreshToken?.reveal(), id: tokens.idToken?.reveal(), apiKey: tokens.apiKey?.reveal(), expiresAtMs: tokens.expiresAtMs, issuedAtMs: tokens.issuedAtMs });
const at = (text: string): number => Date.parse(text);

describe('files of the Go program load unchanged', () => {
  it('claude', async () => {
    const file = await fileOf({ id_token: '', access_token: 'at', refresh_token: 'rt', last_refresh: '2026-11-01T10:00:00+08:00', email: 'Ann@Example.com', type: 'claude', expired: '2026-11-01T18:00:00+08:00' });
    expect(file).toMatchObject({ type: 'claude', provider: 'anthropic', email: 'Ann@Example.com', identity: 'email:ann@example.com', isSealed: false, isWritable: true, modifiedAtMs: 5 });
    expect(tokensOf(file)).toEqual({ access: 'at', refresh: 'rt', id: undefined, apiKey: undefined, expiresAtMs: at('2026-11-01T10:00:00Z'), issuedAtMs: at('2026-11-01T02:00:00Z') });
  });

  it('claude with account and organization: they are the identity, whatever the e-mail', async () => {
    const file = await fileOf({ type: 'claude', access_token: 'at', refresh_token: 'rt', email: 'ann@example.com', account_uuid: 'u-1', organization_uuid: 'o-1', organization_name: 'Org' });
    expect(file.identity).toBe('account:u-1/o-1');
    expect(file.fact('organization_name')).toBe('Org');
  });

  it('codex, and where it lacks them its account id and e-mail come from the id token', async () => {
    const claims = { email: 'ann@example.com', sub: 'auth0|1', 'https://api.openai.com/auth': { chatgpt_account_id: 'acc-1', chatgpt_plan_type: 'team' } };
    const whole = await fileOf({ type: 'codex', access_token: 'at', refresh_token: 'rt', account_id: 'acc-1', email: 'ann@example.com', expired: '2026-11-01T10:00:00Z' });
    const bare = await fileOf({ type: 'codex', access_token: 'at', refresh_token: 'rt', id_token: jwt(claims) });
    expect(bare.identity).toBe('account:acc-1/ann@example.com');
    expect(whole.identity).toBe(bare.identity);
    expect([bare.fact('account_id'), bare.email]).toEqual(['acc-1', 'ann@example.com']);
  });

  it('gemini keeps its tokens in a token object', async () => {
    const file = await fileOf({ token: { access_token: 'at', refresh_token: 'rt', token_type: 'Bearer', expiry: '2026-11-01T10:00:00.123456789Z', client_id: 'cid', client_secret: 'cs' }, project_id: 'p-1', email: 'ann@example.com', auto: false, checked: true, type: 'gemini' });
    expect(tokensOf(file)).toMatchObject({ access: 'at', refresh: 'rt', expiresAtMs: at('2026-11-01T10:00:00.123Z') });
    expect(file).toMatchObject({ provider: 'google', identity: 'email:ann@example.com/p-1' });
    expect([file.fact('client_id'), file.fact('client_secret'), file.fact('project_id'), file.fact('access_token')]).toEqual(['cid', 'cs', 'p-1', undefined]);
  });

  it('antigravity counts seconds from a timestamp in milliseconds', async () => {
    const file = await fileOf({ type: 'antigravity', access_token: 'at', refresh_token: 'rt', expires_in: 3_599, timestamp: 1_793_527_200_000, email: 'ann@example.com', project_id: 'p-2' });
    expect(tokensOf(file)).toMatchObject({ expiresAtMs: 1_793_527_200_000 + 3_599_000, issuedAtMs: 1_793_527_200_000 });
  });

  it('qwen, iflow, kimi and xai', async () => {
    const qwen = await fileOf({ type: 'qwen', access_token: 'at', refresh_token: 'rt', resource_url: 'portal.qwen.ai', email: 'my account', expired: '2026-11-01T10:00:00Z' });
    expect(qwen.identity).toBe(`rt:${sha256Hex('rt').slice(0, 32)}`);
    expect(qwen.fact('resource_url')).toBe('portal.qwen.ai');
    const iflow = await fileOf({ type: 'iflow', access_token: 'at', refresh_token: 'rt', api_key: 'sk-1', cookie: 'BXAuth=1', expired: '2026-11-01 10:00', email: '13800000000' });
    expect(tokensOf(iflow)).toMatchObject({ apiKey: 'sk-1', expiresAtMs: undefined });
    expect([iflow.identity, iflow.fact('cookie')]).toEqual(['email:13800000000', undefined]);
    const kimi = await fileOf({ type: 'kimi', access_token: jwt({ sub: 'user-1' }), refresh_token: 'rt', token_type: 'Bearer', scope: 'all', device_id: 'd-1', expired: '2026-11-01T10:00:00Z' });
    expect(kimi.identity).toBe('sub:user-1');
    const xai = await fileOf({ type: 'xai', access_token: 'at', refresh_token: 'rt', id_token: jwt({ sub: 's-1', email: 'ann@example.com' }), base_url: 'https://api.x.ai/v1/', token_endpoint: 'https://auth.x.ai/token', auth_kind: 'oauth' });
    expect(xai).toMatchObject({ identity: 'sub:s-1', email: 'ann@example.com', operator: { baseUrl: 'https://api.x.ai/v1' } });
  });

  it('vertex holds a service account', async () => {
    const account = { type: 'service_account', project_id: 'p-3', client_email: 'svc@p-3.iam.gserviceaccount.com', private_key: 'pem' };
    const file = await fileOf({ type: 'vertex', service_account: account, location: 'europe-west1', prefix: 'eu' });
    expect(JSON.parse(file.serviceAccount ?? '')).toEqual(account);
    expect([file.fact('project_id'), file.fact('service_account'), file.email]).toEqual(['p-3', undefined, 'svc@p-3.iam.gserviceaccount.com']);
    expect(file.identity).toBe('service-account:p-3/svc@p-3.iam.gserviceaccount.com/europe-west1');
  });

  it('kebab-case, snake_case and a mixture of both are read', async () => {
    const file = await fileOf({ type: ' Claude ', 'access-token': 'at', refresh_token: 'rt', 'proxy-url': 'socks5://p:1', 'excluded-models': ['A-*'], model_aliases: [{ name: 'n', alias: 'a' }], 'disable-cooling': true, 'organization-uuid': 'o' });
    expect(tokensOf(file)).toMatchObject({ access: 'at', refresh: 'rt' });
    expect(file.operator).toMatchObject({ proxyUrl: 'socks5://p:1', excludedModels: ['a-*'], modelAliases: [{ name: 'n', alias: 'a' }], disableCooling: true });
    expect(file.fact('organization_uuid')).toBe('o');
  });
});

describe('when an access token ends', () => {
  it.each([
    ['expired', '2026-11-01T10:00:00Z'],
    ['expire', 1_793_527_200],
    ['expires_at', 1_793_527_200_000],
    ['expiresAt', '1793527200'],
    ['expiry', '2026-11-01T18:00:00+08:00'],
    ['expires', '2026-11-01 10:00:00'],
    ['expires-at', 1_793_527_200],
  ])('%s: %s', async (name, value) => {
    expect((await fileOf({ type: 'claude', access_token: 'at', [name]: value })).tokens.expiresAtMs).toBe(at('2026-11-01T10:00:00Z'));
    expect((await fileOf({ type: 'gemini', token: { access_token: 'at', [name]: value } })).tokens.expiresAtMs).toBe(at('2026-11-01T10:00:00Z'));
  });

  it.each([['0001-01-01T00:00:00Z'], [0], [-1], ['soon'], [''], [null], [true]])('%s tells nothing', async (value) => {
    expect((await fileOf({ type: 'claude', access_token: 'at', expired: value })).tokens.expiresAtMs).toBeUndefined();
  });

  it('a member that tells nothing does not hide one that does', async () => {
    expect((await fileOf({ type: 'claude', access_token: 'at', expired: '', expires_at: 1_793_527_200 })).tokens.expiresAtMs).toBe(at('2026-11-01T10:00:00Z'));
  });
});

describe('the operator’s fields', () => {
  it('all of them', async () => {
    const file = await fileOf({ type: 'claude', disabled: true, prefix: '/team/', proxy_url: 'direct', priority: '7', weight: 3, headers: { 'X-A': 'b' }, note: ' n ', model_aliases: { fast: 'claude-haiku-4-5' } });
    expect(file.operator).toEqual({
      disabled: true, prefix: 'team', proxyUrl: 'direct', priority: 7, weight: 3, headers: new Map([['X-A', 'b']]), excludedModels: [],
      modelAliases: [{ name: 'claude-haiku-4-5', alias: 'fast' }], disableCooling: false, note: 'n', baseUrl: '',
    });
  });

  it.each([
    ['disabled', 'maybe'],
    ['prefix', 'a/b'],
    ['prefix', 4],
    ['proxy_url', {}],
    ['priority', 1.5],
    ['weight', -1],
    ['headers', ['a']],
    ['headers', { 'bad name': 'x' }],
    ['headers', { 'x-a': 'two\nlines' }],
    ['excluded_models', 'a'],
    ['model_aliases', [{ name: 'n' }]],
    ['note', 3],
  ])('%s of a wrong form is told of, its default counts and the file is used', async (name, value) => {
    const decoded = await decode({ type: 'claude', access_token: 'at', [name]: value });
    if (!decoded.ok) throw new Error(decoded.error.message);
    expect(decoded.value.warnings).toEqual([{ name: 'a.json', code: 'invalid_field', severity: 'warning', message: expect.stringContaining(`The field ${name} `) }]);
    const plain = await fileOf({ type: 'claude', access_token: 'at' });
    expect(decoded.value.file.operator).toEqual(plain.operator);
  });

  it('messages never quote a value: it may be a secret in the wrong place', async () => {
    const decoded = await decode({ type: 'claude', prefix: { a: 'sk-canary' }, headers: 'sk-canary', proxy_url: ['sk-canary'] });
    expect(JSON.stringify(decoded.ok && decoded.value.warnings)).not.toContain('sk-canary');
  });

  it('two spellings with two values are told of', async () => {
    const decoded = await decode({ type: 'claude', 'proxy-url': 'http://a:1', proxy_url: 'http://b:2' });
    expect(decoded.ok && decoded.value.file.operator.proxyUrl).toBe('http://b:2');
    expect(decoded.ok && decoded.value.warnings.map(({ message }) => message)).toEqual(['The field proxy_url stands in two spellings with two values; proxy_url counts.']);
  });
});

describe('what is no account', () => {
  it.each([
    ['nothing', '', 'not_json', 'The file is empty.'],
    ['half a file', '{"type":"cla', 'not_json', 'The file is not valid JSON (line 1, column 13).'],
    ['a list', '[]', 'not_json', 'The file is no JSON object (line 1, column 1).'],
    ['comments', '{"type":"claude" /* x */}', 'not_json', 'The file is not valid JSON (line 1, column 18).'],
    ['a trailing comma', '{"type":"claude",}', 'not_json', 'The file is not valid JSON (line 1, column 18).'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not_json', 'The file is not UTF-8 text.'],
    ['a member that stands twice', '{"type":"claude","refresh_token":"a","refresh_token":"b"}', 'not_json', 'The file holds "refresh_token" twice.'],
    ['a token member that stands twice', '{"type":"gemini","token":{"refresh_token":"a","refresh_token":"b"}}', 'not_json', 'The file holds "token.refresh_token" twice.'],
    ['deep nesting', `{"type":"claude","x":${'['.repeat(300)}${']'.repeat(300)}}`, 'not_json', 'The file is nested deeper than 256.'],
    ['no type', '{"access_token":"a"}', 'no_type', expect.any(String)],
    ['a type that is no text', '{"type":5}', 'no_type', expect.any(String)],
    ['a service account’s key as it was downloaded', '{"type":"service_account","project_id":"p"}', 'unknown_type', expect.stringContaining('keyward accounts import vertex')],
    ['a type nobody serves', '{"type":"acme\\u001b[31m"}', 'unknown_type', expect.stringContaining(String.raw`"acme\x1b[31m"`)],
  ])('%s', async (_what, content, code, message) => {
    expect(await problemOf(content)).toEqual({ name: 'a.json', code, severity: 'error', message });
  });

  it('a byte order mark is overlooked', async () => {
    expect((await fileOf(`\ufeff{"type":"claude","access_token":"at"}`)).tokens.accessToken?.reveal()).toBe('at');
  });
});

describe('who an account is', () => {
  it('a copy under another name is the same account', async () => {
    const content = { type: 'corp', access_token: 'at', refresh_token: 'rt' };
    expect((await fileOf(content, 'a.json')).identity).toBe((await fileOf(content, 'b.json')).identity);
  });

  it('the name that Keyward wrote down outlasts new tokens', async () => {
    const first = await fileOf({ type: 'corp', refresh_token: 'rt-1' });
    const later = await fileOf({ type: 'corp', refresh_token: 'rt-2', keyward_identity: first.identity });
    expect(later.identity).toBe(first.identity);
  });

  it('a name that the file contradicts does not count', async () => {
    const file = await fileOf({ type: 'claude', refresh_token: 'rt', account_uuid: 'u-2', organization_uuid: 'o-2', email: 'bob@example.com', keyward_identity: 'account:u-1/o-1' });
    expect(file.identity).toBe('account:u-2/o-2');
  });

  it('a weaker name that was written down stays while it is still true', async () => {
    const file = await fileOf({ type: 'claude', refresh_token: 'rt', account_uuid: 'u-1', organization_uuid: 'o-1', email: 'ann@example.com', keyward_identity: 'email:ann@example.com' });
    expect(file.identity).toBe('email:ann@example.com');
  });

  it('three workspaces of one e-mail are three', async () => {
    const identities = await Promise.all(['a', 'b', 'c'].map(async (id) => (await fileOf({ type: 'codex', refresh_token: id, email: 'ann@example.com', account_id: id })).identity));
    expect(new Set(identities).size).toBe(3);
  });

  it('no identity holds a token', async () => {
    const file = await fileOf({ type: 'corp', access_token: 'canary-at', refresh_token: 'canary-rt' });
    expect(file.identity).not.toContain('canary');
  });
});
