import type { Account } from '../accounts/account.ts';
import { hasUnknownContent, isVendorName } from './catalogue.ts';
import { maxModelNameLength, type ModelIndex } from './model-index.ts';
import type { RoutingSettings } from './ports.ts';
import { isSwitchedOn } from './serving.ts';

/** Why an account is no candidate for a name, for `explain`; it reads as the end of "it is skipped because …". */
export function whyNever(account: Account, model: string, settings: RoutingSettings, index: ModelIndex): string {
  if (account.disabled) return account.credential.kind === 'login' ? 'it is disabled, in its file or in the config' : 'it is disabled in the config';
  if (!isSwitchedOn(account, settings)) return 'its weight is 0';
  if (model.length > maxModelNameLength) return 'no model has a name of this length';
  const { prefix } = account;
  const isUnderPrefix = prefix !== '' && model.startsWith(`${prefix}/`);
  const bare = isUnderPrefix ? model.slice(prefix.length + 1) : model;
  const own = account.models.length > 0 ? account.models : account.aliases;
  const named = own.find(({ alias }) => alias === bare) ?? own.find(({ name }) => name === bare);
  if (index.excludedBy(account, [named?.name ?? bare, named?.alias ?? bare, model]) !== undefined) return 'one of its excluded-models patterns matches';
  const owner = model.slice(0, Math.max(0, model.indexOf('/')));
  const isOthersPrefix = owner !== '' && owner !== prefix && index.hasPrefix(owner);
  if (account.models.length > 0) {
    if (named === undefined) return 'its models do not name it';
    if (named.alias !== bare) return `it serves this upstream model by the alias "${named.alias}" only`;
    if (prefix !== '' && !isUnderPrefix && settings.isPrefixForced) return `it is reached as "${prefix}/${named.alias}" only`;
    return 'the accounts with the prefix of the name go before it';
  }
  const renamed = account.aliases.find(({ name, isForked }) => name === bare && !isForked);
  if (renamed !== undefined) return `it serves this upstream model by the alias "${renamed.alias}" only`;
  if (prefix !== '' && !isUnderPrefix && (hasUnknownContent(account.provider) || isVendorName(account.provider, model))) return `it takes names below "${prefix}/" only`;
  if (isOthersPrefix) return `names below "${owner}/" belong to the accounts with that prefix`;
  if (hasUnknownContent(account.provider)) return 'another account claims the name, and this one takes only what none claims';
  return 'the name does not look like one of its vendor';
}
