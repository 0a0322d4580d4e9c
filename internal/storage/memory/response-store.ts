import type { ResponseStore, StoredResponse } from '../../proxy/ports.ts';

/** Responses in memory, for tests. */
export function createMemoryResponseStore(): ResponseStore {
  const kept = new Map<string, StoredResponse>();
  const find = (id: string, principalId: string): StoredResponse | undefined => {
    const found = kept.get(id);
    return found?.principalId === principalId ? found : undefined;
  };
  return {
    save: (stored) => {
      if (!kept.has(stored.id)) kept.set(stored.id, structuredClone(stored));
    },
    find,
    measure: (id, principalId) => {
      const found = find(id, principalId);
      return found === undefined ? undefined : { previousId: found.previousId, bytes: Buffer.byteLength(JSON.stringify(found.input)) + Buffer.byteLength(JSON.stringify(found.output)) };
    },
    remove: (id, principalId) => find(id, principalId) !== undefined && kept.delete(id),
  };
}
