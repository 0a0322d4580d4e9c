import type { Logger } from '../log/logger.ts';
import { mayBeServedBy } from './account-limits.ts';
import { Affinity } from './affinity.ts';
import { severities } from './cooldown.ts';
import { candidateKey, severityOf, type Member, type Pool } from './pool.ts';
import type { Candidate, RouteQuery, RoutingTable } from './ports.ts';

/** One choice of an account. */
export interface Turn {
  readonly table: RoutingTable;
  readonly query: RouteQuery;
  readonly tried: ReadonlySet<string>;
  readonly nowMs: number;
}

/** Which account a session stays with, and when it moves. */
export interface Sessions {
  /** The one to ask for the query's session; undefined where it is bound to none that may be used now. */
  readonly memberFor: (pool: Pool, turn: Turn) => Member | undefined;
  /** After a success of an attempt with that place in the order of picks. */
  readonly bind: (candidate: Candidate, query: RouteQuery, pickOrder: number, nowMs: number) => void;
  /** A new table: forgets sessions of accounts it lacks, or all where affinity is off. */
  readonly keepOnly: (table: RoutingTable, accountIds: ReadonlySet<string>) => void;
  /** Living sessions of the model, by candidate. */
  readonly countFor: (table: RoutingTable, model: string, nowMs: number) => ReadonlyMap<string, number>;
}

export function createSessions(log: Logger): Sessions {
  const affinity = new Affinity();
  let isOn = false;
  let known: ReadonlySet<string> = new Set();
  return {
    memberFor: (pool, turn) => {
      const { table: { settings }, query: { session, model }, nowMs } = turn;
      if (session === undefined || settings.affinityTtlMs === undefined) return undefined;
      const binding = affinity.use(session, model, { nowMs, ttlMs: settings.affinityTtlMs });
      const member = binding === undefined ? undefined : pool.byKey.get(binding.candidateKey);
      if (member === undefined || !isUsable(member, turn)) return undefined;
      const canMove = settings.strategy !== 'fill-first' && member.memory.workload.servesBeside(session.digest, nowMs);
      return canMove ? (withoutWork(pool, member, turn) ?? member) : member;
    },

    bind: (candidate, { session, model }, pickOrder, nowMs) => {
      const { account } = candidate;
      if (!isOn || session === undefined || model === '' || !known.has(account.id)) return;
      const key = candidateKey(candidate);
      const before = affinity.bind(session, model, { accountId: account.id, candidateKey: key, order: pickOrder }, nowMs);
      if (before?.candidateKey === key || (before !== undefined && before.order > pickOrder)) return;
      log.debug({ account: account.label, model, mark: session.source, isMoved: before !== undefined }, 'a session is bound to an account');
    },

    keepOnly: ({ settings }, accountIds) => {
      isOn = settings.affinityTtlMs !== undefined;
      known = accountIds;
      if (isOn) affinity.keepOnly(accountIds);
      else affinity.clear();
    },

    countFor: ({ settings: { affinityTtlMs } }, model, nowMs) => (affinityTtlMs === undefined ? new Map<string, number>() : affinity.countFor(model, { nowMs, ttlMs: affinityTtlMs })),
  };
}

function isUsable(member: Member, { table, query, tried, nowMs }: Turn): boolean {
  return !tried.has(member.key) && mayBeServedBy(query, member.candidate.account) && severityOf(member, nowMs, table.settings.maxCooldownMs) <= severities.due;
}

/** One of no lower priority that had nothing to do for long; it gets one of two sessions that another has (ADR 0013). */
function withoutWork({ groups }: Pool, bound: Member, turn: Turn): Member | undefined {
  for (const { members } of groups) {
    const idle = members.find((member) => member.memory.workload.isIdle(turn.nowMs) && isUsable(member, turn));
    if (idle !== undefined) return idle;
    if (members.includes(bound)) return undefined;
  }
  return undefined;
}
