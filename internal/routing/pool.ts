import { LRUCache } from 'lru-cache';
import type { Dialect } from '../dialect/dialect.ts';
import { scopeKeys, type AccountMemory, type ScopeKeys } from './account-memory.ts';
import { severities, type Severity } from './cooldown.ts';
import type { Candidate, RouteQuery, RoutingTable } from './ports.ts';
import { dialectFor, isSwitchedOn, operationAt, servesQuery } from './serving.ts';
import type { Turns } from './strategies.ts';

/** One candidate of a pool with all that a pick reads of it. */
export interface Member {
  readonly candidate: Candidate;
  /** Under which an exchange remembers that it tried it. */
  readonly key: string;
  readonly keys: ScopeKeys;
  readonly memory: AccountMemory;
  readonly neverCools: boolean;
  /** In which it is asked. */
  readonly dialect: Dialect;
}

/** Members of one priority. */
export interface Group {
  readonly members: readonly Member[];
  readonly turns: Turns;
}

/** Who could serve one model by one operation, highest priority first. */
export interface Pool {
  readonly query: Pick<RouteQuery, 'dialect' | 'operation'>;
  readonly groups: readonly Group[];
  readonly byKey: ReadonlyMap<string, Member>;
  /** Why there are no groups. */
  readonly lack: 'none' | 'operation' | 'switched_off';
}

/** The name under which an exchange remembers a candidate it tried. */
export function candidateKey(candidate: Candidate): string {
  return `${candidate.account.id} ${candidate.upstreamModel}`;
}

/** How the candidate stands now. */
export function severityOf({ memory, neverCools, keys }: Member, nowMs: number, maxCooldownMs: number): Severity {
  if (memory.block !== undefined) return severities.blocked;
  return memory.isSpotless || neverCools ? severities.healthy : memory.severity(keys, nowMs, maxCooldownMs);
}

export interface Pools {
  /** Built at a table's first query of the kind, then found by the identity of the table's candidates. */
  readonly find: (table: RoutingTable, candidates: readonly Candidate[], query: RouteQuery) => Pool;
}

const maxRememberedTurns = 4_096;
const maxRememberedKeys = 65_536;

/** Turns outlive the tables they were taken in: by keys alone, so that no removed credential stays in memory. */
interface RememberedTurns {
  readonly keys: readonly string[];
  readonly turns: Turns;
}

export function createPools(memoryOf: (accountId: string) => AccountMemory): Pools {
  const pools = new WeakMap<readonly Candidate[], Map<string, Pool>>();
  const remembered = new LRUCache<string, RememberedTurns>({ max: maxRememberedTurns, maxSize: maxRememberedKeys, sizeCalculation: ({ keys }) => keys.length + 1 });

  const buildGroup = (table: RoutingTable, query: RouteQuery, candidates: readonly Candidate[]): Group => {
    const perAccount = new Map<string, number>();
    for (const { account } of candidates) perAccount.set(account.id, (perAccount.get(account.id) ?? 0) + 1);
    const members = candidates.map((candidate): Member => {
      const { account, upstreamModel } = candidate;
      return {
        candidate,
        key: candidateKey(candidate),
        keys: scopeKeys(upstreamModel, operationAt(account, query)),
        memory: memoryOf(account.id),
        neverCools: account.coolingDisabled || table.settings.isCoolingDisabled,
        dialect: dialectFor(account, query) ?? query.dialect,
      };
    });
    // An alias for several models of one account shares out the account's weight; it does not multiply it.
    const weights = Float64Array.from(candidates, ({ account }) => account.weight / (perAccount.get(account.id) ?? 1));
    const name = `${query.operation} ${candidates[0]?.account.priority ?? 0} ${query.model}`;
    const keys = members.map(({ key }) => key);
    const turns = continueTurns(remembered.get(name), keys, weights);
    remembered.set(name, { keys, turns });
    return { members, turns };
  };

  const build = (table: RoutingTable, candidates: readonly Candidate[], query: RouteQuery): Pool => {
    const on = candidates.filter(({ account }) => isSwitchedOn(account, table.settings));
    const serving = on.filter(({ account }) => servesQuery(account, query));
    const isOff = serving.length === 0 && on.length === 0 && candidates.some(({ account }) => servesQuery(account, query));
    const priorities = [...new Set(serving.map(({ account }) => account.priority))].sort((a, b) => b - a);
    const groups = priorities.map((priority) => buildGroup(table, query, serving.filter(({ account }) => account.priority === priority)));
    return {
      query: { dialect: query.dialect, operation: query.operation },
      groups,
      byKey: new Map(groups.flatMap(({ members }) => members.map((member) => [member.key, member]))),
      lack: serving.length > 0 ? 'none' : isOff ? 'switched_off' : 'operation',
    };
  };

  return {
    find: (table, candidates, query) => {
      let byOperation = pools.get(candidates);
      if (byOperation === undefined) {
        byOperation = new Map();
        pools.set(candidates, byOperation);
      }
      const known = byOperation.get(query.operation);
      if (known !== undefined && known.query.dialect === query.dialect) return known;
      const pool = build(table, candidates, query);
      byOperation.set(query.operation, pool);
      return pool;
    },
  };
}

/** The same turns where the members are the same; else whoever stayed keeps its sum, and the turn goes on where it was. */
function continueTurns(before: RememberedTurns | undefined, keys: readonly string[], weights: Float64Array): Turns {
  const turns: Turns = { next: 0, weights, sums: new Float64Array(keys.length) };
  if (before === undefined) return turns;
  const places = new Map(before.keys.map((key, index) => [key, index]));
  keys.forEach((key, index) => {
    const place = places.get(key);
    if (place !== undefined) turns.sums[index] = before.turns.sums[place] ?? 0;
  });
  const stayed = new Map(keys.map((key, index) => [key, index]));
  for (let step = 0; step < before.keys.length; step++) {
    const place = stayed.get(before.keys[(before.turns.next + step) % before.keys.length] ?? '');
    if (place === undefined) continue;
    turns.next = place;
    break;
  }
  return turns;
}
