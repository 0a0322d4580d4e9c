import type { Party } from '../codec.ts';
import { boundWithin } from '../ir/bounds.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import { toGeminiSchema } from '../ir/json-schema.ts';
import type { Losses } from '../ir/losses.ts';
import type { IrRequest, ResponseFormat } from '../ir/request.ts';
import { simplifySchema } from '../ir/schema-references.ts';
import { encodeContents } from './contents-encode.ts';
import { traitsOf, type ModelTraits } from './model-traits.ts';
import { encodeThinking } from './thinking.ts';
import { encodeTools } from './tools-encode.ts';

/** @see https://ai.google.dev/api/generate-content#GenerationConfig */
const maxStopSequences = 5;
const maxCandidates = 8;
const maxSeed = 2 ** 31;

/** The body of `generateContent` and `streamGenerateContent`. */
export function encodeRequest(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const traits = traitsOf(target);
  refuseUnsayable(request, losses);
  const { toolConfig, ...prompt } = encodePrompt(request, target, losses);
  listHarmless(request, losses);
  const extras = encodeExtras(request, losses);
  return compact({
    ...prompt,
    toolConfig: nonEmpty({ ...toolConfig, ...extras.toolConfig }),
    generationConfig: nonEmpty({ ...encodeConfig(request, traits, losses), ...extras.generationConfig }),
    serviceTier: encodeTier(request.serviceTier, traits, losses),
    ...extras.body,
  });
}

/** What makes up the prompt. */
export interface Prompt {
  readonly systemInstruction?: JsonRecord | undefined;
  readonly contents: readonly object[];
  readonly cachedContent?: string | undefined;
  readonly tools?: readonly JsonRecord[] | undefined;
  readonly toolConfig?: JsonRecord | undefined;
}

export function encodePrompt(request: IrRequest, target: Party, losses: Losses): Prompt {
  const { tools, functionCallingConfig } = encodeTools(request, traitsOf(target), losses);
  return { ...encodeContents(request.turns, target, losses), tools, toolConfig: functionCallingConfig === undefined ? undefined : { functionCallingConfig } };
}

function nonEmpty(record: object): JsonRecord | undefined {
  const members = compact(record);
  return Object.keys(members).length === 0 ? undefined : members;
}

function encodeConfig(request: IrRequest, traits: ModelTraits, losses: Losses): JsonRecord {
  const { logprobs, stop, n } = request;
  const maxOutputTokens = boundWithin(request.maxTokens, traits.maxOutputTokens, losses);
  return {
    maxOutputTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    ...encodePenalties(request, traits, losses),
    seed: encodeSeed(request.seed, losses),
    stopSequences: stop === undefined || stop.length === 0 ? undefined : stop,
    candidateCount: n,
    responseLogprobs: logprobs === undefined ? undefined : true,
    logprobs: logprobs === undefined || logprobs.top === 0 ? undefined : logprobs.top,
    responseModalities: request.modalities?.map((modality) => modality.toUpperCase()),
    thinkingConfig: encodeThinking(request.reasoning, maxOutputTokens, traits, losses),
    ...encodeFormat(request, traits, losses),
  };
}

function encodePenalties({ frequencyPenalty, presencePenalty }: IrRequest, { takesPenalties }: ModelTraits, losses: Losses): JsonRecord {
  if (takesPenalties) return { frequencyPenalty, presencePenalty };
  for (const [name, value] of Object.entries({ frequencyPenalty, presencePenalty })) if (value !== undefined && value !== 0) losses.drop(name);
  return {};
}

function encodeSeed(seed: number | undefined, losses: Losses): number | undefined {
  if (seed === undefined || (Number.isInteger(seed) && seed >= -maxSeed && seed < maxSeed)) return seed;
  losses.drop('seed');
  return undefined;
}

function encodeFormat({ responseFormat, tools }: IrRequest, traits: ModelTraits, losses: Losses): JsonRecord {
  if (responseFormat === undefined) return {};
  if (responseFormat.kind === 'text') return { responseMimeType: 'text/plain' };
  if (!traits.takesJsonWithTools && tools.some(({ kind }) => kind !== 'builtin')) losses.refuse('responseFormat', 'the model gives no JSON beside functions');
  return { responseMimeType: 'application/json', ...(responseFormat.kind === 'schema' ? encodeSchema(responseFormat, traits) : {}) };
}

function encodeSchema({ schema, description }: Extract<ResponseFormat, { readonly kind: 'schema' }>, { takesJsonSchema }: ModelTraits): JsonRecord {
  const described = description === undefined || schema['description'] !== undefined ? schema : { ...schema, description };
  return takesJsonSchema ? { responseJsonSchema: simplifySchema(described) } : { responseSchema: toGeminiSchema(described) };
}

function encodeTier(tier: string | undefined, { isGeminiApi }: ModelTraits, losses: Losses): string | undefined {
  if (tier === undefined || tier === 'auto') return undefined;
  const wire = tier === 'default' || tier === 'standard_only' ? 'standard' : tier;
  if (isGeminiApi && (wire === 'standard' || wire === 'flex' || wire === 'priority')) return wire;
  losses.drop('serviceTier');
  return undefined;
}

function refuseUnsayable(request: IrRequest, losses: Losses): void {
  const { logitBias, modalities, stop, n, temperature, topP, extras } = request;
  if (logitBias !== undefined && Object.keys(logitBias).length > 0) losses.refuse('logitBias', 'tokens cannot be weighted');
  if (stop !== undefined && stop.length > maxStopSequences) losses.refuse('stop', `at most ${maxStopSequences} stop sequences are taken there`);
  if (n !== undefined && n > maxCandidates) losses.refuse('n', `at most ${maxCandidates} answers are made at a time`);
  if (temperature !== undefined && (temperature < 0 || temperature > 2)) losses.refuse('temperature', 'it must lie between 0 and 2');
  if (topP !== undefined && (topP < 0 || topP > 1)) losses.refuse('topP', 'it must lie between 0 and 1');
  const others = modalities?.filter((modality) => modality !== 'text' && modality !== 'image') ?? [];
  // Voices and formats of sound are other ones there.
  if (others.some((modality) => modality !== 'audio' || (extras !== undefined && extras.dialect !== 'gemini'))) losses.refuse('modalities', 'it answers with text, pictures, or sound of its own form');
}

function listHarmless(request: IrRequest, losses: Losses): void {
  for (const name of ['metadata', 'userId', 'promptCacheKey', 'promptCacheRetention', 'verbosity'] as const) if (request[name] !== undefined) losses.drop(name);
  if (request.store === true) losses.drop('store');
}

interface Extras {
  readonly body: JsonRecord;
  readonly generationConfig: JsonRecord;
  readonly toolConfig: JsonRecord;
}

function encodeExtras({ extras }: IrRequest, losses: Losses): Extras {
  const members = Object.entries(extras?.members ?? {});
  if (extras !== undefined && extras.dialect !== 'gemini') {
    for (const [name] of members) losses.drop(name);
    return { body: {}, generationConfig: {}, toolConfig: {} };
  }
  const below = (prefix: string): JsonRecord => Object.fromEntries(members.flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [])));
  return { body: Object.fromEntries(members.filter(([name]) => !name.includes('.'))), generationConfig: below('generationConfig.'), toolConfig: below('toolConfig.') };
}
