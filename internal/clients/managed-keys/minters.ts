import { AppError } from '../../fault/app-error.ts';
import type { Grant } from '../grant.ts';
import { asStorage } from './as-storage.ts';
import type { KeyEnd } from './key-wish.ts';
import { statusOf, type ManagedKey } from './managed-key.ts';
import { maxChain } from './source.ts';
import type { ManagedKeyStore } from './store.ts';
import { findExcess } from './within-minter.ts';

/** The minter, then who minted that. Errors: `item_not_found`; `conflict` where they are too many above one another. */
export function findMinters(store: Pick<ManagedKeyStore, 'find'>, minterId: string): readonly ManagedKey[] {
  const minters: ManagedKey[] = [];
  for (let id = minterId; id !== ''; ) {
    const minter = asStorage(() => store.find(id));
    if (minter === undefined) throw new AppError('item_not_found', { message: `There is no key ${id} to mint from.`, fields: { param: 'minter' } });
    minters.push(minter);
    if (minters.length > maxChain - 1) throw new AppError('conflict', { message: `Keys may be minted ${maxChain - 1} deep; mint from one nearer to the operator.`, fields: { param: 'minter' } });
    id = minter.minterId;
  }
  return minters;
}

/** Errors: `exceeds_minter` naming the member; `conflict` where a minter gives nothing any more. */
export function refuseExcess(grant: Grant, minters: readonly ManagedKey[], nowMs: number): void {
  for (const minter of minters) {
    const status = statusOf(minter, nowMs);
    if (status === 'revoked' || status === 'expired') throw new AppError('conflict', { message: `The key ${minter.id} is ${status}; nothing can be minted from it.`, fields: { param: 'minter' } });
    const excess = findExcess(grant, minter.grant);
    if (excess !== undefined) throw new AppError('exceeds_minter', { message: `\`${excess.member}\` ${excess.message}.`, fields: { param: excess.member } });
  }
}

/** Living keys that may hang on one, however deep: what ends with it, and is looked through when one more is made. */
export const maxUnderKey = 1_000;

/** Errors: `too_many_keys`. Who stands below the topmost minter has no more under it than that one has. */
export function refuseCrowd(store: Pick<ManagedKeyStore, 'countUnder'>, minters: readonly ManagedKey[], nowMs: number): void {
  const top = minters.at(-1);
  if (top === undefined || asStorage(() => store.countUnder(top.id, nowMs, maxUnderKey)) < maxUnderKey) return;
  throw new AppError('too_many_keys', { message: `${maxUnderKey} living keys hang on ${top.id}, which is as many as may; revoke some of them.`, fields: { param: 'minter' } });
}

/** When a key ends: as wished, else at the default or with its first minter, whichever comes first. Errors: `exceeds_minter`. */
export function endWithin(end: KeyEnd | undefined, defaultAtMs: number, minters: readonly ManagedKey[]): number | undefined {
  const lastAtMs = Math.min(Infinity, ...minters.map(({ expiresAtMs }) => expiresAtMs ?? Infinity));
  const wishedAtMs = end === undefined ? Math.min(defaultAtMs, lastAtMs) : end.kind === 'never' ? Infinity : end.atMs;
  if (wishedAtMs > lastAtMs) throw new AppError('exceeds_minter', { message: `\`expires_at\` is later than its minter ends, which is ${new Date(lastAtMs).toISOString()}.`, fields: { param: 'expires_at' } });
  return wishedAtMs === Infinity ? undefined : wishedAtMs;
}
