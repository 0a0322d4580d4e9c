import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

async function run(...argv: string[]): Promise<{ readonly code: number; readonly cli: FakeProcess }> {
  const cli = createFakeProcess(argv);
  const code = await runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
  return { code, cli };
}

const commands = [['serve'], ['init'], ['doctor'], ['status'], ['explain'], ['config', 'check'], ['config', 'schema'], ['config', 'show'], ['keys', 'generate'], ['audit', 'show'], ['audit', 'verify'], ['audit', 'export'],
  ['accounts', 'login'], ['accounts', 'logout'], ['accounts', 'list'], ['accounts', 'enable'], ['accounts', 'disable'], ['accounts', 'import'], ['accounts', 'encrypt'], ['accounts', 'decrypt'], ['accounts', 'rotate-key']];

describe('the command line', () => {
  it('`keyward` alone prints help with every command and ends with 0', async () => {
    const { code, cli } = await run();
    expect(code).toBe(0);
    for (const [name] of commands) expect(cli.out()).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(cli.err()).toBe('');
  });

  it('--version prints the version of the binary and nothing else', async () => {
    const { code, cli } = await run('--version');
    expect([code, cli.out()]).toEqual([0, '9.8.7\n']);
  });

  it.each(commands.map((command) => [command.join(' ')]))('help of `%s` tells what it reads and writes', async (command) => {
    const { code, cli } = await run(...command.split(' '), '--help');
    expect(code).toBe(0);
    expect(cli.out()).toMatch(/^Reads:/m);
    expect(cli.out()).toMatch(/^Writes:/m);
  });

  it('an unknown command is wrong usage and names the near one', async () => {
    const { code, cli } = await run('serv');
    expect(code).toBe(2);
    expect(cli.err()).toContain("unknown command 'serv'");
    expect(cli.err()).toContain('Did you mean serve?');
  });

  it.each([
    ['accounts login', 'keyward accounts login --help'],
    ['accounts lgoin', 'keyward accounts --help'],
    ['serve --prot 1', 'keyward serve --help'],
    ['serv', 'keyward --help'],
  ])('a mistake in `%s` points to `%s`', async (line, help) => {
    const { code, cli } = await run(...line.split(' '));
    expect([code, cli.err()]).toEqual([2, expect.stringContaining(`Run \`${help}\``)]);
  });

  it('an unknown flag is wrong usage and names the near one', async () => {
    const { code, cli } = await run('serve', '--prot', '1');
    expect(code).toBe(2);
    expect(cli.err()).toContain('Did you mean --port?');
  });

  it.each([['70000'], ['-1'], ['80a'], ['']])('port %j is wrong usage', async (port) => {
    const { code, cli } = await run('serve', `--port=${port}`);
    expect(code).toBe(2);
    expect(cli.err()).toContain('0 to 65535');
  });

  it('an unknown log level is wrong usage and lists the levels', async () => {
    const { code, cli } = await run('serve', '--log-level', 'loud');
    expect(code).toBe(2);
    expect(cli.err()).toContain('trace, debug, info, warn, error');
  });

  it('explain without a model is wrong usage', async () => {
    const { code } = await run('explain');
    expect(code).toBe(2);
  });

  it('further operands are wrong usage', async () => {
    const { code } = await run('status', 'now');
    expect(code).toBe(2);
  });

  it('a failure nobody foresaw ends with 1 and one line', async () => {
    const cli = createFakeProcess(['init']);
    const code = await runCli({ ...cli, cwd: '\0' , home: '\0' }, () => Promise.resolve({ exitCode: 0 }));
    expect(code).toBe(1);
    expect(cli.err()).toMatch(/^keyward: .+\n$/);
  });
});

describe('keys generate', () => {
  it('prints as many different keys of 256 bits as asked for', async () => {
    const { code, cli } = await run('keys', 'generate', '--count', '3');
    const keys = cli.out().trim().split('\n');
    expect(code).toBe(0);
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^kw_[\w-]{43}$/);
  });

  it('--json prints one document', async () => {
    const { cli } = await run('keys', 'generate', '--json');
    expect(JSON.parse(cli.out())).toEqual({ keys: [expect.stringMatching(/^kw_/)] });
  });
});
