import type { Account, ProviderKind } from '../accounts/account.ts';
import { hasUnknownContent, isVendorName } from './catalogue.ts';
import type { Candidate, RoutingSettings } from './ports.ts';
import { isSwitchedOn } from './serving.ts';
import { compilePatterns } from './wildcard.ts';

/** Longer names are served by nothing: no vendor has them, and they would fill tables. */
export const maxModelNameLength = 512;
const none: readonly Candidate[] = [];

/** What can be called below one prefix, or without any. */
interface Space {
  readonly listed: Map<string, Candidate[]>;
  /** Accounts that name no models. */
  readonly open: Map<ProviderKind, Account[]>;
}

export interface ModelIndex {
  /** Accounts that serve the name, switched off ones among them, highest priority first, then in the config's order. */
  readonly lookUp: (model: string) => readonly Candidate[];
  /** The pattern that keeps the account from serving the name, where one does. */
  readonly excludedBy: (account: Account, names: readonly string[]) => string | undefined;
  readonly hasPrefix: (prefix: string) => boolean;
}

/**
 * Sorts the accounts by how they are reached. A name goes to the first of these that has an account switched on:
 * 1. accounts of the prefix it begins with; 2. accounts that list it, and vendors whose names look like it; 3. endpoints of
 * unknown content (`openai-compatibility` and `oauth` without `models` and `prefix`), unless it begins with a prefix that is somebody's
 * (ADR 0004). What a lookup costs follows from the accounts that serve the name, not from all.
 */
export function indexModels(accounts: readonly Account[], settings: RoutingSettings): ModelIndex {
  const ranked = accounts.toSorted((a, b) => b.priority - a.priority);
  const rank = new Map(ranked.map((account, index) => [account, index]));
  const exclusions = new Map(accounts.filter(({ excludedModels }) => excludedModels.length > 0).map((account) => [account, compilePatterns(account.excludedModels)]));
  const renames = new Map(accounts.filter(({ aliases }) => aliases.length > 0).map((account) => [account, renamedNames(account)]));
  const bare = emptySpace();
  const catchAll: Account[] = [];
  const byPrefix = new Map<string, Space>();

  const excludedBy = (account: Account, names: readonly string[]): string | undefined => {
    const match = exclusions.get(account);
    if (match === undefined) return undefined;
    for (const name of names) {
      const pattern = match(name);
      if (pattern !== undefined) return pattern;
    }
    return undefined;
  };
  const enter = (space: Space, account: Account, before: string): void => {
    if (account.models.length === 0) addTo(space.open, account.provider, account);
    enterListed(space, account, before);
  };
  const enterListed = (space: Space, account: Account, before: string): void => {
    const seen = new Set<string>();
    for (const { name, alias } of [...account.models, ...account.aliases]) {
      const pair = JSON.stringify([name, alias]);
      if (seen.has(pair) || excludedBy(account, [name, alias, before + alias]) !== undefined) continue;
      seen.add(pair);
      addTo(space.listed, alias, { account, upstreamModel: name });
    }
  };
  for (const account of ranked) {
    const { prefix, provider, models } = account;
    if (prefix !== '') {
      const space = byPrefix.get(prefix) ?? emptySpace();
      byPrefix.set(prefix, space);
      enter(space, account, `${prefix}/`);
    }
    if (models.length === 0 && hasUnknownContent(provider)) {
      if (prefix === '') catchAll.push(account);
      if (prefix === '' || !settings.isPrefixForced) enterListed(bare, account, '');
    } else if (prefix === '' || !settings.isPrefixForced) enter(bare, account, '');
  }

  const openOf = (open: readonly Account[], name: string, model: string): Candidate[] =>
    open.filter((account) => renames.get(account)?.has(name) !== true && excludedBy(account, [name, model]) === undefined).map((account) => ({ account, upstreamModel: name }));
  const inSpace = (space: Space, name: string, model: string, takes: (provider: ProviderKind) => boolean): readonly Candidate[] => {
    const listed = space.listed.get(name) ?? none;
    const open: Candidate[] = [];
    for (const [provider, group] of space.open) if (takes(provider)) open.push(...openOf(group, name, model));
    if (open.length === 0) return listed;
    return [...listed, ...open].sort((a, b) => (rank.get(a.account) ?? 0) - (rank.get(b.account) ?? 0));
  };
  const isUsable = (candidates: readonly Candidate[]): boolean => candidates.some(({ account }) => isSwitchedOn(account, settings));

  return {
    excludedBy,
    hasPrefix: (prefix) => byPrefix.has(prefix),
    lookUp: (model) => {
      if (model === '' || model.length > maxModelNameLength) return none;
      const slash = model.indexOf('/');
      const space = slash < 1 ? undefined : byPrefix.get(model.slice(0, slash));
      const rest = model.slice(slash + 1);
      const under = space === undefined || rest === '' ? none : inSpace(space, rest, model, () => true);
      if (isUsable(under)) return under;
      const named = inSpace(bare, model, model, (provider) => isVendorName(provider, model));
      if (isUsable(named)) return named;
      const caught = space === undefined ? openOf(catchAll, model, model) : none;
      if (isUsable(caught)) return caught;
      return [under, named, caught].find((tier) => tier.length > 0) ?? none;
    },
  };
}

/** Names under which an account that takes any is found elsewhere, or no longer. */
function renamedNames({ aliases }: Account): ReadonlySet<string> {
  return new Set(aliases.flatMap(({ name, alias, isForked }) => (isForked ? [alias] : [alias, name])));
}

function emptySpace(): Space {
  return { listed: new Map(), open: new Map() };
}

function addTo<K, T>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
