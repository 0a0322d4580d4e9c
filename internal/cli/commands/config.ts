import { configJsonSchema } from '../../config/json-schema.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import { maskedConfig } from '../../config/masked.ts';
import { formatProblem, type ConfigProblem } from '../../config/problem.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { describeMissingConfig, findConfig } from '../config-path.ts';
import type { CliProcess } from '../process-env.ts';
import { checkDoors, readConfigFile } from '../read-config.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface ConfigCheckFlags {
  readonly config?: string;
  readonly json: boolean;
}

export type ConfigShowFlags = ConfigCheckFlags;

interface Refusal {
  /** No file was read; the one problem names it. */
  readonly isAbsent: boolean;
  readonly exitCode: number;
  readonly path: string;
  readonly problems: readonly ConfigProblem[];
}

/** Lists every problem of the file, and of what its doors would say at start; 2 when one is an error. */
export function checkConfig(cli: CliProcess, flags: ConfigCheckFlags): number {
  const read = readNamedConfig(cli, flags.config);
  const path = read.ok ? read.value.path : read.error.path;
  const problems = read.ok ? [...read.value.warnings, ...checkDoors(cli, read.value)] : read.error.problems;
  const ignoredKeys = read.ok ? read.value.ignoredKeys : [];
  const isValid = read.ok && problems.every((problem) => problem.severity === 'warning');
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify({ path, valid: isValid, problems, ignored_keys: ignoredKeys })}\n`);
  } else {
    const isAbsent = !read.ok && read.error.isAbsent;
    for (const problem of problems) cli.stdout.write(`${problem.severity}: ${printable(isAbsent ? problem.message : formatProblem(path, problem))}\n`);
    for (const key of ignoredKeys) cli.stdout.write(`note: config: ignored key '${printable(key)}'\n`);
    if (!isAbsent) cli.stdout.write(isValid ? `${path} is valid\n` : `${path} is not valid\n`);
  }
  if (isValid) return exitCodes.ok;
  return read.ok ? exitCodes.usage : read.error.exitCode;
}

/** Prints every setting in effect, defaults filled in, secrets masked, as JSON; YAML readers take it too. */
export function showConfig(cli: CliProcess, flags: ConfigShowFlags): number {
  const read = readNamedConfig(cli, flags.config);
  if (!read.ok) {
    for (const problem of read.error.problems) cli.stderr.write(`keyward: ${printable(read.error.isAbsent ? problem.message : formatProblem(read.error.path, problem))}\n`);
    return read.error.exitCode;
  }
  const settings = maskedConfig(read.value);
  cli.stdout.write(flags.json ? `${JSON.stringify(settings)}\n` : `${JSON.stringify(settings, undefined, 2)}\n`);
  return exitCodes.ok;
}

export function printSchema(cli: CliProcess): number {
  cli.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return exitCodes.ok;
}

function readNamedConfig(cli: CliProcess, flag: string | undefined): Result<LoadedConfig, Refusal> {
  const found = findConfig(cli, flag, false);
  const absent = (path: string, message: string): Result<LoadedConfig, Refusal> => err({ isAbsent: true, exitCode: exitCodes.failed, path, problems: [{ severity: 'error', path: '', message }] });
  if (!found.ok) return absent(flag ?? '', found.error);
  if (!found.value.exists) return absent(found.value.path, describeMissingConfig(cli, found.value));
  const read = readConfigFile(cli, found.value.path);
  return read.ok ? ok(read.value) : err({ isAbsent: false, exitCode: exitCodes.usage, path: found.value.path, problems: read.error });
}
