import { parseExact } from '../../dialect/ir/exact-json.ts';
import { isRecord, type JsonRecord } from '../../dialect/ir/json.ts';
import type { ResponseStore, StoredResponse } from '../../proxy/ports.ts';

/** A number with more digits than JavaScript's have is cloned by its text alone. */
function copy(record: JsonRecord): JsonRecord {
  const value = parseExact(JSON.stringify(record));
  return isRecord(value) ? value : {};
}

/** Responses in memory, for tests. */
export function createMemoryResponseStore(): ResponseStore {
  const kept = new Map<string, StoredResponse>();
  const find = (id: string, principalId: string): StoredResponse | undefined => {
    const found = kept.get(id);
    return found?.principalId === principalId ? found : undefined;
  };
  return {
    save: (stored) => {
      if (!kept.has(stored.id)) kept.set(stored.id, { ...stored, response: copy(stored.response), input: stored.input.map(copy), output: stored.output.map(copy) });
    },
    find,
    measure: (id, principalId) => {
      const found = find(id, principalId);
      return found === undefined ? undefined : { previousId: found.previousId, bytes: Buffer.byteLength(JSON.stringify(found.input)) + Buffer.byteLength(JSON.stringify(found.output)) };
    },
    remove: (id, principalId) => find(id, principalId) !== undefined && kept.delete(id),
  };
}
