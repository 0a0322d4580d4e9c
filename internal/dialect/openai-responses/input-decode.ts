import { invalidMember, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Part, TextPart, ThinkingPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { PlaceLog } from '../ir/places.ts';
import type { Turn } from '../ir/request.ts';
import { readSignature } from '../ir/signatures.ts';
import { decodeContent } from './content-decode.ts';
import type { FlatNames } from './tool-names.ts';
import { isClientSearch } from './tools-decode.ts';
import { refuseUnreadable } from './vendor-only.ts';

const dialect = 'openai-responses';

type Role = Turn['role'];
const messageRoles = ['user', 'assistant', 'system', 'developer'] as const satisfies readonly Role[];

/** `input` as turns: each message of a user or of instructions is one; what the model said, and what tools gave back, is gathered. */
export function decodeInput(input: unknown, flatName: FlatNames, places: PlaceLog): readonly Turn[] {
  if (input === undefined || input === null) return [];
  const items: readonly unknown[] | undefined = typeof input === 'string' ? [{ role: 'user', content: input }] : Array.isArray(input) ? input : undefined;
  if (items === undefined) throw invalidMember('input', 'a string or a list of items');
  const turns: { readonly role: Role; readonly parts: Part[] }[] = [];
  for (const [index, item] of items.entries()) {
    const path = `input[${index}]`;
    if (!isRecord(item)) throw invalidMember(path, 'an item');
    const decoded = decodeItem(item, path, flatName);
    if (decoded === undefined || decoded.parts.length === 0) continue;
    for (const [at, part] of decoded.parts.entries()) places.put(part, Array.isArray(item['content']) && part.kind !== 'thinking' ? `${path}.content[${at}]` : path);
    const last = turns.at(-1);
    if (last?.role === decoded.role && (last.role === 'assistant' || last.role === 'tool')) last.parts.push(...decoded.parts);
    else turns.push({ role: decoded.role, parts: [...decoded.parts] });
  }
  return turns.map(({ role, parts }) => ({ role, parts: role === 'assistant' ? settleTags(parts, places) : parts }));
}

function decodeItem(item: JsonRecord, path: string, flatName: FlatNames): Turn | undefined {
  refuseUnreadable(item['type'], path);
  switch (item['type']) {
    case 'message':
      return decodeMessage(item, path);
    case 'function_call':
      return { role: 'assistant', parts: [decodeCall(item, path, flatName, false)] };
    case 'custom_tool_call':
      return { role: 'assistant', parts: [decodeCall(item, path, flatName, true)] };
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { role: 'tool', parts: [decodeResult(item, path)] };
    case 'reasoning':
      return { role: 'assistant', parts: [decodeReasoning(item)] };
    case 'tool_search_call':
      return isClientSearch(item) ? { role: 'assistant', parts: [decodeSearchCall(item, path)] } : rawTurn(item);
    case 'tool_search_output':
      return isClientSearch(item) ? { role: 'tool', parts: [decodeSearchOutput(item, path, flatName)] } : rawTurn(item);
    case 'agent_message':
      // Codex: what one agent tells another.
      return { role: 'user', parts: decodeContent(item['content'], `${path}.content`) };
    case 'additional_tools':
    case 'configuration_update':
      // Read with the tools and the settings of the whole request.
      return undefined;
    case undefined:
    case null:
      if (item['role'] !== undefined) return decodeMessage(item, path);
      if (textOf(item['id']) !== undefined) refuseUnreadable('item_reference', path);
      throw invalidMember(`${path}.type`, 'a string');
    default:
      if (textOf(item['type']) === undefined) throw invalidMember(`${path}.type`, 'a string');
      return rawTurn(item);
  }
}

function decodeMessage(item: JsonRecord, path: string): Turn {
  const role = messageRoles.find((each) => each === item['role']);
  if (role === undefined) throw invalidMember(`${path}.role`, `one of ${messageRoles.join(', ')}`);
  return { role, parts: decodeContent(item['content'], `${path}.content`) };
}

function decodeCall(item: JsonRecord, path: string, flatName: FlatNames, isCustom: boolean): ToolCallPart {
  const name = requireString(item, 'name', path);
  const given = item[isCustom ? 'input' : 'arguments'];
  const input = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { kind: 'tool_call', id: requireString(item, 'call_id', path), name: flatName(textOf(item['namespace']), name), input, isCustom: isCustom ? true : undefined };
}

function decodeResult(item: JsonRecord, path: string): ToolResultPart {
  const callId = requireString(item, 'call_id', path);
  const output = item['output'];
  const content = typeof output === 'string' || Array.isArray(output) || output === undefined || output === null ? output : JSON.stringify(output);
  const parts = decodeContent(content, `${path}.output`).map((part, index) => {
    if (part.kind === 'audio' || part.kind === 'refusal') throw invalidMember(`${path}.output[${index}].type`, '"input_text", "input_image" or "input_file"');
    return part;
  });
  return { kind: 'tool_result', callId, parts, isCustom: item['type'] === 'custom_tool_call_output' ? true : undefined };
}

function decodeReasoning(item: JsonRecord): ThinkingPart {
  const content = textsOf(item['content']);
  const summary = textsOf(item['summary']);
  const encrypted = textOf(item['encrypted_content']) ?? '';
  return {
    kind: 'thinking',
    text: content === '' ? summary : content,
    isSummary: content === '' && summary !== '' ? true : undefined,
    id: textOf(item['id']),
    signature: encrypted === '' ? undefined : readSignature(encrypted, 'openai'),
  };
}

/** The texts of a `summary` or `content` of reasoning, as one. */
export function textsOf(list: unknown): string {
  return listOf(list)
    .map((part) => textOf(memberOf(part, 'text')) ?? '')
    .filter((text) => text !== '')
    .join('\n\n');
}

function decodeSearchCall(item: JsonRecord, path: string): ToolCallPart {
  return { kind: 'tool_call', id: requireString(item, 'call_id', path), name: 'tool_search', input: JSON.stringify(item['arguments'] ?? {}) };
}

/** The tools themselves are declared with the request's; the model is told what it can call now. */
function decodeSearchOutput(item: JsonRecord, path: string, flatName: FlatNames): ToolResultPart {
  const names = listOf(item['tools']).flatMap((tool) => {
    const name = textOf(memberOf(tool, 'name'));
    if (memberOf(tool, 'type') !== 'namespace') return name === undefined ? [] : [flatName(undefined, name)];
    return listOf(memberOf(tool, 'tools')).map((member) => flatName(name, textOf(memberOf(member, 'name')) ?? ''));
  });
  const text = names.length === 0 ? 'No tools were found.' : `These tools can be called now: ${names.join(', ')}`;
  return { kind: 'tool_result', callId: requireString(item, 'call_id', path), parts: [{ kind: 'text', text }] };
}

/** What only this dialect knows: results come from the client's side, all else from the model's. */
function rawTurn(item: JsonRecord): Turn {
  const type = textOf(item['type']) ?? '';
  const isResult = type.endsWith('_output') || type === 'mcp_approval_response';
  return { role: isResult ? 'tool' : 'assistant', parts: [{ kind: 'raw', dialect, item }] };
}

/**
 * Answers put a signature that stood on text or on a call into an item of its own before it; here it goes back. Anthropic
 * signs reasoning alone, so what is Anthropic's stays an item.
 */
function settleTags(parts: readonly Part[], places: PlaceLog): readonly Part[] {
  const settled: Part[] = [];
  let tag: ThinkingPart | undefined;
  for (const part of parts) {
    const isSignable = part.kind === 'text' || part.kind === 'tool_call';
    if (tag !== undefined && !isSignable) settled.push(tag);
    settled.push(...(isTag(part) ? [] : [tag !== undefined && isSignable ? places.move(part, withSignature(part, tag)) : part]));
    tag = isTag(part) ? part : undefined;
  }
  if (tag !== undefined) settled.push(tag);
  return settled;
}

function withSignature(part: TextPart | ToolCallPart, { signature }: ThinkingPart): Part {
  return { ...part, signature };
}

function isTag(part: Part): part is ThinkingPart {
  if (part.kind !== 'thinking' || part.text !== '' || part.signature === undefined) return false;
  return part.signature.vendor !== 'openai' && part.signature.vendor !== 'anthropic';
}

function requireString(item: JsonRecord, member: string, path: string): string {
  const text = textOf(item[member]);
  if (text === undefined || text === '') throw invalidMember(`${path}.${member}`, 'a string');
  return text;
}
