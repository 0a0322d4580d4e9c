import type { Grant } from '../grant.ts';
import type { ManagedKey } from './managed-key.ts';

/** When a key ends: at a time, or never, which has to be said. */
export type KeyEnd = { readonly kind: 'at'; readonly atMs: number } | { readonly kind: 'never' };

/** A key that somebody wants, checked member by member, not yet against its minter. */
export interface KeyWish extends Pick<ManagedKey, 'name' | 'owner' | 'purpose' | 'environment' | 'tags' | 'grant'> {
  /** Undefined: the default, and no later than its minter. */
  readonly end: KeyEnd | undefined;
}

/** What of a key can be changed; undefined members stay as they are. */
export interface KeyPatch {
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  readonly purpose?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** The whole grant as it is to be, from the one it has. */
  readonly grant?: ((present: Grant) => Grant) | undefined;
  readonly end?: KeyEnd | undefined;
}

/** By whom and from which key something is made. */
export interface Minting {
  /** A principal's id, for the record. */
  readonly actorId: string;
  /** `''`: the operator, whom nothing bounds. */
  readonly minterId: string;
}

/** What becomes of the keys that a revoked key has minted: they end too, or go over to whoever minted it. */
export type Children = 'revoke' | 'transfer';
