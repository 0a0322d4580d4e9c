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
    remove: (id, principalId) => find(id, principalId) !== undefined && kept.delete(id),
  };
}
