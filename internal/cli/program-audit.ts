import { InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenAuditArchive, RestartAudit } from '../audit/archive.ts';
import { parseInstant } from '../clock/instant.ts';
import type { AuditExportFlags, AuditShowFlags, AuditVerifyFlags } from './commands/audit.ts';
import type { CliProcess } from './process-env.ts';
import { configOption, groups, jsonOption } from './program-parts.ts';

/** What reads the audit of a data-dir; loaded when a command asks for it. */
export type LoadAudit = () => Promise<OpenAuditArchive>;

/** What begins a chain anew; loaded when a command asks for it. */
export type LoadRestartAudit = () => Promise<RestartAudit>;

/** `keyward audit …`: reads the files themselves, whether a daemon runs on them or not. */
export function addAudit(program: Command, cli: CliProcess, settle: (exitCode: number) => void, loadAudit: LoadAudit, loadRestart: LoadRestartAudit): void {
  const audit = program
    .command('audit')
    .helpGroup(groups.look)
    .summary('who did what, and whether the record is whole')
    .description('Shows, verifies and exports the audit. Reads the database in data-dir, whether a daemon runs on it or not.')
    .usage('<show|verify|export|restart> [options]')
    .helpCommand(false);

  filtered(
    audit
      .command('show')
      .summary('the newest events')
      .description('Lists the newest events, newest first.')
      .addOption(new Option('-n, --limit <number>', 'how many').argParser(parseLimit).default(50)),
  )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the database in data-dir\nWrites:  nothing\n\nExamples:\n  keyward audit show\n  keyward audit show --action config.changed --from 2026-11-01')
    .action(async (flags: AuditShowFlags) => settle(await (await import('./commands/audit.ts')).showAudit(cli, await loadAudit(), flags)));

  audit
    .command('verify')
    .summary('whether a row was edited, dropped, inserted or moved')
    .description('Walks the whole chain and names every row that is not as it was written. Exit code 1 when there is one, or when nothing can be verified.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the database, audit.key and audit.checkpoint in data-dir\nWrites:  nothing\n\nExample:\n  keyward audit verify --json')
    .action(async (flags: AuditVerifyFlags) => settle(await (await import('./commands/audit.ts')).verifyAudit(cli, await loadAudit(), flags)));

  audit
    .command('restart')
    .summary('go on with a new key where the old one is lost')
    .description('Makes a new audit.key and has the chain go on with it; the first row it signs says so, and `verify` names the place for as long as rows of before are kept. Only with the daemon stopped, as the user that owns data-dir, and only where the chain’s key is not there.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   the database, audit.key and audit.checkpoint in data-dir\nWrites:  the same; what stood in the two files is kept beside them')
    .action(async (flags: AuditVerifyFlags) => settle(await (await import('./commands/audit.ts')).restartAudit(cli, await loadRestart(), flags)));

  filtered(audit.command('export').summary('all events as JSON lines').description('Prints all events, oldest first, one JSON object a line.'))
    .addOption(configOption())
    .addOption(new Option('--json', 'as always: it prints nothing but JSON').default(true))
    .addHelpText('after', '\nReads:   the database in data-dir\nWrites:  nothing\n\nExample:\n  keyward audit export --from 2026-11-01 --to 2026-12-01 > november.jsonl')
    .action(async (flags: AuditExportFlags) => settle(await (await import('./commands/audit.ts')).exportAudit(cli, await loadAudit(), flags)));
}

function filtered(command: Command): Command {
  return command
    .option('--action <name>', 'only this action, e.g. config.changed')
    .option('--actor <id>', 'only this principal, e.g. root')
    .addOption(new Option('--from <time>', 'from this time on (RFC 3339, or Unix seconds)').argParser(parseTime))
    .addOption(new Option('--to <time>', 'before this time').argParser(parseTime));
}

function parseTime(text: string): number {
  const atMs = parseInstant(text);
  if (atMs === undefined) throw new InvalidArgumentError('It is a time such as 2026-11-01 or 2026-11-01T12:00:00Z.');
  return atMs;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > 1_000) throw new InvalidArgumentError('It is a whole number from 1 to 1000.');
  return limit;
}
