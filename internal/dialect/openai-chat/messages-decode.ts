import { invalidMember, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Part, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { readReasoning } from './client-reasoning.ts';
import { decodeContent } from './content-decode.ts';
import { writeAudio } from './media.ts';
import { argumentsOf, readCallSignature } from './tool-calls.ts';

/** What calls before a message say about it. */
interface Calls {
  /** Ids of calls of custom tools. */
  readonly custom: Set<string>;
  /** Ids given to the calls of the older form, which has none, by the function's name. */
  readonly legacy: Map<string, string>;
}

/** One turn for each message, so that a turn's place is the message's. Error: `invalid_request`. */
export function decodeMessages(messages: unknown): readonly Turn[] {
  if (!Array.isArray(messages)) throw invalidMember('messages', 'a list of messages');
  const calls: Calls = { custom: new Set(), legacy: new Map() };
  return listOf(messages).map((message, index) => {
    const path = `messages[${index}]`;
    if (!isRecord(message)) throw invalidMember(path, 'an object with "role"');
    return decodeMessage(message, path, index, calls);
  });
}

function decodeMessage(message: JsonRecord, path: string, index: number, calls: Calls): Turn {
  const { role } = message;
  const named = { name: textOf(message['name']) };
  switch (role) {
    case 'system':
    case 'developer':
    case 'user':
      return { role, parts: decodeContent(message['content'], `${path}.content`), ...named };
    case 'assistant':
      return { role, parts: decodeAssistant(message, path, index, calls), ...named };
    case 'tool':
      return { role, parts: [decodeResult(message, path, calls)] };
    case 'function':
      return { role: 'tool', parts: [decodeLegacyResult(message, path, calls)] };
    default:
      throw invalidMember(`${path}.role`, '"system", "developer", "user", "assistant" or "tool"');
  }
}

function decodeAssistant(message: JsonRecord, path: string, index: number, calls: Calls): readonly Part[] {
  const refusal = textOf(message['refusal']) ?? '';
  const audio = message['audio'];
  const toolCalls = listOf(message['tool_calls']).map((call, at) => decodeCall(call, `${path}.tool_calls[${at}]`));
  for (const call of toolCalls) if (call.isCustom === true) calls.custom.add(call.id);
  return [
    ...readReasoning(message),
    ...decodeContent(message['content'], `${path}.content`),
    ...(refusal === '' ? [] : [{ kind: 'refusal', text: refusal } as const]),
    ...(isRecord(audio) ? [{ kind: 'raw', dialect: 'openai-chat', item: { type: 'audio', audio } } as const] : []),
    ...toolCalls,
    ...decodeLegacyCall(message['function_call'], index, calls),
  ];
}

function decodeCall(call: unknown, path: string): ToolCallPart {
  const custom = memberOf(call, 'custom');
  const isCustom = isRecord(custom);
  const called = isCustom ? custom : memberOf(call, 'function');
  const name = textOf(memberOf(called, 'name'));
  const id = textOf(memberOf(call, 'id'));
  if (!isRecord(call) || name === undefined) throw invalidMember(path, 'a call with "function" or "custom"');
  if (id === undefined) throw invalidMember(`${path}.id`, 'a string');
  const input = argumentsOf(memberOf(called, isCustom ? 'input' : 'arguments'));
  return { kind: 'tool_call', id, name, input, isCustom: isCustom ? true : undefined, signature: readCallSignature(call) };
}

function decodeLegacyCall(call: unknown, index: number, calls: Calls): readonly ToolCallPart[] {
  const name = textOf(memberOf(call, 'name'));
  if (name === undefined) return [];
  const id = `call_message_${index}`;
  calls.legacy.set(name, id);
  return [{ kind: 'tool_call', id, name, input: argumentsOf(memberOf(call, 'arguments')) }];
}

function decodeResult(message: JsonRecord, path: string, calls: Calls): ToolResultPart {
  const callId = textOf(message['tool_call_id']);
  if (callId === undefined) throw invalidMember(`${path}.tool_call_id`, 'a string');
  return { kind: 'tool_result', callId, parts: resultParts(message, path), isCustom: calls.custom.has(callId) ? true : undefined };
}

function decodeLegacyResult(message: JsonRecord, path: string, calls: Calls): ToolResultPart {
  const name = textOf(message['name']);
  if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
  return { kind: 'tool_result', callId: calls.legacy.get(name) ?? `call_${name}`, name, parts: resultParts(message, path) };
}

/** What results may hold; a kind they may not is kept for upstreams of this dialect. */
function resultParts(message: JsonRecord, path: string): ToolResultPart['parts'] {
  return decodeContent(message['content'], `${path}.content`).map((part) => {
    switch (part.kind) {
      case 'text':
      case 'image':
      case 'file':
      case 'raw':
        return part;
      case 'refusal':
      case 'thinking':
        return { kind: 'text', text: part.text };
      case 'audio':
        return { kind: 'raw', dialect: 'openai-chat', item: { type: 'input_audio', input_audio: writeAudio(part.source) } };
    }
  });
}
