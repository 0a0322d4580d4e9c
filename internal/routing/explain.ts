import type { Account } from '../accounts/account.ts';
import { isVendorName } from './catalogue.ts';
import type { Health } from './cooldown.ts';
import type { Candidate, Explanation, RoutingTable } from './ports.ts';
import { isExcluded } from './table.ts';

/** Why each account would or would not serve a name: those that would first, as they would be tried. */
export function explainModel(table: RoutingTable, model: string, healthOf: (candidate: Candidate) => Health): Explanation {
  const candidates = table.candidatesFor(model);
  const serving = new Set(candidates.map(({ account }) => account.id));
  const rest = table.accounts.filter((account) => !serving.has(account.id)).map((account) => ({ account, upstreamModel: '' }));
  const rows = [...candidates, ...rest].map((candidate) => {
    const { account, upstreamModel } = candidate;
    const reason = serving.has(account.id) ? whyNotNow(candidate, healthOf) : { skipped: whyNever(account, model) };
    return {
      accountId: account.id,
      label: account.label,
      provider: account.provider,
      dialects: account.dialects,
      upstreamModel,
      priority: account.priority,
      usable: reason === undefined,
      ...reason,
    };
  });
  return { model, candidates: [...rows.filter(({ usable }) => usable), ...rows.filter(({ usable }) => !usable)] };
}

function whyNotNow(candidate: Candidate, healthOf: (candidate: Candidate) => Health): { readonly skipped: string; readonly until?: string } | undefined {
  if (candidate.account.disabled) return { skipped: 'it is disabled in the config' };
  const health = healthOf(candidate);
  if (health.kind !== 'cooling') return undefined;
  const { reason, untilMs, isSoft } = health.cooldown;
  return { skipped: isSoft ? `${reason}; used only while nothing healthier serves the model` : reason, until: new Date(untilMs).toISOString() };
}

function whyNever(account: Account, model: string): string {
  const bare = account.prefix !== '' && model.startsWith(`${account.prefix}/`) ? model.slice(account.prefix.length + 1) : model;
  const named = account.models.find(({ alias, name }) => alias === bare || name === bare);
  if (isExcluded(account, named?.name ?? bare, model)) return 'one of its excluded-models patterns matches';
  if (named !== undefined && named.alias !== bare) return `it serves this upstream model by the alias "${named.alias}" only`;
  if (named !== undefined && account.prefix !== '') return `it is reached as "${account.prefix}/${named.alias}" only`;
  if (account.models.length > 0) return 'its models do not name it';
  if (account.prefix !== '' && (account.provider === 'openai-compatibility' || isVendorName(account.provider, model))) return `it takes names below "${account.prefix}/" only`;
  if (account.provider === 'openai-compatibility') return 'another account claims the name, and this one takes only what none claims';
  return 'the name does not look like one of its vendor';
}
