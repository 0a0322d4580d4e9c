import { mergeAddresses } from '../../clients/managed-keys/key-addresses.ts';
import { statusOf, type KeySecret, type ManagedKey } from '../../clients/managed-keys/managed-key.ts';
import type { KeyChange, KeyPlace, KeyQuery, KeyUse, ManagedKeyStore } from '../../clients/managed-keys/store.ts';

/** What several stores may share, as processes share a database. */
export interface ManagedKeyData {
  revision: number;
  /** Any write counts, uses too; by whom. */
  readonly writes: { count: number; ofStore: Map<object, number> };
  readonly keys: Map<string, ManagedKey>;
  readonly gone: Map<string, KeyChange>;
}

export function createManagedKeyData(): ManagedKeyData {
  return { revision: 0, writes: { count: 0, ofStore: new Map() }, keys: new Map(), gone: new Map() };
}

/** Managed keys that live as long as the process; for tests and for running without a disk. */
export function createMemoryManagedKeyStore(data: ManagedKeyData = createManagedKeyData()): ManagedKeyStore {
  const self = {};
  const writesByOthers = (): number => data.writes.count - (data.writes.ofStore.get(self) ?? 0);
  let seen = writesByOthers();
  const countWrite = (): void => {
    data.writes.count++;
    data.writes.ofStore.set(self, (data.writes.ofStore.get(self) ?? 0) + 1);
  };
  const nextRevision = (): number => {
    countWrite();
    return ++data.revision;
  };
  const all = (): readonly ManagedKey[] => [...data.keys.values()];
  const ownerOf = (digest: string): ManagedKey | undefined => all().find(({ secrets }) => secrets.some((secret) => secret.digest === digest));
  const isTaken = ({ id, secrets }: ManagedKey): boolean => data.keys.has(id) || secrets.some(({ digest }) => ownerOf(digest) !== undefined);
  const isStale = (key: ManagedKey): boolean => data.keys.get(key.id)?.revision !== key.revision || key.secrets.some(({ digest }) => (ownerOf(digest) ?? key).id !== key.id);
  const withStoredUses = (key: ManagedKey): ManagedKey => {
    const before = data.keys.get(key.id)?.secrets ?? [];
    const usesOf = (digest: string): object => {
      const stored = before.find((secret) => secret.digest === digest);
      return stored === undefined ? {} : { lastUsedAtMs: stored.lastUsedAtMs, lastUsedFrom: stored.lastUsedFrom, addresses: stored.addresses };
    };
    return { ...key, secrets: key.secrets.map((secret) => ({ ...secret, ...usesOf(secret.digest) })) };
  };
  const save = (key: ManagedKey, revision: number): ManagedKey => {
    const written = { ...withStoredUses(key), revision };
    data.keys.set(key.id, written);
    data.gone.delete(key.id);
    return { ...key, revision };
  };
  const saveUse = ({ digest, atMs, from, addresses }: KeyUse): void => {
    const key = ownerOf(digest);
    if (key === undefined) return;
    const used = (secret: KeySecret): KeySecret => ({
      ...secret,
      ...((secret.lastUsedAtMs ?? 0) < atMs ? { lastUsedAtMs: atMs, lastUsedFrom: from } : {}),
      ...(addresses === undefined ? {} : { addresses: mergeAddresses(secret.addresses ?? [], addresses) }),
    });
    data.keys.set(key.id, { ...key, secrets: key.secrets.map((secret) => (secret.digest === digest ? used(secret) : secret)) });
  };
  return {
    find: (id) => data.keys.get(id),
    findByDigest: ownerOf,
    list: (query) => {
      const keys = all().filter((key) => matches(key, query)).sort(newestFirst).slice(0, query.limit);
      return { keys, next: keys.length < query.limit ? undefined : keys.at(-1) };
    },
    childrenOf: (id, limit) => (id === '' ? [] : all().filter(({ minterId, revokedAtMs }) => minterId === id && revokedAtMs === undefined).slice(0, limit)),
    countUnder: (id, nowMs, limit) => {
      const children = Map.groupBy(all().filter((key) => key.minterId !== '' && isLiving(key, nowMs)), ({ minterId }) => minterId);
      const under = new Set([id]);
      for (const one of under) for (const key of children.get(one) ?? []) if (under.size <= limit) under.add(key.id);
      return under.size - 1;
    },
    hasImported: () => all().some(({ isImported }) => isImported),
    insert: (keys) => {
      if (keys.some(isTaken)) return undefined;
      const revision = nextRevision();
      return keys.map((key) => save(key, revision));
    },
    update: (keys) => {
      if (keys.some(isStale)) return undefined;
      const revision = nextRevision();
      return keys.map((key) => save(key, revision));
    },
    remove: (keys) => {
      if (keys.some(isStale)) return undefined;
      const revision = nextRevision();
      return keys.map(({ id, secrets }): KeyChange => {
        const change = { id, revision, digests: secrets.map(({ digest }) => digest), key: undefined };
        data.keys.delete(id);
        data.gone.set(id, change);
        return change;
      });
    },
    saveUses: (uses) => {
      countWrite();
      uses.forEach(saveUse);
    },
    revision: () => data.revision,
    changedSince: (revision) =>
      [...all().map((key): KeyChange => ({ id: key.id, revision: key.revision, digests: key.secrets.map(({ digest }) => digest), key })), ...data.gone.values()]
        .filter((change) => change.revision > revision)
        .sort((one, other) => one.revision - other.revision),
    mayHaveChanged: () => {
      const now = writesByOthers();
      const hasChanged = now !== seen;
      seen = now;
      return hasChanged;
    },
  };
}

function isLiving(key: ManagedKey, nowMs: number): boolean {
  const status = statusOf(key, nowMs);
  return status === 'active' || status === 'rotating';
}

function matches(key: ManagedKey, { owner, tag, status, minterId, nowMs, after }: KeyQuery): boolean {
  return (
    (owner === undefined || key.owner === owner) &&
    (tag === undefined || key.tags.includes(tag)) &&
    (status === undefined || statusOf(key, nowMs) === status) &&
    (minterId === undefined || key.minterId === minterId) &&
    (after === undefined || newestFirst(after, key) < 0)
  );
}

function newestFirst(one: KeyPlace, other: KeyPlace): number {
  if (one.createdAtMs !== other.createdAtMs) return other.createdAtMs - one.createdAtMs;
  return one.id < other.id ? 1 : one.id > other.id ? -1 : 0;
}
