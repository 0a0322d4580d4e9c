import { realpathSync, statSync, type Stats } from 'node:fs';
import { join, resolve } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';
import { checkOwnedFile } from '../files/owned.ts';
import type { CliProcess } from './process-env.ts';

/** Where the config file was looked for, in order. */
export type ConfigSource = '--config' | 'KEYWARD_CONFIG' | 'working directory' | 'home';

export interface ConfigPlace {
  /** Absolute. */
  readonly path: string;
  readonly source: ConfigSource;
  readonly exists: boolean;
}

/**
 * The config file a command works on. Only `serve` looks into the working directory, and takes only a file there that is
 * this user's and that nobody else can write (security rule 23): it may hold the keys to everything else.
 */
export function findConfig(cli: CliProcess, flag: string | undefined, mayReadWorkingDirectory: boolean): Result<ConfigPlace, string> {
  if (flag !== undefined) return place(resolve(cli.cwd, flag), '--config');
  const named = cli.env['KEYWARD_CONFIG']?.trim() ?? '';
  if (named !== '') return place(resolve(cli.cwd, named), 'KEYWARD_CONFIG');
  const local = join(cli.cwd, 'config.yaml');
  if (mayReadWorkingDirectory && statFile(local) !== undefined) {
    const objection = describeForeignFile(local, cli.uid);
    return objection === undefined ? place(local, 'working directory') : err(objection);
  }
  return place(join(cli.home, '.keyward', 'config.yaml'), 'home');
}

/** Why a file of the working directory is not to be trusted, and what to do; undefined when it is fine or absent. */
export function describeForeignFile(path: string, uid: number | undefined): string | undefined {
  if (statFile(path) === undefined) return undefined;
  const owned = checkOwnedFile(realpathSync(path), uid);
  if (owned.ok) return undefined;
  switch (owned.error) {
    case 'missing':
    case 'link':
      return `${path} changed while it was looked at; try again.`;
    case 'not_regular':
    case 'not_directory':
      return `${path} is not a file and is not read.`;
    case 'foreign_owner':
      return `${path} belongs to another user and is not read; take it over with chown, or move it away.`;
    case 'writable_by_others':
      return `${path} can be written by others and is not read; run \`chmod go-w ${path}\`.`;
  }
}

function place(path: string, source: ConfigSource): Result<ConfigPlace, string> {
  const stats = statFile(path);
  if (stats !== undefined && stats.isDirectory()) return err(`${path} is a directory; a config file was expected.`);
  return ok({ path, source, exists: stats !== undefined });
}

function statFile(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** What to say where no config is found; names a file of the working directory that only `serve` would read. */
export function describeMissingConfig(cli: CliProcess, missing: ConfigPlace): string {
  const start = `There is no config at ${missing.path}.`;
  if (missing.source === 'home' && statFile(join(cli.cwd, 'config.yaml')) !== undefined) return `${start} Only \`serve\` reads ./config.yaml; add \`--config config.yaml\` to use it here.`;
  const flag = missing.source === '--config' ? ` --config ${missing.path}` : '';
  return `${start} \`keyward init${flag}\` writes one.`;
}
