import { chmodSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { configHead, makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

/* Security rule 2 on the built daemon: what issues tokens, or takes those of others, ends open mode for good. */

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
const tell = async ({ url }: RunningDaemon, path = '/v1/models'): Promise<string> => {
  const { status, code } = await ask(url, path);
  return `${status} ${code}`.trim();
};
const latchMode = (): number => statSync(join(folder, 'data', 'state', 'client-auth-required')).mode & 0o777;
const edit = (config: string): void => {
  writeFileSync(join(folder, 'next.yaml'), `${configHead}${config}`, { mode: 0o600 });
  renameSync(join(folder, 'next.yaml'), join(folder, 'config.yaml'));
};

const issuer = '  trusted-issuers:\n    - { issuer: "http://127.0.0.1:1", audience: keyward, subjects: ["repo:octo/app:*"] } # CI\n';

describe.each([
  ['identity.enabled', 'public-url: http://localhost:9\nidentity: # people\n  enabled: true # from today\n'],
  ['a trusted issuer', `identity: # machines\n${issuer}`],
])('rule 2: %s ends open mode', (_, identity) => {
  it('at the start, in the config with its comments kept, and stays so when it is switched off again', async () => {
    const first = await start(`# mine\n${identity}`);
    for (const path of ['/v1/models', '/v1beta/models', '/v1/responses', '/v1/chat/completions']) expect((await ask(first.url, path)).status, path).toBe(401);
    const written = readFileSync(first.configPath, 'utf8');
    expect(written).toMatch(/^client-auth: "?required"?$/m);
    for (const line of ['# mine', ...identity.trimEnd().split('\n')]) expect(written).toContain(line);
    expect(latchMode()).toBe(0o600);

    // Off again with the line left, and with an old copy of the file, while it runs and at the next start.
    edit('# mine\nclient-auth: required\nallowed-hosts: [one.example]\n');
    await until('the config is read again', async () => (await ask(first.url, '/healthz', { headers: { host: 'one.example' } })).status === 200);
    expect(await tell(first)).toBe('401 missing_api_key');
    edit('# mine\napi-keys: []\nallowed-hosts: [two.example]\n');
    await until('the config is read again', async () => (await ask(first.url, '/healthz', { headers: { host: 'two.example' } })).status === 200);
    expect(await tell(first)).toBe('401 missing_api_key');
    await first.stop();
    const second = await start('# mine\napi-keys: []\n');
    expect(await tell(second)).toBe('401 missing_api_key');
  });

  it('also where the config is not ours to write, which is a warning and no more', async () => {
    folder = makeFolder();
    const real = join(folder, 'real.yaml');
    writeFileSync(real, `${configHead}# mine\n${identity}`, { mode: 0o600 });
    chmodSync(real, 0o400);
    symlinkSync(real, join(folder, 'config.yaml'));
    daemon = await startDaemon({ folder });
    const running = daemon;
    expect(await tell(running)).toBe('401 missing_api_key');
    await until('it is said', () => running.output().includes('could not be written into the config'));
    expect(readFileSync(real, 'utf8')).not.toContain('client-auth');
    expect(latchMode()).toBe(0o600);
  });
});

describe('rule 2: a trusted issuer that a reload brings', () => {
  it('closes an open door with the reload, for good', async () => {
    const first = await start('# mine\n');
    expect(await tell(first)).toBe('200');
    edit(`# mine\nidentity:\n${issuer}`);
    await until('the door is closed', async () => (await tell(first)) === '401 missing_api_key');
    await until('the line is written', () => /^client-auth: "?required"?$/m.test(readFileSync(first.configPath, 'utf8')));
    expect(readFileSync(first.configPath, 'utf8')).toContain('# CI');
    expect(latchMode()).toBe(0o600);
    edit('# mine\napi-keys: []\nallowed-hosts: [two.example]\n');
    await until('the config is read again', async () => (await ask(first.url, '/healthz', { headers: { host: 'two.example' } })).status === 200);
    expect(await tell(first)).toBe('401 missing_api_key');
  });
});
