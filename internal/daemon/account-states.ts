import type { AccountStateName } from '../metrics/metrics.ts';

/** Accounts by state. One whose login needs a person counts as that also while its last access token still serves. */
export function countStates(states: readonly { readonly accountId: string; readonly state: AccountStateName }[], needsLogin: (accountId: string) => boolean): Readonly<Record<AccountStateName, number>> {
  const counts = { ready: 0, cooling: 0, needs_login: 0, disabled: 0 };
  for (const { accountId, state } of states) counts[state !== 'disabled' && needsLogin(accountId) ? 'needs_login' : state]++;
  return counts;
}
