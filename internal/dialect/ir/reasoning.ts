import type { Effort, Reasoning } from './request.ts';

/** Tokens that stand for an effort where a dialect counts them, as users of the Go program know them. */
const budgets: Readonly<Record<Effort, number>> = { none: 0, minimal: 512, low: 1_024, medium: 8_192, high: 24_576, xhigh: 32_768, max: 65_536 };
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const satisfies readonly Effort[];

export function isEffort(value: unknown): value is Effort {
  return efforts.some((effort) => effort === value);
}

/** Tokens to reason with; undefined where the client said nothing, -1 where it left that to the model. */
export function budgetOf(reasoning: Reasoning | undefined): number | undefined {
  if (reasoning?.budgetTokens !== undefined) return reasoning.budgetTokens;
  return reasoning?.effort === undefined ? undefined : budgets[reasoning.effort];
}

/** The lowest effort that has the budget; undefined where the client said nothing or left it to the model. */
export function effortOf(reasoning: Reasoning | undefined): Effort | undefined {
  if (reasoning?.effort !== undefined) return reasoning.effort;
  const budget = reasoning?.budgetTokens;
  if (budget === undefined || budget < 0) return undefined;
  return efforts.find((effort) => budget <= budgets[effort]) ?? 'max';
}

/**
 * What a bound of the whole answer leaves of a budget: all that the client counted out, as long as it is less; of anything else three
 * quarters of the bound at most.
 */
export function fitBudget(tokens: number, bound: number, reasoning: Reasoning | undefined): number {
  const isSaid = (reasoning?.budgetTokens ?? 0) > 0;
  return isSaid && tokens < bound ? tokens : Math.min(tokens, Math.floor(bound * 0.75));
}
