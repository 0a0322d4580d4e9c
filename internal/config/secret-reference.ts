import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';
import type { SecretOrigin } from './loaded.ts';

/** A secret's file is at most this long. */
const maxSecretFileBytes = 65_536;

/** Reads a file that a secret refers to; the error is the rest of a sentence. */
export type ReadSecretFile = (path: string) => Result<string, string>;

export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readSecretFile: ReadSecretFile;
  /** Absolute path of the config file; `file:` is relative to its folder. */
  readonly configPath: string;
  readonly home: string;
}

/** `env:…` or `file:…`, well-formed or not. */
export function isReference(value: string): boolean {
  return /^(?:env|file):/.test(value.trim());
}

/** What a secret's text stands for, and where it came from. The error is the rest of a sentence and holds no secret. */
export function resolveSecret(written: string, sources: ReferenceSources): Result<{ readonly value: string; readonly origin: SecretOrigin }, string> {
  const text = written.trim();
  if (text.startsWith('env:')) return resolveVariable(text.slice('env:'.length).trim(), sources);
  if (text.startsWith('file:')) return resolveFile(text.slice('file:'.length).trim(), sources);
  return ok({ value: text, origin: { kind: 'plain' } });
}

function resolveVariable(name: string, sources: ReferenceSources): ReturnType<typeof resolveSecret> {
  if (!/^[A-Za-z_]\w*$/.test(name)) return err('`env:` must be followed by the name of an environment variable');
  const value = sources.env[name]?.trim() ?? '';
  return value === '' ? err(`environment variable ${name} is not set; set it, or write the value here`) : ok({ value, origin: { kind: 'env', name } });
}

function resolveFile(written: string, sources: ReferenceSources): ReturnType<typeof resolveSecret> {
  if (written === '') return err('`file:` must be followed by a path');
  const path = expandPath(written, dirname(sources.configPath), sources.home);
  const read = sources.readSecretFile(path);
  if (!read.ok) return err(`${path} ${read.error}`);
  const value = read.value.trim();
  return value === '' ? err(`${path} is empty; it must hold the secret`) : ok({ value, origin: { kind: 'file', path, written } });
}

/** `~` and `~/…` lead to `home`, other relative paths start at `base`. */
export function expandPath(path: string, base: string, home: string): string {
  if (path === '~') return home;
  if (/^~[/\\]/.test(path)) return join(home, path.slice(2));
  return isAbsolute(path) ? resolve(path) : resolve(base, path);
}

/** Reads from disk; links are followed, since Docker, Kubernetes and vault agents write such files through them. */
export const readSecretFile: ReadSecretFile = (path) => {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return err('is not a regular file');
    if (stats.size > maxSecretFileBytes) return err('is larger than 64 kB');
    return ok(readFileSync(path, 'utf8'));
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    return err(code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code})`);
  }
};
