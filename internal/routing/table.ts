import { LRUCache } from 'lru-cache';
import type { Account } from '../accounts/account.ts';
import type { Config } from '../config/schema.ts';
import { dialects } from '../dialect/dialect.ts';
import { catalogueNames, isVendorName } from './catalogue.ts';
import { findNearNames } from './near-names.ts';
import type { Candidate, ListedModel, RoutingSettings, RoutingTable, Strategy } from './ports.ts';

const maxCachedLookups = 4_096;
const none: readonly Candidate[] = [];

/**
 * Derives routing from accounts and config. A name is looked up in this order, and what is found counts together:
 * accounts under the name's prefix; accounts that list the name; vendors whose names look like it. Endpoints of unknown
 * content (`openai-compatibility` without `models` and `prefix`) take what none of these claim (ADR 0004). The cost of a
 * lookup does not grow with the number of accounts that list their models.
 */
export function buildRoutingTable(accounts: readonly Account[], config: Config): RoutingTable {
  const isPrefixForced = config['force-model-prefix'];
  const byPrefix = groupBy(accounts.filter((account) => account.prefix !== ''), (account) => account.prefix);
  const unprefixed = accounts.filter((account) => account.prefix === '' || !isPrefixForced);
  const named = new Map<string, Candidate[]>();
  for (const account of unprefixed) for (const { name, alias } of account.models) addTo(named, alias, { account, upstreamModel: name });
  const vendorAccounts = unprefixed.filter((account) => account.models.length === 0 && account.provider !== 'openai-compatibility');
  const catchAll = accounts.filter((account) => account.models.length === 0 && account.provider === 'openai-compatibility' && account.prefix === '');

  const lookUp = (model: string): readonly Candidate[] => {
    const found = [...underPrefix(byPrefix, model), ...(named.get(model) ?? none), ...vendorAccounts.filter((account) => isVendorName(account.provider, model)).map((account) => ({ account, upstreamModel: model }))];
    const claimed = found.length > 0 ? found : catchAll.map((account) => ({ account, upstreamModel: model }));
    return claimed.filter((candidate) => !isExcluded(candidate.account, candidate.upstreamModel, model)).sort((a, b) => b.account.priority - a.account.priority);
  };
  const cache = new LRUCache<string, readonly Candidate[]>({ max: maxCachedLookups });
  const candidatesFor = (model: string): readonly Candidate[] => {
    const known = cache.get(model);
    if (known !== undefined) return known;
    const found = lookUp(model);
    cache.set(model, found);
    return found;
  };

  let listed: readonly ListedModel[] | undefined;
  const listModels = (): readonly ListedModel[] => (listed ??= listAll(accounts, isPrefixForced, candidatesFor));
  return {
    accounts,
    settings: readSettings(config),
    candidatesFor,
    listModels,
    nearNames: (model) => findNearNames(model, listModels().map(({ id }) => id)),
  };
}

function readSettings(config: Config): RoutingSettings {
  return {
    strategy: strategyOf(config.routing.strategy),
    isCoolingDisabled: config['disable-cooling'],
    maxCooldownMs: config['max-cooldown'],
  };
}

function strategyOf(spelled: Config['routing']['strategy']): Strategy {
  switch (spelled) {
    case 'rr':
    case 'roundrobin':
    case 'round-robin':
      return 'round-robin';
    case 'ff':
    case 'fillfirst':
    case 'fill-first':
      return 'fill-first';
    case 'wrr':
    case 'weighted-round-robin':
      return 'weighted-round-robin';
    case 'least-busy':
      return 'least-busy';
  }
}

/** `prefix/model`: the first segment is the prefix, the rest may hold slashes of its own. */
function underPrefix(byPrefix: ReadonlyMap<string, readonly Account[]>, model: string): readonly Candidate[] {
  const slash = model.indexOf('/');
  if (slash < 1) return none;
  const accounts = byPrefix.get(model.slice(0, slash));
  const name = model.slice(slash + 1);
  if (accounts === undefined || name === '') return none;
  return accounts.flatMap((account): readonly Candidate[] =>
    account.models.length === 0 ? [{ account, upstreamModel: name }] : account.models.filter(({ alias }) => alias === name).map((model_) => ({ account, upstreamModel: model_.name })),
  );
}

/** Patterns are lower-case; `*` matches any run of characters. They are held against the upstream's name and the client's. */
export function isExcluded(account: Account, upstreamModel: string, model: string): boolean {
  if (account.excludedModels.length === 0) return false;
  const names = [upstreamModel.toLowerCase(), model.toLowerCase()];
  return account.excludedModels.some((pattern) => names.some((name) => matchesWildcard(pattern, name)));
}

/** Linear in the name for each piece of the pattern, whatever the pattern. */
function matchesWildcard(pattern: string, name: string): boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return name === pattern;
  const last = pieces.at(-1) ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > name.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}

function listAll(accounts: readonly Account[], isPrefixForced: boolean, candidatesFor: (model: string) => readonly Candidate[]): readonly ListedModel[] {
  const names = new Set<string>();
  for (const account of accounts) {
    const own = account.models.length > 0 ? account.models.map(({ alias }) => alias) : catalogueNames(account.provider);
    for (const name of own) {
      if (account.prefix === '' || !isPrefixForced) names.add(name);
      if (account.prefix !== '') names.add(`${account.prefix}/${name}`);
    }
  }
  return [...names]
    .map((id) => ({ id, candidates: candidatesFor(id).filter(({ account }) => !account.disabled && account.weight >= 0) }))
    .filter(({ candidates }) => candidates.length > 0)
    .map(({ id, candidates }) => ({
      id,
      ownedBy: candidates[0]?.account.provider ?? '',
      dialects: dialects.filter((dialect) => candidates.some(({ account }) => account.dialects.includes(dialect))),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function groupBy(accounts: readonly Account[], keyOf: (account: Account) => string): ReadonlyMap<string, readonly Account[]> {
  const groups = new Map<string, Account[]>();
  for (const account of accounts) addTo(groups, keyOf(account), account);
  return groups;
}

function addTo<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
