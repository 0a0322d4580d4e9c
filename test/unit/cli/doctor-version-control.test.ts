import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTrackedPaths } from '../../../internal/cli/doctor/git-index.ts';
import { findTrackedSecrets } from '../../../internal/cli/doctor/version-control.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-git-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const git = (...args: readonly string[]): boolean => spawnSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t.invalid', ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' } }).status === 0;
const hasGit = spawnSync('git', ['--version']).status === 0;
const put = (name: string): string => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), 'secret');
  return join(folder, name);
};
const found = (...names: readonly string[]): readonly string[] => findTrackedSecrets(names.map((name) => ({ path: join(folder, name), holds: 'client keys' }))).map(({ message }) => message.slice(folder.length + 1, message.indexOf(' holds')));

describe.runIf(hasGit)('secrets in git', () => {
  it.each([
    ['version 2', []],
    ['version 4', ['update-index', '--index-version', '4']],
    ['a path that is to be added only', ['add', '-N', 'later.json']],
  ])('are named where the repository keeps the file, and not where it does not: %s', (_, more) => {
    git('init', '-q');
    for (const name of ['config.yaml', 'auth/claude-ann.json', 'auth/claude-bob.json', 'auth/claude.json', 'untracked.yaml', 'later.json', ...Array.from({ length: 300 }, (_each, index) => `x/${'y'.repeat(index)}`.slice(0, 200))]) if (!name.endsWith('/')) put(name);
    git('add', 'config.yaml', 'auth', 'x');
    if (more.length > 0) git(...more);
    expect(found('config.yaml', 'auth/claude-ann.json', 'auth/claude-bob.json', 'auth/claude.json', 'untracked.yaml', 'missing.yaml')).toEqual(['config.yaml', 'auth/claude-ann.json', 'auth/claude-bob.json', 'auth/claude.json']);
    if (more[0] === 'add') expect(found('later.json')).toEqual(['later.json']);
  });

  it('also in a repository with SHA-256 names, and in a worktree', () => {
    if (git('init', '-q', '--object-format=sha256')) {
      put('config.yaml');
      git('add', 'config.yaml');
      expect(found('config.yaml')).toEqual(['config.yaml']);
    }
    git('commit', '-q', '-m', 'x');
    git('worktree', 'add', '-q', 'tree');
    expect(found('tree/config.yaml')).toEqual(['tree/config.yaml']);
  });

  it('also where a link leads into the repository', () => {
    mkdirSync(join(folder, 'repo'));
    put('repo/config.yaml');
    spawnSync('git', ['-C', join(folder, 'repo'), 'init', '-q']);
    spawnSync('git', ['-C', join(folder, 'repo'), 'add', 'config.yaml']);
    symlinkSync(join(folder, 'repo'), join(folder, 'link'));
    expect(found('link/config.yaml')).toEqual(['link/config.yaml']);
  });
});

it.each(['', 'DIRC', 'DIRC\0\0\0\u0002\0\0\0\u0009', `DIRC\0\0\0\u0004\0\0\0\u0001${'\u00ff'.repeat(80)}`])('%j is no index that lists anything', (text) => {
  expect(readTrackedPaths(Buffer.from(text, 'latin1'))).toEqual(new Set());
});
