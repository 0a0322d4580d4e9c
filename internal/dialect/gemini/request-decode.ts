import { invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import { fromGeminiSchema } from '../ir/json-schema.ts';
import type { IrRequest, ResponseFormat, Turn } from '../ir/request.ts';
import { decodeContents, decodeInstruction } from './contents-decode.ts';
import { camelMembers, pick, pickTexts, readFlag, readNumber, readRecord, readText } from './members.ts';
import { decodeThinking } from './thinking.ts';
import { decodeToolChoice, decodeTools, otherToolConfig } from './tools-decode.ts';

/** Members that have a place in the internal form, or that Keyward decides on itself. */
const known: ReadonlySet<string> = new Set(['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier', 'cachedContent']);
const knownConfig: ReadonlySet<string> = new Set([
  'maxOutputTokens', 'temperature', 'topP', 'topK', 'stopSequences', 'candidateCount', 'seed', 'presencePenalty', 'frequencyPenalty', 'responseMimeType', 'responseSchema', 'responseJsonSchema', '_responseJsonSchema', 'responseLogprobs',
  'logprobs', 'responseModalities', 'thinkingConfig',
]);
const place = 'generationConfig';

/** @see https://ai.google.dev/api/generate-content – errors: `invalid_request`, naming the member. */
export function decodeRequest(body: JsonRecord, isStream: boolean): IrRequest {
  const config = readRecord(body, place, '') ?? {};
  const toolConfig = readRecord(body, 'toolConfig', '');
  const cached = decodeCached(body);
  return {
    turns: [...cached, ...decodeInstruction(pick(body, 'systemInstruction')), ...decodeContents(body['contents'])],
    places: cached.length === 0 ? undefined : [['cachedContent']],
    tools: decodeTools(body['tools']),
    toolChoice: decodeToolChoice(toolConfig),
    ...decodeBounds(config),
    responseFormat: decodeFormat(config),
    reasoning: decodeThinking(readRecord(config, 'thinkingConfig', place)),
    modalities: decodeModalities(config),
    serviceTier: readText(body, 'serviceTier', '')?.toLowerCase(),
    isStream,
    extras: decodeExtras(body, config, toolConfig),
  };
}

/** A cached prompt is the beginning of the conversation, and known to its vendor alone. */
function decodeCached(body: JsonRecord): readonly Turn[] {
  const cachedContent = readText(body, 'cachedContent', '');
  return cachedContent === undefined || cachedContent === '' ? [] : [{ role: 'system', parts: [{ kind: 'raw', dialect: 'gemini', item: { cachedContent } }] }];
}

function decodeBounds(config: JsonRecord): Partial<IrRequest> {
  return {
    maxTokens: readNumber(config, 'maxOutputTokens', place),
    temperature: readNumber(config, 'temperature', place),
    topP: readNumber(config, 'topP', place),
    topK: readNumber(config, 'topK', place),
    presencePenalty: readNumber(config, 'presencePenalty', place),
    frequencyPenalty: readNumber(config, 'frequencyPenalty', place),
    seed: readNumber(config, 'seed', place),
    n: readNumber(config, 'candidateCount', place),
    stop: decodeStop(pick(config, 'stopSequences')),
    logprobs: readFlag(config, 'responseLogprobs', place) === true ? { top: readNumber(config, 'logprobs', place) ?? 0 } : undefined,
  };
}

function decodeStop(stop: unknown): readonly string[] | undefined {
  if (stop === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(stop) ? stop : [stop];
  const texts = list.map(textOf).filter((text) => text !== undefined);
  if (texts.length < list.length) throw invalidMember(`${place}.stopSequences`, 'a list of strings');
  return texts.length === 0 ? undefined : texts;
}

function decodeFormat(config: JsonRecord): ResponseFormat | undefined {
  const mime = readText(config, 'responseMimeType', place);
  const json = [pick(config, 'responseJsonSchema'), pick(config, '_responseJsonSchema')].find(isRecord);
  const own = readRecord(config, 'responseSchema', place);
  if (json !== undefined) return { kind: 'schema', schema: json };
  if (own !== undefined) return { kind: 'schema', schema: fromGeminiSchema(own) };
  if (mime === 'application/json') return { kind: 'json' };
  return mime === 'text/plain' ? { kind: 'text' } : undefined;
}

function decodeModalities(config: JsonRecord): readonly string[] | undefined {
  const modalities = pickTexts(config, 'responseModalities').map((modality) => modality.toLowerCase());
  return modalities.length === 0 ? undefined : modalities;
}

/** Members of the body's objects stand under their paths, so that each is listed by its own name where it is left out. */
function decodeExtras(body: JsonRecord, config: JsonRecord, toolConfig: JsonRecord | undefined): IrRequest['extras'] {
  const members = [
    ...camelMembers(body).filter(([name]) => !known.has(name)),
    ...camelMembers(config).flatMap(([name, value]) => (knownConfig.has(name) ? [] : [[`${place}.${name}`, value] as const])),
    ...otherToolConfig(toolConfig).map(([name, value]) => [`toolConfig.${name}`, value] as const),
  ];
  return members.length === 0 ? undefined : { dialect: 'gemini', members: Object.fromEntries(members) };
}
