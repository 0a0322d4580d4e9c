import { formatColumns } from '../table.ts';
import type { ListedAccount } from './account-store.ts';

const heads = ['file', 'provider', 'account', 'state', 'expires', 'last refresh', 'prefix', 'problem'];

/** Accounts as a table for a person, times in UTC to the minute. */
export function formatAccounts(accounts: readonly ListedAccount[]): string {
  const rows = accounts.map((account) => [account.file, account.provider, account.account, account.state, minute(account.expires), minute(account.lastRefresh), account.prefix, account.problem]);
  return formatColumns([heads, ...rows.map((row) => row.map((cell) => (cell === '' ? '–' : cell)))]);
}

/** The same for programs. */
export function accountsToJson(accounts: readonly ListedAccount[]): unknown {
  return accounts.map(({ file, provider, account, state, expires, lastRefresh, prefix, problem }) => ({ file, provider, account, state, expires: orNull(expires), last_refresh: orNull(lastRefresh), prefix, problem: orNull(problem) }));
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

function minute(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
