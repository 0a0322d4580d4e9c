import { flagOf, invalidMember, isRecord, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { fromGeminiSchema } from '../ir/json-schema.ts';
import { isEffort } from '../ir/reasoning.ts';
import type { IrRequest, Reasoning, ResponseFormat } from '../ir/request.ts';
import { decodeContents, decodeInstruction } from './contents-decode.ts';
import { camelCase, pick, pickList, pickRecord } from './members.ts';
import { decodeToolChoice, decodeTools } from './tools.ts';

const known: ReadonlySet<string> = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'stream']);
const knownConfig: ReadonlySet<string> = new Set([
  'maxOutputTokens', 'temperature', 'topP', 'topK', 'stopSequences', 'candidateCount', 'seed', 'presencePenalty', 'frequencyPenalty', 'responseMimeType', 'responseSchema', 'responseJsonSchema', '_responseJsonSchema', 'responseLogprobs',
  'logprobs', 'responseModalities', 'thinkingConfig',
]);

/** @see https://ai.google.dev/api/generate-content */
export function decodeRequest(body: JsonRecord, isStream: boolean): IrRequest {
  const config = pickRecord(body, 'generationConfig') ?? {};
  const number = (name: string): number | undefined => {
    const value = pick(config, name) ?? undefined;
    if (value === undefined) return undefined;
    const read = numberOf(typeof value === 'string' ? Number(value) : value);
    if (read === undefined) throw invalidMember(`generationConfig.${name}`, 'a number');
    return read;
  };
  return {
    turns: [...decodeInstruction(pick(body, 'systemInstruction')), ...decodeContents(body['contents'])],
    tools: decodeTools(body['tools']),
    toolChoice: decodeToolChoice(pick(body, 'toolConfig')),
    maxTokens: number('maxOutputTokens'),
    temperature: number('temperature'),
    topP: number('topP'),
    topK: number('topK'),
    presencePenalty: number('presencePenalty'),
    frequencyPenalty: number('frequencyPenalty'),
    seed: number('seed'),
    n: number('candidateCount'),
    stop: decodeStop(pick(config, 'stopSequences')),
    logprobs: flagOf(pick(config, 'responseLogprobs')) === true ? { top: number('logprobs') ?? 0 } : undefined,
    responseFormat: decodeFormat(config),
    reasoning: decodeThinking(pickRecord(config, 'thinkingConfig')),
    modalities: decodeModalities(config),
    isStream,
    extras: decodeExtras(body, config),
  };
}

function decodeStop(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const texts = Array.isArray(value) ? value.map(textOf) : [undefined];
  if (!texts.every((text) => text !== undefined)) throw invalidMember('generationConfig.stopSequences', 'a list of strings');
  return texts;
}

function decodeFormat(config: JsonRecord): ResponseFormat | undefined {
  const mime = textOf(pick(config, 'responseMimeType'));
  const json = pickRecord(config, 'responseJsonSchema') ?? pickRecord(config, '_responseJsonSchema');
  const own = pickRecord(config, 'responseSchema');
  if (json !== undefined) return { kind: 'schema', schema: json };
  if (own !== undefined) return { kind: 'schema', schema: fromGeminiSchema(own) };
  if (mime === 'application/json') return { kind: 'json' };
  return mime === 'text/plain' ? { kind: 'text' } : undefined;
}

function decodeThinking(config: JsonRecord | undefined): Reasoning | undefined {
  if (config === undefined) return undefined;
  const level = textOf(pick(config, 'thinkingLevel'))?.toLowerCase();
  const budgetTokens = numberOf(pick(config, 'thinkingBudget'));
  const includes = flagOf(pick(config, 'includeThoughts'));
  const show = includes === undefined ? {} : ({ show: includes ? 'auto' : 'none' } as const);
  if (isEffort(level)) return { effort: level, ...show };
  return budgetTokens === undefined && includes === undefined ? undefined : { ...(budgetTokens === undefined ? {} : { budgetTokens }), ...show };
}

function decodeModalities(config: JsonRecord): readonly string[] | undefined {
  const modalities = pickList(config, 'responseModalities').map(textOf).filter((text) => text !== undefined);
  return modalities.length === 0 ? undefined : modalities.map((modality) => modality.toLowerCase());
}

function decodeExtras(body: JsonRecord, config: JsonRecord): IrRequest['extras'] {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) if (!known.has(camelCase(name)) && value !== null) members[camelCase(name)] = value;
  for (const [name, value] of Object.entries(config)) if (!knownConfig.has(camelCase(name)) && value !== null && value !== undefined) members[`generationConfig.${camelCase(name)}`] = value;
  for (const name of Object.keys(pickRecord(body, 'toolConfig') ?? {})) if (camelCase(name) !== 'functionCallingConfig') members[`toolConfig.${camelCase(name)}`] = true;
  for (const name of ['behavior', 'response', 'responseJsonSchema']) if (declares(body['tools'], name)) members[`tools.functionDeclarations.${name}`] = true;
  return Object.keys(members).length === 0 ? undefined : { dialect: 'gemini', members };
}

/** Whether any function declares what has no place elsewhere. */
function declares(tools: unknown, name: string): boolean {
  return (Array.isArray(tools) ? tools : [tools]).some((tool: unknown) => pickList(tool, 'functionDeclarations').some((each) => pick(each, name) !== undefined && pick(each, name) !== null));
}

/** `countTokens` takes the contents alone, or the whole request behind `generateContentRequest`. */
export function decodeCountRequest(body: JsonRecord): IrRequest {
  const inner = pickRecord(body, 'generateContentRequest');
  return decodeRequest(isRecord(inner) ? inner : body, false);
}
