import { accountsToJson, formatAccounts } from '../accounts/account-table.ts';
import type { ListedAccount, OpenAccountStore } from '../accounts/account-store.ts';
import { openAccountStore } from '../accounts/open-account-store.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface AccountsListFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** Prints every file of the auth directory with its state: the running daemon's, else what the files tell. */
export async function listAccounts(cli: CliProcess, flags: AccountsListFlags, open: OpenAccountStore = openAccountStore(cli)): Promise<number> {
  const store = await open(flags.config);
  if (!store.ok) return reportRefusal(cli, flags.json, store.error);
  try {
    const listed = await store.value.list();
    if (!listed.ok) return reportRefusal(cli, flags.json, listed.error);
    if (flags.json) cli.stdout.write(`${JSON.stringify({ accounts: accountsToJson(listed.value) })}\n`);
    else cli.stdout.write(listed.value.length === 0 ? 'There are no account files yet; `keyward accounts login <provider>` makes one.\n' : `${formatAccounts(listed.value)}${describeNeeds(listed.value)}`);
    return exitCodes.ok;
  } finally {
    await store.value.close();
  }
}

/** The commands that accounts wait for; `''` when none does. */
function describeNeeds(accounts: readonly ListedAccount[]): string {
  const providers = new Set(accounts.filter(({ state, provider }) => state === 'needs_login' && provider !== '').map(({ provider }) => printable(provider)));
  if (providers.size === 0) return '';
  const lines = [...providers].map((provider) => `  keyward accounts login ${provider}\n`).join('');
  return `\nWhat needs_login waits for; file and settings stay as they are:\n\n${lines}`;
}
