import type { ConfigPath } from '../config/ports.ts';
import { isReference } from '../config/secret-reference.ts';
import { AppError } from '../fault/app-error.ts';
import { isRoot, type ManagementCall } from './context.ts';
import { findSecretSlots, isMasked, maskSlot, slotPhases, type SecretSlot } from './secret-slots.ts';
import { printPath, replaceAt } from './values.ts';

/** The item as it is shown: every plain secret masked, references as written. */
export function maskItem(item: unknown): unknown {
  return findSecretSlots(item).reduce<unknown>((shown, slot) => replaceAt(shown, slot.path, maskSlot(slot)), item);
}

/**
 * Items as they were sent, with the stored secrets where they hold masks. A mask resolves only to the one stored secret
 * with that mask and destination; several that look alike resolve in their order, and only while none was added or taken.
 * A reference counts as a stored secret too: unless `references` are `given`, naming it again is not giving it.
 * Errors: `secret_required` where the destination changed (security rule 19), `ambiguous_match`, `invalid_request` for a
 * mask of nothing.
 */
export function restoreItems(sent: readonly unknown[], stored: readonly unknown[], where: (index: number) => ConfigPath, references: 'kept' | 'given' = 'kept'): readonly unknown[] {
  const pool = stored.flatMap((item) => findSecretSlots(item));
  return slotPhases.reduce<readonly unknown[]>((items, phase) => restorePhase(items, pool, phase, where, references), sent);
}

function restorePhase(items: readonly unknown[], pool: readonly SecretSlot[], phase: SecretSlot['phase'], where: (index: number) => ConfigPath, references: 'kept' | 'given'): readonly unknown[] {
  const asked = items.map((item) => findSecretSlots(item).filter((slot) => slot.phase === phase));
  const uses = countUses(asked.flat());
  const taken = new Map<string, number>();
  return items.map((item, index) =>
    (asked[index] ?? []).reduce<unknown>((restored, slot) => {
      const path = [...where(index), ...slot.path];
      if (isMasked(slot)) return replaceAt(restored, slot.path, resolveMask(slot, pool, path, uses, taken));
      if (references === 'kept' && isReference(slot.value)) checkReference(slot, pool, path);
      return restored;
    }, item),
  );
}

/**
 * Lists take no reference that does not stand at the same destination already: a new entry with a stored variable's name
 * would send that secret elsewhere (security rule 19), and one with another name would read any variable or file. Whoever
 * means it writes config.yaml, where root may. Errors: `secret_required`, `root_required`.
 */
export function checkReferencesOf(call: ManagementCall, items: readonly unknown[], stored: readonly unknown[]): void {
  const known = new Set(stored.flatMap((item) => findSecretSlots(item)).map(placeOf));
  const fresh = items.flatMap((item) => findSecretSlots(item)).find((slot) => isReference(slot.value) && !known.has(placeOf(slot)));
  if (fresh === undefined) return;
  if (!isRoot(call.principal)) throw new AppError('root_required', { message: 'Only the root management secret may make a setting refer to a variable or a file.' });
  throw new AppError('secret_required', { message: 'A reference (env:, file:) is introduced or moved in config.yaml itself; send the secret here, or write the file.', fields: { param: printPath(fresh.path) } });
}

const placeOf = (slot: SecretSlot): string => JSON.stringify([slot.value, slot.destination]);

const useKey = (slot: SecretSlot, mask: string): string => JSON.stringify([slot.kind, mask, slot.destination]);

function countUses(slots: readonly SecretSlot[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  for (const slot of slots) {
    if (isMasked(slot)) uses.set(useKey(slot, slot.value), (uses.get(useKey(slot, slot.value)) ?? 0) + 1);
  }
  return uses;
}

function resolveMask(slot: SecretSlot, pool: readonly SecretSlot[], path: ConfigPath, uses: ReadonlyMap<string, number>, taken: Map<string, number>): string {
  const alike = pool.filter((candidate) => candidate.kind === slot.kind && !isReference(candidate.value) && maskSlot(candidate) === slot.value);
  if (alike.length === 0 && slot.kind === 'whole') throw invalidMask(path);
  const fitting = alike.filter((candidate) => candidate.destination === slot.destination);
  const [first] = fitting;
  if (first === undefined) throw secretRequired(path);
  if (fitting.every((candidate) => candidate.value === first.value)) return first.value;
  const key = useKey(slot, slot.value);
  const turn = taken.get(key) ?? 0;
  taken.set(key, turn + 1);
  const inTurn = fitting[turn];
  if (uses.get(key) !== fitting.length || inTurn === undefined) throw new AppError('ambiguous_match', { message: `${printPath(path)} is a mask of several stored secrets; give the secret itself.`, fields: { param: printPath(path) } });
  return inTurn.value;
}

function checkReference(slot: SecretSlot, pool: readonly SecretSlot[], path: ConfigPath): void {
  const alike = pool.filter((candidate) => candidate.value === slot.value);
  if (alike.length > 0 && !alike.some((candidate) => candidate.destination === slot.destination)) throw secretRequired(path);
}

function invalidMask(path: ConfigPath): AppError {
  return new AppError('invalid_request', { message: `${printPath(path)} is the mask of no stored secret; give the secret itself.`, fields: { param: printPath(path) } });
}

function secretRequired(path: ConfigPath): AppError {
  return new AppError('secret_required', { message: `This changes where ${printPath(path)} is sent; give the secret itself along with the change, or edit the file.`, fields: { param: printPath(path) } });
}
