import type { KeyAddress } from './key-addresses.ts';
import type { KeyStatus, ManagedKey } from './managed-key.ts';

export interface KeyQuery {
  readonly owner?: string | undefined;
  readonly tag?: string | undefined;
  readonly status?: KeyStatus | undefined;
  readonly minterId?: string | undefined;
  /** What statuses are judged by. */
  readonly nowMs: number;
  /** Only keys after this one in the order of the list. */
  readonly after?: KeyPlace | undefined;
  readonly limit: number;
}

export interface KeyPlace {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface KeyPage {
  readonly keys: readonly ManagedKey[];
  /** What to go on after; undefined when all has been looked through. */
  readonly next: KeyPlace | undefined;
}

/** A key that was written. `key` is undefined once it is removed; its digests stand all the same. */
export interface KeyChange {
  readonly id: string;
  readonly revision: number;
  readonly digests: readonly string[];
  readonly key: ManagedKey | undefined;
}

export interface KeyUse {
  readonly digest: string;
  readonly atMs: number;
  readonly from: string;
  /** Places that it came to since the last ones were told. */
  readonly addresses?: readonly KeyAddress[] | undefined;
}

/**
 * Where managed keys are kept. Synchronous; throws when it cannot be read or written. Other processes may work on the same
 * data: each write raises one revision, which the rows it touched carry.
 */
export interface ManagedKeyStore {
  /** One indexed read. */
  readonly findByDigest: (digest: string) => ManagedKey | undefined;
  readonly find: (id: string) => ManagedKey | undefined;
  /** Newest first. At most so many rows are looked through that nobody waits for it: a page may be short, or empty, and not the last. */
  readonly list: (query: KeyQuery) => KeyPage;
  /** Minted from it and not revoked, at most `limit` of them, in no order. */
  readonly childrenOf: (id: string, limit: number) => readonly ManagedKey[];
  /** How many keys that are neither revoked nor expired hang on it, however deep; no more than `limit` are counted. */
  readonly countUnder: (id: string, nowMs: number, limit: number) => number;
  /** There is a key whose text may have any form. */
  readonly hasImported: () => boolean;
  /** All or none; undefined, and nothing written, when an id or a digest is taken. Gives the keys with their revision. */
  readonly insert: (keys: readonly ManagedKey[]) => readonly ManagedKey[] | undefined;
  /** All or none; undefined, and nothing written, when one of them was changed since it was read, or is gone. Uses are left as they are. */
  readonly update: (keys: readonly ManagedKey[]) => readonly ManagedKey[] | undefined;
  /** As `update`, and then the keys are gone. */
  readonly remove: (keys: readonly ManagedKey[]) => readonly KeyChange[] | undefined;
  /** Later uses replace earlier ones; digests that are not known are passed over. */
  readonly saveUses: (uses: readonly KeyUse[]) => void;
  /** Of the newest write by anybody. */
  readonly revision: () => number;
  /** What was written after that revision, in order; `many` where it is more than is worth telling one by one. */
  readonly changedSince: (revision: number) => readonly KeyChange[] | 'many';
  /** True when another process may have written since this was last asked; costs next to nothing. */
  readonly mayHaveChanged: () => boolean;
}
