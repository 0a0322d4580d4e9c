import type { Account } from '../accounts/account.ts';
import type { Holder } from '../clients/grant.ts';
import type { Principal } from '../clients/principal.ts';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';

const providerMark = 'provider:';

interface Named {
  readonly ids: ReadonlySet<string>;
  readonly providers: ReadonlySet<string>;
}

const compiled = new WeakMap<readonly string[], Named>();

/** Whether any holder is limited to some accounts. */
export function isLimitedInAccounts({ holders }: Pick<Principal, 'holders'>): boolean {
  return holders?.some(({ grant }) => grant.accounts !== undefined) === true;
}

/** Whether every holder may be served by the account. No limit allows all. */
export function mayBeServedBy({ holders }: Pick<Principal, 'holders'>, { id, provider }: Pick<Account, 'id' | 'provider'>): boolean {
  if (holders === undefined) return true;
  for (const { grant } of holders) if (!allows(grant.accounts, id, provider)) return false;
  return true;
}

function allows(accounts: Holder['grant']['accounts'], id: string, provider: string): boolean {
  if (accounts === undefined) return true;
  const { ids, providers } = namedIn(accounts);
  return ids.has(id) || providers.has(provider);
}

function namedIn(accounts: readonly string[]): Named {
  const known = compiled.get(accounts);
  if (known !== undefined) return known;
  const providers = accounts.filter((each) => each.startsWith(providerMark)).map((each) => each.slice(providerMark.length));
  const named = { ids: new Set(accounts), providers: new Set(providers) };
  compiled.set(accounts, named);
  return named;
}

/** Accounts exist that would serve it, but none that the caller may use. Which they are is the operator's to see. */
export function refuseDisallowedAccounts(model: string): AppError {
  const what = model === '' ? 'this request' : `the model "${escapeForeign(model, 128)}"`;
  return new AppError('account_not_allowed', { message: `This key may not use any account that could serve ${what}.`, fields: model === '' ? {} : { param: 'model' } });
}
