import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import type { DaemonOptions } from '../../../internal/cli/daemon-port.ts';
import { createFakeProcess } from '../../unit/cli/fake-process.ts';
import { writeFileSync } from 'node:fs';

const folder = resolve(import.meta.dirname, '../../../docs/service');

/** `Name=value` lines by section; a unit may repeat a name. */
function readUnit(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n')) {
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    const pair = /^(\w+)=(.*)$/.exec(line);
    if (header !== undefined) section = header;
    else if (pair !== null) found.set(`${section}.${pair[1]}`, pair[2] ?? '');
    else expect(line).toMatch(/^(#.*)?$/);
  }
  return found;
}

/** The `<key>name</key><value/>` pairs of a property list's top level, strings of an array joined by blanks. */
function readPropertyList(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/^ {2}<key>(\w+)<\/key>\s+(<array>[\s\S]*?<\/array>|<dict>[\s\S]*?<\/dict>|<(?:string|integer)>.*?<\/(?:string|integer)>|<true\/>|<false\/>)/gm)];
  return new Map(pairs.map((pair) => [pair[1] ?? '', (pair[2] ?? '').replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ').trim()]));
}

/** The options `serve` would start the daemon with, after `argv` went through the real command line. */
async function startedWith(argv: readonly string[], home: string): Promise<DaemonOptions | undefined> {
  let seen: DaemonOptions | undefined;
  const cli = createFakeProcess(argv, { home });
  const code = await runCli(cli, (options) => {
    seen = options;
    return Promise.resolve({ exitCode: 0 });
  });
  expect({ code, err: cli.err() }).toEqual({ code: 0, err: '' });
  return seen;
}

describe('the service files', () => {
  const unit = readUnit(readFileSync(join(folder, 'keyward.service'), 'utf8'));
  const list = readPropertyList(readFileSync(join(folder, 'org.keyward.keyward.plist'), 'utf8'));

  it('the systemd unit’s command is one the command line takes', async () => {
    const cli = createFakeProcess([]);
    const config = join(cli.home, 'config.yaml');
    writeFileSync(config, '');
    const [binary, ...argv] = (unit.get('Service.ExecStart') ?? '').replace('%h/.keyward/config.yaml', config).split(' ');
    expect(binary).toMatch(/^\/.*\/keyward$/);
    expect(await startedWith(argv, cli.home)).toMatchObject({ configPath: config });
  });

  it('the systemd unit stops softly, gives exchanges time to finish, and does not restart on an invalid config', () => {
    expect(unit.get('Service.KillSignal')).toBe('SIGTERM');
    expect(Number(unit.get('Service.TimeoutStopSec'))).toBeGreaterThan(30);
    expect(unit.get('Service.RestartPreventExitStatus')).toBe('2');
    expect(unit.get('Service.UMask')).toBe('0077');
    expect(unit.get('Service.ExecReload')).toContain('-HUP');
  });

  it('the launchd agent’s command is one the command line takes', async () => {
    const cli = createFakeProcess([]);
    const config = join(cli.home, 'config.yaml');
    writeFileSync(config, '');
    const [, binary, ...argv] = (list.get('ProgramArguments') ?? '').replace('/Users/you/.keyward/config.yaml', config).split(' ');
    expect(binary).toMatch(/\/keyward$/);
    expect(await startedWith(argv, cli.home)).toMatchObject({ configPath: config });
    expect(Number(list.get('ExitTimeOut'))).toBeGreaterThan(30);
    expect(Number(list.get('Umask'))).toBe(0o077);
  });
});
