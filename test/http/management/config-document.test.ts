import { describe, expect, it } from 'vitest';
import { openManagement } from './fixture.ts';

const yaml = 'request-retry: 1\napi-keys:\n  - sk-first-key-0000001\n';

describe('/config.yaml', () => {
  it('is shown as YAML with a tag', async () => {
    const { status, headers } = await openManagement(yaml).send('GET', '/config.yaml');
    expect([status, headers.get('content-type'), headers.get('etag')]).toEqual([200, 'application/yaml; charset=utf-8', expect.stringMatching(/^"[\da-f]{32}"$/)]);
  });

  it.each(['application/yaml', 'application/x-yaml', 'text/yaml', 'text/plain', 'text/plain; charset=utf-8', ''])('PUT takes content type %j and says what changed and what waits for a restart', async (type) => {
    const management = openManagement(yaml);
    const done = await management.send('PUT', '/config.yaml', { body: new TextEncoder().encode(`${yaml}port: 9000\n`), headers: type === '' ? {} : { 'content-type': type } });
    expect([done.status, done.body]).toEqual([200, { ok: true, changed: ['port'], restart_required: ['port'] }]);
    expect(management.config.fileText()).toBe(`${yaml}port: 9000\n`);
    expect(management.audited()).toMatchObject([{ action: 'config.changed', target: 'port', after: { port: 9000 } }]);
  });

  it.each(['application/json', 'multipart/form-data'])('PUT refuses %s with 415', async (type) => {
    const refused = await openManagement(yaml).send('PUT', '/config.yaml', { body: '{}', headers: { 'content-type': type } });
    expect([refused.status, refused.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('YAML that does not parse is 400 with its place, a config that does not hold 422 with every problem; the file stays', async () => {
    const management = openManagement(yaml);
    const unparsable = await management.send('PUT', '/config.yaml', { body: 'port: 1\nhost: "open\n', headers: { 'content-type': 'text/yaml' } });
    expect([unparsable.status, unparsable.body['error']]).toMatchObject([400, { code: 'invalid_yaml', line: expect.any(Number), column: expect.any(Number) }]);
    const invalid = await management.send('PUT', '/config.yaml', { body: 'port: high\ndebug: 7\n', headers: { 'content-type': 'text/yaml' } });
    expect([invalid.status, invalid.body['error']]).toMatchObject([422, { code: 'invalid_config', problems: [{ path: 'port' }, { path: 'debug' }] }]);
    expect(management.config.fileText()).toBe(yaml);
  });

  it('a text without client keys needs allow-open', async () => {
    const management = openManagement(yaml);
    const put = { body: 'request-retry: 1\napi-keys: []\n', headers: { 'content-type': 'text/yaml' } };
    expect((await management.send('PUT', '/config.yaml', put)).code).toBe('would_open_access');
    expect((await management.send('PUT', '/config.yaml?allow-open=true', put)).status).toBe(200);
    expect((await management.send('PUT', '/config.yaml?allow-open=perhaps', put)).code).toBe('invalid_request');
  });

  it('a stale If-Match is 412, a present one passes, and so does *', async () => {
    const management = openManagement(yaml);
    const etag = (await management.send('GET', '/config.yaml')).headers.get('etag') ?? '';
    const put = (ifMatch: string, retries: number) => management.send('PUT', '/config.yaml', { body: yaml.replace('1', String(retries)), headers: { 'content-type': 'text/yaml', 'if-match': ifMatch } });
    expect((await put(etag, 2)).status).toBe(200);
    expect((await put(etag, 3)).status).toBe(412);
    expect((await put(`W/${etag}`, 3)).status).toBe(412);
    expect((await put('*', 3)).status).toBe(200);
    expect(management.config.current().config['request-retry']).toBe(3);
  });

  it('the tag is keyed: it is no digest that a guess at a secret could be checked against', async () => {
    const management = openManagement(yaml);
    const { headers } = await management.send('GET', '/config.yaml');
    expect(management.config.current().hash).not.toContain((headers.get('etag') ?? '').replaceAll('"', ''));
  });
});

const rich = [
  '# our gateway\r\n',
  'remote-management:\r\n  secret-key: "the-management-secret-0001"  # do not tell\r\n',
  "proxy-url: 'http://me:hunter2@127.0.0.1:3128'\r\n",
  'api-keys:\r\n  - client-key-000000001\r\n  #- "client-key-that-was-used-01"\r\n  - 01234567890123456789\r\n',
  'gemini-api-key:\r\n  - &first {api-key: gemini-key-000000001, headers: {X-Team: "header-secret-000001"}}\r\n  # - api-key: gemini-key-switched-off\r\n',
  'claude-api-key:\r\n  - api-key: env:UPSTREAM_KEY\r\n    base-url: https://one.example\r\n',
  'unknown-section:\r\n  session-token: some-session-token-01\r\n',
].join('');
const richSecrets = ['the-management-secret-0001', 'hunter2', 'client-key-000000001', 'client-key-that-was-used-01', '01234567890123456789', 'gemini-key-000000001', 'header-secret-000001', 'gemini-key-switched-off', 'some-session-token-01'];

describe('/config.yaml and its secrets', () => {
  it('are masked in place, those in switched-off lines too; all else stays as it is written', async () => {
    const { text } = await openManagement(rich).send('GET', '/config.yaml');
    for (const secret of richSecrets) expect(text).not.toContain(secret);
    for (const kept of ['# our gateway\r\n', '  # do not tell\r\n', '&first {api-key: ', 'api-key: env:UPSTREAM_KEY\r\n']) expect(text).toContain(kept);
  });

  it.each(['', '?reveal=true'])('GET%s and PUT back changes nothing, to the byte', async (query) => {
    const management = openManagement(rich);
    const { text } = await management.send('GET', `/config.yaml${query}`);
    const done = await management.send('PUT', '/config.yaml', { body: text, headers: { 'content-type': 'application/yaml' } });
    expect([done.status, done.body]).toEqual([200, { ok: true, changed: [], restart_required: [] }]);
    expect(management.config.fileText()).toBe(rich);
    expect(management.audited().filter((event) => event.action === 'config.changed')).toEqual([]);
  });

  it('an edit of the masked text keeps every secret', async () => {
    const management = openManagement(rich);
    const { text } = await management.send('GET', '/config.yaml');
    const edited = text.replace('# our gateway\r\n', '# our gateway\r\nrequest-retry: 3\r\n');
    expect((await management.send('PUT', '/config.yaml', { body: edited, headers: { 'content-type': 'application/yaml' } })).body).toMatchObject({ changed: ['request-retry'] });
    expect(management.config.fileText()).toBe(rich.replace('# our gateway\r\n', '# our gateway\r\nrequest-retry: 3\r\n'));
  });

  it('the masked text with another destination is refused', async () => {
    const management = openManagement(rich.replace('api-key: env:UPSTREAM_KEY', 'api-key: claude-key-000000001'));
    const { text } = await management.send('GET', '/config.yaml');
    const refused = await management.send('PUT', '/config.yaml', { body: text.replace('https://one.example', 'https://evil.example'), headers: { 'content-type': 'application/yaml' } });
    expect([refused.status, refused.code]).toEqual([409, 'secret_required']);
  });

  it('/config shows every setting with its default, kebab-case, references as references', async () => {
    const { body } = await openManagement(rich).send('GET', '/config');
    expect(body).toMatchObject({ port: 8317, 'api-keys': ['clie…0001', '0123…6789'], 'remote-management': { 'secret-key': '********', 'allow-remote': false }, 'claude-api-key': [{ 'api-key': 'env:UPSTREAM_KEY' }], 'shutdown-timeout': '30s' });
  });
});

describe('/reload', () => {
  it('takes an editor’s change in and says what changed', async () => {
    const management = openManagement(yaml);
    await management.config.writeBehindItsBack(yaml.replace('1', '4'));
    const done = await management.send('POST', '/reload');
    expect([done.status, done.body]).toEqual([200, { ok: true, changed: ['request-retry'], restart_required: [] }]);
    expect(management.audited()).toMatchObject([{ action: 'config.reloaded', target: 'request-retry' }]);
  });

  it('refuses an invalid file with its problems, which then show in the status', async () => {
    const management = openManagement(yaml);
    await management.config.writeBehindItsBack('port: high\n');
    const refused = await management.send('POST', '/reload');
    expect([refused.status, refused.body['error']]).toMatchObject([422, { problems: [{ path: 'port' }] }]);
    expect((await management.send('GET', '/status')).body['config']).toMatchObject({ refused: { problems: [{ path: 'port' }] } });
  });
});
