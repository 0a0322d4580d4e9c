import type { Standing } from './account-memory.ts';
import { severities } from './cooldown.ts';
import type { Candidate, Explanation, RoutingTable } from './ports.ts';
import { isSwitchedOn } from './serving.ts';

type Row = Explanation['candidates'][number];

/** Why each account would or would not serve a name: those that would first, as they would be tried. */
export function explainModel(table: RoutingTable, model: string, standingOf: (candidate: Candidate) => Standing): Explanation {
  const candidates = table.candidatesFor(model);
  const serving = new Set(candidates.map(({ account }) => account.id));
  const ranked = candidates.map((candidate) => explainCandidate(table, candidate, model, standingOf)).sort((a, b) => a.rank - b.rank);
  const others = table.accounts.filter(({ id }) => !serving.has(id)).map((account) => rowOf({ account, upstreamModel: '' }, table.whyNever(account, model)));
  return { model, candidates: [...ranked.map(({ row }) => row), ...others] };
}

const switchedOffRank = 9;

function explainCandidate(table: RoutingTable, candidate: Candidate, model: string, standingOf: (candidate: Candidate) => Standing): { readonly rank: number; readonly row: Row } {
  const { account } = candidate;
  if (!isSwitchedOn(account, table.settings)) return { rank: switchedOffRank, row: rowOf(candidate, table.whyNever(account, model)) };
  const { severity, cooldowns, nextTryMs, block } = standingOf(candidate);
  if (block !== undefined) return { rank: severity, row: rowOf(candidate, `it needs a login since ${new Date(block.sinceMs).toISOString()} (${block.reason}): ${block.detail}`) };
  // Due ones take their turn like healthy ones.
  if (severity <= severities.due) return { rank: 0, row: rowOf(candidate) };
  const reasons = [...new Set(cooldowns.map(({ reason }) => reason))].join('; ');
  const skipped = severity === severities.soft ? `${reasons}; used only while nothing healthier serves the model` : reasons;
  return { rank: severity, row: { ...rowOf(candidate, skipped), until: new Date(nextTryMs).toISOString() } };
}

function rowOf({ account, upstreamModel }: Candidate, skipped?: string): Row {
  return {
    accountId: account.id,
    label: account.label,
    provider: account.provider,
    dialects: account.dialects,
    upstreamModel,
    priority: account.priority,
    usable: skipped === undefined,
    ...(skipped === undefined ? {} : { skipped }),
  };
}
