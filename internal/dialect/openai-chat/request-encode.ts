import type { Party } from '../codec.ts';
import { boundWithin } from '../ir/bounds.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { effortOf } from '../ir/reasoning.ts';
import type { Effort, IrRequest, Reasoning, ResponseFormat } from '../ir/request.ts';
import { openAiOutputLimit } from '../openai-limits.ts';
import type { Encoding } from './content-encode.ts';
import { encodeMessages } from './messages-encode.ts';
import { isOpenAi, lowestEffort, refusesSampling, takesEffort } from './model-traits.ts';
import { encodeTools } from './tools-encode.ts';

/** @see https://developers.openai.com/api/reference/resources/chat */
const maxStopSequences = 4;
/** Longer names of end users are refused. */
const maxUserLength = 128;

/** The body of `POST /chat/completions` without `model`. */
export function encodeRequest(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const encoding: Encoding = { target, losses };
  return compact({
    messages: encodeMessages(request.turns, encoding),
    ...encodeTools(request, encoding),
    ...encodeBounds(request, target, losses),
    response_format: encodeFormat(request.responseFormat),
    reasoning_effort: encodeEffort(request.reasoning, target, losses),
    modalities: encodeModalities(request, target, losses),
    ...encodeBookkeeping(request, target, losses),
    // Without it the stream would state no usage, which other dialects' always do.
    ...(request.isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...encodeExtras(request, losses),
  });
}

function encodeBounds(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { temperature, topP, stop, logprobs } = request;
  const isOwn = isOpenAi(target);
  if (request.topK !== undefined) losses.drop('topK');
  if (isOwn && stop !== undefined && stop.length > maxStopSequences) losses.refuse('stop', `at most ${maxStopSequences} stop sequences are taken there`);
  // 1 is the default of both.
  const isLeftOut = (value: number | undefined): boolean => value === 1 && refusesSampling(target);
  return {
    [isOwn ? 'max_completion_tokens' : 'max_tokens']: boundWithin(request.maxTokens, openAiOutputLimit(target), losses),
    temperature: isLeftOut(temperature) ? undefined : temperature,
    top_p: isLeftOut(topP) ? undefined : topP,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    seed: request.seed,
    stop: stop === undefined || stop.length === 0 ? undefined : stop,
    n: request.n,
    logprobs: logprobs === undefined ? undefined : true,
    top_logprobs: logprobs === undefined || logprobs.top === 0 ? undefined : logprobs.top,
    logit_bias: request.logitBias,
  };
}

function encodeFormat(format: ResponseFormat | undefined): JsonRecord | undefined {
  switch (format?.kind) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'schema':
      return { type: 'json_schema', json_schema: compact({ name: format.name ?? 'response', description: format.description, schema: format.schema, strict: format.strict }) };
  }
}

/** A stated effort as it is; a budget as an effort that every model has, since the client named none. */
function encodeEffort(reasoning: Reasoning | undefined, target: Party, losses: Losses): Effort | undefined {
  const effort = effortOf(reasoning);
  if (effort === undefined) return undefined;
  if (!takesEffort(target)) {
    losses.drop('reasoning');
    return undefined;
  }
  if (reasoning?.effort !== undefined) return effort;
  switch (effort) {
    case 'none':
      if (isOpenAi(target)) return lowestEffort(target);
      // How imitations are told not to reason differs, and some refuse the word.
      losses.drop('reasoning');
      return undefined;
    case 'minimal':
      return 'low';
    case 'xhigh':
    case 'max':
      return 'high';
    case 'low':
    case 'medium':
    case 'high':
      return effort;
  }
}

function encodeModalities({ modalities, extras }: IrRequest, target: Party, losses: Losses): readonly string[] | undefined {
  const others = modalities?.filter((modality) => modality !== 'text') ?? [];
  if (isOpenAi(target) && others.some((modality) => modality !== 'audio')) losses.refuse('modalities', 'it answers with text or sound');
  const hasVoice = extras?.dialect === 'openai-chat' && extras.members['audio'] !== undefined;
  if (others.includes('audio') && !hasVoice) losses.refuse('modalities', 'it must be told a voice and a format of sound');
  // Text is what all make; imitations may not know the member.
  return others.length === 0 && !isOpenAi(target) ? undefined : modalities;
}

/** What does not change the answer. Imitations take the end user's name; what else they know differs, and some refuse it. */
function encodeBookkeeping(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { userId, metadata, serviceTier, promptCacheKey, promptCacheRetention, verbosity, store } = request;
  const isLong = userId !== undefined && userId.length > maxUserLength;
  if (isLong) losses.drop('userId');
  const user = isLong ? undefined : userId;
  if (isOpenAi(target)) {
    return { safety_identifier: user, metadata, service_tier: encodeTier(serviceTier, losses), prompt_cache_key: promptCacheKey, prompt_cache_retention: promptCacheRetention, verbosity, store };
  }
  // They keep nothing, which is what `false` asks for.
  const unsaid = { metadata, serviceTier, promptCacheKey, promptCacheRetention, verbosity, store: store === true ? true : undefined };
  for (const [name, value] of Object.entries(unsaid)) if (value !== undefined) losses.drop(name);
  return { user };
}

const tiers: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast']);

function encodeTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === 'standard_only') return 'default';
  if (tier === undefined || tiers.has(tier)) return tier;
  losses.drop('serviceTier');
  return undefined;
}

function encodeExtras({ extras }: IrRequest, losses: Losses): JsonRecord {
  if (extras === undefined) return {};
  if (extras.dialect === 'openai-chat') return extras.members;
  for (const name of Object.keys(extras.members)) losses.drop(name);
  return {};
}
