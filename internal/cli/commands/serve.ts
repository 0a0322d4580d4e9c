import { Secret } from '../../secret/secret.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { describeMissingConfig, findConfig, type ConfigPlace } from '../config-path.ts';
import type { LogLevel, RunDaemon } from '../daemon-port.ts';
import { readWorkingDirectoryEnv } from '../env-file.ts';
import { announceInitialConfig, createInitialConfig } from '../first-run.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly password?: string;
  readonly logLevel?: LogLevel;
}

/** Gathers what the daemon needs of the process and runs it until it stops; its exit code is the command's. */
export async function serve(cli: CliProcess, flags: ServeFlags, startDaemon: RunDaemon): Promise<number> {
  const password = await readPassword(cli, flags.password);
  if (!password.ok) return refuse(cli, password.error, exitCodes.usage);
  const found = findConfig(cli, flags.config, true);
  if (!found.ok) return refuse(cli, found.error, exitCodes.usage);
  if (!found.value.exists) {
    // A mistyped --config must not start a daemon with keys that nobody knows.
    if (found.value.source === '--config') return refuse(cli, describeMissingConfig(cli, found.value), exitCodes.usage);
    const created = firstRun(cli, flags, found.value);
    if (!created.ok) return refuse(cli, created.error, exitCodes.failed);
  }
  const { exitCode } = await startDaemon({
    configPath: found.value.path,
    version: cli.version,
    host: flags.host,
    port: flags.port,
    localPassword: password.value,
    logLevel: flags.logLevel,
    env: readWorkingDirectoryEnv(cli, found.value.path),
    stdout: cli.stdout,
    stderr: cli.stderr,
    isTerminal: cli.stderrIsTerminal,
    cwd: cli.cwd,
    home: cli.home,
    signals: cli.signals,
  });
  return exitCode;
}

function firstRun(cli: CliProcess, flags: ServeFlags, missing: ConfigPlace): Result<undefined, string> {
  const created = createInitialConfig(missing.path);
  if (!created.ok) return created;
  announceInitialConfig(cli, created.value, `http://localhost:${flags.port ?? 8317}`);
  return ok(undefined);
}

async function readPassword(cli: CliProcess, flag: string | undefined): Promise<Result<Secret | undefined, string>> {
  if (flag === undefined) return ok(undefined);
  if (flag !== '-') {
    cli.stderr.write('keyward: a password on the command line can be read by every user of this machine; `--password -` takes it from standard input\n');
  }
  const password = flag === '-' ? (await cli.readStdin()).replace(/\r?\n$/, '') : flag;
  return password === '' ? err('the password is empty; leave out --password, or give one') : ok(new Secret(password));
}

function refuse(cli: CliProcess, sentence: string, exitCode: number): number {
  cli.stderr.write(`keyward: ${sentence}\n`);
  return exitCode;
}
