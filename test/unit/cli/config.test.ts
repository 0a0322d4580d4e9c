import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

const key = 'kw_0123456789abcdefghijklmnopqrstuvwxyz';

async function run(cli: FakeProcess): Promise<number> {
  return runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
}

/** A process whose working directory holds `config.yaml` with this text. */
function withConfig(argv: readonly string[], text: string, env: Readonly<Record<string, string>> = {}): FakeProcess {
  const cli = createFakeProcess(argv, { env });
  writeFileSync(join(cli.cwd, 'config.yaml'), text, { mode: 0o600 });
  return cli;
}

describe('config check', () => {
  it('a valid file ends with 0', async () => {
    const cli = withConfig(['config', 'check', 'config.yaml'], `api-keys: [${key}]\n`);
    expect([await run(cli), cli.out()]).toEqual([0, `${join(cli.cwd, 'config.yaml')} is valid\n`]);
  });

  it('lists all problems at once with line and column, and ends with 2', async () => {
    const cli = withConfig(['config', 'check', 'config.yaml', '--json'], 'port: many\n# here\ndebug: perhaps\n');
    expect(await run(cli)).toBe(2);
    expect(JSON.parse(cli.out())).toMatchObject({ valid: false, problems: [{ path: 'port', line: 1, column: 7 }, { path: 'debug', line: 3, column: 8 }] });
  });

  it('a file that start-up would refuse for its doors is not valid', async () => {
    const cli = withConfig(['config', 'check', 'config.yaml'], 'host: 0.0.0.0\napi-keys: []\n');
    expect(await run(cli)).toBe(2);
    expect(cli.out()).toContain('insecure-open-access');
  });

  it('names keys that Keyward does not use, and stays valid', async () => {
    const cli = withConfig(['config', 'check', 'config.yaml'], `api-keys: [${key}]\nampcode: {}\n`);
    expect(await run(cli)).toBe(0);
    expect(cli.out()).toContain("config: ignored key 'ampcode'");
  });

  it('a file that is not there ends with 1', async () => {
    const cli = createFakeProcess(['config', 'check', 'nowhere.yaml']);
    expect(await run(cli)).toBe(1);
    expect(cli.out()).toMatch(/^error: There is no config at \S+nowhere\.yaml\. `keyward init/);
  });
});

describe('config show', () => {
  it('prints the settings in effect with secrets masked and references as written', async () => {
    const cli = withConfig(['config', 'show', '--config', 'config.yaml'], `port: 8400\napi-keys: [${key}, env:SECOND]\n`, { SECOND: 'second-key-0123456789' });
    expect(await run(cli)).toBe(0);
    expect(JSON.parse(cli.out())).toMatchObject({ port: 8400, host: '127.0.0.1', 'api-keys': ['kw_0…wxyz', 'env:SECOND'] });
    expect(cli.out()).not.toContain(key);
    expect(cli.out()).not.toContain('second-key');
  });

  it('an invalid file shows its problems instead', async () => {
    const cli = withConfig(['config', 'show', '--config', 'config.yaml'], 'port: many\n');
    expect([await run(cli), cli.out()]).toEqual([2, '']);
    expect(cli.err()).toMatch(/config\.yaml:1:7 port: /);
  });
});

describe('config schema', () => {
  it('prints the schema that the package ships', async () => {
    const cli = createFakeProcess(['config', 'schema']);
    expect(await run(cli)).toBe(0);
    const shipped: unknown = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../config.schema.json'), 'utf8'));
    expect(JSON.parse(cli.out())).toEqual(shipped);
  });
});
