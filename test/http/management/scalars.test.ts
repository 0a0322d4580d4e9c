import { describe, expect, it } from 'vitest';
import { messageOf, openManagement, operator } from './fixture.ts';

const scalars = [
  ['debug', true, 'yes'],
  ['logging-to-file', true, 1],
  ['logs-max-total-size-mb', 12, '12'],
  ['error-logs-max-files', 3, 1.5],
  ['usage-statistics-enabled', false, null],
  ['proxy-url', 'http://127.0.0.1:3128', 8],
  ['request-log', true, 'true'],
  ['ws-auth', false, 0],
  ['request-retry', 2, -1],
  ['max-retry-interval', 30, true],
  ['force-model-prefix', true, []],
  ['routing/strategy', 'fill-first', 'by-dice'],
  ['quota-exceeded/switch-project', true, {}],
  ['quota-exceeded/switch-preview-model', true, 'on'],
] as const;

describe('scalars', () => {
  it.each(scalars)('%s is set by PUT and PATCH alike and read back under its last segment', async (path, good) => {
    for (const method of ['PUT', 'PATCH']) {
      const management = openManagement('# mine\nport: 8317\n');
      const written = await management.send(method, `/${path}`, { json: { value: good } });
      expect([written.status, written.body]).toEqual([200, { status: 'ok' }]);
      const read = await management.send('GET', `/${path}`);
      expect(read.body).toEqual({ [path.split('/').at(-1) ?? '']: good });
      expect(management.config.fileText()).toContain('# mine\nport: 8317\n');
    }
  });

  it.each(scalars)('%s refuses a value of the wrong type or range, naming the field, and leaves the file alone', async (path, _good, bad) => {
    const management = openManagement('port: 8317\n');
    const refused = await management.send('PUT', `/${path}`, { json: { value: bad } });
    expect([refused.status, refused.code]).toEqual([400, 'invalid_request']);
    expect(messageOf(refused)).toMatch(/^value /);
    expect(management.config.fileText()).toBe('port: 8317\n');
    expect(management.audited()).toEqual([]);
  });

  it('a missing value and an unknown member are named', async () => {
    const management = openManagement('port: 8317\n');
    expect(messageOf(await management.send('PUT', '/debug', { json: {} }))).toBe('value is missing.');
    expect(messageOf(await management.send('PUT', '/debug', { json: { value: true, valeu: true } }))).toContain('"valeu"');
  });

  it('short names of strategies are taken and answered in full', async () => {
    const management = openManagement('routing:\n  strategy: ff\n');
    expect((await management.send('GET', '/routing/strategy')).body).toEqual({ strategy: 'fill-first' });
    await management.send('PUT', '/routing/strategy', { json: { value: 'wrr' } });
    expect((await management.send('GET', '/routing/strategy')).body).toEqual({ strategy: 'weighted-round-robin' });
  });

  it('DELETE clears proxy-url, also when there was none', async () => {
    const management = openManagement('proxy-url: http://127.0.0.1:3128\n');
    for (const _turn of [1, 2]) expect((await management.send('DELETE', '/proxy-url')).status).toBe(200);
    expect((await management.send('GET', '/proxy-url')).body).toEqual({ 'proxy-url': '' });
    expect(management.config.fileText()).not.toContain('proxy-url');
  });

  it('the proxy’s password is masked, and its mask sent back keeps it', async () => {
    const management = openManagement('proxy-url: http://me:hunter2@127.0.0.1:3128\n');
    const read = await management.send('GET', '/proxy-url');
    expect(read.body).toEqual({ 'proxy-url': 'http://********@127.0.0.1:3128' });
    expect((await management.send('PUT', '/proxy-url', { json: { value: read.body['proxy-url'] } })).status).toBe(200);
    expect(management.config.current().config['proxy-url']).toBe('http://me:hunter2@127.0.0.1:3128');
    expect((await management.send('GET', '/proxy-url?reveal=true')).text).toContain('hunter2');
    expect((await management.send('GET', '/proxy-url?reveal=true', { as: operator })).code).toBe('root_required');
  });

  it('a write with a stale If-Match is 412 and changes nothing; with the present one it passes', async () => {
    const management = openManagement('request-retry: 1\n');
    const etag = (await management.send('GET', '/request-retry')).headers.get('etag') ?? '';
    const headers = { 'if-match': etag };
    expect((await management.send('PUT', '/request-retry', { json: { value: 2 }, headers })).status).toBe(200);
    const stale = await management.send('PUT', '/request-retry', { json: { value: 3 }, headers });
    expect([stale.status, stale.code]).toEqual([412, 'precondition_failed']);
    expect(management.config.current().config['request-retry']).toBe(2);
  });

  it('an edit made on disk meanwhile is kept, not overwritten', async () => {
    const management = openManagement('request-retry: 1\n');
    await management.config.writeBehindItsBack('request-retry: 1\nport: 9000\n');
    expect((await management.send('PUT', '/debug', { json: { value: true } })).status).toBe(200);
    expect(management.config.fileText()).toBe('request-retry: 1\nport: 9000\ndebug: true\n');
  });

  it('a file that was broken on disk meanwhile refuses the write with its problems', async () => {
    const management = openManagement('request-retry: 1\n');
    await management.config.writeBehindItsBack('request-retry: never\n');
    const refused = await management.send('PUT', '/debug', { json: { value: true } });
    expect([refused.status, refused.code]).toEqual([422, 'invalid_config']);
    expect(refused.text).toContain('request-retry');
    expect(management.config.fileText()).toBe('request-retry: never\n');
  });

  it('every change is in the audit with what was before and after', async () => {
    const management = openManagement('request-retry: 1\n');
    await management.send('PUT', '/request-retry', { json: { value: 2 } });
    expect(management.audited()).toMatchObject([{ action: 'config.changed', target: 'request-retry', actor: 'root', from: '127.0.0.1', requestId: 'req-test', before: { 'request-retry': 1 }, after: { 'request-retry': 2 } }]);
  });
});
