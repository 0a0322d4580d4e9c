import { AppError } from '../../fault/app-error.ts';
import type { Grant } from '../grant.ts';
import type { MinterRights } from '../issued/token-source.ts';
import { asStorage } from '../as-storage.ts';
import type { KeyEnd } from './key-wish.ts';
import { statusOf, type ManagedKey } from './managed-key.ts';
import { maxChain } from './source.ts';
import type { ManagedKeyStore } from './store.ts';
import { findExcess } from './within-minter.ts';

/** A person, or an OAuth client, by whose right keys were made. Undefined: there is none, or nothing is left of it. Throws when that cannot be read. */
export type OutsideMinter = (id: string) => MinterRights | undefined;

/** All whose rights bound a key. */
export interface Minters {
  /** The minter, then who minted that. */
  readonly keys: readonly ManagedKey[];
  /** Who stands above them all and is no key; undefined: the operator. */
  readonly outside: (MinterRights & { readonly id: string }) | undefined;
}

/** Errors: `item_not_found`; `conflict` where they are too many above one another. */
export function findMinters(store: Pick<ManagedKeyStore, 'find'>, outside: OutsideMinter, minterId: string): Minters {
  const keys: ManagedKey[] = [];
  for (let id = minterId; id !== ''; ) {
    const minter = asStorage(() => store.find(id));
    if (minter === undefined) {
      const rights = asStorage(() => outside(id));
      if (rights === undefined) throw new AppError('item_not_found', { message: `There is nobody ${id} to mint from: no key, and no person or OAuth client with rights.`, fields: { param: 'minter' } });
      return { keys, outside: { ...rights, id } };
    }
    keys.push(minter);
    if (keys.length > maxChain - 1) throw new AppError('conflict', { message: `Keys may be minted ${maxChain - 1} deep; mint from one nearer to the operator.`, fields: { param: 'minter' } });
    id = minter.minterId;
  }
  return { keys, outside: undefined };
}

/** Errors: `exceeds_minter` naming the member; `conflict` where a minter gives nothing any more. */
export function refuseExcess(grant: Grant, { keys, outside }: Minters, nowMs: number): void {
  for (const minter of keys) {
    const status = statusOf(minter, nowMs);
    if (status === 'revoked' || status === 'expired') throw new AppError('conflict', { message: `The key ${minter.id} is ${status}; nothing can be minted from it.`, fields: { param: 'minter' } });
  }
  for (const holder of [...keys, ...(outside?.holders ?? [])]) {
    const excess = findExcess(grant, holder.grant);
    if (excess !== undefined) throw new AppError('exceeds_minter', { message: `\`${excess.member}\` ${excess.message}.`, fields: { param: excess.member } });
  }
}

/** Living keys that may hang on one, however deep: what ends with it, and is looked through when one more is made. */
export const maxUnderKey = 1_000;

/** Errors: `too_many_keys`. Who stands below the topmost minter has no more under it than that one has. */
export function refuseCrowd(store: Pick<ManagedKeyStore, 'countUnder'>, { keys, outside }: Minters, nowMs: number): void {
  const top = outside?.id ?? keys.at(-1)?.id;
  if (top === undefined || asStorage(() => store.countUnder(top, nowMs, maxUnderKey)) < maxUnderKey) return;
  throw new AppError('too_many_keys', { message: `${maxUnderKey} living keys hang on ${top}, which is as many as may; revoke some of them.`, fields: { param: 'minter' } });
}

/** When a key ends: as wished, else at the default or with its first minter, whichever comes first. Errors: `exceeds_minter`. */
export function endWithin(end: KeyEnd | undefined, defaultAtMs: number, { keys, outside }: Minters): number | undefined {
  const lastAtMs = Math.min(outside?.validUntilMs ?? Infinity, ...keys.map(({ expiresAtMs }) => expiresAtMs ?? Infinity));
  const wishedAtMs = end === undefined ? Math.min(defaultAtMs, lastAtMs) : end.kind === 'never' ? Infinity : end.atMs;
  if (wishedAtMs > lastAtMs) throw new AppError('exceeds_minter', { message: `\`expires_at\` is later than its minter ends, which is ${new Date(lastAtMs).toISOString()}.`, fields: { param: 'expires_at' } });
  return wishedAtMs === Infinity ? undefined : wishedAtMs;
}
