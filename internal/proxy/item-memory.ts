import { LRUCache } from 'lru-cache';
import { parseExact } from '../dialect/ir/exact-json.ts';
import { isRecord, listOf, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { resolveReferences } from '../dialect/openai-responses/transcript.ts';
import { sha256Hex } from '../secret/digest.ts';
import { parseJsonBody, type JsonBody } from './json-body.ts';

/**
 * Output items of responses that no upstream keeps, for an hour and in memory alone: some clients send what was just said to
 * them as a reference. Each is its owner's.
 */
export interface ItemMemory {
  readonly remember: (principalId: string, response: JsonRecord) => void;
  readonly find: (principalId: string, itemId: string) => JsonRecord | undefined;
}

const maxBytes = 32 * 1024 * 1024;
const maxItemBytes = 4 * 1024 * 1024;
const keptMs = 3_600_000;

export function createItemMemory(): ItemMemory {
  const items = new LRUCache<string, { readonly item: JsonRecord; readonly size: number }>({ maxSize: maxBytes, maxEntrySize: maxItemBytes, sizeCalculation: ({ size }) => size, ttl: keptMs });
  const keyOf = (principalId: string, itemId: string): string => sha256Hex(JSON.stringify([principalId, itemId]));
  return {
    remember: (principalId, response) => {
      for (const item of listOf(response['output']).filter(isRecord)) {
        const id = textOf(item['id']);
        if (id !== undefined) items.set(keyOf(principalId, id), { item, size: JSON.stringify(item).length + 128 });
      }
    },
    find: (principalId, itemId) => items.get(keyOf(principalId, itemId))?.item,
  };
}

const marks = [Buffer.from('item_reference'), Buffer.from('"id"')] as const;

/** The body with references to remembered items replaced by what they refer to; the same body where none is remembered. */
export function withRememberedItems(body: JsonBody, find: (itemId: string) => JsonRecord | undefined): JsonBody {
  if (!marks.some((mark) => body.bytes.includes(mark))) return body;
  const request: unknown = parseExact(body.bytes.toString('utf8'));
  if (!isRecord(request) || !Array.isArray(request['input'])) return body;
  const input = request['input'].filter(isRecord);
  if (input.length !== request['input'].length) return body;
  let isKnown = false;
  const resolved = resolveReferences(input, (id) => {
    const item = find(id);
    isKnown ||= item !== undefined;
    return item;
  });
  return isKnown ? parseJsonBody(Buffer.from(JSON.stringify({ ...request, input: resolved }))) : body;
}
