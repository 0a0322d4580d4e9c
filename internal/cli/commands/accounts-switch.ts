import type { ListedAccount, OpenAccountStore } from '../accounts/account-store.ts';
import { accountsCalled } from '../accounts/find-account.ts';
import { openAccountStore } from '../accounts/open-account-store.ts';
import { reportRefusal, reportSeveral } from '../accounts/report-refusal.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface AccountsSwitchFlags {
  readonly config?: string;
  readonly json: boolean;
}

/**
 * Switches one account on or off; switching on also confirms a login that was stored off (security rule 29). Names that mean
 * several accounts change nothing; they are listed, with exit code 2.
 */
export async function switchAccount(cli: CliProcess, to: 'on' | 'off', name: string, flags: AccountsSwitchFlags, open: OpenAccountStore = openAccountStore(cli)): Promise<number> {
  const store = await open(flags.config);
  if (!store.ok) return reportRefusal(cli, flags.json, store.error);
  try {
    const listed = await store.value.list();
    if (!listed.ok) return reportRefusal(cli, flags.json, listed.error);
    const found = accountsCalled(listed.value, name);
    const [account] = found;
    if (account === undefined) return reportRefusal(cli, flags.json, { code: 'item_not_found', message: `No account is called ${name}; \`keyward accounts list\` shows what there is.` });
    if (found.length > 1) return reportSeveral(cli, flags.json, found);
    const changed = await store.value.setDisabled(account.file, to === 'off');
    if (!changed.ok) return reportRefusal(cli, flags.json, changed.error);
    // Its tokens may be worth nothing all the same, which only a new look tells.
    const after = await store.value.list();
    return reportSwitched(cli, to, flags.json, (after.ok ? after.value.find(({ file }) => file === account.file) : undefined) ?? account);
  } finally {
    await store.value.close();
  }
}

function reportSwitched(cli: CliProcess, to: 'on' | 'off', isJson: boolean, { file, account, provider, state, problem }: ListedAccount): number {
  if (isJson) {
    cli.stdout.write(`${JSON.stringify({ status: 'ok', file, account, provider, disabled: to === 'off', state })}\n`);
    return exitCodes.ok;
  }
  const name = printable(file);
  if (to === 'off') cli.stdout.write(`${name} is switched off: no request goes to it, and its tokens are kept as they are.\n`);
  else if (state === 'refreshing') cli.stdout.write(`${name} is switched on, and its tokens are being refreshed; \`keyward accounts list\` shows how that went.\n`);
  else if (state === 'ready') cli.stdout.write(`${name} is switched on: requests may go to it.\n`);
  else cli.stdout.write(`${name} is switched on, but cannot serve yet. State: ${printable(state)}${problem === '' ? '' : ` (${printable(problem)})`}.\n`);
  return exitCodes.ok;
}
