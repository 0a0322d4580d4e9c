import { flagOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import { createPlaceLog } from '../ir/places.ts';
import { readNumber } from '../ir/request-members.ts';
import type { IrRequest, ResponseFormat } from '../ir/request.ts';
import { decodeMessages, decodeSystem } from './messages-decode.ts';
import { decodeReasoning } from './reasoning.ts';
import { decodeToolChoice, decodeTools } from './tools-decode.ts';
import { refuseVendorOnly } from './vendor-only.ts';

/** Members that have a place in the internal form, or that the route decides. */
const known: ReadonlySet<string> = new Set(['model', 'messages', 'system', 'max_tokens', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'stream', 'tools', 'tool_choice', 'thinking', 'output_config', 'output_format', 'metadata', 'service_tier']);

/**
 * A body of `POST /v1/messages`. `max_tokens` may be missing. Errors: `invalid_request`, and those of `refuseVendorOnly`.
 * @see https://platform.claude.com/docs/en/api/messages/create
 */
export function decodeRequest(body: JsonRecord, isStream: boolean): IrRequest {
  refuseVendorOnly(body);
  const extras: Record<string, unknown> = {};
  const note = (name: string): void => {
    extras[name] = true;
  };
  for (const [name, value] of Object.entries(body)) if (!known.has(name) && value !== null) extras[name] = value;
  const config = recordAt(body, 'output_config');
  const metadata = recordAt(body, 'metadata');
  noteRest(config, 'output_config', ['effort', 'format'], note);
  noteRest(metadata, 'metadata', ['user_id'], note);
  noteRest(recordAt(body, 'thinking'), 'thinking', ['type', 'budget_tokens', 'display'], note);
  const places = createPlaceLog();
  const turns = [...decodeSystem(body['system'], note, places), ...decodeMessages(body['messages'], note, places)];
  const request: IrRequest = {
    turns,
    places: places.of(turns),
    tools: decodeTools(body['tools'], note),
    ...decodeToolChoice(body['tool_choice']),
    maxTokens: wholeNumberAt(body, 'max_tokens'),
    temperature: readNumber(body, 'temperature'),
    topP: readNumber(body, 'top_p'),
    topK: readNumber(body, 'top_k'),
    stop: stopAt(body['stop_sequences']),
    responseFormat: decodeFormat(config['format'] ?? body['output_format']),
    reasoning: decodeReasoning(body['thinking'], config['effort']),
    userId: textOf(metadata['user_id']),
    serviceTier: textOf(body['service_tier']),
    isStream,
  };
  return Object.keys(extras).length === 0 ? request : { ...request, extras: { dialect: 'anthropic-messages', members: extras } };
}

function recordAt(body: JsonRecord, name: string): JsonRecord {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw invalidMember(name, 'an object');
  return value;
}

function noteRest(record: JsonRecord, name: string, known: readonly string[], note: (name: string) => void): void {
  for (const [member, value] of Object.entries(record)) if (!known.includes(member) && value !== null && flagOf(value) !== false) note(`${name}.${member}`);
}

function wholeNumberAt(body: JsonRecord, name: string): number | undefined {
  const value = readNumber(body, name);
  if (value !== undefined && (!Number.isInteger(value) || value < 0)) throw invalidMember(name, 'a whole number');
  return value;
}

function stopAt(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalidMember('stop_sequences', 'a list of strings');
  return value.map((sequence: unknown, index) => {
    if (typeof sequence !== 'string') throw invalidMember(`stop_sequences[${index}]`, 'a string');
    return sequence;
  });
}

function decodeFormat(format: unknown): ResponseFormat | undefined {
  if (format === undefined || format === null) return undefined;
  const schema = isRecord(format) && format['type'] === 'json_schema' ? format['schema'] : undefined;
  if (!isRecord(schema)) throw invalidMember('output_config.format', 'of type "json_schema" with a "schema"');
  return { kind: 'schema', schema };
}
