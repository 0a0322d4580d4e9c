import { invalidMember, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { budgetOf, effortOf, fitBudget, isEffort } from '../ir/reasoning.ts';
import type { Effort, Reasoning } from '../ir/request.ts';
import { readFlag, readNumber, readText } from './members.ts';
import type { ModelTraits } from './model-traits.ts';

const path = 'generationConfig.thinkingConfig';

/** `thinkingConfig` of a client. Where it says both, the level counts. */
export function decodeThinking(config: JsonRecord | undefined): Reasoning | undefined {
  if (config === undefined) return undefined;
  const level = readText(config, 'thinkingLevel', path)?.toLowerCase();
  const budgetTokens = readNumber(config, 'thinkingBudget', path);
  const includes = readFlag(config, 'includeThoughts', path);
  const show = includes === undefined ? undefined : includes ? 'auto' : 'none';
  if (level !== undefined && level !== 'thinking_level_unspecified') {
    if (!isEffort(level)) throw invalidMember(`${path}.thinkingLevel`, '"MINIMAL", "LOW", "MEDIUM" or "HIGH"');
    return { effort: level, show };
  }
  return budgetTokens === undefined && show === undefined ? undefined : { budgetTokens, show };
}

/** `thinkingConfig` as the model takes it: a level or a budget, never both. What cannot be had is listed as `reasoning`. `maxTokens`: the bound that is sent. */
export function encodeThinking(reasoning: Reasoning | undefined, maxTokens: number | undefined, traits: ModelTraits, losses: Losses): JsonRecord | undefined {
  if (reasoning === undefined) return undefined;
  if (traits.thinking === 'none') {
    if ((budgetOf(reasoning) ?? 0) !== 0) losses.drop('reasoning');
    return undefined;
  }
  const amount = traits.thinking === 'level' ? levelOf(reasoning, traits, losses) : budgetFor(reasoning, maxTokens, traits, losses);
  const shown = reasoning.show === undefined ? {} : { includeThoughts: reasoning.show !== 'none' };
  const config = { ...amount, ...shown };
  return Object.keys(config).length === 0 ? undefined : config;
}

/** The nearest level there is, of which none is none at all; without one the model decides. */
function levelOf(reasoning: Reasoning, traits: ModelTraits, losses: Losses): JsonRecord {
  const effort = effortOf(reasoning);
  if (effort === 'none') losses.drop('reasoning');
  return effort === undefined ? {} : { thinkingLevel: levelFor(effort, traits) };
}

function levelFor(effort: Effort, { lowestLevel }: ModelTraits): string {
  switch (effort) {
    case 'none':
    case 'minimal':
      return lowestLevel;
    case 'low':
      return 'LOW';
    case 'medium':
      return 'MEDIUM';
    case 'high':
    case 'xhigh':
    case 'max':
      return 'HIGH';
  }
}

/**
 * A budget is the most that may be thought, so one beyond the model's is the model's. Thoughts count towards the bound of the answer:
 * a budget that fills it gives way, as it does where Anthropic's models take one, so that something is left to answer with.
 */
function budgetFor(reasoning: Reasoning, maxTokens: number | undefined, { budget }: ModelTraits, losses: Losses): JsonRecord {
  const tokens = budgetOf(reasoning);
  if (tokens === undefined) return {};
  const within = (wanted: number): number => (budget === undefined ? wanted : Math.min(Math.max(wanted, budget.min), budget.max));
  const wanted = tokens < 0 ? tokens : within(tokens);
  const most = maxTokens === undefined || wanted <= 0 ? wanted : fitBudget(wanted, maxTokens, reasoning);
  if (most < wanted) losses.drop('reasoning');
  return { thinkingBudget: most < wanted ? within(most) : wanted };
}
