import type { Party } from '../codec.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import { budgetOf, effortOf } from '../ir/reasoning.ts';
import type { IrRequest, Reasoning, ResponseFormat } from '../ir/request.ts';
import { encodeContents } from './contents-encode.ts';
import { encodeTools } from './tools.ts';

/** @see https://ai.google.dev/api/generate-content */
export function encodeRequest(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  refuseUnsayable(request, losses);
  const prompt = encodePrompt(request, target, losses);
  dropHarmless(request, losses);
  const extras = encodeExtras(request, losses);
  const generationConfig = compact({ ...encodeConfig(request, target, losses), ...extras.config });
  return compact({ ...prompt, generationConfig: Object.keys(generationConfig).length === 0 ? undefined : generationConfig, ...extras.body });
}

/** What makes up the prompt. */
export function encodePrompt(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { systemInstruction, contents } = encodeContents(request.turns, target, losses);
  return compact({ systemInstruction, contents, ...encodeTools(request, target, losses) });
}

function encodeConfig(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { logprobs, stop, n } = request;
  if (stop !== undefined && stop.length > 5) losses.refuse('stop', 'five stop sequences are taken at most');
  if (request.temperature !== undefined && (request.temperature < 0 || request.temperature > 2)) losses.refuse('temperature', 'it must lie between 0 and 2');
  return {
    maxOutputTokens: request.maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    frequencyPenalty: request.frequencyPenalty,
    presencePenalty: request.presencePenalty,
    seed: request.seed,
    stopSequences: stop === undefined || stop.length === 0 ? undefined : stop,
    candidateCount: n === undefined || n === 1 ? undefined : n,
    responseLogprobs: logprobs === undefined ? undefined : true,
    logprobs: logprobs === undefined || logprobs.top === 0 ? undefined : logprobs.top,
    responseModalities: request.modalities?.map((modality) => modality.toUpperCase()),
    thinkingConfig: encodeThinking(request.reasoning, target),
    ...encodeFormat(request.responseFormat),
  };
}

function encodeFormat(format: ResponseFormat | undefined): JsonRecord {
  switch (format?.kind) {
    case undefined:
      return {};
    case 'text':
      return { responseMimeType: 'text/plain' };
    case 'json':
      return { responseMimeType: 'application/json' };
    case 'schema':
      return { responseMimeType: 'application/json', responseJsonSchema: format.schema };
  }
}

/**
 * From the third generation on a level, before it a budget, where -1 leaves it to the model.
 * @see https://ai.google.dev/gemini-api/docs/thinking
 */
function encodeThinking(reasoning: Reasoning | undefined, { model = '' }: Party): JsonRecord | undefined {
  if (reasoning === undefined) return undefined;
  const includeThoughts = reasoning.show === undefined || reasoning.show === 'none' ? (reasoning.show === 'none' ? false : undefined) : true;
  if (!/gemini-[3-9]/.test(model)) return nonEmpty(compact({ thinkingBudget: budgetFor(reasoning, model), includeThoughts }));
  const effort = effortOf(reasoning);
  return nonEmpty(compact({ thinkingLevel: effort === undefined ? undefined : levelOf(effort, model), includeThoughts }));
}

function nonEmpty(config: JsonRecord): JsonRecord | undefined {
  return Object.keys(config).length === 0 ? undefined : config;
}

/** The pro models cannot be kept from thinking; each has its largest budget. */
function budgetFor(reasoning: Reasoning, model: string): number | undefined {
  const budget = budgetOf(reasoning);
  if (budget === undefined || budget < 0) return budget;
  const isPro = /pro/.test(model);
  return Math.min(isPro ? Math.max(budget, 128) : budget, isPro ? 32_768 : 24_576);
}

/** What is not offered becomes the nearest that is. */
function levelOf(effort: string, model: string): string {
  const isFlash = /flash/.test(model);
  if (effort === 'none' || effort === 'minimal') return isFlash ? 'minimal' : 'low';
  return effort === 'low' || effort === 'medium' ? effort : 'high';
}

function refuseUnsayable({ logitBias, modalities }: IrRequest, losses: Losses): void {
  if (logitBias !== undefined && Object.keys(logitBias).length > 0) losses.refuse('logitBias', 'tokens cannot be weighted');
  if (modalities?.some((modality) => !['text', 'image', 'audio'].includes(modality)) === true) losses.refuse('modalities', 'answers are text, images or audio');
}

function dropHarmless(request: IrRequest, losses: Losses): void {
  for (const name of ['metadata', 'userId', 'serviceTier', 'promptCacheKey', 'promptCacheRetention', 'verbosity'] as const) if (request[name] !== undefined) losses.drop(name);
  if (request.store === true) losses.drop('store');
  if (request.responseFormat?.kind === 'schema' && request.responseFormat.strict === true) losses.drop('strict');
}

const configPrefix = 'generationConfig.';

function encodeExtras({ extras }: IrRequest, losses: Losses): { readonly body: JsonRecord; readonly config: JsonRecord } {
  const body: Record<string, unknown> = {};
  const config: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(extras?.members ?? {})) {
    if (extras?.dialect !== 'gemini') losses.drop(name);
    else if (name.startsWith(configPrefix)) config[name.slice(configPrefix.length)] = value;
    // Names of members within others cannot be put back.
    else if (!name.includes('.')) body[name] = value;
  }
  return { body, config };
}
