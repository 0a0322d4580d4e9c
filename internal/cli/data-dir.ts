import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { expandPath } from '../config/secret-reference.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { findConfig } from './config-path.ts';
import { controlSocketPath } from './control.ts';
import type { CliProcess } from './process-env.ts';

/** The control socket of the daemon that runs on a config. The error is a sentence for a person. */
export function findControlSocket(cli: CliProcess, configFlag: string | undefined): Result<string, string> {
  const dataDir = findDataDir(cli, configFlag);
  return dataDir.ok ? ok(controlSocketPath(dataDir.value)) : dataDir;
}

/**
 * The data-dir of a config. Reads nothing but `data-dir`, so that a file with mistakes in
 * it still leads to the daemon that refused them. The error is a sentence for a person.
 */
export function findDataDir(cli: CliProcess, configFlag: string | undefined): Result<string, string> {
  const found = findConfig(cli, configFlag, false);
  if (!found.ok) return found;
  const { path, exists, source } = found.value;
  if (!exists && source !== 'home') return err(`There is no config at ${path}.`);
  return ok(exists ? readDataDir(path, cli.home) : join(cli.home, '.keyward'));
}

function readDataDir(configPath: string, home: string): string {
  const fallback = join(home, '.keyward');
  if (!existsSync(configPath)) return fallback;
  // `get` reads past mistakes elsewhere in the file; they must not hide the daemon that refused them.
  const stated: unknown = parseDocument(readFileSync(configPath, 'utf8'), { logLevel: 'silent' }).get('data-dir');
  if (typeof stated !== 'string' || stated.trim() === '') return fallback;
  return expandPath(stated.trim(), dirname(configPath), home);
}
