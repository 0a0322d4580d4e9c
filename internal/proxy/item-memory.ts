import { LRUCache } from 'lru-cache';
import { parseExact } from '../dialect/ir/exact-json.ts';
import { isRecord, listOf, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { outputAsInput, resolveReferences } from '../dialect/openai-responses/transcript.ts';
import { sha256Hex } from '../secret/digest.ts';
import { parseJsonBody, type JsonBody } from './json-body.ts';
import { tooLargeWithMemory } from './read-body.ts';

/**
 * Output items of responses that no upstream keeps, for an hour and in memory alone: some clients send what was just said to
 * them as a reference. Each is its owner's.
 */
export interface ItemMemory {
  readonly remember: (principalId: string, response: JsonRecord) => void;
  readonly find: (principalId: string, itemId: string) => RememberedItem | undefined;
}

export interface RememberedItem {
  readonly item: JsonRecord;
  /** What it comes to in an input, as JSON in UTF-8; 0 for what has no place there. */
  readonly inputBytes: number;
}

const maxBytes = 32 * 1024 * 1024;
const maxItemBytes = 4 * 1024 * 1024;
const keptMs = 3_600_000;

export function createItemMemory(): ItemMemory {
  const items = new LRUCache<string, RememberedItem & { readonly size: number }>({ maxSize: maxBytes, maxEntrySize: maxItemBytes, sizeCalculation: ({ size }) => size, ttl: keptMs });
  const keyOf = (principalId: string, itemId: string): string => sha256Hex(JSON.stringify([principalId, itemId]));
  return {
    remember: (principalId, response) => {
      for (const item of listOf(response['output']).filter(isRecord)) {
        const id = textOf(item['id']);
        if (id !== undefined) items.set(keyOf(principalId, id), { item, inputBytes: Buffer.byteLength(JSON.stringify(outputAsInput([item]))) - 2, size: JSON.stringify(item).length + 128 });
      }
    },
    find: (principalId, itemId) => items.get(keyOf(principalId, itemId)),
  };
}

const marks = [Buffer.from('item_reference'), Buffer.from('"id"')] as const;

/**
 * The body with references to remembered items replaced by what they refer to; the same body where none is remembered. One may
 * be referred to often, so that their sizes are summed up before anything is written. Error: `body_too_large`.
 */
export function withRememberedItems(body: JsonBody, find: (itemId: string) => RememberedItem | undefined, maxBytes: number): JsonBody {
  if (!marks.some((mark) => body.bytes.includes(mark))) return body;
  const request: unknown = parseExact(body.bytes.toString('utf8'));
  if (!isRecord(request) || !Array.isArray(request['input'])) return body;
  const input = request['input'].filter(isRecord);
  if (input.length !== request['input'].length) return body;
  let isKnown = false;
  let addedBytes = 0;
  const resolved = resolveReferences(input, (id) => {
    const found = find(id);
    if (found === undefined) return undefined;
    isKnown = true;
    addedBytes += found.inputBytes;
    if (addedBytes > maxBytes) throw tooLargeWithMemory(maxBytes);
    return found.item;
  });
  return isKnown ? parseJsonBody(Buffer.from(JSON.stringify({ ...request, input: resolved }))) : body;
}
