import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { listenAsDaemon } from './control-fixtures.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

const secret = 'rt-0123456789abcdef';

/** A home with a config and one account file in it. */
function prepare(argv: readonly string[], setting: string): FakeProcess {
  const cli = createFakeProcess(['accounts', ...argv]);
  mkdirSync(join(cli.home, '.keyward', 'auth'), { recursive: true, mode: 0o700 });
  writeFileSync(join(cli.home, '.keyward', 'config.yaml'), `api-keys: ["kw_0123456789abcdef"]\nauth-dir-encryption: ${setting}\n`, { mode: 0o600 });
  writeFileSync(fileOf(cli), JSON.stringify({ type: 'claude', email: 'ann@example.com', refresh_token: secret, access_token: 'at' }), { mode: 0o600 });
  return cli;
}

const fileOf = (cli: FakeProcess): string => join(cli.home, '.keyward', 'auth', 'claude-ann.json');
const again = (cli: FakeProcess, argv: readonly string[]): FakeProcess => createFakeProcess(['accounts', ...argv], { home: cli.home });
const run = (cli: FakeProcess): Promise<number> => runCli(cli, () => Promise.reject(new Error('the daemon must not start')));

describe('accounts encrypt, decrypt and rotate-key', () => {
  it('encrypt by what the config says needs no flag, and says that nothing is to be set', async () => {
    const cli = prepare(['encrypt'], 'file');
    expect({ code: await run(cli), err: cli.err() }).toEqual({ code: 0, err: '' });
    expect(cli.out()).toContain('The config says so already');
    expect(readFileSync(fileOf(cli), 'utf8')).not.toContain(secret);
  });

  it('a file that cannot be changed ends with 1, and the setting that the others need is told all the same', async () => {
    const cli = prepare(['encrypt', '--key', 'file'], 'off');
    writeFileSync(fileOf(cli).replace('claude-ann', 'broken'), '{"type":"claude",', { mode: 0o600 });
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('broken.json: The file is not valid JSON');
    expect(cli.out()).toContain('1 encrypted, 0 needed no change\n');
    expect(cli.out()).toContain('\n  auth-dir-encryption: file\n');
    expect(readFileSync(fileOf(cli), 'utf8')).not.toContain(secret);
  });

  it('a key is said to be removed only when one was', async () => {
    const cli = prepare(['encrypt', '--key', 'file'], 'off');
    await run(cli);
    expect(cli.out()).not.toContain('old keys');
    const rotated = again(cli, ['rotate-key', '--key', 'file']);
    expect(await run(rotated)).toBe(0);
    expect(rotated.out()).toMatch(/^removed: old keys that nothing needs any more \(.+\)$/m);
  });

  it('--json prints one document, progress goes to standard error', async () => {
    const cli = prepare(['encrypt', '--json'], 'file');
    expect(await run(cli)).toBe(0);
    expect(JSON.parse(cli.out())).toEqual({ status: 'ok', changed: ['claude-ann.json'], unchanged: [], failed: [], retired_keys: [], setting: { 'auth-dir-encryption': 'file' } });
    expect(cli.err()).toContain('encrypted: claude-ann.json');
  });

  it('decrypt takes the key from where --key says, whatever the config says', async () => {
    const cli = prepare(['encrypt', '--key', 'file'], 'off');
    await run(cli);
    const back = again(cli, ['decrypt', '--key', 'file']);
    expect({ code: await run(back), err: back.err() }).toEqual({ code: 0, err: '' });
    expect(readFileSync(fileOf(cli), 'utf8')).toContain(secret);
  });

  it('a key in the environment is the operator’s to make', async () => {
    const cli = prepare(['encrypt', '--key', 'env'], 'off');
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('KEYWARD_AUTH_DIR_KEY');
    expect(readFileSync(fileOf(cli), 'utf8')).toContain(secret);
  });

  it.each([['encrypt'], ['decrypt'], ['rotate-key']])('%s without a place for the key changes nothing and ends with 2', async (verb) => {
    const cli = prepare([verb], 'off');
    expect(await run(cli)).toBe(2);
    expect(cli.err()).toContain('--key file');
  });

  it.each([
    ['encrypt', 'off', false],
    ['encrypt', 'env', false],
    ['encrypt', undefined, false],
    ['encrypt', 'file', true],
    ['rotate-key', 'off', false],
    ['rotate-key', 'file', true],
    ['decrypt', 'file', false],
    ['decrypt', 'off', true],
  ])('%s while a daemon runs with %s: allowed is %s', async (verb, running, isAllowed) => {
    const cli = prepare([verb, '--key', 'file'], 'off');
    // Something to rotate or decrypt.
    if (verb !== 'encrypt') await run(again(cli, ['encrypt', '--key', 'file']));
    await listenAsDaemon(cli.home, () => ({ body: { version: '1', auth_dir: { encryption: running } } }));
    const before = readFileSync(fileOf(cli), 'utf8');
    expect(await run(cli)).toBe(isAllowed ? 0 : 1);
    expect(readFileSync(fileOf(cli), 'utf8') === before).toBe(!isAllowed);
    if (!isAllowed) expect(cli.err()).toMatch(/A daemon is running .* Stop it/);
  });

  it('an unknown place for the key is wrong usage and lists the places', async () => {
    const cli = prepare(['encrypt', '--key', 'pocket'], 'off');
    expect(await run(cli)).toBe(2);
    expect(cli.err()).toContain('env, keychain, file');
  });

  it('without a config it says so', async () => {
    const cli = createFakeProcess(['accounts', 'encrypt']);
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('There is no config');
  });
});
