import { invalidMember, isRecord, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { isEffort } from '../ir/reasoning.ts';
import type { IrRequest, Reasoning, ResponseFormat } from '../ir/request.ts';
import { readFlag, readNumber, readRecord, readText } from '../ir/request-members.ts';
import { decodeMessages } from './messages-decode.ts';
import { decodeLegacyChoice, decodeTools, decodeToolChoice } from './tools-decode.ts';

/** A request of this dialect, with what only its own answers are made by. */
export interface ChatRequest extends IrRequest {
  /** The client sent `functions`, the form before `tools`, and knows calls as `function_call` alone. */
  readonly hasLegacyFunctions?: boolean | undefined;
}

/** Members that have a place in the internal form, or that Keyward decides on itself. */
const known: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'tools', 'functions', 'web_search_options', 'tool_choice', 'function_call', 'parallel_tool_calls',
  'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'n', 'logprobs',
  'top_logprobs', 'logit_bias', 'response_format', 'reasoning_effort', 'reasoning', 'verbosity', 'modalities', 'metadata', 'user', 'safety_identifier',
  'service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'store',
]);

/** @see https://developers.openai.com/api/reference/resources/chat – errors: `invalid_request`, naming the member. */
export function decodeRequest(body: JsonRecord, isStream: boolean): ChatRequest {
  return {
    turns: decodeMessages(body['messages']),
    tools: decodeTools(body),
    toolChoice: decodeToolChoice(body['tool_choice']) ?? decodeLegacyChoice(body['function_call']),
    hasLegacyFunctions: listOf(body['functions']).length > 0 && listOf(body['tools']).length === 0 ? true : undefined,
    ...decodeBounds(body),
    responseFormat: decodeFormat(readRecord(body, 'response_format')),
    reasoning: decodeReasoning(body),
    verbosity: readText(body, 'verbosity'),
    modalities: Array.isArray(body['modalities']) ? textsOf(body['modalities'], 'modalities').map((name) => name.toLowerCase()) : undefined,
    ...decodeBookkeeping(body),
    isStream,
    includeUsage: memberOf(body['stream_options'], 'include_usage') === true ? true : undefined,
    extras: decodeExtras(body),
  };
}

function decodeBounds(body: JsonRecord): Partial<IrRequest> {
  return {
    parallelToolCalls: readFlag(body, 'parallel_tool_calls'),
    maxTokens: readNumber(body, 'max_completion_tokens') ?? readNumber(body, 'max_tokens'),
    temperature: readNumber(body, 'temperature'),
    topP: readNumber(body, 'top_p'),
    topK: readNumber(body, 'top_k'),
    frequencyPenalty: readNumber(body, 'frequency_penalty'),
    presencePenalty: readNumber(body, 'presence_penalty'),
    seed: readNumber(body, 'seed'),
    stop: decodeStop(body['stop']),
    n: readNumber(body, 'n'),
    logprobs: readFlag(body, 'logprobs') === true ? { top: readNumber(body, 'top_logprobs') ?? 0 } : undefined,
    logitBias: readRecord(body, 'logit_bias'),
  };
}

function decodeBookkeeping(body: JsonRecord): Partial<IrRequest> {
  return {
    metadata: readRecord(body, 'metadata'),
    userId: readText(body, 'safety_identifier') ?? readText(body, 'user'),
    serviceTier: readText(body, 'service_tier'),
    promptCacheKey: readText(body, 'prompt_cache_key'),
    promptCacheRetention: readText(body, 'prompt_cache_retention'),
    store: readFlag(body, 'store'),
  };
}

function decodeStop(stop: unknown): readonly string[] | undefined {
  if (stop === undefined || stop === null) return undefined;
  return typeof stop === 'string' ? [stop] : textsOf(stop, 'stop');
}

function textsOf(list: unknown, name: string): readonly string[] {
  const texts = listOf(list).map(textOf).filter((text) => text !== undefined);
  if (!Array.isArray(list) || texts.length < list.length) throw invalidMember(name, 'a list of strings');
  return texts;
}

function decodeFormat(format: JsonRecord | undefined): ResponseFormat | undefined {
  switch (format?.['type']) {
    case undefined:
      if (format !== undefined) throw invalidMember('response_format.type', 'a string');
      return undefined;
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json' };
    case 'json_schema': {
      const stated = format?.['json_schema'];
      const schema = memberOf(stated, 'schema');
      const strict = memberOf(stated, 'strict');
      if (!isRecord(schema)) throw invalidMember('response_format.json_schema.schema', 'an object');
      return { kind: 'schema', schema, name: textOf(memberOf(stated, 'name')), description: textOf(memberOf(stated, 'description')), strict: typeof strict === 'boolean' ? strict : undefined };
    }
    default:
      throw invalidMember('response_format.type', '"text", "json_object" or "json_schema"');
  }
}

/** OpenAI's `reasoning_effort`, or the `reasoning` object of OpenRouter's clients. */
function decodeReasoning(body: JsonRecord): Reasoning | undefined {
  const stated = readRecord(body, 'reasoning');
  const effort = body['reasoning_effort'] ?? stated?.['effort'] ?? (stated?.['enabled'] === false ? 'none' : undefined);
  const show = stated?.['exclude'] === true ? 'none' : undefined;
  if (effort !== undefined && effort !== null) {
    if (!isEffort(effort)) throw invalidMember('reasoning_effort', '"none", "minimal", "low", "medium", "high", "xhigh" or "max"');
    return { effort, show };
  }
  const budgetTokens = numberOf(stated?.['max_tokens']);
  if (budgetTokens !== undefined) return { budgetTokens, show };
  return show === undefined ? undefined : { show };
}

function decodeExtras(body: JsonRecord): IrRequest['extras'] {
  const members = Object.fromEntries(Object.entries(body).filter(([name, value]) => !known.has(name) && value !== undefined && value !== null));
  // Both may be said; the internal form has one place for the end user.
  if (typeof body['safety_identifier'] === 'string' && typeof body['user'] === 'string' && body['user'] !== body['safety_identifier']) members['user'] = body['user'];
  return Object.keys(members).length === 0 ? undefined : { dialect: 'openai-chat', members };
}
