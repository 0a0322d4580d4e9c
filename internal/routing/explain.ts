import type { Holder } from '../clients/grant.ts';
import { mayBeServedBy } from './account-limits.ts';
import { isActive, isProbing, nextTryMs, refusesCredential, severities, type Cooldown, type Severity } from './cooldown.ts';
import type { ExplainedCandidate, ExplainedCooldown, SkipReason } from './explanation.ts';
import type { Group, Member, Pool } from './pool.ts';
import type { Candidate, RoutingTable } from './ports.ts';
import { dialectFor, isSwitchedOn } from './serving.ts';
import { orderNow } from './strategies.ts';

/** What the router knows at this moment. */
export interface Situation {
  readonly table: RoutingTable;
  readonly model: string;
  readonly holders: readonly Holder[] | undefined;
  readonly candidates: readonly Candidate[];
  readonly pool: Pool;
  readonly nowMs: number;
  readonly severityOf: (member: Member) => Severity;
  /** Sessions bound to each candidate. */
  readonly bound: ReadonlyMap<string, number>;
}

/** All accounts: those that would be asked, in that order, then those that would not, the soonest back first. */
export function explainCandidates(the: Situation): readonly ExplainedCandidate[] {
  const { table, model, candidates, pool } = the;
  const asked = askingOrder(the);
  const waiting = membersOf(pool).filter((member) => !asked.includes(member)).sort((a, b) => the.severityOf(a) - the.severityOf(b) || nextTryOf(a, the) - nextTryOf(b, the));
  const inPool = new Set(candidates.filter((candidate) => pool.byKey.has(`${candidate.account.id} ${candidate.upstreamModel}`)));
  const notAsked = candidates.filter((candidate) => !inPool.has(candidate)).map((candidate) => rowOf(the, candidate, whyNotAsked(the, candidate)));
  const serving = new Set(candidates.map(({ account }) => account.id));
  const others = table.accounts.filter(({ id }) => !serving.has(id)).map((account) => rowOf(the, { account, upstreamModel: '' }, table.whyNever(account, model)));
  return [...asked.map((member, index) => memberRow(the, member, index + 1)), ...waiting.map((member) => memberRow(the, member, undefined)), ...notAsked, ...others];
}

/** As `pick` would go through them were each to fail. */
function askingOrder(the: Situation): readonly Member[] {
  const { table, pool } = the;
  /** Who may not be used by the caller stands behind all others. */
  const severityOf = (member: Member): number => (mayBeServedBy(the, member.candidate.account) ? the.severityOf(member) : Infinity);
  const inTurn = (group: Group, isEligible: (member: Member) => boolean): readonly Member[] => {
    const { members, turns } = group;
    const choices = { count: members.length, isEligible: (place: number) => members[place] !== undefined && isEligible(members[place]), openCount: (place: number) => members[place]?.memory.openCount ?? 0 };
    return orderNow(table.settings.strategy, turns, choices).flatMap((place) => members[place] ?? []);
  };
  const well = pool.groups.flatMap((group) => inTurn(group, (member) => severityOf(member) <= severities.due));
  const onTrial = pool.groups.flatMap((group) => inTurn(group, (member) => severityOf(member) === severities.onTrial));
  const soft = membersOf(pool).filter((member) => severityOf(member) === severities.soft).sort((a, b) => nextTryOf(a, the) - nextTryOf(b, the));
  return [...well, ...onTrial, ...soft];
}

function membersOf({ groups }: Pool): readonly Member[] {
  return groups.flatMap(({ members }) => members);
}

function nextTryOf({ memory, keys }: Member, { table, nowMs }: Situation): number {
  return Math.max(nowMs, ...memory.active(keys, nowMs).map((cooldown) => nextTryMs(cooldown, nowMs, table.settings.maxCooldownMs)));
}

function memberRow(the: Situation, member: Member, place: number | undefined): ExplainedCandidate {
  const severity = the.severityOf(member);
  const cooldowns = member.neverCools ? [] : member.memory.remembered(member.keys, the.nowMs);
  const isAllowed = mayBeServedBy(the, member.candidate.account);
  const row = rowOf(the, member.candidate, isAllowed ? whyPassedOver(member, severity, cooldowns, the.nowMs) : disallowed);
  const isTimed = isAllowed && (severity === severities.soft || severity === severities.hard);
  return {
    ...row,
    ...(place === undefined ? {} : { place }),
    ...(isTimed ? { until: isoOf(nextTryOf(member, the)) } : {}),
    cooldowns: cooldowns.map((cooldown) => explainCooldown(cooldown, the)),
    boundSessions: the.bound.get(member.key) ?? 0,
  };
}

const disallowed: SkipReason = { class: 'account_not_allowed', text: 'the key may not use this account' };

function whyPassedOver({ memory: { block } }: Member, severity: Severity, cooldowns: readonly Cooldown[], nowMs: number): SkipReason | undefined {
  // A due one takes its turn like a healthy one.
  if (severity <= severities.due) return undefined;
  if (block !== undefined) return { class: 'needs_login', text: `it needs a login since ${isoOf(block.sinceMs)} (${block.reason}): ${block.detail}` };
  const causes = severity === severities.onTrial ? cooldowns : cooldowns.filter((cooldown) => isActive(cooldown, nowMs));
  const reasons = [...new Set(causes.map(({ reason }) => reason))].join('; ');
  if (severity === severities.onTrial) return { class: 'on_trial', text: `${reasons}; a request is trying it now, others use it only while nothing healthier serves the model` };
  if (severity === severities.soft) return { class: 'cooling', text: `${reasons}; used only while nothing healthier serves the model` };
  return { class: causes.some(refusesCredential) ? 'credential_refused' : 'cooling', text: reasons };
}

function whyNotAsked({ table, model }: Situation, { account }: Candidate): SkipReason {
  if (!isSwitchedOn(account, table.settings)) return table.whyNever(account, model);
  return { class: 'operation_not_offered', text: 'its vendor does not offer this, and it cannot be translated' };
}

function rowOf({ pool }: Situation, { account, upstreamModel }: Candidate, skip: SkipReason | undefined): ExplainedCandidate {
  const askedIn = upstreamModel === '' ? undefined : dialectFor(account, pool.query);
  return {
    accountId: account.id,
    label: account.label,
    provider: account.provider,
    dialects: account.dialects,
    upstreamModel,
    priority: account.priority,
    weight: account.weight,
    ...(askedIn === undefined ? {} : { askedIn, isTranslated: askedIn !== pool.query.dialect }),
    usable: skip === undefined,
    ...(skip === undefined ? {} : { skipped: skip.text, skipClass: skip.class }),
    cooldowns: [],
    boundSessions: 0,
  };
}

function explainCooldown(cooldown: Cooldown, { nowMs, table }: Situation): ExplainedCooldown {
  return {
    scope: cooldown.scope,
    model: cooldown.model,
    status: cooldown.status,
    reason: cooldown.reason,
    source: cooldown.isHinted ? 'upstream' : 'own',
    failures: cooldown.failures,
    since: isoOf(cooldown.sinceMs),
    until: isoOf(cooldown.untilMs),
    nextTry: isoOf(nextTryMs(cooldown, nowMs, table.settings.maxCooldownMs)),
    isProbing: isProbing(cooldown, nowMs),
  };
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
