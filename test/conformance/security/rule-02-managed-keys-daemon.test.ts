import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeKeyText } from '../../../internal/clients/managed-keys/key-text.ts';
import { createManagedKeySource } from '../../../internal/clients/managed-keys/source.ts';
import { ask } from '../../support/ask.ts';
import { configHead, makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

let daemon: RunningDaemon | undefined;
let folder = '';
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  folder = '';
});

async function start(config: string): Promise<RunningDaemon> {
  folder = folder === '' ? makeFolder() : folder;
  daemon = await startDaemon({ folder, config });
  return daemon;
}
const tell = async ({ url }: RunningDaemon, key?: string): Promise<string> => {
  const { status, code } = await ask(url, '/v1/models', key === undefined ? {} : { key });
  return `${status} ${code}`.trim();
};
const latch = (): string => join(folder, 'data', 'state', 'client-auth-required');

describe('rule 2: the first managed key ends open mode', () => {
  it('at once, in the config and beside the data, and for every start that follows, whatever happens to the config', async () => {
    const first = await start('# mine\n');
    expect(await tell(first)).toBe('200');
    const made = runKeyward(folder, ['keys', 'create', 'ci', '--config', first.configPath]);
    expect(made.stderr).toContain('`client-auth: required` was written into the config');
    const key = made.stdout.trim();
    expect([await tell(first), await tell(first, 'dummy'), await tell(first, key)]).toEqual(['401 missing_api_key', '401 invalid_api_key', '200']);
    expect(readFileSync(first.configPath, 'utf8')).toMatch(/# mine\n[^]*client-auth: "?required"?\n/);
    expect(statSync(latch()).mode & 0o777).toBe(0o600);
    // An old copy of the config is put back while it runs, and before the next start.
    writeFileSync(first.configPath, `${configHead}# mine\napi-keys: []\nallowed-hosts: [reloaded.example]\n`);
    await until('the config is read again', async () => (await ask(first.url, '/healthz', { headers: { host: 'reloaded.example' } })).status === 200);
    expect(await tell(first)).toBe('401 missing_api_key');
    await first.stop();
    const second = await start('# mine\napi-keys: []\n');
    expect([await tell(second), await tell(second, key)]).toEqual(['401 missing_api_key', '200']);
  });

  it('also where the config cannot be written, which is said', async () => {
    const first = await start('# mine\n');
    chmodSync(first.configPath, 0o400);
    const real = `${first.configPath}.real`;
    writeFileSync(real, readFileSync(first.configPath));
    rmSync(first.configPath);
    symlinkSync(real, first.configPath);
    const made = runKeyward(folder, ['keys', 'create', 'ci', '--config', first.configPath]);
    expect(made.status).toBe(0);
    expect(made.stderr).toContain('could not be written into the config');
    expect([await tell(first), await tell(first, made.stdout.trim())]).toEqual(['401 missing_api_key', '200']);
    expect(existsSync(latch())).toBe(true);
  });

  it('a latch of any kind keeps the door closed, one that leads nowhere too', async () => {
    const first = await start('# mine\n');
    await first.stop();
    symlinkSync('/nowhere', latch());
    expect(await tell(await start('# mine\n'))).toBe('401 missing_api_key');
  });

  it('a key store that cannot be read is 503 with Retry-After for a key, never 401 and never open; what is no key stays 401', async () => {
    const broken = (): never => {
      throw new Error('disk I/O error');
    };
    const source = createManagedKeySource({ store: { find: broken, findByDigest: broken, hasImported: () => false }, clock: createManualClock() });
    const { ask: knock, error } = createDoorBench({ sources: [source] });
    const rules = rulesOf({ 'client-auth': 'required' });
    const key = makeKeyText('live');
    expect(await knock(rules, { headers: { authorization: `Bearer ${key}` } })).toBe('503 auth_unavailable');
    expect((await error(rules, { headers: { authorization: `Bearer ${key}` } })).headers['retry-after']).toMatch(/^\d+$/);
    expect(await knock(rules, { headers: { authorization: 'Bearer sk-foreign' } })).toBe('401 invalid_api_key');
    expect(await knock(rules, {})).toBe('401 missing_api_key');
  });
});
