import { invalidMember, isRecord, type JsonRecord } from '../ir/json.ts';
import type { Part, Signature } from '../ir/parts.ts';
import type { PlaceLog } from '../ir/places.ts';
import type { Turn } from '../ir/request.ts';
import { readSignature, tagPrefix } from '../ir/signatures.ts';
import { blocksOf, decodeBlock, native } from './blocks-decode.ts';

type Note = (name: string) => void;

/** Messages as turns. `note` is told what has no place in the internal form. Error: `invalid_request`. */
export function decodeMessages(messages: unknown, note: Note, places: PlaceLog): readonly Turn[] {
  if (!Array.isArray(messages)) throw invalidMember('messages', 'a list');
  const names = new Map<string, string>();
  return messages.flatMap((message: unknown, index) => decodeMessage(message, `messages[${index}]`, note, places)).map((turn) => nameResults(turn, names, places));
}

/** Results do not say whose they are: their calls before them do. */
function nameResults(turn: Turn, names: Map<string, string>, places: PlaceLog): Turn {
  for (const part of turn.parts) if (part.kind === 'tool_call') names.set(part.id, part.name);
  return turn.role === 'tool' ? { ...turn, parts: turn.parts.map((part) => (part.kind === 'tool_result' ? places.move(part, { ...part, name: names.get(part.callId) }) : part)) } : turn;
}

/** Top-level instructions: text or text blocks. */
export function decodeSystem(system: unknown, note: Note, places: PlaceLog): readonly Turn[] {
  if (system === undefined || system === null || system === '') return [];
  const parts = decodeParts(blocksOf(system, 'system'), 'system', note, places);
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

function decodeMessage(message: unknown, path: string, note: Note, places: PlaceLog): readonly Turn[] {
  if (!isRecord(message)) throw invalidMember(path, 'an object');
  const at = `${path}.content`;
  switch (message['role']) {
    case 'user':
      return decodeUser(decodeParts(blocksOf(message['content'], at), at, note, places));
    case 'assistant':
      return [{ role: 'assistant', parts: decodeAssistant(blocksOf(message['content'], at), at, note, places) }];
    case 'system':
      return [{ role: 'system', parts: decodeParts(blocksOf(message['content'] ?? [], at), at, note, places) }];
    default:
      throw invalidMember(`${path}.role`, '"user", "assistant" or "system"');
  }
}

/** Results are a turn of their own, before what else the message says: they follow their calls. */
function decodeUser(parts: readonly Part[]): readonly Turn[] {
  const results = parts.filter(({ kind }) => kind === 'tool_result');
  const rest = parts.filter(({ kind }) => kind !== 'tool_result');
  const answered: readonly Turn[] = results.length === 0 ? [] : [{ role: 'tool', parts: results }];
  return rest.length === 0 && results.length > 0 ? answered : [...answered, { role: 'user', parts: rest }];
}

function decodeParts(blocks: readonly JsonRecord[], path: string, note: Note, places: PlaceLog): readonly Part[] {
  return blocks.flatMap((block, index) => {
    const place = `${path}[${index}]`;
    return decodeBlock(block, place, note).map((part) => places.put(part, place));
  });
}

/**
 * A signature that another vendor put on a text or a call stands in a block before it, as `encodeAnswer` writes it. One that
 * nothing follows stays as reasoning without text.
 */
function decodeAssistant(blocks: readonly JsonRecord[], path: string, note: Note, places: PlaceLog): readonly Part[] {
  const parts: Part[] = [];
  let pending: Signature | undefined;
  const settle = (): void => {
    if (pending !== undefined) parts.push({ kind: 'thinking', text: '', signature: pending });
    pending = undefined;
  };
  for (const [index, block] of blocks.entries()) {
    const foreign = foreignSignature(block);
    if (foreign !== undefined) {
      settle();
      pending = foreign;
      continue;
    }
    const place = `${path}[${index}]`;
    for (const read of decodeBlock(block, place, note)) {
      const part = places.put(read, place);
      const isSignable = part.kind === 'text' || part.kind === 'tool_call';
      if (pending === undefined || !isSignable) {
        settle();
        parts.push(part);
      } else {
        parts.push(places.move(part, { ...part, signature: pending }));
        pending = undefined;
      }
    }
  }
  settle();
  return parts;
}

function foreignSignature(block: JsonRecord): Signature | undefined {
  const { type, data } = block;
  if (type !== 'redacted_thinking' || typeof data !== 'string' || !data.startsWith(tagPrefix)) return undefined;
  const signature = readSignature(data, native);
  return signature.vendor === native ? undefined : signature;
}
