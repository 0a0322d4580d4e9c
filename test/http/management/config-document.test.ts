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
    const { hash } = openManagement(yaml).config.current();
    const { headers } = await openManagement(yaml).send('GET', '/config.yaml');
    expect(hash).not.toContain((headers.get('etag') ?? '').replaceAll('"', ''));
  });
});

describe('/reload', () => {
  it('takes an editor’s change in and says what changed', async () => {
    const management = openManagement(yaml);
    management.config.writeBehindItsBack(yaml.replace('1', '4'));
    const done = await management.send('POST', '/reload');
    expect([done.status, done.body]).toEqual([200, { ok: true, changed: ['request-retry'], restart_required: [] }]);
    expect(management.audited()).toMatchObject([{ action: 'config.reloaded', target: 'request-retry' }]);
  });

  it('refuses an invalid file with its problems, which then show in the status', async () => {
    const management = openManagement(yaml);
    management.config.writeBehindItsBack('port: high\n');
    const refused = await management.send('POST', '/reload');
    expect([refused.status, refused.body['error']]).toMatchObject([422, { problems: [{ path: 'port' }] }]);
    expect((await management.send('GET', '/status')).body['config']).toMatchObject({ refused: { problems: [{ path: 'port' }] } });
  });
});
