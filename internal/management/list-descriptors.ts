import type { Config } from '../config/schema.ts';
import { maskSecret } from '../secret/secret.ts';
import type { ListItem } from './list-items.ts';
import { isObject } from './values.ts';

/** Whether an item is the one that `wanted` names. */
export type Selector = (item: ListItem, wanted: string) => boolean;

/** What sets one editable list apart from the others; everything else is the same for all. */
export interface ListDescriptor {
  readonly section: keyof Config;
  /** `sequence` items have an index, `map` items a name. */
  readonly form: 'sequence' | 'map';
  /** Members of a PATCH body, beside `index`, that name an item. Several must hold together. */
  readonly patchBy: Readonly<Record<string, Selector>>;
  /** Query parameters of DELETE, beside `index`, that name an item. */
  readonly deleteBy: Readonly<Record<string, Selector>>;
  /** Members of a PATCH body that carry the new value; one of them must be there. */
  readonly valueMembers: readonly [string, ...string[]];
  /** Members of a PATCH value replace those of the item; the others stay. */
  readonly mergesMembers: boolean;
  /** A PATCH that names no item adds its value. */
  readonly appends: boolean;
}

const byName: Selector = (item, wanted) => item.address === wanted;
const byText: Selector = (item, wanted) => isSecretNamed(item.value, wanted);
const byMember = (member: string): Selector => (item, wanted) => isObject(item.value) && item.value[member] === wanted;
const byKey: Selector = (item, wanted) => isObject(item.value) && isSecretNamed(item.value['api-key'], wanted);
const byAuthIndex: Selector = (item, wanted) => item.authIndex === wanted;
const byBaseUrl: Selector = (item, wanted) => isObject(item.value) && (item.value['base-url'] ?? '') === wanted;
const byProviderName: Selector = (item, wanted) => isObject(item.value) && typeof item.value['name'] === 'string' && item.value['name'].toLowerCase() === wanted.toLowerCase();

/** A secret may be named by itself or by its mask. */
function isSecretNamed(value: unknown, wanted: string): boolean {
  return typeof value === 'string' && (value === wanted || maskSecret(value) === wanted);
}

const keyEntries = (section: keyof Config): ListDescriptor => ({
  section,
  form: 'sequence',
  patchBy: { match: byKey, 'api-key': byKey, 'base-url': byBaseUrl, 'auth-index': byAuthIndex },
  deleteBy: { 'api-key': byKey, 'base-url': byBaseUrl, 'auth-index': byAuthIndex },
  valueMembers: ['value'],
  mergesMembers: true,
  appends: false,
});

/** The editable lists, in the order of contract §6. */
export const listDescriptors: readonly ListDescriptor[] = [
  { section: 'api-keys', form: 'sequence', patchBy: { match: byText, old: byText }, deleteBy: { value: byText }, valueMembers: ['value', 'new'], mergesMembers: false, appends: true },
  keyEntries('gemini-api-key'),
  keyEntries('claude-api-key'),
  keyEntries('codex-api-key'),
  keyEntries('vertex-api-key'),
  {
    section: 'openai-compatibility',
    form: 'sequence',
    patchBy: { name: byProviderName, match: byProviderName, 'base-url': byMember('base-url'), 'auth-index': byAuthIndex },
    deleteBy: { name: byProviderName, 'base-url': byMember('base-url'), 'auth-index': byAuthIndex },
    valueMembers: ['value'],
    mergesMembers: true,
    appends: false,
  },
  { section: 'oauth-excluded-models', form: 'map', patchBy: { name: byName, provider: byName }, deleteBy: { name: byName, provider: byName }, valueMembers: ['value', 'models'], mergesMembers: false, appends: false },
  { section: 'oauth-model-alias', form: 'map', patchBy: { name: byName, channel: byName, provider: byName }, deleteBy: { name: byName, channel: byName, provider: byName }, valueMembers: ['value', 'aliases'], mergesMembers: false, appends: false },
];
