import type { Party } from '../codec.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { budgetOf } from '../ir/reasoning.ts';
import type { IrRequest } from '../ir/request.ts';
import { calledTools, encodeConversation, mayThinkByBudget } from './messages-encode.ts';
import { traitsOf } from './model-traits.ts';
import { planThinking } from './reasoning.ts';
import { planFormat } from './response-format.ts';
import { encodeSampling } from './sampling.ts';
import { encodeTools } from './tools-encode.ts';

/**
 * The body of `POST /v1/messages`.
 * @see https://platform.claude.com/docs/en/api/messages/create
 */
export function encodeRequest(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  refuseUnsayable(request, losses);
  const { prompt, isThinking, maxTokens } = encodePrompt(request, target, losses);
  const members = {
    ...prompt,
    max_tokens: maxTokens,
    ...encodeSampling(request, isThinking, traitsOf(target), losses),
    stop_sequences: request.stop === undefined || request.stop.length === 0 ? undefined : request.stop,
    metadata: request.userId === undefined ? undefined : { user_id: request.userId },
    service_tier: encodeTier(request.serviceTier, losses),
    stream: request.isStream ? true : undefined,
  };
  dropHarmless(request, losses);
  return compact({ ...members, ...encodeExtras(request, losses) });
}

/** What makes up the prompt, and so counts towards its tokens. */
export function encodePrompt(request: IrRequest, target: Party, losses: Losses): { readonly prompt: JsonRecord; readonly isThinking: boolean; readonly maxTokens: number } {
  const traits = traitsOf(target);
  const { system, messages } = encodeConversation(request.turns, target, losses);
  const called = calledTools(messages);
  const isThinkingAsked = (budgetOf(request.reasoning) ?? 0) !== 0;
  const { format, answerTool } = planFormat(request.responseFormat, request.tools.length === 0 && called.size === 0 && !isThinkingAsked, traits, losses);
  const { tools, toolChoice, isForced } = answerTool === undefined ? encodeTools(request, called, traits, losses) : { tools: [answerTool], toolChoice: { type: 'tool', name: answerTool['name'], disable_parallel_tool_use: true }, isForced: true };
  const { thinking, effort, maxTokens, isOn } = planThinking({ reasoning: request.reasoning, maxTokens: request.maxTokens, isForced, mayThinkByBudget: mayThinkByBudget(messages) }, traits, losses);
  const outputConfig = compact({ effort, format });
  const prompt = { system, messages, tools, tool_choice: toolChoice, thinking, output_config: Object.keys(outputConfig).length === 0 ? undefined : outputConfig };
  return { prompt: compact(prompt), isThinking: isOn, maxTokens };
}

function refuseUnsayable({ n, logprobs, logitBias, modalities, stop }: IrRequest, losses: Losses): void {
  if (n !== undefined && n > 1) losses.refuse('n', 'one answer is made at a time');
  if (logprobs !== undefined) losses.refuse('logprobs', 'log probabilities are not given');
  if (logitBias !== undefined && Object.keys(logitBias).length > 0) losses.refuse('logitBias', 'tokens cannot be weighted');
  if (modalities?.some((modality) => modality !== 'text') === true) losses.refuse('modalities', 'answers are text');
  if (stop?.some((sequence) => sequence.trim() === '') === true) losses.refuse('stop', 'a stop sequence must hold more than white space');
}

function dropHarmless(request: IrRequest, losses: Losses): void {
  for (const name of ['seed', 'verbosity', 'promptCacheKey', 'promptCacheRetention', 'metadata'] as const) if (request[name] !== undefined) losses.drop(name);
  for (const name of ['frequencyPenalty', 'presencePenalty'] as const) if ((request[name] ?? 0) !== 0) losses.drop(name);
  if (request.store === true) losses.drop('store');
}

function encodeTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === undefined || tier === 'auto' || tier === 'standard_only') return tier;
  if (tier === 'default') return 'standard_only';
  losses.drop('serviceTier');
  return undefined;
}

/** Names with a dot tell of members within others; they cannot be put back. */
function encodeExtras({ extras }: IrRequest, losses: Losses): JsonRecord {
  if (extras === undefined) return {};
  if (extras.dialect === 'anthropic-messages') return Object.fromEntries(Object.entries(extras.members).filter(([name]) => !name.includes('.')));
  for (const name of Object.keys(extras.members)) losses.drop(name);
  return {};
}
