import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { KeysCreateFlags } from './commands/keys-create.ts';
import type { KeysGenerateFlags } from './commands/keys-generate.ts';
import type { KeysImportFlags } from './commands/keys-import.ts';
import type { KeysListFlags } from './commands/keys-list.ts';
import type { KeysRevokeFlags } from './commands/keys-revoke.ts';
import type { KeysRotateFlags } from './commands/keys-rotate.ts';
import type { KeysSetFlags } from './commands/keys-set.ts';
import type { KeysFlags } from './keys/ask-keys.ts';
import { isClearable, membersOfOption, type ClearableOption } from './keys/key-flags.ts';
import type { CliProcess } from './process-env.ts';
import { parseList, withGrant } from './program-limits.ts';
import { configOption, groups, jsonOption } from './program-parts.ts';

type Settle = (exitCode: number) => void;

const askingNotes = '\nReads:   data-dir/control.sock\nWrites:  ';
const keyArgument = (): Argument => new Argument('<key>', 'its id, or its name');
const expiresOption = (): Option => new Option('--expires <when>', 'a span such as 90d or 12h, or a date such as 2027-01-31');
const neverOption = (): Option => new Option('--never-expires', 'has no end; needs to be said');

/** `keyward keys …`: managed keys live with the running daemon; `generate` alone needs none. */
export function addKeys(program: Command, cli: CliProcess, settle: Settle): void {
  const keys = program.command('keys').helpGroup(groups.setUp).summary('make and look after client keys').description('Makes and looks after client keys. Managed keys are kept by the running daemon; `generate` makes one for `api-keys` in the config.').usage('<command> [options]').helpCommand(false);
  addCreate(keys, cli, settle);
  addLooking(keys, cli, settle);
  addChanging(keys, cli, settle);
  addEnding(keys, cli, settle);
  addDelete(keys, cli, settle);
  addImport(keys, cli, settle);
  keys
    .command('generate')
    .summary('print a random static key')
    .description('Prints a random client key for `api-keys`. Stores nothing.')
    .addOption(new Option('-n, --count <number>', 'how many').argParser(parseCount).default(1))
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   nothing\nWrites:  nothing')
    .action(async (flags: KeysGenerateFlags) => settle((await import('./commands/keys-generate.ts')).generateKeys(cli, flags)));
}

function addCreate(keys: Command, cli: CliProcess, settle: Settle): void {
  const create = keys
    .command('create')
    .summary('make a managed key and print it, once')
    .description('Makes a managed key and prints its text, which is kept nowhere. It ends after 90 days unless told otherwise.')
    .addArgument(new Argument('<name>', 'what it is for, in a word or two'))
    .addOption(new Option('--environment <name>', 'stands in the key itself').choices(['live', 'test']))
    .option('--minter <id>', 'a key whose rights bound this one’s, and whose end ends it')
    .addOption(configOption())
    .addOption(jsonOption());
  withLimits(create)
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database, and for the first key \`client-auth: required\` into the config\n\nExamples:\n  keyward keys create ci --owner ann --models 'gpt-*' --rpm 60\n  KEY=$(keyward keys create batch --expires 12h --daily-tokens 2000000)\n  keyward keys create laptop --never-expires --addresses 192.168.1.0/24`)
    .action(async (name: string, flags: KeysCreateFlags) => settle(await (await import('./commands/keys-create.ts')).createKey(cli, name, flags)));
}

/** What describes a key and bounds it. */
function withLimits(command: Command): Command {
  command
    .option('--owner <name>', 'who answers for it')
    .option('--purpose <text>', 'what it is used for')
    .addOption(new Option('--tags <list>', 'words, separated by commas').argParser(parseList))
    .addOption(expiresOption())
    .addOption(neverOption());
  return withGrant(command);
}

function addLooking(keys: Command, cli: CliProcess, settle: Settle): void {
  keys
    .command('list')
    .summary('every managed key and its state')
    .description('Lists managed keys, newest first: state, expiry, last use.')
    .option('--owner <name>', 'of this owner')
    .option('--tag <word>', 'with this tag')
    .addOption(new Option('--status <status>', 'in this state').choices(['active', 'rotating', 'expired', 'revoked']))
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${askingNotes}nothing`)
    .action(async (flags: KeysListFlags) => settle(await (await import('./commands/keys-list.ts')).listKeys(cli, flags)));
  keys
    .command('show')
    .summary('all that is known of a key')
    .description('Shows a managed key: whose it is, what it may do, when and from where it was last used, and the same of its old text while it is rotated.')
    .addArgument(keyArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${askingNotes}nothing`)
    .action(async (named: string, flags: KeysFlags) => settle(await (await import('./commands/keys-show.ts')).showKey(cli, named, flags)));
}

function addChanging(keys: Command, cli: CliProcess, settle: Settle): void {
  const set = keys
    .command('set')
    .summary('change what a key may do, or what is said of it')
    .description('Changes what is said here and leaves the rest: name, owner, end, limits. In force from the next request on; the text stays.')
    .addArgument(keyArgument())
    .option('--name <name>', 'what it is called from now on')
    .addOption(new Option('--clear <list>', 'options whose bound is taken away, such as models,daily-cost').argParser(parseClear))
    .addOption(configOption())
    .addOption(jsonOption());
  withLimits(set)
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database\n\nExamples:\n  keyward keys set ci --rpm 120 --daily-tokens 5000000\n  keyward keys set ci --expires 90d --clear models,addresses`)
    .action(async (named: string, flags: KeysSetFlags) => settle(await (await import('./commands/keys-set.ts')).setKey(cli, named, flags)));
}

function addEnding(keys: Command, cli: CliProcess, settle: Settle): void {
  keys
    .command('rotate')
    .summary('give a key a new text')
    .description('Gives a managed key a new text and prints it. The old one is good for a day more unless told otherwise; id, limits and usage stay.')
    .addArgument(keyArgument())
    .option('--overlap <span>', 'how long the old text stays good, such as 1h or 7d; 0s ends it now')
    .addOption(expiresOption())
    .addOption(neverOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database\n\nExamples:\n  keyward keys rotate ci\n  keyward keys rotate ck_Zk3v9QmB1xYt7Lw2 --overlap 7d`)
    .action(async (named: string, flags: KeysRotateFlags) => settle(await (await import('./commands/keys-rotate.ts')).rotateKey(cli, named, flags)));
  keys
    .command('revoke')
    .summary('end a key for good')
    .description('Ends a managed key for good: it is refused from the next request on, its streams and sockets are cut, and the keys it has minted end with it.')
    .addArgument(keyArgument())
    .option('--old-text', 'end only the old text of a key that is being rotated', false)
    .option('--keep-children', 'hand the keys it has minted over to whoever minted it', false)
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database\n\nExample:\n  keyward keys revoke ci`)
    .action(async (named: string, flags: KeysRevokeFlags) => settle(await (await import('./commands/keys-revoke.ts')).revokeKey(cli, named, flags)));
}

function addDelete(keys: Command, cli: CliProcess, settle: Settle): void {
  keys
    .command('delete')
    .summary('end a key and forget it')
    .description('Ends a managed key as `revoke` does and forgets it: nothing tells any more that its text was ever known. What it did stays in the audit and in the usage table.')
    .addArgument(keyArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database\n\nExample:\n  keyward keys delete ck_Zk3v9QmB1xYt7Lw2`)
    .action(async (named: string, flags: KeysFlags) => settle(await (await import('./commands/keys-delete.ts')).deleteKey(cli, named, flags)));
}

function addImport(keys: Command, cli: CliProcess, settle: Settle): void {
  const command = keys
    .command('import')
    .summary('make managed keys of static ones')
    .description('Makes managed keys of all keys in `api-keys` of the config, which then leave it, or of one key from standard input. Those who hold them notice nothing.')
    .usage('[-] [options]')
    .addArgument(new Argument('[source]', '`-` reads one key from standard input'))
    .option('--name <name>', 'what to call it; absent, by its id')
    .option('--keep', 'leave them in `api-keys` too, where they stay good whatever becomes of them here', false)
    .addOption(configOption())
    .addOption(jsonOption());
  withLimits(command)
    .addHelpText('after', `${askingNotes}nothing; the daemon writes its database and the config\n\nExamples:\n  keyward keys import --expires 30d\n  printf %s "$OLD_KEY" | keyward keys import - --name ci`)
    .action(async (source: string | undefined, flags: KeysImportFlags) => settle(await (await import('./commands/keys-import.ts')).importKeys(cli, source, flags)));
}

function parseClear(text: string): readonly ClearableOption[] {
  const names = parseList(text);
  const known = names.filter(isClearable);
  if (known.length !== names.length || names.length === 0) throw new InvalidArgumentError(`It is a list out of ${Object.keys(membersOfOption).join(', ')}.`);
  return known;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1_000) throw new InvalidArgumentError('It is a whole number from 1 to 1000.');
  return count;
}
