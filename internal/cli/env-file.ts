import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addDotenv, findReferencedVariables } from '../config/dotenv.ts';
import type { CliProcess } from './process-env.ts';

/**
 * The process's environment with `./.env` below it, for `serve` alone (security rule 23). A file that is not to be
 * trusted is named on standard error and left out: what it would have set is then missing, never foreign.
 */
export function readWorkingDirectoryEnv(cli: CliProcess, configPath: string): CliProcess['env'] {
  const read = addDotenv(join(cli.cwd, '.env'), cli.env, findReferencedVariables(readText(configPath)), cli.uid);
  if (read.ok) return read.value;
  cli.stderr.write(`keyward: ${read.error}\n`);
  return cli.env;
}

/** A config that cannot be read names nothing; the daemon says why. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
