import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { escapeForeign } from '../../log/escape.ts';
import { readTrackedPaths } from './git-index.ts';
import type { Finding } from './report.ts';

/** A file with secrets in plain text. */
export interface SecretFile {
  readonly path: string;
  /** What is in it: `client keys`, `the tokens of an account`. */
  readonly holds: string;
}

const maxIndexBytes = 256 * 1024 * 1024;

/**
 * Warns of files with secrets that a git repository keeps: they are on every clone, and stay in its history. The index is read
 * here; git is not run, which would take orders from the repository's own config.
 */
export function findTrackedSecrets(files: readonly SecretFile[]): readonly Finding[] {
  const trackedIn = new Map<string, ReadonlySet<string>>();
  return files.flatMap(({ path, holds }): readonly Finding[] => {
    const place = realPathOf(path);
    const root = place === undefined ? undefined : findRepository(dirname(place));
    if (place === undefined || root === undefined) return [];
    const tracked = trackedIn.get(root) ?? readIndex(root);
    trackedIn.set(root, tracked);
    const name = relative(root, place).split(sep).join('/');
    if (!tracked.has(name)) return [];
    return [{
      level: 'warning',
      code: 'secrets-in-git',
      message: `${escapeForeign(path, 512)} holds ${holds} in plain text, and git keeps it (${escapeForeign(root, 512)}).`,
      fix: 'Take it out with `git rm --cached`, add it to .gitignore, and change those secrets: they stay in the history.',
    }];
  });
}

/** The name in its folder, links on the way to it followed: a repository keeps a link as a link. */
function realPathOf(path: string): string | undefined {
  try {
    statSync(path);
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

function findRepository(folder: string): string | undefined {
  if (statSync(join(folder, '.git'), { throwIfNoEntry: false }) !== undefined) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : findRepository(parent);
}

/** Empty where there is none, or none that can be read. */
function readIndex(root: string): ReadonlySet<string> {
  try {
    const index = join(gitFolder(join(root, '.git')), 'index');
    return statSync(index).size > maxIndexBytes ? new Set() : readTrackedPaths(readFileSync(index));
  } catch {
    return new Set();
  }
}

/** Of a worktree or a submodule `.git` is a file that says where. */
function gitFolder(path: string): string {
  if (statSync(path).isDirectory()) return path;
  const [, folder = ''] = /^gitdir: (.+?)\s*$/m.exec(readFileSync(path, 'utf8')) ?? [];
  return resolve(dirname(path), folder);
}
