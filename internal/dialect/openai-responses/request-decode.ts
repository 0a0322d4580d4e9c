import { flagOf, invalidMember, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { createPlaceLog } from '../ir/places.ts';
import { isEffort } from '../ir/reasoning.ts';
import { readFlag, readNumber, readRecord, readText } from '../ir/request-members.ts';
import type { IrRequest, Reasoning, ResponseFormat, Turn } from '../ir/request.ts';
import { decodeInput } from './input-decode.ts';
import { decodeToolChoice, decodeTools } from './tools-decode.ts';
import { refuseVendorOnly } from './vendor-only.ts';

const dialect = 'openai-responses';

export const encryptedReasoning = 'reasoning.encrypted_content';
export const outputLogprobs = 'message.output_text.logprobs';

/** Members with a place of their own, and those that are settled elsewhere. */
const known: ReadonlySet<string> = new Set([
  'model', 'stream', 'input', 'instructions', 'previous_response_id', 'conversation', 'background', 'tools', 'tool_choice', 'parallel_tool_calls',
  'max_output_tokens', 'temperature', 'top_p', 'top_logprobs', 'frequency_penalty', 'presence_penalty', 'text', 'reasoning', 'include', 'metadata',
  'user', 'safety_identifier', 'service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'store',
]);

/**
 * A client's `POST /v1/responses`. What it refers to at OpenAI (`previous_response_id`, `conversation`) is settled before.
 * @see https://developers.openai.com/api/reference/resources/responses/methods/create
 */
export function decodeRequest(body: JsonRecord, isStream: boolean): IrRequest {
  refuseVendorOnly(body);
  const tools = decodeTools(body);
  const text = settingsOf(body, 'text');
  const reasoning = settingsOf(body, 'reasoning');
  const places = createPlaceLog();
  const turns = [...decodeInstructions(body), ...decodeInput(body['input'], tools.flatName, places)];
  return {
    turns,
    places: places.of(turns),
    tools: tools.tools,
    toolChoice: decodeToolChoice(body['tool_choice'], tools),
    parallelToolCalls: readFlag(body, 'parallel_tool_calls'),
    maxTokens: readNumber(body, 'max_output_tokens'),
    temperature: readNumber(body, 'temperature'),
    topP: readNumber(body, 'top_p'),
    frequencyPenalty: readNumber(body, 'frequency_penalty'),
    presencePenalty: readNumber(body, 'presence_penalty'),
    logprobs: decodeLogprobs(body),
    responseFormat: decodeFormat(text['format']),
    reasoning: decodeReasoning(reasoning),
    verbosity: textOf(text['verbosity']),
    metadata: readRecord(body, 'metadata'),
    userId: readText(body, 'safety_identifier') ?? readText(body, 'user'),
    serviceTier: readText(body, 'service_tier'),
    promptCacheKey: readText(body, 'prompt_cache_key'),
    promptCacheRetention: readText(body, 'prompt_cache_retention'),
    store: readFlag(body, 'store'),
    isStream,
    extras: decodeExtras(body, text, reasoning),
  };
}

function decodeInstructions(body: JsonRecord): readonly Turn[] {
  const instructions = body['instructions'];
  if (instructions === undefined || instructions === null || instructions === '') return [];
  if (typeof instructions !== 'string') throw invalidMember('instructions', 'a string');
  return [{ role: 'system', parts: [{ kind: 'text', text: instructions }] }];
}

/** `text` or `reasoning`, with what items of the input change about it later: the answer to come is made under the last. */
function settingsOf(body: JsonRecord, name: 'text' | 'reasoning'): JsonRecord {
  const updates = listOf(body['input']).map((item) => (memberOf(item, 'type') === 'configuration_update' ? memberOf(item, name) : undefined));
  return Object.assign({}, readRecord(body, name) ?? {}, ...updates.filter(isRecord));
}

function decodeLogprobs(body: JsonRecord): IrRequest['logprobs'] {
  const top = readNumber(body, 'top_logprobs') ?? 0;
  return top > 0 || listOf(body['include']).includes(outputLogprobs) ? { top } : undefined;
}

function decodeFormat(format: unknown): ResponseFormat | undefined {
  if (format === undefined || format === null) return undefined;
  const schema = memberOf(format, 'schema');
  switch (memberOf(format, 'type')) {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json' };
    case 'json_schema':
      if (!isRecord(schema)) throw invalidMember('text.format.schema', 'a JSON Schema');
      return { kind: 'schema', schema, name: textOf(memberOf(format, 'name')), description: textOf(memberOf(format, 'description')), strict: flagOf(memberOf(format, 'strict')) };
    default:
      throw invalidMember('text.format.type', '"text", "json_object" or "json_schema"');
  }
}

const shown = ['auto', 'concise', 'detailed', 'none'] as const satisfies readonly Reasoning['show'][];

function decodeReasoning(settings: JsonRecord): Reasoning | undefined {
  const effort = settings['effort'] ?? undefined;
  if (effort !== undefined && !isEffort(effort)) throw invalidMember('reasoning.effort', 'an effort that is known here');
  const summary = settings['summary'] ?? settings['generate_summary'];
  const show = shown.find((each) => each === summary);
  return effort === undefined && show === undefined ? undefined : { effort, show };
}

/** Parts of a member that is known by half stand under their path, so that what is left out is named exactly. */
function decodeExtras(body: JsonRecord, text: JsonRecord, reasoning: JsonRecord): IrRequest['extras'] {
  const others = (from: JsonRecord, taken: readonly string[], prefix: string): readonly (readonly [string, unknown])[] =>
    Object.entries(from).flatMap(([name, value]) => (value === null || taken.includes(name) ? [] : [[`${prefix}${name}`, value] as const]));
  const include = listOf(body['include']).filter((each) => each !== encryptedReasoning && each !== outputLogprobs);
  const entries = [
    ...others(body, [...known], ''),
    ...others(text, ['format', 'verbosity'], 'text.'),
    ...others(reasoning, ['effort', 'summary', 'generate_summary'], 'reasoning.'),
    ...(include.length === 0 ? [] : [['include', include] as const]),
  ];
  return entries.length === 0 ? undefined : { dialect, members: Object.fromEntries(entries) };
}
