import { Argument, Option, type Command } from 'commander';
import type { ConfigInitFlags } from './commands/config-init.ts';
import type { ContextsFlags } from './commands/contexts.ts';
import type { LoginFlags } from './commands/login.ts';
import type { LogoutFlags } from './commands/logout.ts';
import type { RunFlags } from './commands/run-tool.ts';
import type { TokenFlags } from './commands/token.ts';
import type { WhoamiFlags } from './commands/whoami.ts';
import type { CliProcess } from './process-env.ts';
import { configOption, contextOption, groups, jsonOption } from './program-parts.ts';

type Settle = (exitCode: number) => void;

const store = '~/.keyward/client (or KEYWARD_CLIENT_DIR)';

/** A person or machine as a client of some Keyward, here or elsewhere. */
export function addClient(program: Command, cli: CliProcess, settle: Settle): void {
  addLogin(program, cli, settle);
  addUse(program, cli, settle);
  addContexts(program, cli, settle);
}

function addLogin(program: Command, cli: CliProcess, settle: Settle): void {
  program
    .command('login')
    .helpGroup(groups.client)
    .summary('log in to a Keyward')
    .description('Logs you in to a Keyward, by your browser or by a code on another device, and keeps the login. Its tokens are bound to a key of this machine.')
    .option('--device', 'by a code that is entered on any device', false)
    .option('--no-browser', 'open no browser, only show the address')
    .option('--server <url>', 'the Keyward; absent, that of the context, else http://localhost:8317')
    .option('--scope <scopes>', 'what to ask for; models:use and models:read where absent')
    .option('--context <name>', 'what to call it; absent, as before, else after the server')
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}; KEYWARD_CREDENTIAL_STORE (file, keychain, auto); asks the server\nWrites:  one context and its tokens there, mode 0600\n\nExamples:\n  keyward login\n  keyward login --device --server https://keyward.example.com\n  keyward login --context work --scope "models:use keys:read"`)
    .action(async (flags: LoginFlags) => settle(await (await import('./commands/login.ts')).logIn(cli, flags)));

  program
    .command('logout')
    .helpGroup(groups.client)
    .summary('end a login and forget it')
    .description('Ends the login at its server (RFC 7009) and forgets its tokens; the context stays. Where the server is away they are forgotten all the same, with exit code 1.')
    .addOption(contextOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}; asks the server\nWrites:  removes the context’s tokens`)
    .action(async (flags: LogoutFlags) => settle(await (await import('./commands/logout.ts')).logOut(cli, flags)));

  program
    .command('whoami')
    .helpGroup(groups.client)
    .summary('as whom commands work, and where')
    .description('Shows who you are to which server, with which scopes and until when. Asks nobody.')
    .addOption(contextOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}; KEYWARD_API_TOKEN\nWrites:  nothing`)
    .action(async (flags: WhoamiFlags) => settle(await (await import('./commands/whoami.ts')).showIdentity(cli, flags)));
}

function addUse(program: Command, cli: CliProcess, settle: Settle): void {
  program
    .command('token')
    .helpGroup(groups.client)
    .summary('print a token, for tools that ask a helper')
    .description('Prints a bearer credential and nothing else: KEYWARD_API_TOKEN where it is set, else a short-lived token of the login, renewed when it nears its end.')
    .addOption(contextOption())
    .addHelpText('after', `\nReads:   ${store}; KEYWARD_API_TOKEN; asks the server when a new token is due; never ./.env or ./config.yaml\nWrites:  the new token there\n\nExamples:\n  curl -H "Authorization: Bearer $(keyward token)" http://localhost:8317/v1/models\n  "apiKeyHelper": "keyward token"       in Claude Code’s settings.json`)
    .action(async (flags: TokenFlags) => settle(await (await import('./commands/token.ts')).printToken(cli, flags)));

  program
    .command('run')
    .helpGroup(groups.client)
    .summary('start a tool with a key of its own')
    .description('Starts a command with base URLs and a fresh key for OpenAI’s, Anthropic’s and Google’s programs in its environment. The key is revoked when the command ends. The exit code is the command’s.')
    .usage('[options] [--] <command> [arguments]')
    .addArgument(new Argument('<command...>', 'the tool and its arguments'))
    .passThroughOptions()
    .addOption(contextOption())
    .option('--server <url>', 'with KEYWARD_API_TOKEN: where to go')
    .addOption(configOption())
    .addHelpText('after', `\nReads:   ${store}; KEYWARD_API_TOKEN; without a login, data-dir/control.sock; never ./.env or ./config.yaml\nWrites:  nothing; the server keeps the key until it is revoked\n\nExamples:\n  keyward run claude\n  keyward run -- codex exec "explain this repository"\n  keyward run --context work -- sh -c 'python ask.py | tee answer.txt'`)
    .action(async (command: readonly string[], flags: RunFlags) => settle(await (await import('./commands/run-tool.ts')).runTool(cli, command, flags)));
}

function addContexts(program: Command, cli: CliProcess, settle: Settle): void {
  const contexts = program.command('contexts').helpGroup(groups.client).summary('several servers and logins').description('Lists, chooses and removes contexts: one server, as one person of one organization.').usage('<list|use|remove> [options]').helpCommand(false);
  const nameArgument = (): Argument => new Argument('<name>', 'of the context');
  contexts
    .command('list')
    .summary('every context, the current one marked')
    .description('Lists servers and who you are there. Holds no secret.')
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}\nWrites:  nothing`)
    .action(async (flags: ContextsFlags) => settle((await import('./commands/contexts.ts')).listContexts(cli, flags)));
  contexts
    .command('use')
    .summary('make a context the current one')
    .description('Makes a context the one that commands use.')
    .addArgument(nameArgument())
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}\nWrites:  contexts.json there`)
    .action(async (name: string, flags: ContextsFlags) => settle(await (await import('./commands/contexts.ts')).selectContext(cli, name, flags)));
  contexts
    .command('remove')
    .summary('end a context’s login and forget both')
    .description('Ends the login at its server, and forgets it and the context. Where the server is away they are forgotten all the same, with exit code 1.')
    .addArgument(nameArgument())
    .addOption(jsonOption())
    .addHelpText('after', `\nReads:   ${store}; asks the server\nWrites:  contexts.json there; removes the context’s tokens`)
    .action(async (name: string, flags: ContextsFlags) => settle(await (await import('./commands/contexts.ts')).removeContext(cli, name, flags)));
}

/** `keyward config init`: of a client, beside `init`, which is a server’s. */
export function addConfigInit(config: Command, cli: CliProcess, settle: Settle): void {
  config
    .command('init')
    .summary('set up a client: a server and key, or a tool')
    .description('Without a tool: takes a server’s address and a client key, and keeps them as a context. With one: prints what to write where, so that it talks to your Keyward.')
    .addArgument(new Argument('[tool]', 'claude, codex, gemini or openai').choices(['claude', 'codex', 'gemini', 'openai']))
    .option('--server <url>', 'the Keyward; absent, that of the context, else http://localhost:8317')
    .option('--key <key>', '`-` reads the client key from standard input; absent, it is asked for')
    .addOption(contextOption())
    .option('--write', 'with a tool: add it to the tool’s own file, after showing what changes', false)
    .option('-y, --yes', 'with --write: do not ask', false)
    .addOption(new Option('--json', 'print one JSON document, for scripts').default(false))
    .addHelpText('after', `\nReads:   ${store}; with --write the tool’s file\nWrites:  a context there; with --write the tool’s file, its old version beside it\n\nExamples:\n  printf %s "$KEY" | keyward config init --server https://keyward.example.com --key -\n  keyward config init claude\n  keyward config init codex --write`)
    .action(async (tool: string | undefined, flags: ConfigInitFlags) => settle(await (await import('./commands/config-init.ts')).initializeClient(cli, tool, flags)));
}
