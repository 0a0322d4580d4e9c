import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject } from '../../../internal/management/values.ts';
import { claudeFile, codexFile, keyFile, tokens } from './auth-file-samples.ts';
import { createFakeAccounts, authDirPath, type FakeAccounts } from './fake-accounts.ts';
import { messageOf, openManagement, operator, type Management } from './fixture.ts';

interface Bench extends Management {
  readonly fake: FakeAccounts;
}

function open(files: Readonly<Record<string, string>> = {}): Bench {
  const fake = createFakeAccounts(files);
  return { ...openManagement('', { accounts: fake }), fake };
}

type Part = readonly [field: string, value: string, fileName?: string];
function form(...parts: readonly Part[]): FormData {
  const data = new FormData();
  for (const [field, value, fileName] of parts) {
    if (fileName === undefined) data.append(field, value);
    else data.append(field, new File([value], fileName));
  }
  return data;
}
const upload = (bench: Management, ...parts: readonly Part[]) => bench.send('POST', '/auth-files', { body: form(...parts) });

async function list(bench: Management): Promise<readonly JsonObject[]> {
  const { files } = (await bench.send('GET', '/auth-files')).body;
  return Array.isArray(files) ? files.filter(isObject) : [];
}

describe('POST /auth-files', () => {
  it('stores a file byte for byte, lists it at once, and is on record without a secret', async () => {
    const bench = open();
    const answer = await upload(bench, ['file', claudeFile, 'claude-ann.json']);
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok', name: 'claude-ann.json' }]);
    expect(bench.fake.texts.get('claude-ann.json')).toBe(claudeFile);
    expect(await list(bench)).toMatchObject([{ name: 'claude-ann.json', status: 'active', etag: answer.headers.get('etag') }]);
    await upload(bench, ['file', claudeFile, 'claude-ann.json']);
    expect(bench.audited()).toMatchObject([{ action: 'account.added', target: 'claude-ann.json', after: { provider: 'anthropic', email: 'ann@example.com', prefix: 'team' } }, { action: 'account.changed' }]);
    expect(JSON.stringify(bench.audited())).not.toContain(tokens.claudeRefresh);
  });

  it('channel=vertex makes an account of a service account’s key file, under the prefix', async () => {
    const bench = open();
    const { body } = await upload(bench, ['file', JSON.stringify(keyFile), 'auth.json'], ['channel', 'vertex'], ['prefix', 'prod']);
    expect(body).toEqual({ status: 'ok', name: 'vertex-prod-my-project.json' });
    expect(JSON.parse(bench.fake.texts.get('vertex-prod-my-project.json') ?? '')).toEqual({ type: 'vertex', prefix: 'prod', project_id: 'my-project', email: keyFile.client_email, location: 'us-central1', service_account: keyFile });
    expect(await list(bench)).toMatchObject([{ provider: 'vertex', prefix: 'prod', account_type: 'service_account', project_id: 'my-project' }]);
    const { models } = (await bench.send('GET', '/auth-files/models?name=vertex-prod-my-project.json')).body;
    expect(JSON.stringify(models)).toContain('"prod/gemini');
  });

  it('a channel names the login of a file that does not say its type; a prefix goes into the file, the rest stays as it is', async () => {
    const bench = open();
    await upload(bench, ['file', '{\n  "refresh_token": "rt",\n  "size": 1.50\n}\n', 'mine.json'], ['channel', 'codex'], ['prefix', 'dev']);
    expect(bench.fake.texts.get('mine.json')).toBe('{\n  "refresh_token": "rt",\n  "size": 1.50,\n  "type": "codex",\n  "prefix": "dev"\n}\n');
    const wrong = await upload(bench, ['file', claudeFile, 'x.json'], ['channel', 'codex']);
    expect([wrong.status, messageOf(wrong)]).toEqual([422, 'It is a file of anthropic, not of codex.']);
    expect((await upload(bench, ['file', codexFile, 'y.json'], ['channel', 'openai'])).status).toBe(200);
  });

  it('takes raw JSON with ?name=, whatever type the sender calls it', async () => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
      const bench = open();
      expect((await bench.send('POST', '/auth-files?name=codex-bob.json&prefix=dev', { body: codexFile, headers: { 'content-type': type } })).status).toBe(200);
      expect(JSON.parse(bench.fake.texts.get('codex-bob.json') ?? '')).toEqual({ ...JSON.parse(codexFile), prefix: 'dev' });
    }
  });

  it('several files: all stored is 200, some is 207 with each reason, none is a refusal', async () => {
    const bench = open();
    const both = await upload(bench, ['file', claudeFile, 'a.json'], ['other', codexFile, 'b.json']);
    expect([both.status, both.body]).toEqual([200, { status: 'ok', uploaded: 2, files: ['a.json', 'b.json'] }]);
    const some = await upload(bench, ['file', claudeFile, 'c.json'], ['file', '{"type":', 'd.json'], ['file', codexFile, 'e.txt']);
    expect([some.status, some.body]).toEqual([207, { status: 'partial', uploaded: 1, files: ['c.json'], failed: [{ name: 'd.json', error: expect.stringContaining('line 1, column 9'), code: 'invalid_json' }, { name: 'e.txt', error: expect.stringContaining('must end in .json'), code: 'invalid_request' }] }]);
    const none = await upload(bench, ['file', '[]', 'f.json'], ['file', '{}', 'g.json']);
    expect([none.status, none.code, [...bench.fake.texts.keys()]]).toEqual([422, 'invalid_auth_file', ['a.json', 'b.json', 'c.json']]);
  });

  it('If-None-Match: * keeps the file that is there; If-Match takes the tag of a download', async () => {
    const bench = open({ 'a.json': claudeFile });
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: codexFile, headers: { 'if-none-match': '*' } })).status).toBe(412);
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: codexFile, headers: { 'if-match': '"stale"' } })).status).toBe(412);
    const etag = (await bench.send('GET', '/auth-files/download?name=a.json')).headers.get('etag') ?? '';
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: codexFile, headers: { 'if-match': etag } })).status).toBe(200);
    expect((await bench.send('POST', '/auth-files?name=new.json', { body: codexFile, headers: { 'if-match': '*' } })).status).toBe(412);
  });

  it('If-Match guards the write itself: what is saved meanwhile is not overwritten', async () => {
    const bench = open({ 'a.json': claudeFile });
    const etag = (await bench.send('GET', '/auth-files/download?name=a.json')).headers.get('etag') ?? '';
    const saved = claudeFile.replace('"team"', '"other"');
    bench.fake.beforePut = () => void bench.fake.texts.set('a.json', saved);
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: codexFile, headers: { 'if-match': etag } })).status).toBe(412);
    expect(bench.fake.texts.get('a.json')).toBe(saved);
  });

  it('tokens that are refreshed meanwhile are no conflict for the tag of what the operator edits', async () => {
    const bench = open({ 'a.json': claudeFile });
    const [file] = await list(bench);
    bench.fake.beforePut = () => void bench.fake.texts.set('a.json', claudeFile.replace(/"access_token": ?"[^"]*"/, '"access_token":"at-rotated"'));
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: codexFile, headers: { 'if-match': String(file?.['etag']) } })).status).toBe(200);
    expect(bench.fake.texts.get('a.json')).toBe(codexFile);
  });
});

describe('an upload that is refused before anything is written', () => {
  const big = JSON.stringify({ type: 'claude', padding: 'x'.repeat(262_144) });
  it.each<readonly [string, readonly Part[], number, string]>([
    ['bad JSON', [['file', '{"type": "claude"', 'a.json']], 400, 'line 1'],
    ['no JSON object', [['file', '[1]', 'a.json']], 422, 'a JSON object'],
    ['a member twice', [['file', '{"type":"claude","type":"codex"}', 'a.json']], 400, 'appears twice'],
    ['no type', [['file', '{"refresh_token":"x"}', 'a.json']], 422, 'no `type`'],
    ['a type that nothing serves', [['file', '{"type":"nobody"}', 'a.json']], 422, 'No login serves'],
    ['a key file without its channel', [['file', JSON.stringify(keyFile), 'a.json']], 422, 'channel=vertex'],
    ['an unknown channel', [['file', claudeFile, 'a.json'], ['channel', 'nope']], 400, 'channel must be one of anthropic'],
    ['a prefix with a slash', [['file', claudeFile, 'a.json'], ['prefix', 'a/b']], 400, 'prefix'],
    ['an unknown field', [['file', claudeFile, 'a.json'], ['prefxi', 'x']], 400, '"prefxi"'],
    ['a field twice', [['file', claudeFile, 'a.json'], ['prefix', 'x'], ['prefix', 'y']], 400, 'twice'],
    ['no file', [['channel', 'vertex']], 400, 'no files uploaded'],
    ['a file that is a field', [['file', claudeFile]], 400, 'must be sent as a file'],
    ['a huge file', [['file', big, 'a.json']], 413, 'at most 262144'],
    ['seventeen files', Array.from({ length: 17 }, (_, index): Part => ['file', claudeFile, `${index}.json`]), 400, 'at most 16'],
    ['bytes that are no text', [['file', '\u0000', 'a.json']], 400, 'JSON'],
  ])('%s', async (_what, parts, status, message) => {
    const bench = open();
    const refused = await upload(bench, ...parts);
    expect([refused.status, messageOf(refused)]).toEqual([status, expect.stringContaining(message)]);
    expect([bench.fake.written, bench.audited()]).toEqual([[], []]);
  });

  it.each(['../config.json', '/etc/x.json', 'a\\b.json', '..', '.hidden.json', 'a.yaml', 'a.json\u202e', 'con.json', `${'x'.repeat(300)}.json`, '', 'a\u0000.json', '.keyward/x.json'])('the name %j', async (name) => {
    const bench = open();
    const raw = await bench.send('POST', `/auth-files?name=${encodeURIComponent(name)}`, { body: claudeFile });
    expect([raw.status, messageOf(raw)]).toEqual([400, expect.stringContaining('name')]);
    expect(bench.fake.written).toEqual([]);
  });

  it('bodies that are no form, or none at all', async () => {
    const bench = open();
    expect((await bench.send('POST', '/auth-files', { body: 'x', headers: { 'content-type': 'multipart/form-data' } })).status).toBe(400);
    expect((await bench.send('POST', '/auth-files', { body: 'garbage', headers: { 'content-type': 'multipart/form-data; boundary=xyz' } })).status).toBe(400);
    expect((await bench.send('POST', '/auth-files', { body: claudeFile, headers: { 'content-type': 'application/json' } })).status).toBe(400);
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: claudeFile, headers: { 'content-type': 'image/png' } })).status).toBe(415);
    expect((await bench.send('POST', '/auth-files?name=a.json', { body: new Uint8Array([0x7b, 0xff, 0x7d]) })).status).toBe(400);
    expect(bench.fake.written).toEqual([]);
  });

  it('no refusal repeats what was in the file', async () => {
    const bench = open();
    for (const text of [`{"refresh_token":"${tokens.claudeRefresh}"`, `{"refresh_token":"${tokens.claudeRefresh}"}`, `{"type":"vertex","service_account":{"private_key":"${tokens.claudeRefresh}"}}`]) {
      expect((await upload(bench, ['file', text, 'a.json'])).text).not.toContain(tokens.claudeRefresh);
    }
  });
});

describe('who is not root', () => {
  it.each([
    { base_url: 'https://evil.example' }, { 'proxy-url': 'http://evil.example' }, { headers: { host: 'evil.example' } }, { resource_url: 'evil.example' }, { token_endpoint: 'https://evil.example' },
  ])('brings no file that says where tokens go, which a known identity’s would follow: %j', async (members) => {
    const bench = open({ 'codex-bob.json': codexFile });
    const text = JSON.stringify({ ...JSON.parse(codexFile), ...members });
    const refused = await bench.send('POST', '/auth-files?name=a-copy.json', { body: text, as: operator });
    expect([refused.status, refused.code]).toEqual([403, 'root_required']);
    expect(bench.fake.written).toEqual([]);
  });

  it('brings files whose address is the vendor’s own, and root brings any', async () => {
    const qwen = JSON.stringify({ type: 'qwen', refresh_token: 'rt', resource_url: 'portal.qwen.ai', base_url: null });
    const bench = open();
    expect((await bench.send('POST', '/auth-files?name=qwen.json', { body: qwen, as: operator })).status).toBe(200);
    expect((await bench.send('POST', '/auth-files?name=claude.json', { body: claudeFile })).status).toBe(200);
  });
});

describe('POST /vertex/import', () => {
  it('stores the key file with its project and region, and says where', async () => {
    const bench = open();
    const answer = await bench.send('POST', '/vertex/import', { body: form(['file', JSON.stringify(keyFile), 'key.json'], ['location', 'Europe-West4']) });
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok', 'auth-file': `${authDirPath}/vertex-my-project.json`, name: 'vertex-my-project.json', project_id: 'my-project', email: keyFile.client_email, location: 'europe-west4' }]);
    expect((await bench.send('POST', '/vertex/import?location=global&prefix=g', { json: keyFile })).body).toMatchObject({ name: 'vertex-g-my-project.json', location: 'global' });
    expect((await bench.send('POST', '/vertex/import', { json: keyFile })).body).toMatchObject({ name: 'vertex-my-project.json', location: 'us-central1' });
  });

  it('another service account of the same project does not take the first one’s place', async () => {
    const bench = open();
    await bench.send('POST', '/vertex/import', { json: keyFile });
    const second = await bench.send('POST', '/vertex/import', { json: { ...keyFile, client_email: 'other@my-project.iam.gserviceaccount.com' } });
    expect(second.body['name']).toMatch(/^vertex-my-project-[\da-f]{8}\.json$/);
    expect(bench.fake.texts.size).toBe(2);
  });

  it.each([
    [{ token_uri: 'https://evil.example/token' }, '`token_uri` is not Google’s'],
    [{ token_uri: 'https://oauth2.googleapis.com.evil.example/token' }, '`token_uri` is not Google’s'],
    [{ project_id: undefined }, '`project_id`'],
    [{ project_id: '../../x' }, '`project_id`'],
    [{ client_email: undefined }, '`client_email`'],
    [{ private_key: undefined }, '`private_key`'],
    [{ private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' }, '`private_key`'],
    [{ type: 'authorized_user' }, 'no service account'],
  ])('%j is refused, and nothing is written', async (change, message) => {
    const bench = open();
    const refused = await bench.send('POST', '/vertex/import', { json: { ...keyFile, ...change } });
    expect([refused.status, messageOf(refused)]).toEqual([422, expect.stringContaining(message)]);
    const wrapped = await upload(bench, ['file', JSON.stringify({ type: 'vertex', project_id: 'my-project', service_account: { ...keyFile, ...change } }), 'v.json']);
    expect(wrapped.status).toBe(422);
    expect(bench.fake.written).toEqual([]);
  });

  it('no file, bad JSON and a strange region are refused', async () => {
    const bench = open();
    expect((await bench.send('POST', '/vertex/import', { body: form(['location', 'x']) })).status).toBe(400);
    expect((await bench.send('POST', '/vertex/import', { body: form(['file', '{', 'x.json']) })).code).toBe('invalid_json');
    expect(messageOf(await bench.send('POST', '/vertex/import?location=evil.example/', { json: keyFile }))).toContain('`location`');
    expect(bench.fake.written).toEqual([]);
  });
});
