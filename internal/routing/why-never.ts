import type { Account } from '../accounts/account.ts';
import { hasUnknownContent, isVendorName } from './catalogue.ts';
import { maxModelNameLength, type ModelIndex } from './model-index.ts';
import type { SkipClass, SkipReason } from './explanation.ts';
import type { RoutingSettings } from './ports.ts';
import { isSwitchedOn } from './serving.ts';

/** Why an account is no candidate for a name, for `explain`. */
export function whyNever(account: Account, model: string, settings: RoutingSettings, index: ModelIndex): SkipReason {
  if (account.disabled) return reason('disabled', account.credential.kind === 'login' ? 'it is disabled, in its file or in the config' : 'it is disabled in the config');
  if (!isSwitchedOn(account, settings)) return reason('no_weight', 'its weight is 0');
  if (model.length > maxModelNameLength) return reason('other_name', 'no model has a name of this length');
  const { prefix } = account;
  const isUnderPrefix = prefix !== '' && model.startsWith(`${prefix}/`);
  const bare = isUnderPrefix ? model.slice(prefix.length + 1) : model;
  const own = account.models.length > 0 ? account.models : account.aliases;
  const named = own.find(({ alias }) => alias === bare) ?? own.find(({ name }) => name === bare);
  if (index.excludedBy(account, [named?.name ?? bare, named?.alias ?? bare, model]) !== undefined) return reason('excluded', 'one of its excluded-models patterns matches');
  const owner = model.slice(0, Math.max(0, model.indexOf('/')));
  const isOthersPrefix = owner !== '' && owner !== prefix && index.hasPrefix(owner);
  if (account.models.length > 0) {
    if (named === undefined) return reason('other_name', 'its models do not name it');
    if (named.alias !== bare) return reason('other_name', `it serves this upstream model by the alias "${named.alias}" only`);
    if (prefix !== '' && !isUnderPrefix && settings.isPrefixForced) return reason('other_name', `it is reached as "${prefix}/${named.alias}" only`);
    return reason('other_name', 'the accounts with the prefix of the name go before it');
  }
  const renamed = account.aliases.find(({ name, isForked }) => name === bare && !isForked);
  if (renamed !== undefined) return reason('other_name', `it serves this upstream model by the alias "${renamed.alias}" only`);
  if (prefix !== '' && !isUnderPrefix && (hasUnknownContent(account.provider) || isVendorName(account.provider, model))) return reason('other_name', `it takes names below "${prefix}/" only`);
  if (isOthersPrefix) return reason('other_name', `names below "${owner}/" belong to the accounts with that prefix`);
  if (hasUnknownContent(account.provider)) return reason('other_name', 'another account claims the name, and this one takes only what none claims');
  return reason('other_name', 'the name does not look like one of its vendor');
}

function reason(skipClass: SkipClass, text: string): SkipReason {
  return { class: skipClass, text };
}
