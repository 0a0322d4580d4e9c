import { Argument, Option, type Command } from 'commander';
import type { AskingFlags } from './ask-management.ts';
import type { ApproveFlags } from './commands/approve.ts';
import type { ClientsCreateFlags, ClientsRotateFlags } from './commands/clients.ts';
import type { SessionsListFlags } from './commands/sessions.ts';
import type { CliProcess } from './process-env.ts';
import { parseList, withGrant } from './program-limits.ts';
import { configOption, groups, jsonOption } from './program-parts.ts';

type Settle = (exitCode: number) => void;

const asking = '\nReads:   data-dir/control.sock\nWrites:  ';
const writes = 'nothing; the daemon writes its database';
const clientArgument = (): Argument => new Argument('<client>', 'its id, or its name');

/** Those who get tokens from this Keyward: OAuth clients, people’s sessions, and approvals of logins by code. */
export function addIdentity(program: Command, cli: CliProcess, settle: Settle): void {
  addClients(program, cli, settle);
  addSessions(program, cli, settle);
  program
    .command('approve')
    .helpGroup(groups.setUp)
    .summary('approve a login by code, or sign in to the approval page')
    .description('Without a code: prints a one-time code that signs you in to the approval page. With the code of a login: shows who asks for what, and approves or denies it.')
    .addArgument(new Argument('[user-code]', 'as the one who logs in sees it, such as ABCD-EFGH'))
    .option('--name <name>', 'who approves, for the audit')
    .option('-y, --yes', 'approve without asking', false)
    .option('--deny', 'deny it', false)
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}${writes}\n\nExamples:\n  keyward approve\n  keyward approve ABCD-EFGH`)
    .action(async (userCode: string | undefined, flags: ApproveFlags) => settle(await (await import('./commands/approve.ts')).approve(cli, userCode, flags)));
}

function addClients(program: Command, cli: CliProcess, settle: Settle): void {
  const clients = program.command('clients').helpGroup(groups.setUp).summary('OAuth clients: services that get tokens').description('Makes and looks after OAuth clients: services that get short-lived tokens by a secret or key of their own. The running daemon keeps them.').usage('<command> [options]').helpCommand(false);
  const create = clients
    .command('create')
    .summary('make a client and print its secret, once')
    .description('Makes an OAuth client and prints its secret, which is kept nowhere; its id where it has none. It may get tokens for itself (client credentials) unless told otherwise.')
    .addArgument(new Argument('<name>', 'what it is for, in a word or two'))
    .option('--organization <name>', 'the `org` of its tokens; absent, that of `identity`')
    .addOption(new Option('--grants <list>', 'client-credentials, token-exchange, device, authorization-code').argParser(parseList))
    .addOption(new Option('--authentication <method>', 'how it proves who it is').choices(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']))
    .option('--jwks <file>', 'its public keys, for private_key_jwt')
    .addOption(new Option('--redirect-uris <list>', 'where browsers come back to, for authorization-code').argParser(parseList))
    .addOption(configOption())
    .addOption(jsonOption());
  withGrant(create)
    .addHelpText('after', `\nReads:   data-dir/control.sock; with --jwks that file\nWrites:  ${writes}\n\nExamples:\n  SECRET=$(keyward clients create search --models 'gpt-*' --rpm 120)\n  keyward clients create ci --authentication private_key_jwt --jwks ./ci.jwks.json\n  keyward clients create dashboard --grants authorization-code --authentication none --redirect-uris https://dash.example.com/callback`)
    .action(async (name: string, flags: ClientsCreateFlags) => settle(await (await import('./commands/clients.ts')).createClient(cli, name, flags)));
  clients
    .command('list')
    .summary('every client and its state')
    .description('Lists OAuth clients.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}nothing`)
    .action(async (flags: AskingFlags) => settle(await (await import('./commands/clients.ts')).listClients(cli, flags)));
  clients
    .command('show')
    .summary('all that is known of a client')
    .description('Shows an OAuth client: how it proves itself, what it may do, when and from where it was last used.')
    .addArgument(clientArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}nothing`)
    .action(async (named: string, flags: AskingFlags) => settle(await (await import('./commands/clients.ts')).showClient(cli, named, flags)));
  clients
    .command('rotate')
    .summary('give a client a new secret')
    .description('Gives an OAuth client a new secret and prints it; the old one stays good for as long as is said.')
    .addArgument(clientArgument())
    .option('--overlap <span>', 'how long the old secret stays good, such as 1h or 7d; 0s ends it now')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}${writes}\n\nExample:\n  keyward clients rotate search --overlap 1d`)
    .action(async (named: string, flags: ClientsRotateFlags) => settle(await (await import('./commands/clients.ts')).rotateClient(cli, named, flags)));
  clients
    .command('revoke')
    .summary('end a client for good')
    .description('Ends an OAuth client: it gets no more tokens, those it has are refused at once, and what runs by them is cut.')
    .addArgument(clientArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}${writes}`)
    .action(async (named: string, flags: AskingFlags) => settle(await (await import('./commands/clients.ts')).revokeClient(cli, named, flags)));
  clients
    .command('delete')
    .summary('remove a client')
    .description('Removes an OAuth client with its tokens. `revoke` ends it as well and keeps it in the list.')
    .addArgument(clientArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}${writes}`)
    .action(async (named: string, flags: AskingFlags) => settle(await (await import('./commands/clients.ts')).deleteClient(cli, named, flags)));
}

function addSessions(program: Command, cli: CliProcess, settle: Settle): void {
  const sessions = program.command('sessions').helpGroup(groups.setUp).summary('who is logged in here').description('Lists and ends the logins of people at this Keyward.').usage('<list|revoke> [options]').helpCommand(false);
  sessions
    .command('list')
    .summary('every login, from where and until when')
    .description('Lists the logins that tokens were issued for: whose, by which client, from where, last used.')
    .option('--person <id>', 'of this person')
    .option('--client <id>', 'by this client')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}nothing`)
    .action(async (flags: SessionsListFlags) => settle(await (await import('./commands/sessions.ts')).listSessions(cli, flags)));
  sessions
    .command('revoke')
    .summary('end logins')
    .description('Ends logins: their tokens are refused at once, what runs by them is cut, and nothing renews them.')
    .addArgument(new Argument('<id...>', 'as `keyward sessions list` shows them'))
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${asking}${writes}`)
    .action(async (ids: readonly string[], flags: AskingFlags) => settle(await (await import('./commands/sessions.ts')).revokeSessions(cli, ids, flags)));
}
