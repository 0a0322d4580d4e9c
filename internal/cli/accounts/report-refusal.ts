import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printableLines } from '../table.ts';
import type { ListedAccount, StoreRefusal } from './account-store.ts';
import { accountsToJson, formatAccounts } from './account-table.ts';

/** What the operator must change in the call or the config before another try makes sense. */
const usageCodes: ReadonlySet<string> = new Set(['login_not_offered', 'oauth_client_not_configured', 'invalid_config', 'invalid_request', 'ambiguous_match']);

/** The exit code that a refusal's code stands for (contract §2). */
export function exitCodeOf(code: string): number {
  return usageCodes.has(code) ? exitCodes.usage : exitCodes.failed;
}

/** Prints a refusal, with `--json` as the one document of the command; returns the exit code. */
export function reportRefusal(cli: CliProcess, isJson: boolean, { code, message }: StoreRefusal): number {
  if (isJson) cli.stdout.write(`${JSON.stringify({ status: 'error', code, message })}\n`);
  else cli.stderr.write(`keyward: ${printableLines(message)}\n`);
  return exitCodeOf(code);
}

/** Prints the accounts that a name means where it may mean one alone; returns the exit code. */
export function reportSeveral(cli: CliProcess, isJson: boolean, found: readonly ListedAccount[]): number {
  const message = 'Several accounts are meant; nothing was changed. Name one of them by its file.';
  if (isJson) cli.stdout.write(`${JSON.stringify({ status: 'error', code: 'ambiguous_match', message, accounts: accountsToJson(found) })}\n`);
  else cli.stderr.write(`keyward: ${message}\n\n${formatAccounts(found)}`);
  return exitCodes.usage;
}
