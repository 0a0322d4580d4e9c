import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeForeignFile, describeMissingConfig, findConfig } from '../../../internal/cli/config-path.ts';
import { createFakeProcess } from './fake-process.ts';

function writeConfig(folder: string, mode = 0o600): string {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, 'port: 1\n');
  chmodSync(path, mode);
  return path;
}

describe('where the config is looked for', () => {
  it('--config wins over the environment, relative to the working directory', () => {
    const cli = createFakeProcess([], { env: { KEYWARD_CONFIG: '/elsewhere.yaml' } });
    expect(findConfig(cli, 'a.yaml', true)).toEqual({ ok: true, value: { path: join(cli.cwd, 'a.yaml'), source: '--config', exists: false } });
  });

  it('KEYWARD_CONFIG wins over the working directory; a blank one counts as unset', () => {
    const cli = createFakeProcess([]);
    const local = writeConfig(cli.cwd);
    expect(findConfig({ ...cli, env: { KEYWARD_CONFIG: '/elsewhere.yaml' } }, undefined, true)).toMatchObject({ value: { path: '/elsewhere.yaml' } });
    expect(findConfig({ ...cli, env: { KEYWARD_CONFIG: ' ' } }, undefined, true)).toMatchObject({ value: { path: local } });
  });

  it('only serve reads the working directory; others say so', () => {
    const cli = createFakeProcess([]);
    writeConfig(cli.cwd);
    const found = findConfig(cli, undefined, false);
    expect(found).toMatchObject({ value: { path: join(cli.home, '.keyward', 'config.yaml'), exists: false } });
    expect(found.ok && describeMissingConfig(cli, found.value)).toContain('--config config.yaml');
  });

  it('the home directory comes last', () => {
    const cli = createFakeProcess([]);
    mkdirSync(join(cli.home, '.keyward'));
    const path = writeConfig(join(cli.home, '.keyward'));
    expect(findConfig(cli, undefined, true)).toEqual({ ok: true, value: { path, source: 'home', exists: true } });
  });

  it.each([[0o620], [0o602], [0o666]])('a config of the working directory with mode %o is refused with the fix', (mode) => {
    const cli = createFakeProcess([]);
    writeConfig(cli.cwd, mode);
    expect(findConfig(cli, undefined, true)).toMatchObject({ ok: false, error: expect.stringContaining('chmod go-w') });
  });

  it('a file of another user is refused, also behind a link', () => {
    const cli = createFakeProcess([]);
    const path = writeConfig(cli.cwd);
    const link = join(cli.home, 'link.yaml');
    symlinkSync(path, link);
    const owner = process.getuid?.() ?? 0;
    expect(describeForeignFile(link, owner)).toBeUndefined();
    expect(describeForeignFile(path, owner + 1)).toContain('another user');
    expect(describeForeignFile(link, owner + 1)).toContain('another user');
  });

  it('a directory is no config', () => {
    const cli = createFakeProcess([]);
    expect(findConfig(cli, cli.cwd, true)).toMatchObject({ ok: false, error: expect.stringContaining('directory') });
  });
});
