import { invalidMember, isRecord, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { IrRequest, ResponseFormat } from '../ir/request.ts';
import { decodeMessages, decodeSystem } from './messages-decode.ts';
import { decodeReasoning } from './reasoning.ts';
import { decodeToolChoice, decodeTools } from './tools-decode.ts';

const known: ReadonlySet<string> = new Set([
  'model', 'messages', 'system', 'max_tokens', 'stream', 'tools', 'tool_choice', 'thinking', 'output_config', 'output_format', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'metadata', 'service_tier',
]);

/** A body of `POST /v1/messages`, or of `count_tokens`. Error: `invalid_request` naming the member. */
export function decodeRequest(body: JsonRecord, isStream: boolean): IrRequest {
  const extras: Record<string, unknown> = {};
  const tools = decodeTools(body['tools'], (name) => {
    extras[name] = true;
  });
  const outputConfig = isRecord(body['output_config']) ? body['output_config'] : {};
  for (const [name, value] of Object.entries(body)) if (!known.has(name) && value !== null && value !== undefined) extras[name] = value;
  for (const name of Object.keys(outputConfig)) if (name !== 'effort' && name !== 'format') extras[`output_config.${name}`] = outputConfig[name];
  return {
    turns: [...decodeSystem(body['system']), ...decodeMessages(body['messages'])],
    tools,
    ...decodeToolChoice(body['tool_choice']),
    maxTokens: wholeNumber(body, 'max_tokens'),
    temperature: number(body, 'temperature'),
    topP: number(body, 'top_p'),
    topK: number(body, 'top_k'),
    stop: stopSequences(body['stop_sequences']),
    reasoning: decodeReasoning(body['thinking'], outputConfig['effort']),
    responseFormat: responseFormat(outputConfig['format'] ?? body['output_format']),
    userId: isRecord(body['metadata']) ? textOf(body['metadata']['user_id']) : undefined,
    serviceTier: textOf(body['service_tier']),
    isStream,
    extras: Object.keys(extras).length === 0 ? undefined : { dialect: 'anthropic-messages', members: extras },
  };
}

function number(body: JsonRecord, name: string): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  const read = numberOf(value);
  if (read === undefined) throw invalidMember(name, 'a number');
  return read;
}

function wholeNumber(body: JsonRecord, name: string): number | undefined {
  const value = number(body, name);
  if (value !== undefined && (!Number.isInteger(value) || value < 0)) throw invalidMember(name, 'a whole number');
  return value;
}

function stopSequences(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const texts = Array.isArray(value) ? value.map(textOf) : [undefined];
  if (!texts.every((text) => text !== undefined)) throw invalidMember('stop_sequences', 'a list of strings');
  return texts;
}

/** @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function responseFormat(format: unknown): ResponseFormat | undefined {
  if (format === undefined || format === null) return undefined;
  if (!isRecord(format) || format['type'] !== 'json_schema' || !isRecord(format['schema'])) throw invalidMember('output_config.format', '{ "type": "json_schema", "schema": … }');
  return { kind: 'schema', schema: format['schema'] };
}
