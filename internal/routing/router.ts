import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok } from '../fault/result.ts';
import { cooldownFor, type Cooldown, type Health } from './cooldown.ts';
import { explainModel } from './explain.ts';
import type { AccountState, Candidate, RouteQuery, Router, RoutingTable } from './ports.ts';
import { refuseCooling, refuseDialect, refuseDisabled, refuseUnknownModel } from './refusals.ts';
import { chooseByStrategy, type Turns } from './strategies.ts';

/** What is remembered of one account. */
interface AccountMemory {
  open: number;
  readonly cooldowns: Map<string, Cooldown>;
  /** Scopes with a probe under way. */
  readonly probing: Set<string>;
}

const maxAccounts = 100_000;
const maxTurns = 4_096;
const maxModelsPerAccount = 256;
const healthy: Health = { kind: 'healthy' };

/** The name under which an exchange remembers a candidate it tried. */
export function candidateKey(candidate: Candidate): string {
  return `${candidate.account.id} ${candidate.upstreamModel}`;
}

/** Turns, cooldowns and open counts by account id: they outlive reloads, and go with accounts that are not seen again. */
export function createRouter(clock: Clock): Router {
  const memories = new LRUCache<string, AccountMemory>({ max: maxAccounts });
  const turnsByQuery = new LRUCache<string, Turns>({ max: maxTurns });

  const remember = (accountId: string): AccountMemory => {
    const known = memories.get(accountId);
    if (known !== undefined) return known;
    const fresh = { open: 0, cooldowns: new Map<string, Cooldown>(), probing: new Set<string>() };
    memories.set(accountId, fresh);
    return fresh;
  };
  const openCount = (accountId: string): number => memories.get(accountId)?.open ?? 0;
  const turnsOf = (query: RouteQuery): Turns => {
    const key = `${query.dialect} ${query.model}`;
    const known = turnsByQuery.get(key);
    if (known !== undefined) return known;
    const fresh: Turns = { next: 0, weights: new Map() };
    turnsByQuery.set(key, fresh);
    return fresh;
  };

  const healthOf = (table: RoutingTable, { account, upstreamModel }: Candidate): Health => {
    const memory = memories.get(account.id);
    if (memory === undefined || memory.cooldowns.size === 0 || table.settings.isCoolingDisabled || account.coolingDisabled) return healthy;
    const cooldown = memory.cooldowns.get('*') ?? memory.cooldowns.get(upstreamModel);
    const nowMs = clock.nowMs();
    if (cooldown === undefined || cooldown.untilMs <= nowMs) return healthy;
    const isPastCap = nowMs - cooldown.sinceMs >= table.settings.maxCooldownMs;
    return isPastCap && !memory.probing.has(cooldown.model) ? { kind: 'probe', cooldown } : { kind: 'cooling', cooldown };
  };

  /** The candidates of the best health there is; empty when all are in hard cooldown. */
  const usable = (table: RoutingTable, candidates: readonly Candidate[]): readonly Candidate[] => {
    if (candidates.every((each) => (memories.get(each.account.id)?.cooldowns.size ?? 0) === 0)) return candidates;
    const judged = candidates.map((candidate) => ({ candidate, health: healthOf(table, candidate) }));
    const best = judged.filter(({ health }) => health.kind === 'healthy');
    const probes = judged.filter(({ health }) => health.kind === 'probe');
    const soft = judged.filter(({ health }) => health.kind === 'cooling' && health.cooldown.isSoft);
    // Health first: a probe takes one request even while others are well, else a recovered account would never return.
    const chosen = probes.length > 0 ? probes.slice(0, 1) : best.length > 0 ? best : soft;
    return chosen.map(({ candidate }) => candidate);
  };

  const refuse = (table: RoutingTable, query: RouteQuery, candidates: readonly Candidate[]): AppError => {
    const cooldowns = candidates.flatMap((candidate) => {
      const health = healthOf(table, candidate);
      return health.kind === 'healthy' ? [] : [health.cooldown];
    });
    if (cooldowns.length === 0) return new AppError('account_unavailable');
    const untilMs = Math.min(...cooldowns.map((each) => Math.min(each.untilMs, each.sinceMs + table.settings.maxCooldownMs)));
    return refuseCooling(query, cooldowns, untilMs, clock.nowMs());
  };

  return {
    pick: (table, query, tried) => {
      const all = table.candidatesFor(query.model);
      if (all.length === 0) return err(refuseUnknownModel(table, query));
      const fitting = all.filter(({ account }) => account.dialects.includes(query.dialect));
      if (fitting.length === 0) return err(refuseDialect(query, all));
      const switchedOn = fitting.filter(({ account }) => !account.disabled && (account.weight > 0 || table.settings.strategy !== 'weighted-round-robin'));
      if (switchedOn.length === 0) return err(refuseDisabled(query));
      const untried = tried.size === 0 ? switchedOn : switchedOn.filter((candidate) => !tried.has(candidateKey(candidate)));
      const fit = usable(table, untried);
      const top = fit[0]?.account.priority ?? 0;
      const chosen = fit.length === 0 ? undefined : chooseByStrategy(table.settings.strategy, fit.filter(({ account }) => account.priority === top), turnsOf(query), openCount);
      if (chosen === undefined) return err(refuse(table, query, switchedOn));
      const memory = remember(chosen.account.id);
      memory.open++;
      const health = healthOf(table, chosen);
      if (health.kind === 'probe') memory.probing.add(health.cooldown.model);
      return ok(chosen);
    },

    settle: ({ account, upstreamModel }, _query, outcome) => {
      const memory = remember(account.id);
      memory.open = Math.max(0, memory.open - 1);
      memory.probing.delete('*');
      memory.probing.delete(upstreamModel);
      if (outcome.kind === 'neutral') return;
      if (outcome.kind === 'success') {
        memory.cooldowns.delete('*');
        memory.cooldowns.delete(upstreamModel);
        return;
      }
      const scope = outcome.status === 401 || outcome.status === 402 || outcome.status === 403 ? '*' : upstreamModel;
      if (memory.cooldowns.size >= maxModelsPerAccount && !memory.cooldowns.has(scope)) memory.cooldowns.clear();
      memory.cooldowns.set(scope, cooldownFor(outcome, upstreamModel, memory.cooldowns.get(scope), clock.nowMs()));
    },

    explain: (table, { model }) => explainModel(table, model, (candidate) => healthOf(table, candidate)),

    resetCooldowns: (accountId) => {
      let ended = 0;
      for (const [id, memory] of memories.entries()) {
        if (accountId !== undefined && id !== accountId) continue;
        ended += memory.cooldowns.size;
        memory.cooldowns.clear();
        memory.probing.clear();
      }
      return ended;
    },

    states: (table) => table.accounts.map((account): AccountState => {
      const nowMs = clock.nowMs();
      const cooling = [...(memories.peek(account.id)?.cooldowns.values() ?? [])].filter((each) => each.untilMs > nowMs);
      return {
        accountId: account.id,
        label: account.label,
        provider: account.provider,
        state: account.disabled ? 'disabled' : cooling.length > 0 ? 'cooling' : 'ready',
        models: cooling.map(({ model, untilMs, reason }) => ({ model, untilMs, reason })),
      };
    }),
  };
}
