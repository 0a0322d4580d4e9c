import { AppError } from '../fault/app-error.ts';
import type { RoutingTable } from '../routing/ports.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { ListDescriptor, Selector } from './list-descriptors.ts';
import { maskItem } from './restore-secrets.ts';
import { isList, isObject, type JsonObject } from './values.ts';

/** One item of an editable list as it stands in the file. */
export interface ListItem {
  /** Index in a sequence, name in a map. */
  readonly address: number | string;
  readonly value: unknown;
  /** Names the upstream account the item makes; empty for items that make none. */
  readonly authIndex: string;
}

/** 16 hex digits that name an account in management; stable while its key and endpoint are. */
export function authIndexOf(accountId: string): string {
  return sha256Hex(`auth-index ${accountId}`).slice(0, 16);
}

/** `authIndex` of whatever stands at a dotted config path. */
export type AuthIndexAt = (origin: string, value: unknown) => string;

export function authIndexes(table: RoutingTable): AuthIndexAt {
  const byOrigin = new Map(table.accounts.map((account) => [account.origin, account.id]));
  return (origin, value) => {
    const account = byOrigin.get(origin);
    if (account !== undefined) return authIndexOf(account);
    const entry = isObject(value) ? value : {};
    return authIndexOf(`${origin.split('.', 1)[0] ?? ''} ${sha256Hex(JSON.stringify([entry['name'] ?? '', entry['base-url'] ?? '', entry['api-key'] ?? '']))}`);
  };
}

export function listItems(descriptor: ListDescriptor, plain: JsonObject, authIndexAt: AuthIndexAt): readonly ListItem[] {
  const stored = plain[descriptor.section];
  if (descriptor.form === 'map') return isObject(stored) ? Object.entries(stored).map(([address, value]) => ({ address, value, authIndex: '' })) : [];
  if (!isList(stored)) return [];
  return stored.map((value, address) => ({ address, value, authIndex: isObject(value) ? authIndexAt(`${descriptor.section}.${countUsed(stored, address)}`, value) : '' }));
}

/** What `GET` shows: the list under its own name, secrets masked unless `isRevealed`. */
export function showList(descriptor: ListDescriptor, items: readonly ListItem[], authIndexAt: AuthIndexAt, isRevealed: boolean): unknown {
  const show = (item: ListItem): unknown => withAuthIndexes(isRevealed ? item.value : maskItem(item.value), item, `${descriptor.section}.${countUsed(items.map((other) => other.value), Number(item.address))}`, authIndexAt);
  if (descriptor.form === 'map') return Object.fromEntries(items.map((item) => [item.address, item.value]));
  return items.map((item) => show(item));
}

/** The item as stored: what `showList` added is taken off again. */
export function withoutAuthIndexes(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { 'auth-index': _shown, 'api-key-entries': entries, ...rest } = value;
  if (entries === undefined) return rest;
  return { ...rest, 'api-key-entries': isList(entries) ? entries.map((entry) => withoutAuthIndexes(entry)) : entries };
}

function withAuthIndexes(shown: unknown, item: ListItem, origin: string, authIndexAt: AuthIndexAt): unknown {
  if (!isObject(shown)) return shown;
  const stored = isObject(item.value) ? item.value['api-key-entries'] : undefined;
  const entries = shown['api-key-entries'];
  const keys = isList(entries) && isList(stored)
    ? { 'api-key-entries': entries.map((entry, index) => (isObject(entry) ? { ...entry, 'auth-index': authIndexAt(`${origin}.api-key-entries.${countUsed(stored, index)}`, stored[index]) } : entry)) }
    : {};
  return { ...shown, ...keys, 'auth-index': item.authIndex };
}

/** Items before `index` that the config uses: blank ones have no index there. */
function countUsed(items: readonly unknown[], index: number): number {
  return items.slice(0, index).filter((item) => item !== null && !(isObject(item) && typeof item['api-key'] === 'string' && item['api-key'].trim() === '')).length;
}

/** What a caller says to name one item. */
export interface Selection {
  readonly index?: number;
  readonly named: readonly { readonly selector: Selector; readonly wanted: string }[];
}

/** The one item all selectors agree on. Errors: `item_not_found`, `ambiguous_match`. */
export function selectItem(items: readonly ListItem[], selection: Selection): ListItem {
  const matches = items.filter((item) => (selection.index === undefined || item.address === selection.index) && selection.named.every(({ selector, wanted }) => selector(item, wanted)));
  const [first] = matches;
  if (first === undefined) throw new AppError('item_not_found');
  if (matches.length > 1) throw new AppError('ambiguous_match', { message: `${matches.length} items match; name one by index.`, fields: { matches: matches.map((item) => item.address) } });
  return first;
}
