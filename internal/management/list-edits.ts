import type { ConfigEdit, ConfigPath } from '../config/ports.ts';
import { isObject, isSame, type JsonObject } from './values.ts';

/** Edits that turn one stored item into another, member by member where both are objects. */
export function itemEdits(path: ConfigPath, before: unknown, after: unknown): readonly ConfigEdit[] {
  if (isSame(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ kind: 'set', path, value: after }];
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return [
    ...Object.entries(after).filter(([name, value]) => !isSame(before[name], value)).map(([name, value]): ConfigEdit => ({ kind: 'set', path: [...path, name], value })),
    ...gone.map((name): ConfigEdit => ({ kind: 'delete', path: [...path, name] })),
  ];
}

/**
 * Edits that turn a stored sequence into another. Items that stay keep their place in the file and its comments; only
 * a new order, or an item put between others, writes the sequence anew. In the order given each path is valid when
 * its turn comes.
 */
export function sequenceEdits(section: string, before: readonly unknown[], after: readonly unknown[]): readonly ConfigEdit[] {
  if (isSame(before, after)) return [];
  const partners = pairItems(before, after);
  const kept = partners.filter((partner) => partner !== undefined);
  const isInOrder = kept.every((partner, index) => index === 0 || partner > (kept[index - 1] ?? 0));
  const isGrownAtTheEnd = partners.slice(0, kept.length).every((partner) => partner !== undefined);
  if (kept.length === 0 || !isInOrder || !isGrownAtTheEnd) return [{ kind: 'set', path: [section], value: after }];
  const gone = [...before.keys()].filter((index) => !kept.includes(index)).toReversed();
  return [
    ...kept.flatMap((partner, index) => itemEdits([section, partner], before[partner], after[index])),
    ...gone.map((index): ConfigEdit => ({ kind: 'delete', path: [section, index] })),
    ...after.slice(kept.length).map((value): ConfigEdit => ({ kind: 'append', path: [section], value })),
  ];
}

/** Edits that turn a stored map into another. */
export function mapEdits(section: string, before: JsonObject, after: JsonObject): readonly ConfigEdit[] {
  if (isSame(before, after)) return [];
  const isRewritten = Object.keys(after).length === 0 || !Object.keys(before).some((name) => Object.hasOwn(after, name));
  if (isRewritten) return [{ kind: 'set', path: [section], value: after }];
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return [
    ...Object.entries(after).filter(([name, value]) => !isSame(before[name], value)).map(([name, value]): ConfigEdit => ({ kind: 'set', path: [section, name], value })),
    ...gone.map((name): ConfigEdit => ({ kind: 'delete', path: [section, name] })),
  ];
}

/** For each new item the index of the stored one it continues; each stored item is continued at most once. */
function pairItems(before: readonly unknown[], after: readonly unknown[]): readonly (number | undefined)[] {
  const free = new Map<string, number[]>();
  for (const [index, item] of before.entries()) free.set(identityOf(item), [...(free.get(identityOf(item)) ?? []), index]);
  return after.map((item) => free.get(identityOf(item))?.shift());
}

function identityOf(item: unknown): string {
  return JSON.stringify(isObject(item) ? [item['name'], item['api-key'], item['base-url']] : item);
}
