import { flagOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { FilePart, ImagePart, Part, RawPart, Signature, TextPart, ThinkingPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { readSignature } from '../ir/signatures.ts';
import { readCitations } from './citations.ts';
import { readMarker } from './markers.ts';
import { readSource } from './media.ts';
import { markRedacted } from './redacted.ts';

const dialect = 'anthropic-messages';
const native = 'anthropic';

/** The top-level instructions: text, or blocks of it. */
export function decodeSystem(system: unknown): readonly Turn[] {
  if (system === undefined || system === null || system === '') return [];
  const parts = decodeContent(system, 'system').parts;
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/** Messages as turns. Results of tools, which stand in the user's messages, are turns of their own. */
export function decodeMessages(messages: unknown): readonly Turn[] {
  if (!Array.isArray(messages)) throw invalidMember('messages', 'a list');
  const turns: Turn[] = [];
  /** What the calls so far are named, since results do not say it. */
  const names = new Map<string, string>();
  for (const [index, message] of messages.entries()) turns.push(...decodeMessage(message, `messages[${index}]`, names));
  return turns;
}

function decodeMessage(message: unknown, path: string, names: Map<string, string>): readonly Turn[] {
  if (!isRecord(message)) throw invalidMember(path, 'an object');
  const { role } = message;
  if (role !== 'user' && role !== 'assistant' && role !== 'system') throw invalidMember(`${path}.role`, '"user", "assistant" or "system"');
  const { parts } = decodeContent(message['content'], `${path}.content`);
  if (role !== 'user') {
    const attached = role === 'assistant' ? attachSignatures(parts) : parts;
    for (const part of attached) if (part.kind === 'tool_call') names.set(part.id, part.name);
    return [{ role, parts: attached }];
  }
  return splitResults(parts.map((part) => (part.kind === 'tool_result' ? { ...part, name: names.get(part.callId) } : part)));
}

function splitResults(parts: readonly Part[]): readonly Turn[] {
  const turns: { role: 'tool' | 'user'; parts: Part[] }[] = [];
  for (const part of parts) {
    const role = part.kind === 'tool_result' ? 'tool' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(part);
    else turns.push({ role, parts: [part] });
  }
  return turns.length === 0 ? [{ role: 'user', parts: [] }] : turns;
}

function decodeContent(content: unknown, path: string): { readonly parts: readonly Part[] } {
  if (typeof content === 'string') return { parts: content === '' ? [] : [{ kind: 'text', text: content }] };
  if (!Array.isArray(content)) throw invalidMember(path, 'text or a list of blocks');
  return { parts: content.map((block: unknown, index) => decodeBlock(block, `${path}[${index}]`)) };
}

function decodeBlock(block: unknown, path: string): Part {
  if (typeof block === 'string') return { kind: 'text', text: block };
  if (!isRecord(block)) throw invalidMember(path, 'a content block');
  switch (block['type']) {
    case 'text':
      return decodeText(block, path);
    case 'image':
    case 'document':
      return decodeMedia(block, path);
    case 'thinking':
      return { kind: 'thinking', text: textOf(block['thinking']) ?? '', signature: readField(block['signature']) };
    case 'redacted_thinking':
      return decodeRedacted(block['data']);
    case 'tool_use': {
      const id = textOf(block['id']);
      const name = textOf(block['name']);
      if (id === undefined) throw invalidMember(`${path}.id`, 'a string');
      if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
      return { kind: 'tool_call', id, name, input: JSON.stringify(block['input'] ?? {}), cache: readMarker(block) };
    }
    case 'tool_result':
      return decodeResult(block, path);
    default:
      if (textOf(block['type']) === undefined) throw invalidMember(`${path}.type`, 'a string');
      return { kind: 'raw', dialect, item: block };
  }
}

function decodeText(block: JsonRecord, path: string): TextPart {
  const text = textOf(block['text']);
  if (text === undefined) throw invalidMember(`${path}.text`, 'a string');
  return { kind: 'text', text, annotations: readCitations(block['citations'], text.length), cache: readMarker(block) };
}

function decodeMedia(block: JsonRecord, path: string): ImagePart | FilePart | RawPart {
  if (!isRecord(block['source'])) throw invalidMember(`${path}.source`, 'an object');
  const source = readSource(block['source']);
  if (source === undefined) return { kind: 'raw', dialect, item: block };
  const cache = readMarker(block);
  if (block['type'] === 'image') return { kind: 'image', source, cache };
  // What a document says of itself, and whether it is cited, has no place elsewhere.
  const isPlain = (block['context'] ?? undefined) === undefined && !(isRecord(block['citations']) && block['citations']['enabled'] === true);
  const typed = source.kind === 'url' && source.mime === undefined ? { ...source, mime: 'application/pdf' } : source;
  return isPlain || source.kind !== 'id' ? { kind: 'file', source: typed, name: textOf(block['title']), cache } : { kind: 'raw', dialect, item: block };
}

function decodeResult(block: JsonRecord, path: string): ToolResultPart {
  const callId = textOf(block['tool_use_id']);
  if (callId === undefined) throw invalidMember(`${path}.tool_use_id`, 'a string');
  const content = block['content'] ?? [];
  const parts = decodeContent(content, `${path}.content`).parts.map((part, index) => inResult(part, content, index));
  return { kind: 'tool_result', callId, parts, isError: flagOf(block['is_error']) === true ? true : undefined, cache: readMarker(block) };
}

/** Results hold text, pictures and documents; whatever else stands there stays the vendor's. */
function inResult(part: Part, content: unknown, index: number): ToolResultPart['parts'][number] {
  if (part.kind === 'text' || part.kind === 'image' || part.kind === 'file' || part.kind === 'raw') return part;
  const item: unknown = Array.isArray(content) ? content[index] : undefined;
  return { kind: 'raw', dialect, item: isRecord(item) ? item : {} };
}

function readField(value: unknown): Signature | undefined {
  const text = textOf(value);
  return text === undefined || text === '' ? undefined : readSignature(text, native);
}

/** A blob that another vendor signed a text or a call with, on its way to the part behind it. */
interface LoosePart extends ThinkingPart {
  readonly isLoose: true;
}

/** What is the vendor's own is marked as `data`; a tagged one keeps the value it was tagged with. */
function decodeRedacted(data: unknown): ThinkingPart | LoosePart {
  const signature = readField(data);
  if (signature === undefined) return { kind: 'thinking', text: '' };
  if (signature.vendor !== native) return { kind: 'thinking', text: '', signature, isLoose: true };
  return { kind: 'thinking', text: '', signature: signature.account === undefined ? { ...signature, value: markRedacted(signature.value) } : signature };
}

function isLoose(part: Part): part is LoosePart {
  return 'isLoose' in part;
}

/** Where no text or call follows, it stands for itself. */
function attachSignatures(parts: readonly Part[]): readonly Part[] {
  const attached: Part[] = [];
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    const signature = before !== undefined && isLoose(before) ? before.signature : undefined;
    if (!isLoose(part)) attached.push(signature !== undefined && (part.kind === 'text' || part.kind === 'tool_call') ? { ...part, signature } : part);
    else if (!['text', 'tool_call'].includes(parts[index + 1]?.kind ?? '')) attached.push({ kind: 'thinking', text: '', signature: part.signature });
  }
  return attached;
}
