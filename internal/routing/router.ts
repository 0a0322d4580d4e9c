import type { Clock } from '../clock/clock.ts';
import { err, ok } from '../fault/result.ts';
import { silentLogger, type Logger } from '../log/logger.ts';
import { isLimitedInAccounts, mayBeServedBy, refuseDisallowedAccounts } from './account-limits.ts';
import { AccountMemory, scopeKeys } from './account-memory.ts';
import { nextTryMs, severities, type Cooldown, type Severity } from './cooldown.ts';
import { explainCandidates } from './explain.ts';
import { createPools, severityOf, type Group, type Member } from './pool.ts';
import type { AccountState, Candidate, RouteQuery, Router, RoutingTable, SessionMark } from './ports.ts';
import { refuseBlocked, refuseCooling, refuseOperation, refuseSwitchedOff, refuseUnknownModel } from './refusals.ts';
import { generatingIn, operationAt } from './serving.ts';
import { createSessions } from './sessions.ts';
import { choose } from './strategies.ts';

export { candidateKey } from './pool.ts';

/** A candidate as it was picked: settling it knows what it was a part of, and counts once. */
class OpenPick implements Candidate {
  readonly account: Candidate['account'];
  readonly upstreamModel: string;
  readonly member: Member;
  readonly order: number;
  isOpen = true;

  constructor(member: Member, order: number) {
    this.account = member.candidate.account;
    this.upstreamModel = member.candidate.upstreamModel;
    this.member = member;
    this.order = order;
  }
}

/**
 * Health goes before affinity, affinity before priority, priority before strategy (ADR 0013). State is kept by account id:
 * it outlives reloads and goes with accounts that a new table no longer has. A pick costs the same among one and a thousand
 * healthy accounts under round-robin and fill-first; the others look at each account once.
 */
export function createRouter(clock: Clock, log: Logger = silentLogger): Router {
  const memories = new Map<string, AccountMemory>();
  /** Those with anything in them that could keep an account from use; mostly none, and then nobody is asked. */
  const marked = new Set<AccountMemory>();
  const sessions = createSessions(log);
  const seenTables = new WeakSet<RoutingTable>();
  let knownIds: ReadonlySet<string> = new Set();
  let lastTable: RoutingTable | undefined;
  let order = 0;

  const memoryOf = (accountId: string): AccountMemory => {
    const known = memories.get(accountId);
    if (known !== undefined) return known;
    const fresh = new AccountMemory();
    memories.set(accountId, fresh);
    return fresh;
  };
  const pools = createPools(memoryOf);

  /** Old tables may still be asked by exchanges that began under them; only a new one decides who has vanished. */
  const notice = (table: RoutingTable): void => {
    if (table === lastTable) return;
    lastTable = table;
    if (seenTables.has(table)) return;
    seenTables.add(table);
    const ids = new Set(table.accounts.map(({ id }) => id));
    for (const [id, memory] of memories) {
      // A block may come before the first table that has its account.
      if (ids.has(id) || (memory.block !== undefined && !knownIds.has(id))) continue;
      memories.delete(id);
      memory.reset(clock.nowMs());
      memory.block = undefined;
      marked.delete(memory);
    }
    knownIds = ids;
    sessions.keepOnly(table, ids);
  };
  const unmark = (memory: AccountMemory): void => {
    if (memory.isSpotless && memory.block === undefined) marked.delete(memory);
  };

  const open = (member: Member, session: SessionMark | undefined, nowMs: number, maxCooldownMs: number): OpenPick => {
    const pick = new OpenPick(member, ++order);
    member.memory.workload.note(session?.digest, nowMs);
    member.memory.openCount++;
    if (!member.memory.isSpotless && !member.neverCools) member.memory.startProbes(member.keys, pick, nowMs, maxCooldownMs);
    return pick;
  };

  const chooseIn = (group: Group, { table, query, tried, isLimited, nowMs, worst }: Choice): Member | undefined => {
    const { members, turns } = group;
    const { strategy, maxCooldownMs } = table.settings;
    const place = choose(strategy, turns, {
      count: members.length,
      isEligible: marked.size === 0 && tried.size === 0 && !isLimited ? always : (index) => {
        const member = members[index];
        return member !== undefined && severityOf(member, nowMs, maxCooldownMs) <= worst && !(tried.size > 0 && tried.has(member.key)) && (!isLimited || mayBeServedBy(query, member.candidate.account));
      },
      openCount: (index) => members[index]?.memory.openCount ?? 0,
    });
    return place < 0 ? undefined : members[place];
  };

  const report = ({ account }: Candidate, cooldown: Cooldown): void => {
    log.warn({ account: account.label, model: cooldown.model, reason: cooldown.reason, until: new Date(cooldown.untilMs).toISOString() }, 'an account cools down');
  };

  return {
    pick: (table, query, tried) => {
      notice(table);
      const candidates = table.candidatesFor(query.model);
      if (candidates.length === 0) return err(refuseUnknownModel(table, query));
      const isLimited = isLimitedInAccounts(query);
      if (isLimited && !candidates.some(({ account }) => mayBeServedBy(query, account))) return err(refuseDisallowedAccounts(query.model));
      const pool = pools.find(table, candidates, query);
      if (pool.lack !== 'none') return err(pool.lack === 'operation' ? refuseOperation(table, query, candidates) : refuseSwitchedOff(query));
      const nowMs = clock.nowMs();
      const { maxCooldownMs } = table.settings;
      const bound = sessions.memberFor(pool, { table, query, tried, nowMs });
      if (bound !== undefined) return ok(open(bound, query.session, nowMs, maxCooldownMs));
      for (const worst of usableLevels) {
        for (const group of pool.groups) {
          const member = chooseIn(group, { table, query, tried, isLimited, nowMs, worst });
          if (member !== undefined) return ok(open(member, query.session, nowMs, maxCooldownMs));
        }
        if (marked.size === 0) break;
      }
      const all = pool.groups.flatMap(({ members }) => members).filter(({ candidate }) => mayBeServedBy(query, candidate.account));
      const soft = softest(all, tried, nowMs, maxCooldownMs);
      if (soft !== undefined) return ok(open(soft, query.session, nowMs, maxCooldownMs));
      if (all.length === 0) return err(refuseDisallowedAccounts(query.model));
      const cooling = all.filter(({ neverCools, memory }) => !neverCools && memory.block === undefined).map(({ memory, keys }) => memory.active(keys, nowMs)).filter((cooldowns) => cooldowns.length > 0);
      if (cooling.length === 0 && all.some(({ memory, key }) => memory.block !== undefined && !tried.has(key))) return err(refuseBlocked(query));
      return err(refuseCooling(query, cooling, nowMs, maxCooldownMs));
    },

    settle: (candidate, query, outcome) => {
      const { account, upstreamModel } = candidate;
      const pick = candidate instanceof OpenPick ? candidate : undefined;
      if (pick !== undefined && !pick.isOpen) return;
      const memory = pick?.member.memory ?? memoryOf(account.id);
      const keys = pick?.member.keys ?? scopeKeys(upstreamModel, operationAt(account, query));
      if (pick !== undefined) {
        pick.isOpen = false;
        memory.openCount--;
      }
      // What the caller chose by itself (an exchange bound to an account) counts as begun just now.
      const pickOrder = pick?.order ?? order + 1;
      if (outcome.kind === 'success') sessions.bind(candidate, query, pickOrder, clock.nowMs());
      if (memory.isSpotless && outcome.kind !== 'failure') return;
      if (pick !== undefined) memory.endProbes(keys, pick);
      if (outcome.kind === 'success') {
        memory.succeed(keys, pickOrder);
        unmark(memory);
      }
      if (outcome.kind !== 'failure' || account.coolingDisabled || pick?.member.neverCools === true) return;
      const nowMs = clock.nowMs();
      const wasCooling = memory.active(keys, nowMs).length > 0;
      const cooldown = memory.fail(keys, outcome, { model: upstreamModel, pickOrder, order: ++order, nowMs });
      // An account that left meanwhile is not held on to.
      if (memories.get(account.id) === memory) marked.add(memory);
      if (cooldown !== undefined && !wasCooling) report(candidate, cooldown);
    },

    begun: (candidate) => {
      if (!(candidate instanceof OpenPick) || !candidate.isOpen) return;
      const { member: { memory, keys } } = candidate;
      if (memory.isSpotless) return;
      memory.succeed(keys, candidate.order);
      unmark(memory);
    },

    explain: (table, { model, dialect = 'openai-chat', holders }) => {
      notice(table);
      const nowMs = clock.nowMs();
      const { strategy, maxCooldownMs, affinityTtlMs } = table.settings;
      const operation = generatingIn[dialect];
      const candidates = table.candidatesFor(model);
      const pool = pools.find(table, candidates, { model, dialect, operation });
      const bound = sessions.countFor(table, model, nowMs);
      return {
        model,
        dialect,
        operation,
        atMs: nowMs,
        strategy,
        maxCooldownMs,
        affinity: { ttlMs: affinityTtlMs, boundSessions: [...bound.values()].reduce((sum, count) => sum + count, 0) },
        candidates: explainCandidates({ table, model, holders, candidates, pool, nowMs, severityOf: (member) => severityOf(member, nowMs, maxCooldownMs), bound }),
      };
    },

    resetCooldowns: (accountId) => {
      const nowMs = clock.nowMs();
      let ended = 0;
      for (const [id, memory] of memories) {
        if (accountId !== undefined && id !== accountId) continue;
        ended += memory.reset(nowMs);
        unmark(memory);
      }
      return ended;
    },

    block: (accountId, block) => {
      const memory = memoryOf(accountId);
      if (block === undefined && memory.block !== undefined) memory.forgiveCredential();
      memory.block = block;
      if (block === undefined) unmark(memory);
      else marked.add(memory);
    },

    states: (table) => {
      notice(table);
      const nowMs = clock.nowMs();
      return table.accounts.map((account) => stateOf(table, account, memories.get(account.id), nowMs));
    },
  };
}

/** What a choice within one group depends on; `worst` is the worst health that will do. */
interface Choice {
  readonly table: RoutingTable;
  readonly query: RouteQuery;
  /** The caller may not use every account. */
  readonly isLimited: boolean;
  readonly tried: ReadonlySet<string>;
  readonly nowMs: number;
  readonly worst: Severity;
}

/** One that is being tried is used when nothing better serves; the others of its kind share the load with it by the strategy. */
const usableLevels = [severities.due, severities.onTrial] as const;

const always = (): boolean => true;

/** Of the candidates that cool for their upstream's failures alone, the one that may be tried again first. */
function softest(members: readonly Member[], tried: ReadonlySet<string>, nowMs: number, maxCooldownMs: number): Member | undefined {
  let chosen: Member | undefined;
  let earliestMs = Infinity;
  for (const member of members) {
    if (tried.has(member.key) || severityOf(member, nowMs, maxCooldownMs) !== severities.soft) continue;
    const tryMs = Math.max(...member.memory.active(member.keys, nowMs).map((cooldown) => nextTryMs(cooldown, nowMs, maxCooldownMs)));
    if (tryMs >= earliestMs) continue;
    earliestMs = tryMs;
    chosen = member;
  }
  return chosen;
}

function stateOf(table: RoutingTable, account: Candidate['account'], memory: AccountMemory | undefined, nowMs: number): AccountState {
  const { maxCooldownMs, isCoolingDisabled } = table.settings;
  const active = memory === undefined || account.coolingDisabled || isCoolingDisabled ? [] : memory.allActive(nowMs);
  return {
    accountId: account.id,
    label: account.label,
    provider: account.provider,
    state: account.disabled ? 'disabled' : memory?.block !== undefined ? 'needs_login' : active.some(keepsFromUse) ? 'cooling' : 'ready',
    block: account.disabled ? undefined : memory?.block,
    models: active.map((cooldown) => ({ model: cooldown.model, untilMs: nextTryMs(cooldown, nowMs, maxCooldownMs), reason: cooldown.reason })),
  };
}

/** A model that the upstream does not have says nothing of the account. */
function keepsFromUse({ scope }: Cooldown): boolean {
  return scope !== 'endpoint';
}
