import type { Telling } from '../record.ts';
import { emailOf } from './auth-files.ts';
import type { Member } from './fleet.ts';
import { listOf, memberOf, textOf } from './json.ts';

/** What one daemon says of one account at this moment. */
export type AccountWord = 'needs_login' | 'ready' | 'unknown';

export interface DaemonWord {
  readonly states: ReadonlyMap<string, AccountWord>;
  readonly reasons: ReadonlyMap<string, string>;
  readonly isInReadyz: boolean;
}

const askLimitMs = 5_000;

/** Asks `GET /v0/management/status` and `/readyz`; undefined while the daemon does not answer. */
export async function readWord(member: Member, identities: readonly string[]): Promise<DaemonWord | undefined> {
  const url = member.url();
  if (url === undefined || !member.isFree()) return undefined;
  const [status, ready] = await Promise.all([ask(url, '/v0/management/status', member), ask(url, '/readyz', member)]);
  if (status === undefined || ready === undefined) return undefined;
  const accounts = listOf(status, 'accounts');
  const found = identities.map((identity) => [identity, accounts.filter((account) => JSON.stringify(account).includes(emailOf(identity)))] as const);
  return {
    states: new Map(found.map(([identity, own]) => [identity, wordOf(own)])),
    reasons: new Map(found.map(([identity, own]) => [identity, own.map(reasonOf).find((reason) => reason !== '') ?? ''])),
    isInReadyz: ['degraded', 'unavailable'].includes(textOf(ready, 'status')) && listOf(ready, 'codes').length > 0,
  };
}

export function tellingOf(daemon: string, word: DaemonWord | undefined, identity: string, afterMs: number): Telling | undefined {
  if (word?.states.get(identity) !== 'needs_login') return undefined;
  const reason = word.reasons.get(identity) ?? '';
  return reason === '' || !word.isInReadyz ? undefined : { daemon, afterMs, reason, isInReadyz: true };
}

function wordOf(accounts: readonly unknown[]): AccountWord {
  if (accounts.length === 0) return 'unknown';
  return accounts.some((account) => textOf(account, 'state') === 'needs_login') ? 'needs_login' : 'ready';
}

/** `reason` of the account itself, or of the part that tells why it needs a login; models have reasons of their own. */
function reasonOf(account: unknown): string {
  const own = textOf(account, 'reason');
  if (own !== '' || typeof account !== 'object' || account === null) return own;
  return Object.keys(account).map((name) => textOf(memberOf(account, name), 'reason')).find((reason) => reason !== '') ?? '';
}

async function ask(url: string, path: string, member: Member): Promise<unknown> {
  try {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${member.setting.managementSecret}`, connection: 'close' }, signal: AbortSignal.timeout(askLimitMs) });
    return await answer.json();
  } catch {
    return undefined;
  }
}
