import type { Party } from '../codec.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { Part, RawPart, Signature, ThinkingPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { signatureFor } from '../ir/signatures.ts';
import { encodeAudio, encodeFile, encodeImage, encodeInputText, encodeOutputText, noteMarker } from './content-encode.ts';

const dialect = 'openai-responses';

interface Scope {
  readonly target: Party;
  readonly losses: Losses;
  /** Ids of calls of custom tools, whose results are items of another kind. */
  readonly customCalls: ReadonlySet<string>;
}

export interface EncodedInput {
  readonly instructions: string | undefined;
  readonly input: readonly JsonRecord[];
}

/** The first instruction as `instructions`, all else as items in the same order. */
export function encodeInput(turns: readonly Turn[], target: Party, losses: Losses): EncodedInput {
  const scope: Scope = { target, losses, customCalls: customCallsOf(turns) };
  const instructions = instructionsOf(turns[0], losses);
  const items = turns.flatMap((turn, index) => {
    if (turn.name !== undefined) losses.drop('name');
    return index === 0 && instructions !== undefined ? [] : encodeTurn(turn, `turns[${index}].parts`, scope);
  });
  return { instructions, input: items };
}

function customCallsOf(turns: readonly Turn[]): ReadonlySet<string> {
  const calls = turns.flatMap(({ parts }) => parts.filter((part) => part.kind === 'tool_call'));
  return new Set(calls.filter(({ isCustom }) => isCustom === true).map(({ id }) => id));
}

function instructionsOf(turn: Turn | undefined, losses: Losses): string | undefined {
  if (turn?.role !== 'system') return undefined;
  const texts = turn.parts.filter((part) => part.kind === 'text');
  if (texts.length !== turn.parts.length) return undefined;
  for (const { cache } of texts) noteMarker(cache, losses);
  return texts.map(({ text }) => text).join('\n\n');
}

function encodeTurn(turn: Turn, path: string, scope: Scope): readonly JsonRecord[] {
  const items: JsonRecord[] = [];
  let content: JsonRecord[] = [];
  const endMessage = (): void => {
    if (content.length > 0) items.push({ type: 'message', role: roleOf(turn, scope), content });
    content = [];
  };
  for (const [index, part] of turn.parts.entries()) {
    const at = `${path}[${index}]`;
    const signed = part.kind === 'text' || part.kind === 'tool_call' ? reasoningItem({ kind: 'thinking', text: '', signature: part.signature }, scope) : undefined;
    const item = encodeItem(part, at, turn.role, scope);
    if (signed !== undefined || item !== 'content') endMessage();
    if (signed !== undefined) items.push(signed);
    if (item === 'content') content.push(encodeContent(part, at, turn.role, scope.losses));
    else if (item !== undefined) items.push(item);
  }
  endMessage();
  return items;
}

/** OpenAI's login backend refuses `system` in the input by name; both words are the operator's there. */
function roleOf({ role }: Turn, { target }: Scope): string {
  if (role === 'tool') return 'user';
  return role === 'system' && target.provider === 'codex' ? 'developer' : role;
}

/** A part that is an item of its own; `content` for one that belongs into a message; undefined for one that is left out. */
function encodeItem(part: Part, path: string, role: Turn['role'], scope: Scope): JsonRecord | 'content' | undefined {
  switch (part.kind) {
    case 'thinking':
      return reasoningItem(part, scope);
    case 'tool_call':
      return encodeCall(part, scope.losses);
    case 'tool_result':
      return encodeResult(part, path, scope);
    case 'raw':
      return encodeRaw(part, path, role, scope.losses);
    default:
      return 'content';
  }
}

function encodeContent(part: Part, path: string, role: Turn['role'], losses: Losses): JsonRecord {
  switch (part.kind) {
    case 'text':
      return role === 'assistant' ? encodeOutputText(part, losses) : encodeInputText(part, losses);
    case 'refusal':
      return role === 'assistant' ? { type: 'refusal', refusal: part.text } : { type: 'input_text', text: part.text };
    case 'image':
      return role === 'assistant' ? losses.refuse(path, 'what the model said there is text') : encodeImage(part, path, losses);
    case 'file':
      return role === 'assistant' ? losses.refuse(path, 'what the model said there is text') : encodeFile(part, path, losses);
    case 'audio':
      return role === 'assistant' ? losses.refuse(path, 'what the model said there is text') : encodeAudio(part, path, losses);
    default:
      throw new TypeError(`a ${part.kind} part is no content of a message`);
  }
}

/**
 * Reasoning goes back to who encrypted it, and only with what was encrypted. OpenAI shows nothing but summaries, and answers 400 to
 * items with content; clients of other dialects do not say which it was.
 */
function reasoningItem({ text, isSummary, id, signature }: ThinkingPart, { target }: Scope): JsonRecord | undefined {
  const encrypted = encryptedFor(signature, target);
  if (encrypted === undefined) return undefined;
  const isShort = isSummary === true || target.vendor === 'openai';
  const summary = isShort && text !== '' ? [{ type: 'summary_text', text }] : [];
  const content = isShort || text === '' ? {} : { content: [{ type: 'reasoning_text', text }] };
  return { type: 'reasoning', ...(id === undefined ? {} : { id }), summary, ...content, encrypted_content: encrypted };
}

function encryptedFor(signature: Signature | undefined, target: Party): string | undefined {
  const value = signatureFor(signature, target);
  return value === '' ? undefined : value;
}

function encodeCall({ id, name, input, isCustom, cache }: ToolCallPart, losses: Losses): JsonRecord {
  noteMarker(cache, losses);
  if (isCustom === true) return { type: 'custom_tool_call', call_id: id, name, input };
  return { type: 'function_call', call_id: id, name, arguments: input === '' ? '{}' : input };
}

function encodeResult(result: ToolResultPart, path: string, { losses, customCalls }: Scope): JsonRecord {
  const { callId, parts, isError, isCustom, cache } = result;
  noteMarker(cache, losses);
  if (isError === true) losses.drop('is_error');
  const [first] = parts;
  const output = parts.length === 1 && first?.kind === 'text' ? textOnly(first, losses) : parts.length === 0 ? '' : encodeResultParts(parts, `${path}.parts`, losses);
  return { type: isCustom === true || customCalls.has(callId) ? 'custom_tool_call_output' : 'function_call_output', call_id: callId, output };
}

function textOnly({ text, cache }: Extract<Part, { readonly kind: 'text' }>, losses: Losses): string {
  noteMarker(cache, losses);
  return text;
}

function encodeResultParts(parts: ToolResultPart['parts'], path: string, losses: Losses): readonly JsonRecord[] {
  return parts.map((part, index) => {
    const at = `${path}[${index}]`;
    switch (part.kind) {
      case 'text':
        return encodeInputText(part, losses);
      case 'image':
        return encodeImage(part, at, losses);
      case 'file':
        return encodeFile(part, at, losses);
      case 'raw':
        return part.dialect === dialect ? part.item : losses.refuse(at, `only the dialect ${part.dialect} knows this content`);
    }
  });
}

/** What another vendor's own tool did is told by the text after it; what the client gave cannot be missed. */
function encodeRaw(part: RawPart, path: string, role: Turn['role'], losses: Losses): JsonRecord | undefined {
  if (part.dialect === dialect) return part.item;
  if (role !== 'assistant') return losses.refuse(path, `only the dialect ${part.dialect} knows this content`);
  losses.drop(path);
  return undefined;
}
