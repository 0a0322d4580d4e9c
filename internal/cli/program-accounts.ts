import { Argument, Option, type Command } from 'commander';
import type { AccountsEncryptionFlags } from './commands/accounts-encryption.ts';
import type { AccountsImportFlags } from './commands/accounts-import.ts';
import type { AccountsListFlags } from './commands/accounts-list.ts';
import type { AccountsLoginFlags } from './commands/accounts-login.ts';
import type { AccountsLogoutFlags } from './commands/accounts-logout.ts';
import type { AccountsSwitchFlags } from './commands/accounts-switch.ts';
import type { CliProcess } from './process-env.ts';
import { configOption, groups, jsonOption } from './program-parts.ts';

/** Where the encryption key is; as `auth-dir-encryption` in the config. */
const keyPlaces = ['env', 'keychain', 'file'];

/** `keyward accounts …`: each works through the running daemon where there is one, else on the files under the same locks. */
export function addAccounts(program: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  const accounts = program
    .command('accounts')
    .helpGroup(groups.accounts)
    .summary('log in to providers, and look after those accounts')
    .description('Logs in to providers and looks after those accounts. Asks the running daemon where there is one, else works on the auth directory itself.')
    .usage('<command> [options]')
    .helpCommand(false);
  addLogin(accounts, cli, settle);
  addInventory(accounts, cli, settle);
  addSwitches(accounts, cli, settle);
  addEncryption(accounts, cli, settle);
}

function addLogin(accounts: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  accounts
    .command('login')
    .summary('log in at a provider and keep the account')
    .description('Logs in at a provider and keeps the account. The login is finished by the browser’s redirect, by pasting the address it ends on, or by a code on another device; the first wins.')
    .addArgument(new Argument('<provider>', 'anthropic, codex, google, antigravity, iflow, qwen, kimi, xai, or a name below `oauth` in the config'))
    .option('--device', 'by a code that is entered on any device, where the provider offers it', false)
    .option('--no-browser', 'open no browser, only show the address')
    .option('--project-id <project>', 'Google Cloud project, where the provider takes one')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The provider must know your client: its id stands below oauth.<provider>.client-id in the config, or in the
environment as KEYWARD_OAUTH_<PROVIDER>_CLIENT_ID.

Reads:   data-dir/control.sock; without a daemon the config file and auth-dir; addresses that you paste
Writes:  one file in auth-dir, mode 0600

Examples:
  keyward accounts login anthropic
  keyward accounts login codex --device
  keyward accounts login google --project-id my-project --no-browser`,
    )
    .action(async (provider: string, flags: AccountsLoginFlags) => settle(await (await import('./commands/accounts-login.ts')).loginToAccount(cli, provider, flags)));

  accounts
    .command('logout')
    .summary('end a login and remove its file')
    .description('Ends a login at its provider, where that offers it (RFC 7009), and removes its file. Exit code 2 when several accounts are meant, 1 when the provider did not end it.')
    .addArgument(new Argument('<provider>', 'as for login'))
    .addArgument(new Argument('[account]', 'its file, e-mail or label; needed when there are several'))
    .option('--keep-at-vendor', 'remove the file alone; the login stays good at the provider', false)
    .option('-y, --yes', 'do not ask', false)
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Reads:   data-dir/control.sock; without a daemon the config file and auth-dir
Writes:  removes one file of auth-dir

Examples:
  keyward accounts logout anthropic
  keyward accounts logout codex ann@example.com --yes`,
    )
    .action(async (provider: string, account: string | undefined, flags: AccountsLogoutFlags) => settle(await (await import('./commands/accounts-logout.ts')).logOutOfAccount(cli, provider, account, flags)));
}

function addInventory(accounts: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  accounts
    .command('list')
    .summary('every account file and its state')
    .description('Lists the files of the auth directory: account, state, expiry, last refresh, and what is wrong. Without a daemon, what the files alone tell.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads:   data-dir/control.sock; without a daemon the config file and auth-dir\nWrites:  nothing')
    .action(async (flags: AccountsListFlags) => settle(await (await import('./commands/accounts-list.ts')).listAccounts(cli, flags)));

  accounts
    .command('import')
    .summary('take in an account file or a service account')
    .description('Takes in an account file, such as those of the Go program, or with `vertex` the JSON key of a Google service account. It is checked whole before anything is written.')
    .usage('[vertex] <file> [options]')
    .addArgument(new Argument('<kind>', '`vertex`, or the account file itself'))
    .addArgument(new Argument('[file]', 'the service account’s JSON'))
    .option('--location <location>', 'with vertex: the region its models are in')
    .option('--prefix <prefix>', 'with vertex: its models are also reached as prefix/model')
    .option('--replace', 'take the place of a file with the same name', false)
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Reads:   the file; data-dir/control.sock; without a daemon the config file and auth-dir
Writes:  one file in auth-dir, mode 0600

Examples:
  keyward accounts import ~/.cli-proxy-api/claude-ann@example.com.json
  keyward accounts import vertex ./service-account.json --location europe-west4`,
    )
    .action(async (kind: string, file: string | undefined, flags: AccountsImportFlags, command: Command) => {
      if (file === undefined && kind === 'vertex') command.error("error: missing required argument 'file'");
      if (file !== undefined && kind !== 'vertex') command.error(`error: unknown kind '${kind}'; an account file is imported by its path alone`);
      settle(await (await import('./commands/accounts-import.ts')).importAccount(cli, file === undefined ? 'file' : 'vertex', file ?? kind, flags));
    });
}

function addSwitches(accounts: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  const switches = [
    { name: 'enable', to: 'on', summary: 'let requests go to an account', description: 'Lets requests go to an account: one that was switched off, or a new one that waits for you to confirm that it is yours.' },
    { name: 'disable', to: 'off', summary: 'keep an account, and use it no longer', description: 'Switches an account off. No request goes to it; its file and tokens are kept.' },
  ] as const;
  for (const { name, to, summary, description } of switches) {
    accounts
      .command(name)
      .summary(summary)
      .description(`${description} Exit code 2 when several accounts are meant.`)
      .addArgument(new Argument('<account>', 'its file, e-mail or label, as `keyward accounts list` shows them'))
      .addOption(configOption())
      .addOption(jsonOption())
      .addHelpText(
        'after',
        `
Reads:   data-dir/control.sock; without a daemon the config file and auth-dir
Writes:  "disabled" in one file of auth-dir

Example:
  keyward accounts ${name} antigravity-ann@example.com.json`,
      )
      .action(async (account: string, flags: AccountsSwitchFlags) => settle(await (await import('./commands/accounts-switch.ts')).switchAccount(cli, to, account, flags)));
  }
}

function addEncryption(accounts: Command, cli: CliProcess, settle: (exitCode: number) => void): void {
  const keyOption = (): Option => new Option('--key <place>', 'where the key is; absent means what `auth-dir-encryption` says').choices(keyPlaces);
  const files = '\nReads:   the config file, auth-dir, the key (KEYWARD_AUTH_DIR_KEY, the keychain of the system, or auth-dir.key in data-dir)\nWrites:  the token fields in the files of auth-dir';

  accounts
    .command('encrypt')
    .summary('encrypt the tokens in the auth directory')
    .description('Encrypts the token fields of every file in the auth directory. Makes the key where there is none yet.')
    .addOption(keyOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${files}; a new key in its place\n\nExample:\n  keyward accounts encrypt --key file`)
    .action(async (flags: AccountsEncryptionFlags) => settle(await (await import('./commands/accounts-encryption.ts')).encryptAccounts(cli, flags)));

  accounts
    .command('decrypt')
    .summary('take the encryption off again')
    .description('Puts the token fields of every file in the auth directory back into plain text. The key is kept.')
    .addOption(keyOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', files)
    .action(async (flags: AccountsEncryptionFlags) => settle(await (await import('./commands/accounts-encryption.ts')).decryptAccounts(cli, flags)));

  accounts
    .command('rotate-key')
    .summary('encrypt with a new key')
    .description('Makes a new key and encrypts every file with it. After a crash in the middle, run it again: it goes on where it stopped.')
    .addOption(keyOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', `${files}; the new key in its place`)
    .action(async (flags: AccountsEncryptionFlags) => settle(await (await import('./commands/accounts-encryption.ts')).rotateAccountsKey(cli, flags)));
}
