import { LRUCache } from 'lru-cache';
import type { Account } from '../accounts/account.ts';
import type { Config } from '../config/schema.ts';
import { dialects } from '../dialect/dialect.ts';
import { catalogueNames, ownerOfModel } from './catalogue.ts';
import { indexModels, type ModelIndex } from './model-index.ts';
import { mayUse } from './model-limits.ts';
import { findNearNames } from './near-names.ts';
import type { Candidate, ListedModel, RoutingSettings, RoutingTable, Strategy, ToldNames } from './ports.ts';
import { isSwitchedOn } from './serving.ts';
import { whyNever } from './why-never.ts';

const maxCachedLookups = 4_096;
const minCachedCandidates = 65_536;

/**
 * Derives routing from accounts and config. Lists and lookups come from one index, so what is listed routes. Lookups are
 * remembered within bounds, and the same array is given for the same name while it is: the router hangs its state on it.
 */
export function buildRoutingTable(accounts: readonly Account[], config: Config): RoutingTable {
  const settings = readSettings(config);
  const index = indexModels(accounts, settings);
  const cache = new LRUCache<string, readonly Candidate[]>({
    max: maxCachedLookups,
    maxSize: Math.max(minCachedCandidates, 16 * accounts.length),
    sizeCalculation: (candidates) => candidates.length + 4,
  });
  const candidatesFor = (model: string): readonly Candidate[] => {
    const known = cache.get(model);
    if (known !== undefined) return known;
    const found = index.lookUp(model);
    // Names that nothing serves come from outside and without end; they are cheap to look up again.
    if (found.length > 0) cache.set(model, found);
    return found;
  };
  let listed: readonly ListedModel[] | undefined;
  const listModels = (told?: ToldNames): readonly ListedModel[] => (told === undefined ? (listed ??= listAll(accounts, settings, index, () => undefined)) : listAll(accounts, settings, index, told));
  return {
    accounts,
    settings,
    candidatesFor,
    listModels,
    nearNames: (model, holders) => findNearNames(model, listModels().map(({ id }) => id).filter((id) => mayUse({ holders }, id))),
    whyNever: (account, model) => whyNever(account, model, settings, index),
  };
}

function readSettings(config: Config): RoutingSettings {
  const ttlMs = config.routing['session-affinity-ttl'];
  return {
    strategy: strategyOf(config.routing.strategy),
    isCoolingDisabled: config['disable-cooling'],
    maxCooldownMs: config['max-cooldown'],
    isPrefixForced: config['force-model-prefix'],
    affinityTtlMs: config.routing['session-affinity'] && ttlMs > 0 ? ttlMs : undefined,
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

function listAll(accounts: readonly Account[], settings: RoutingSettings, index: ModelIndex, told: ToldNames): readonly ListedModel[] {
  const names = new Set<string>();
  const tellers = new Map<string, Set<Account>>();
  for (const account of accounts) {
    const toldNames = account.models.length > 0 ? [] : (told(account) ?? []);
    for (const name of toldNames.flatMap((each) => spellings(account, each, settings))) {
      const known = tellers.get(name) ?? new Set();
      tellers.set(name, known.add(account));
    }
    for (const name of ownNames(account, toldNames.length > 0)) for (const spelt of spellings(account, name, settings)) names.add(spelt);
  }
  // One that another account would be asked for is not what was told of.
  for (const [name, by] of tellers) if (!names.has(name) && index.lookUp(name).some(({ account }) => by.has(account))) names.add(name);
  const listed: ListedModel[] = [];
  for (const id of [...names].sort()) {
    const model = listedAs(id, index.lookUp(id), settings);
    if (model !== undefined) listed.push(model);
  }
  return listed;
}

function spellings({ prefix }: Account, name: string, { isPrefixForced }: RoutingSettings): readonly string[] {
  if (prefix === '') return [name];
  return isPrefixForced ? [`${prefix}/${name}`] : [name, `${prefix}/${name}`];
}

/** What is listed of an account, prefix aside. Names that an alias hides are looked up in vain and so drop out. */
function ownNames({ models, aliases, provider }: Account, hasTold: boolean): readonly string[] {
  if (models.length > 0) return models.map(({ alias }) => alias);
  return [...(hasTold ? [] : catalogueNames(provider)), ...aliases.map(({ alias }) => alias)];
}

/** How a name is listed that these candidates serve; undefined where none of them is switched on. */
export function listedAs(id: string, candidates: readonly Candidate[], settings: RoutingSettings): ListedModel | undefined {
  const usable = candidates.filter(({ account }) => isSwitchedOn(account, settings));
  const [first] = usable;
  if (first === undefined) return undefined;
  return { id, ownedBy: ownerOfModel(first.account, first.upstreamModel), dialects: dialects.filter((dialect) => usable.some(({ account }) => account.dialects.includes(dialect))) };
}
