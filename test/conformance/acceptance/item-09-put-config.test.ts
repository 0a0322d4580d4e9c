import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type Asked } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';

const secret = 'your-secure-management-key';
let daemon: RunningDaemon;

beforeAll(async () => {
  daemon = await startDaemon({ config: `api-keys: ["sk-first-0123456789"]\nremote-management:\n  secret-key: "${secret}"\n` });
});
afterAll(() => daemon.stop());

const put = (body: string): Promise<Asked> => ask(daemon.url, '/v0/management/config.yaml', { method: 'PUT', key: secret, headers: { 'content-type': 'application/x-yaml' }, body });
const onDisk = (): string => readFileSync(daemon.configPath, 'utf8');

describe('update the configuration by PUT /v0/management/config.yaml', () => {
  it('a valid file is 200, on disk as sent, mode 0600, and in effect at once', async () => {
    const next = onDisk().replace('sk-first-0123456789', 'sk-second-0123456789').replace('api-keys', '# two spaces  stay  \napi-keys');
    const answer = await put(next);
    expect([answer.status, answer.json]).toEqual([200, { ok: true, changed: ['api-keys'], restart_required: [] }]);
    expect(onDisk()).toBe(next);
    expect(statSync(daemon.configPath).mode & 0o777).toBe(0o600);
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-second-0123456789' })).status).toBe(200);
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-first-0123456789' })).status).toBe(401);
  });

  it('what only a restart can change is said to need one', async () => {
    const answer = await put(`${onDisk()}commercial-mode: true\n`);
    expect(answer).toMatchObject({ status: 200, json: { changed: ['commercial-mode'], restart_required: ['commercial-mode'] } });
  });

  it('bad YAML is 400 with line and column, and the file is untouched', async () => {
    const before = onDisk();
    const answer = await put('api-keys:\n  - "unclosed\nport: 1\n');
    expect(answer).toMatchObject({ status: 400, code: 'invalid_yaml', json: { error: { type: 'invalid_request_error', line: expect.any(Number), column: expect.any(Number) } } });
    expect(onDisk()).toBe(before);
  });

  it('a file that does not fit is 422 with every problem, and the file is untouched', async () => {
    const before = onDisk();
    const answer = await put('port: "many"\nrequest-retry: -1\napi-keys: ["sk-second-0123456789"]\n');
    expect(answer).toMatchObject({ status: 422, code: 'invalid_config' });
    expect(answer.json).toMatchObject({ error: { problems: expect.arrayContaining([expect.objectContaining({ path: 'port', line: 1 }), expect.objectContaining({ path: 'request-retry', line: 2 })]) } });
    expect(onDisk()).toBe(before);
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-second-0123456789' })).status).toBe(200);
  });

  it('a file that would let everyone in is 409 unless that is asked for', async () => {
    const before = onDisk();
    expect(await put(before.replace(/api-keys: .*\n/, ''))).toMatchObject({ status: 409, code: 'would_open_access' });
    expect(onDisk()).toBe(before);
    expect((await ask(daemon.url, '/v1/models')).status).toBe(401);
  });

  it('what GET shows masked may be sent back: masks mean unchanged', async () => {
    const before = onDisk();
    const shown = await ask(daemon.url, '/v0/management/config.yaml', { key: secret });
    expect(shown.text).not.toContain('sk-second-0123456789');
    expect(shown.text).not.toContain(secret);
    const answer = await put(shown.text);
    expect([answer.status, answer.json]).toEqual([200, { ok: true, changed: [], restart_required: [] }]);
    expect(onDisk()).toBe(before);
  });
});
