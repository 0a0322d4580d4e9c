import type { ListedAccount, OpenAccountStore, Revocation } from '../accounts/account-store.ts';
import { findAccounts } from '../accounts/find-account.ts';
import { openAccountStore } from '../accounts/open-account-store.ts';
import { reportRefusal, reportSeveral } from '../accounts/report-refusal.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface AccountsLogoutFlags {
  readonly config?: string;
  readonly json: boolean;
  readonly keepAtVendor: boolean;
  readonly yes: boolean;
}

/**
 * Ends one account: at its vendor where that is offered, then its file. Names that mean several accounts end nothing; they
 * are listed, with exit code 2.
 */
export async function logOutOfAccount(cli: CliProcess, provider: string, name: string | undefined, flags: AccountsLogoutFlags, open: OpenAccountStore = openAccountStore(cli)): Promise<number> {
  const store = await open(flags.config);
  if (!store.ok) return reportRefusal(cli, flags.json, store.error);
  try {
    const listed = await store.value.list();
    if (!listed.ok) return reportRefusal(cli, flags.json, listed.error);
    const found = findAccounts(listed.value, provider, name);
    const [account] = found;
    if (account === undefined) return reportRefusal(cli, flags.json, { code: 'item_not_found', message: `No account of ${provider}${name === undefined ? '' : ` is called ${name}`}; \`keyward accounts list\` shows what there is.` });
    if (found.length > 1) return reportSeveral(cli, flags.json, found);
    if (!flags.yes && !(await confirm(cli, account, flags))) return exitCodes.usage;
    const removed = await store.value.remove(account.file, { isKeptAtVendor: flags.keepAtVendor });
    return removed.ok ? reportRemoved(cli, flags.json, account, removed.value) : reportRefusal(cli, flags.json, removed.error);
  } finally {
    await store.value.close();
  }
}

async function confirm(cli: CliProcess, account: ListedAccount, flags: AccountsLogoutFlags): Promise<boolean> {
  if (!cli.stdinIsTerminal || flags.json) {
    cli.stderr.write('keyward: logging out needs a yes; add --yes where nobody can be asked\n');
    return false;
  }
  cli.stderr.write(`Log out ${describe(account)} and remove ${printable(account.file)}? [y/N] `);
  const lines = cli.openLines({ isHidden: false });
  const answer = (await lines.next()) ?? '';
  lines.close();
  const isYes = /^y(?:es)?$/i.test(answer.trim());
  if (!isYes) cli.stderr.write('Nothing was changed.\n');
  return isYes;
}

function reportRemoved(cli: CliProcess, isJson: boolean, account: ListedAccount, revocation: Revocation): number {
  if (isJson) {
    const detail = revocation.kind === 'failed' ? { detail: revocation.detail } : {};
    cli.stdout.write(`${JSON.stringify({ status: 'ok', file: account.file, account: account.account, provider: account.provider, at_vendor: revocation.kind, ...detail })}\n`);
  } else {
    const output = revocation.kind === 'failed' ? cli.stderr : cli.stdout;
    output.write(`${describeRevocation(revocation, account)}\n`);
    cli.stdout.write(`Removed ${printable(account.file)}.\n`);
  }
  // The file is gone all the same; a script must still learn that the tokens live on.
  return revocation.kind === 'failed' ? exitCodes.failed : exitCodes.ok;
}

function describeRevocation(revocation: Revocation, account: ListedAccount): string {
  const byHand = `End it in the settings of your account there: until then its tokens stay good.`;
  switch (revocation.kind) {
    case 'revoked':
      return `Ended ${describe(account)} at the provider: its tokens are no longer good anywhere.`;
    case 'kept':
      return `The login stays good at the provider, as asked.`;
    case 'not_offered':
      if (account.provider === 'vertex') return 'Its key stays good at Google until you delete it there, among the keys of the service account.';
      return `The provider offers no way to end a login from here. ${byHand}`;
    case 'failed':
      return `keyward: the provider did not end the login: ${printable(revocation.detail)}. ${byHand}`;
  }
}

function describe({ account, provider }: ListedAccount): string {
  return account === '' ? `this ${printable(provider)} account` : printable(account);
}
