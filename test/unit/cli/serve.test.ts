import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { DaemonOptions } from '../../../internal/cli/daemon-port.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

/** Runs `serve` up to the daemon; `options` is undefined when the daemon was not reached. */
async function serve(cli: FakeProcess): Promise<{ readonly code: number; readonly options: DaemonOptions | undefined }> {
  let options: DaemonOptions | undefined;
  const code = await runCli(cli, (given) => {
    options = given;
    return Promise.resolve({ exitCode: 0 });
  });
  return { code, options };
}

function withConfig(argv: readonly string[], more: Parameters<typeof createFakeProcess>[1] = {}): FakeProcess {
  const cli = createFakeProcess(['serve', ...argv], more);
  writeFileSync(join(cli.cwd, 'config.yaml'), 'port: 1\n', { mode: 0o600 });
  return cli;
}

describe('serve', () => {
  it('hands its flags to the daemon', async () => {
    const cli = withConfig(['--host', '', '--port', '0', '--log-level', 'debug']);
    const { code, options } = await serve(cli);
    expect(code).toBe(0);
    expect(options).toMatchObject({ configPath: join(cli.cwd, 'config.yaml'), host: '', port: 0, logLevel: 'debug', version: '9.8.7', localPassword: undefined });
  });

  it('without flags leaves everything to the config', async () => {
    const { options } = await serve(withConfig([]));
    expect(options).toMatchObject({ host: undefined, port: undefined, logLevel: undefined, localPassword: undefined });
  });

  it('the daemon’s exit code is the command’s', async () => {
    const cli = withConfig([]);
    expect(await runCli(cli, () => Promise.resolve({ exitCode: 2 }))).toBe(2);
  });

  it('a password on the command line is taken with a warning that does not repeat it', async () => {
    const cli = withConfig(['--password', 'hunter2hunter2']);
    const { options } = await serve(cli);
    expect(options?.localPassword?.reveal()).toBe('hunter2hunter2');
    expect(cli.err()).toContain('--password -');
    expect(cli.err()).not.toContain('hunter2');
  });

  it.each([['from-stdin\n', 'from-stdin'], ['from-stdin\r\n', 'from-stdin'], ['with blank \n', 'with blank ']])('`--password -` reads standard input without its line end (%j)', async (stdin, password) => {
    const cli = withConfig(['--password', '-'], { stdin });
    const { options } = await serve(cli);
    expect(options?.localPassword?.reveal()).toBe(password);
    expect(cli.err()).toBe('');
  });

  it.each([[['--password', '-']], [['--password=']]])('an empty password (%j) is wrong usage', async (argv) => {
    const { code, options } = await serve(withConfig(argv));
    expect([code, options]).toEqual([2, undefined]);
  });

  it('a --config that is not there starts nothing and makes nothing', async () => {
    const cli = createFakeProcess(['serve', '--config', 'typo.yaml']);
    const { code, options } = await serve(cli);
    expect([code, options]).toEqual([2, undefined]);
    expect(cli.err()).toContain(`keyward init --config ${join(cli.cwd, 'typo.yaml')}`);
    expect(existsSync(join(cli.cwd, 'typo.yaml'))).toBe(false);
  });

  it('a config of the working directory that others can write starts nothing', async () => {
    const cli = createFakeProcess(['serve']);
    writeFileSync(join(cli.cwd, 'config.yaml'), 'port: 1\n');
    chmodSync(join(cli.cwd, 'config.yaml'), 0o666);
    const { code, options } = await serve(cli);
    expect([code, options]).toEqual([2, undefined]);
  });
});

describe('the .env file of the working directory', () => {
  it('sets the names it may, below what the process has', async () => {
    const cli = withConfig([], { env: { KEYWARD_A: 'process' } });
    writeFileSync(join(cli.cwd, 'config.yaml'), 'api-keys: [env:MY_KEY]\n', { mode: 0o600 });
    writeFileSync(join(cli.cwd, '.env'), 'MY_KEY=1\nKEYWARD_A=2\nMANAGEMENT_PASSWORD=3\nNODE_OPTIONS=4\nOTHER=5\n', { mode: 0o600 });
    const { options } = await serve(cli);
    expect(options?.env).toEqual({ MY_KEY: '1', KEYWARD_A: 'process', MANAGEMENT_PASSWORD: '3' });
  });

  it('that others can write is named and not read', async () => {
    const cli = withConfig([]);
    writeFileSync(join(cli.cwd, '.env'), 'MANAGEMENT_PASSWORD=3\n');
    chmodSync(join(cli.cwd, '.env'), 0o666);
    const { options } = await serve(cli);
    expect(options?.env).toEqual({});
    expect(cli.err()).toContain(`${join(cli.cwd, '.env')} can be written by others and is not read`);
  });

  it('cannot move the config elsewhere', async () => {
    const cli = withConfig([]);
    writeFileSync(join(cli.cwd, '.env'), 'KEYWARD_CONFIG=/elsewhere.yaml\n', { mode: 0o600 });
    const { options } = await serve(cli);
    expect(options?.configPath).toBe(join(cli.cwd, 'config.yaml'));
  });
});

describe('the first run', () => {
  it('on a terminal prints both keys and a curl once, and the file holds them, mode 0600 in a folder 0700', async () => {
    const cli = createFakeProcess(['serve', '--port', '8400'], { stdoutIsTerminal: true });
    const { code, options } = await serve(cli);
    const path = join(cli.home, '.keyward', 'config.yaml');
    expect(code).toBe(0);
    expect(options?.configPath).toBe(path);
    expect([statSync(path).mode & 0o777, statSync(join(cli.home, '.keyward')).mode & 0o777]).toEqual([0o600, 0o700]);
    const written: { readonly 'api-keys': readonly string[]; readonly 'remote-management': { readonly 'secret-key': string } } = parse(readFileSync(path, 'utf8'));
    expect(written['api-keys']).toEqual([expect.stringMatching(/^kw_[\w-]{43}$/)]);
    expect(cli.out()).toContain(`curl http://localhost:8400/v1/models -H 'Authorization: Bearer ${written['api-keys'][0]}'`);
    expect(cli.out()).toContain(written['remote-management']['secret-key']);
  });

  it('without a terminal names the file and prints no key', async () => {
    const cli = createFakeProcess(['serve']);
    await serve(cli);
    const path = join(cli.home, '.keyward', 'config.yaml');
    const keys = [...readFileSync(path, 'utf8').matchAll(/"([\w-]{43,})"/g)].map((match) => match[1]);
    expect(keys).toHaveLength(2);
    expect(cli.out()).toContain(path);
    for (const key of keys) expect(cli.out() + cli.err()).not.toContain(key);
  });

  it('writes where KEYWARD_CONFIG points, which is how a container starts', async () => {
    const cli = createFakeProcess(['serve']);
    const path = join(cli.cwd, 'data', 'config.yaml');
    const { options } = await serve({ ...cli, env: { KEYWARD_CONFIG: path } });
    expect(options?.configPath).toBe(path);
    expect(existsSync(path)).toBe(true);
  });

  it('a second run finds the file and prints nothing', async () => {
    const cli = createFakeProcess(['serve'], { stdoutIsTerminal: true });
    await serve(cli);
    const printed = cli.out();
    await serve(cli);
    expect(cli.out()).toBe(printed);
  });
});

describe('init', () => {
  it('never touches a file that exists', async () => {
    const cli = createFakeProcess(['init', '--config', 'config.yaml']);
    writeFileSync(join(cli.cwd, 'config.yaml'), 'mine');
    const { code } = await serve(cli);
    expect(code).toBe(1);
    expect(readFileSync(join(cli.cwd, 'config.yaml'), 'utf8')).toBe('mine');
    expect(cli.err()).toContain('exists');
  });

  it('--json prints path and keys as one document', async () => {
    const cli = createFakeProcess(['init', '--json']);
    const { code } = await serve(cli);
    expect(code).toBe(0);
    expect(JSON.parse(cli.out())).toEqual({ path: join(cli.home, '.keyward', 'config.yaml'), client_key: expect.stringMatching(/^kw_/), management_key: expect.any(String) });
  });
});
