import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { runKeyward, startDaemon, type CommandOutcome, type RunningDaemon } from '../../support/daemon.ts';

let daemon: RunningDaemon;
beforeAll(async () => {
  daemon = await startDaemon({ config: 'api-keys: ["sk-static-0123456789abcdef"]\n' });
});
afterAll(() => daemon.stop());

const keys = (...args: readonly string[]): CommandOutcome => runKeyward(daemon.folder, ['keys', ...args, '--config', daemon.configPath]);
const isGood = async (key: string): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/models', { key });
  return `${status} ${code}`.trim();
};

describe('keyward keys', () => {
  it('create prints the key alone on standard output, and it works at once', async () => {
    const made = keys('create', 'ci', '--owner', 'ann', '--models', 'gpt-*,claude-*', '--rpm', '60', '--tpm', '100_000', '--concurrency', '4', '--daily-tokens', '2000000', '--monthly-cost', '12.5', '--tags', 'eu,ci', '--expires', '30d', '--addresses', '127.0.0.0/8', '--scopes', 'models:use,models:read');
    expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^kw_live_[0-9A-Za-z]{49}\n$/) });
    expect(made.stderr).toMatch(/^ci \(ck_[\w-]+\) is good until .*This is the only time/);
    expect(await isGood(made.stdout.trim())).toBe('200');
    const shown = JSON.parse(keys('show', 'ci', '--json').stdout);
    expect(shown).toMatchObject({ name: 'ci', owner: 'ann', tags: ['eu', 'ci'], status: 'active', limits: { scopes: ['models:use', 'models:read'], models: ['gpt-*', 'claude-*'], addresses: ['127.0.0.0/8'], requests_per_minute: 60, tokens_per_minute: 100_000, max_concurrent: 4, daily_budget: { tokens: 2_000_000 }, monthly_budget: { cost: 12.5 } } });
    expect(keys('show', shown.id).stdout).toContain('last_used_from');
  });

  it('list shows them to people and to scripts, without their text', () => {
    const { key } = JSON.parse(keys('create', 'laptop', '--never-expires', '--environment', 'test', '--json').stdout);
    expect(key).toMatch(/^kw_test_/);
    const listed = keys('list');
    expect(listed.stdout).toMatch(/id +name +owner +status +key +expires +last used +from\nck_\S+ +laptop +– +active +kw_test_\w{4}… +never/);
    expect(listed.stdout).not.toContain(key);
    expect(JSON.parse(keys('list', '--owner', 'ann', '--json').stdout).keys).toHaveLength(1);
    expect(keys('list', '--tag', 'none').stdout).toBe('No managed key is like that.\n');
  });

  it('rotate leaves the old key good for as long as is said, revoke ends both', async () => {
    const old = keys('create', 'batch').stdout.trim();
    const rotated = keys('rotate', 'batch', '--overlap', '1h');
    const fresh = rotated.stdout.trim();
    expect(rotated.stderr).toContain(`The old text, ${old.slice(0, 12)}…, is good until`);
    expect([await isGood(old), await isGood(fresh)]).toEqual(['200', '200']);
    expect(keys('rotate', 'batch').stderr).toContain('This key is being rotated');
    expect(keys('revoke', 'batch', '--old-text').status).toBe(0);
    expect([await isGood(old), await isGood(fresh)]).toEqual(['401 invalid_api_key', '200']);
    expect(keys('revoke', 'batch').stdout).toMatch(/^batch \(ck_[\w-]+\) is revoked/);
    expect(await isGood(fresh)).toBe('401 key_revoked');
  });

  it('set changes what is said and leaves the rest, budgets bound by bound; the text stays good', async () => {
    const text = keys('create', 'nightly', '--models', '*', '--rpm', '60', '--daily-tokens', '5', '--daily-requests', '7', '--monthly-cost', '3', '--tags', 'eu').stdout.trim();
    const changed = JSON.parse(keys('set', 'nightly', '--owner', 'bob', '--rpm', '120', '--daily-tokens', '1_000', '--expires', '12h', '--clear', 'models,monthly-cost,tags', '--json').stdout);
    expect(changed).toMatchObject({ name: 'nightly', owner: 'bob', tags: [], limits: { requests_per_minute: 120, daily_budget: { tokens: 1_000, requests: 7 } } });
    expect(Object.keys(changed.limits).sort()).toEqual(['daily_budget', 'requests_per_minute']);
    expect(keys('set', 'nightly', '--clear', 'daily-requests', '--name', 'weekly').stdout).toContain('weekly');
    expect(JSON.parse(keys('show', 'weekly', '--json').stdout).limits.daily_budget).toEqual({ tokens: 1_000 });
    expect(await isGood(text)).toBe('200');
  });

  it('delete ends a key, with those minted from it, and forgets it', async () => {
    const made = JSON.parse(keys('create', 'gone', '--json').stdout);
    const child = JSON.parse(keys('create', 'gone-too', '--minter', made.id, '--json').stdout);
    expect(keys('delete', 'gone').stdout).toMatch(/^gone \(ck_[\w-]+\) is deleted: .*\nKeys minted from it, which are revoked with it: 1\.\n$/);
    expect([await isGood(made.key), await isGood(child.key)]).toEqual(['401 invalid_api_key', '401 key_revoked']);
    expect(keys('show', made.id).status).toBe(1);
  });

  it.each<[readonly string[], number, RegExp]>([
    [['set', 'nobody', '--rpm', '1'], 1, /No key has the id or the name nobody/],
    [['set', 'nobody'], 2, /Nothing to change was said/],
    [['set', 'nobody', '--clear', 'rpm,name'], 2, /It is a list out of owner, purpose/],
    [['delete', 'nobody'], 1, /No key has the id or the name nobody/],
    [['show', 'nobody'], 1, /No key has the id or the name nobody; `keyward keys list` shows what there is\./],
    [['show', 'ck_nobody'], 1, /No key has the id or the name ck_nobody/],
    [['create', 'x', '--expires', 'soon'], 2, /`expires_in` must be a duration such as 12h or 90d/],
    [['create', 'x', '--expires', '1d', '--never-expires'], 2, /cannot stand beside/],
    [['create', 'x', '--scopes', 'all'], 2, /`scopes` must be a list/],
    [['create', 'x', '--rpm', '0'], 2, /It is a number above 0/],
    [['create'], 2, /missing required argument 'name'/],
    [['import', 'sk-on-the-command-line'], 2, /does not belong on the command line/],
    [['create', 'x', '--minter', 'ck_none'], 1, /There is nobody ck_none to mint from/],
  ])('%j is refused with what to do', (args, status, text) => {
    const refused = keys(...args);
    expect(refused.status).toBe(status);
    expect(refused.stderr).toMatch(text);
    expect(refused.stdout).toBe('');
  });

  it('a name that several keys have changes none of them', () => {
    const ids = [keys('create', 'twin', '--json'), keys('create', 'twin', '--json')].map(({ stdout }) => JSON.parse(stdout).id);
    const refused = keys('revoke', 'twin');
    expect([refused.status, ids.every((id) => refused.stderr.includes(id))]).toEqual([2, true]);
    keys('revoke', ids[0]);
    expect(keys('revoke', 'twin').status).toBe(0);
  });

  it('import makes managed keys of the static ones, which go on working', async () => {
    expect(await isGood('sk-static-0123456789abcdef')).toBe('200');
    const imported = keys('import', '--expires', '30d', '--owner', 'ann');
    expect(imported).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Imported sk-s…cdef as imported key_[\da-f]{12} \(key_[\da-f]{12}\)\.\n$/) });
    expect(imported.stderr).toContain('were taken out of `api-keys`');
    expect(readFileSync(daemon.configPath, 'utf8')).toContain('api-keys: []');
    expect(await isGood('sk-static-0123456789abcdef')).toBe('200');
    expect(await isGood('sk-unknown')).toBe('401 invalid_api_key');
    expect(keys('import').stderr).toContain('has no `api-keys` to import');
  });

  it('without a daemon says so', () => {
    const { status, stderr } = runKeyward(daemon.folder, ['keys', 'list', '--config', daemon.configPath.replace('config.yaml', 'none.yaml')]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/There is no config at|No daemon is running/);
  });
});
