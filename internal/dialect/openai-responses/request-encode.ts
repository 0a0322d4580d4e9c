import type { Party } from '../codec.ts';
import { boundWithin } from '../ir/bounds.ts';
import { compact, isRecord, listOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { effortOf } from '../ir/reasoning.ts';
import type { IrRequest, ResponseFormat } from '../ir/request.ts';
import { openAiOutputLimit } from '../openai-limits.ts';
import { encodeInput } from './input-encode.ts';
import { refusesSampling, takesEncryptedReasoning } from './model-traits.ts';
import { encryptedReasoning, outputLogprobs } from './request-decode.ts';
import { encodeTools } from './tools-encode.ts';

const dialect = 'openai-responses';

/** Longer names of end users are refused. */
const maxUserLength = 64;

/**
 * The body of `POST /responses` without `model`. Nothing is kept at the upstream unless the client asks for it, so reasoning
 * comes back encrypted.
 */
export function encodeRequest(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  refuseUnknown(request, losses);
  const isStored = request.store === true && !isChatGpt(target);
  return mergeExtras(request, losses, {
    ...encodePrompt(request, target, losses),
    ...encodeSampling(request, target, losses),
    ...(request.logprobs === undefined ? {} : { top_logprobs: request.logprobs.top }),
    include: encodeInclude(request, target, isStored),
    store: isStored,
    ...(request.isStream || isChatGpt(target) ? { stream: true } : {}),
    ...encodeBookkeeping(request, target, losses),
  });
}

/** What the model reads: also the body of `POST /responses/input_tokens`. */
export function encodePrompt(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { instructions, input } = encodeInput(request.turns, target, losses);
  const format = encodeFormat(request.responseFormat);
  const show = request.reasoning?.show;
  const reasoning = compact({ effort: effortOf(request.reasoning), summary: show === 'none' ? undefined : show });
  return compact({
    instructions: instructions ?? (isChatGpt(target) ? '' : undefined),
    input,
    ...encodeTools(request, losses),
    text: format === undefined && request.verbosity === undefined ? undefined : compact({ format, verbosity: request.verbosity }),
    reasoning: Object.keys(reasoning).length === 0 ? undefined : reasoning,
  });
}

/** ChatGPT's backend, which Codex logs in to: it streams, keeps nothing, and refuses members it does not know by name. */
function isChatGpt(target: Party): boolean {
  return target.provider === 'codex';
}

function refuseUnknown(request: IrRequest, losses: Losses): void {
  const { n, stop, logitBias, modalities } = request;
  if (n !== undefined && n > 1) losses.refuse('n', 'one answer is made at a time');
  if (stop !== undefined && stop.length > 0) losses.refuse('stop', 'no stop sequences are taken there');
  if (logitBias !== undefined && Object.keys(logitBias).length > 0) losses.refuse('logitBias', 'tokens cannot be weighted there');
  if (modalities?.some((modality) => modality !== 'text') === true) losses.refuse('modalities', 'answers are text there');
  for (const name of ['seed', 'topK', 'frequencyPenalty', 'presencePenalty'] as const) if (request[name] !== undefined) losses.drop(name);
}

export function encodeFormat(format: ResponseFormat | undefined): JsonRecord | undefined {
  switch (format?.kind) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'schema':
      return compact({ type: 'json_schema', name: format.name ?? 'response', schema: format.schema, description: format.description, strict: format.strict });
  }
}

function encodeSampling({ maxTokens, temperature, topP }: IrRequest, target: Party, losses: Losses): JsonRecord {
  if (isChatGpt(target)) {
    for (const [name, value] of Object.entries({ maxTokens, temperature, topP })) if (value !== undefined) losses.drop(name);
    return {};
  }
  // 1 is the default of both.
  const isLeftOut = (value: number | undefined): boolean => value === undefined || (value === 1 && refusesSampling(target));
  return compact({ max_output_tokens: boundWithin(maxTokens, openAiOutputLimit(target), losses), temperature: isLeftOut(temperature) ? undefined : temperature, top_p: isLeftOut(topP) ? undefined : topP });
}

function encodeInclude(request: IrRequest, target: Party, isStored: boolean): readonly string[] | undefined {
  const include = [...(!isStored && takesEncryptedReasoning(target) ? [encryptedReasoning] : []), ...(request.logprobs === undefined ? [] : [outputLogprobs])];
  return include.length === 0 ? undefined : include;
}

/** What does not change the answer. */
function encodeBookkeeping(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { metadata, userId, promptCacheKey, promptCacheRetention } = request;
  const service_tier = encodeTier(request.serviceTier, losses);
  if (isChatGpt(target)) {
    for (const [name, value] of Object.entries({ metadata, userId, promptCacheRetention })) if (value !== undefined) losses.drop(name);
    return compact({ prompt_cache_key: promptCacheKey, service_tier });
  }
  const isLong = userId !== undefined && userId.length > maxUserLength;
  if (isLong) losses.drop('userId');
  return compact({
    metadata,
    [target.vendor === 'openai' ? 'safety_identifier' : 'user']: isLong ? undefined : userId,
    prompt_cache_key: promptCacheKey,
    prompt_cache_retention: promptCacheRetention,
    service_tier,
  });
}

const tiers: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']);

function encodeTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === 'standard_only') return 'default';
  if (tier === undefined || tiers.has(tier)) return tier;
  losses.drop('serviceTier');
  return undefined;
}

/** The client's own further members where the dialect is the same: a path such as `reasoning.mode` goes into what is there. */
function mergeExtras({ extras }: IrRequest, losses: Losses, body: JsonRecord): JsonRecord {
  if (extras === undefined) return compact(body);
  if (extras.dialect !== dialect) {
    for (const name of Object.keys(extras.members)) losses.drop(name);
    return compact(body);
  }
  const merged: Record<string, unknown> = { ...body };
  for (const [path, value] of Object.entries(extras.members)) {
    const [name = '', member] = path.split('.', 2);
    const present = merged[name];
    if (member !== undefined) merged[name] = { ...(isRecord(present) ? present : {}), [member]: value };
    else merged[name] = name === 'include' ? [...listOf(present), ...listOf(value)] : value;
  }
  return compact(merged);
}
