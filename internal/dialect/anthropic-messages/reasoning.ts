import { boundWithin } from '../ir/bounds.ts';
import { compact, invalidMember, isRecord, numberOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { budgetOf, effortOf, fitBudget, isEffort } from '../ir/reasoning.ts';
import type { Effort, Reasoning } from '../ir/request.ts';
import type { ModelTraits } from './model-traits.ts';

/** The least that every model which is still served can give (Opus 4.1: 32,000). `max_tokens` is required, other dialects leave it out. */
export const defaultMaxTokens = 32_000;
const minBudgetTokens = 1_024;
/** Room for the answer beside a budget that needs a larger bound than the default. */
const answerTokens = 16_000;

/** What a client said about reasoning. Where both are said, the effort counts: it is what steers the models that take both. */
export function decodeReasoning(thinking: unknown, effort: unknown): Reasoning | undefined {
  const wanted = isEffort(effort) ? effort : undefined;
  if (thinking === undefined || thinking === null) return wanted === undefined ? undefined : { effort: wanted };
  if (!isRecord(thinking)) throw invalidMember('thinking', 'an object');
  const show = thinking['display'] === 'omitted' ? 'none' : 'auto';
  switch (thinking['type']) {
    case 'disabled':
      return { budgetTokens: 0 };
    case 'between_tools':
      return { effort: 'minimal' };
    case 'adaptive':
      return wanted === undefined ? { budgetTokens: -1, show } : { effort: wanted, show };
    case 'enabled': {
      if (wanted !== undefined) return { effort: wanted, show };
      const budgetTokens = numberOf(thinking['budget_tokens']);
      if (budgetTokens === undefined || budgetTokens < 0) throw invalidMember('thinking.budget_tokens', 'a number of tokens');
      return { budgetTokens, show };
    }
    default:
      throw invalidMember('thinking.type', '"adaptive", "enabled", "between_tools" or "disabled"');
  }
}

export interface ThinkingPlan {
  readonly thinking: JsonRecord | undefined;
  /** For `output_config`. */
  readonly effort: string | undefined;
  readonly maxTokens: number;
  /** The model reasons before it answers, which narrows what else it takes. */
  readonly isOn: boolean;
}

export interface ThinkingWish {
  readonly reasoning: Reasoning | undefined;
  readonly maxTokens: number | undefined;
  /** A tool must be called, which excludes reasoning. */
  readonly isForced: boolean;
  /** Whether the last assistant turn begins as models with a budget demand it. */
  readonly mayThinkByBudget: boolean;
}

/** Reasoning as the target's model takes it. What cannot be had is listed as `reasoning`. */
export function planThinking(asked: ThinkingWish, traits: ModelTraits, losses: Losses): ThinkingPlan {
  const wish = { ...asked, maxTokens: boundWithin(asked.maxTokens, traits.outputLimit, losses) };
  const { reasoning, isForced } = wish;
  const maxTokens = wish.maxTokens ?? Math.min(defaultMaxTokens, traits.maxOutputTokens);
  const none: ThinkingPlan = { thinking: undefined, effort: undefined, maxTokens, isOn: false };
  const budgetTokens = budgetOf(reasoning);
  const isAsked = budgetTokens !== undefined && budgetTokens !== 0;
  if (isForced || (traits.thinking === 'none' && isAsked)) {
    if (isAsked) losses.drop('reasoning');
    return isForced && traits.thinking === 'adaptive' ? { ...none, ...withoutThinking(reasoning, traits) } : none;
  }
  if (budgetTokens === 0) return { ...none, ...switchOff(traits, losses) };
  if (traits.thinking === 'adaptive') return { ...none, ...thinkAdaptively(reasoning, traits) };
  if (budgetTokens === undefined || traits.thinking === 'none') return none;
  const plan = wish.mayThinkByBudget ? thinkByBudget(budgetTokens, wish, traits, losses) : undefined;
  if (plan === undefined) losses.drop('reasoning');
  return plan ?? none;
}

/** For a forced tool. The effort stands also without reasoning, where `xhigh` and beyond are refused. */
function withoutThinking(reasoning: Reasoning | undefined, { thinksByDefault, thinkingOff }: ModelTraits): Partial<ThinkingPlan> {
  const effort = effortOf(reasoning);
  return {
    thinking: thinksByDefault && thinkingOff === 'disabled' ? { type: 'disabled' } : undefined,
    effort: effort === undefined || effort === 'none' ? undefined : effort === 'xhigh' || effort === 'max' ? 'high' : wireEffort(effort, true),
  };
}

function switchOff({ thinking, thinkingOff }: ModelTraits, losses: Losses): Partial<ThinkingPlan> {
  if (thinking === 'none') return {};
  if (thinkingOff === 'disabled') return { thinking: { type: 'disabled' } };
  losses.drop('reasoning');
  return thinkingOff === 'between_tools' ? { thinking: { type: 'between_tools' }, isOn: true } : { effort: 'low', isOn: true };
}

/** Newer models keep their reasoning to themselves unless told otherwise. */
function thinkAdaptively(reasoning: Reasoning | undefined, { thinksByDefault, takesXhighEffort }: ModelTraits): Partial<ThinkingPlan> {
  const effort = effortOf(reasoning);
  if (reasoning === undefined || (budgetOf(reasoning) === undefined && !thinksByDefault)) return {};
  return {
    thinking: { type: 'adaptive', display: reasoning.show === 'none' ? 'omitted' : 'summarized' },
    effort: effort === undefined || effort === 'none' ? undefined : wireEffort(effort, takesXhighEffort),
    isOn: true,
  };
}

function wireEffort(effort: Exclude<Effort, 'none'>, takesXhighEffort: boolean): string {
  if (effort === 'minimal') return 'low';
  return effort === 'xhigh' && !takesXhighEffort ? 'high' : effort;
}

/**
 * The budget is part of `max_tokens` and less than it: the client's bound stands and the budget gives way, three quarters of
 * the bound at most where it stands for an effort; without one, the bound grows. Undefined where 1,024 tokens do not fit.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
function thinkByBudget(wanted: number, { reasoning, maxTokens }: ThinkingWish, { maxOutputTokens, isClaude }: ModelTraits, losses: Losses): ThinkingPlan | undefined {
  const tokens = Math.max(minBudgetTokens, wanted < 0 ? (budgetOf({ effort: 'medium' }) ?? 0) : wanted);
  const bound = maxTokens ?? Math.min(maxOutputTokens, Math.max(defaultMaxTokens, tokens + answerTokens));
  const budgetTokens = fitBudget(tokens, bound, reasoning);
  if (budgetTokens < minBudgetTokens || budgetTokens >= bound) return undefined;
  if (budgetTokens < tokens) losses.drop('reasoning');
  // Shown where nothing is said; servers that imitate the API may not know the word.
  const display = reasoning?.show === 'none' && isClaude ? 'omitted' : undefined;
  return { thinking: compact({ type: 'enabled', budget_tokens: budgetTokens, display }), effort: undefined, maxTokens: bound, isOn: true };
}
