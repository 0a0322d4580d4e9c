import { Command, InvalidArgumentError, Option } from 'commander';
import { dialects } from '../dialect/dialect.ts';
import type { ConfigCheckFlags, ConfigShowFlags } from './commands/config.ts';
import type { DoctorFlags } from './commands/doctor.ts';
import type { ExplainFlags } from './commands/explain.ts';
import type { InitFlags } from './commands/init.ts';
import type { ServeFlags } from './commands/serve.ts';
import type { StatusFlags } from './commands/status.ts';
import { logLevels, type RunDaemon } from './daemon-port.ts';
import type { CliProcess } from './process-env.ts';
import { addAccounts } from './program-accounts.ts';
import type { LoadIssuers, LoadKeys } from './run.ts';
import { addAudit, type LoadAudit, type LoadRestartAudit } from './program-audit.ts';
import { addClient, addConfigInit } from './program-client.ts';
import { addIdentity } from './program-identity.ts';
import { addKeys } from './program-keys.ts';
import { configOption, groups, jsonOption } from './program-parts.ts';

const rootNotes = `
Start here:
  keyward serve                       first run writes a config, prints your keys and starts
  keyward doctor                      says what is wrong and how to put it right

Where things are:
  config    --config FILE, else $KEYWARD_CONFIG, else ./config.yaml (serve only), else ~/.keyward/config.yaml
  data      data-dir in the config, else ~/.keyward (database, logs, control socket)
  accounts  auth-dir in the config, else ~/.keyward/auth (one file an account)
Exit codes: 0 done, 1 could not be done, 2 wrong usage or invalid config.
keyward <command> --help tells what a command reads and writes.`;

/**
 * The whole command line as one table. Each action loads its own file, so that `keyward --version` pays for none of them;
 * `settle` takes the exit code of the command that ran.
 */
export function buildProgram(cli: CliProcess, startDaemon: RunDaemon, settle: (exitCode: number) => void, loadAudit: LoadAudit, loadKeys: LoadKeys, loadIssuers: LoadIssuers, loadRestart: LoadRestartAudit): Command {
  const program = new Command('keyward')
    .description('Keyward stands in front of AI APIs: it checks who is calling, keeps the upstream keys, and passes every exchange through unharmed.')
    .usage('<command> [options]')
    .version(cli.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(new Command('help').argument('[command]', 'the command').summary('print help of a command').helpGroup(groups.setUp))
    .configureHelp({ subcommandTerm: nameInHelp })
    .exitOverride()
    // What stands behind `keyward run <command>` is the command's.
    .enablePositionalOptions()
    .showHelpAfterError('Run `keyward --help` for what there is.')
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      getOutHelpWidth: () => cli.columns,
      getErrHelpWidth: () => cli.columns,
      outputError: (text, write) => write(text.replace(/^error:/, 'keyward:')),
    })
    .addHelpText('after', rootNotes);

  addServe(program, cli, startDaemon, settle);
  addInspection(program, cli, settle, loadKeys, loadIssuers, loadAudit);
  addClient(program, cli, settle);
  addAudit(program, cli, settle, loadAudit, loadRestart);
  addAccounts(program, cli, settle);
  addSetUp(program, cli, settle);
  addKeys(program, cli, settle);
  addIdentity(program, cli, settle);
  pointToOwnHelp(program, 'keyward');
  return program;
}

/** A mistake in a command’s words is answered with where its own help is. */
function pointToOwnHelp({ commands }: Command, path: string): void {
  for (const command of commands) {
    const own = `${path} ${command.name()}`;
    command.showHelpAfterError(`Run \`${own} --help\` for what there is.`);
    pointToOwnHelp(command, own);
  }
}

/** The commands below it where they fit in the column. */
function nameInHelp(command: Command): string {
  const subs = command.commands.map((sub) => sub.name()).join('|');
  if (subs === '') return command.name();
  return `${command.name()} ${subs.length > 24 ? '<command>' : subs}`;
}

function addServe(program: Command, cli: CliProcess, startDaemon: RunDaemon, settle: (exitCode: number) => void): void {
  program
    .command('serve')
    .helpGroup(groups.run)
    .summary('start the daemon')
    .description('Starts the daemon and stays in the foreground until SIGTERM or Ctrl-C; SIGHUP reloads the config.')
    .addOption(configOption())
    .option('--host <address>', 'listen here instead of the config’s `host`')
    .addOption(new Option('--port <number>', 'listen on this port instead of the config’s `port`; 0 lets the system choose').argParser(parsePort))
    .option('--password <password>', 'also take this password for management calls from this machine; `-` reads it from standard input')
    .addOption(new Option('--log-level <level>', 'log at this level').choices([...logLevels]))
    .addHelpText(
      'after',
      `
Reads:   the config file, ./.env (listed names only), the certificate and secret files the config names
Writes:  data-dir (database, logs, control socket); on the first run the config file, mode 0600

Examples:
  keyward serve
  keyward serve --config ./config.yaml --port 8400
  printf %s "$PASSWORD" | keyward serve --password -`,
    )
    .action(async (flags: ServeFlags) => settle(await (await import('./commands/serve.ts')).serve(cli, flags, startDaemon)));
}

function addInspection(program: Command, cli: CliProcess, settle: (exitCode: number) => void, loadKeys: LoadKeys, loadIssuers: LoadIssuers, loadAudit: LoadAudit): void {
  program
    .command('status')
    .helpGroup(groups.look)
    .summary('what the running daemon is doing')
    .description('Asks the running daemon over its control socket. Exit code 1 when none is running.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   data-dir/control.sock\nWrites:  nothing')
    .action(async (flags: StatusFlags) => settle(await (await import('./commands/status.ts')).showStatus(cli, flags)));

  program
    .command('explain')
    .helpGroup(groups.look)
    .summary('where a model’s requests would go, and why')
    .description('Lists the accounts that would be asked for a model now, in that order, why each other one is skipped and until when, and what cools.')
    .requiredOption('-m, --model <name>', 'the model as a client names it')
    .option('-k, --key <key>', 'whether this client key may use it; its id (`key_…`), or the key, which is hashed here and not sent; `-` reads it from standard input')
    .addOption(new Option('-d, --dialect <name>', 'as this client would be served').choices([...dialects]))
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   data-dir/control.sock\nWrites:  nothing\n\nExamples:\n  keyward explain --model gpt-4.1\n  keyward explain --model claude-sonnet-5 --dialect anthropic-messages\n  keyward explain --model or/some-model --key key_ab12cd34ef56 --json')
    .action(async (flags: ExplainFlags) => settle(await (await import('./commands/explain.ts')).explainModel(cli, flags)));

  program
    .command('doctor')
    .helpGroup(groups.look)
    .summary('what is wrong, and how to put it right')
    .description('Checks config, doors, files, managed keys, the audit’s key and seals, trusted issuers, upstream entries and the port. Exit code 1 when something is an error.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the config file, the files it names and the database in data-dir; asks the configured port who is there, and trusted issuers for their keys\nWrites:  nothing')
    .action(async (flags: DoctorFlags) => settle(await (await import('./commands/doctor.ts')).runDoctor(cli, flags, await loadKeys(), await loadIssuers(), await loadAudit().catch(() => undefined))));
}

function addSetUp(program: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  program
    .command('init')
    .helpGroup(groups.setUp)
    .summary('write a first config with fresh keys')
    .description('Writes a config with one random client key and one random management key, mode 0600. Refuses to touch a file that exists.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   nothing\nWrites:  the config file (~/.keyward/config.yaml unless --config says otherwise)')
    .action(async (flags: InitFlags) => settle((await import('./commands/init.ts')).writeInitialConfig(cli, flags)));

  const config = program.command('config').helpGroup(groups.setUp).summary('check, show or describe the config').description('Checks, shows or describes the config file; `init` sets up a client.').usage('<check|init|schema|show> [options]').helpCommand(false);
  config
    .command('check')
    .summary('list every problem of the file')
    .description('Validates the file and lists every problem with line and column. Exit code 2 when it is not valid.')
    .argument('[file]', 'same as --config')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the config file and the files its secrets refer to\nWrites:  nothing\n\nExamples:\n  keyward config check ./config.yaml\n  keyward config check --json')
    .action(async (file: string | undefined, flags: ConfigCheckFlags) => settle((await import('./commands/config.ts')).checkConfig(cli, file === undefined ? flags : { ...flags, config: file })));
  config
    .command('show')
    .summary('print the config as it is in effect')
    .description('Prints every setting with defaults filled in and secrets masked.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the config file and the files its secrets refer to\nWrites:  nothing')
    .action(async (flags: ConfigShowFlags) => settle((await import('./commands/config.ts')).showConfig(cli, flags)));
  config
    .command('schema')
    .summary('print the JSON Schema of the file')
    .description('Prints the JSON Schema of config.yaml; editors check and complete by it.')
    .addHelpText('after', '\nReads:   nothing\nWrites:  nothing\n\nExample:\n  keyward config schema > config.schema.json')
    .action(async () => settle((await import('./commands/config.ts')).printSchema(cli)));
  addConfigInit(config, cli, settle);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
  return port;
}
