import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';

const secret = 'management-secret-for-tests';
const key = 'sk-client-0123456789abcdef';
const before = [
  '# a file from Windows  ',
  'port:   0',
  'data-dir: ./data # here',
  'auth-dir: ./auth',
  '',
  'debug: false   # not now',
  'api-keys:',
  `    - '${key}'   # mine`,
  '',
  'remote-management: { secret-key: management-secret-for-tests }',
  'x-unknown:   [ 1,2 ]',
  '',
].join('\r\n');

let folder: string;
let daemon: RunningDaemon;
beforeAll(async () => {
  folder = makeFolder();
  writeFileSync(join(folder, 'config.yaml'), before, { mode: 0o600 });
  daemon = await startDaemon({ folder });
});
afterAll(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true });
});

/** The lines that an edit took away and brought. */
async function linesChangedBy(edit: () => Promise<{ readonly status: number; readonly text: string }>): Promise<{ readonly gone: readonly string[]; readonly added: readonly string[] }> {
  const old = readFileSync(daemon.configPath, 'utf8').split('\n');
  const answer = await edit();
  expect(answer.status, answer.text).toBe(200);
  const next = readFileSync(daemon.configPath, 'utf8').split('\n');
  return { gone: old.filter((line) => !next.includes(line)), added: next.filter((line) => !old.includes(line)) };
}

describe('a file with CRLF line ends, edited through the API', () => {
  it('a scalar set touches its line alone, its comment kept', async () => {
    const { gone, added } = await linesChangedBy(() => ask(daemon.url, '/v0/management/debug', { method: 'PUT', key: secret, json: { value: true } }));
    expect([gone, added]).toEqual([['debug: false   # not now\r'], ['debug: true   # not now\r']]);
  });

  it('a key added to the list is one line more, and works', async () => {
    const added = 'sk-added-0123456789abcdef';
    const lines = await linesChangedBy(() => ask(daemon.url, '/v0/management/api-keys', { method: 'PUT', key: secret, json: [key, added] }));
    expect(lines.gone).toEqual([]);
    expect(lines.added).toEqual([expect.stringMatching(new RegExp(`^    - ["']?${added}["']?\\r$`))]);
    expect((await ask(daemon.url, '/v1/models', { key: added })).status).toBe(200);
  });

  it('a setting that was absent is one line more', async () => {
    const { gone, added } = await linesChangedBy(() => ask(daemon.url, '/v0/management/request-retry', { method: 'PUT', key: secret, json: { value: 3 } }));
    expect([gone, added]).toEqual([[], ['request-retry: 3\r']]);
  });

  it('every line still ends in CRLF, and what was not meant is as it was', () => {
    const now = readFileSync(daemon.configPath, 'utf8');
    expect(now.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    const unmeant = before.split('\r\n').filter((line) => !line.startsWith('debug'));
    expect(now.split('\r\n')).toEqual(expect.arrayContaining(unmeant));
  });
});
