import type { Losses } from './losses.ts';

/**
 * The bound to send of an answer. One beyond what the model can say bounds nothing and is refused by name; clients of Anthropic's
 * must state one, so theirs are often no wish but the most that another model says. `most`: undefined where that is not known.
 */
export function boundWithin(maxTokens: number | undefined, most: number | undefined, losses: Losses): number | undefined {
  if (maxTokens === undefined || most === undefined || maxTokens <= most) return maxTokens;
  losses.drop('maxTokens');
  return most;
}
