import type { Context } from 'hono';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigEdit, ConfigPath } from '../config/ports.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonBody, readJsonObject } from './body.ts';
import { changeConfig } from './change.ts';
import { checkSetting } from './check-setting.ts';
import { requireRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { entityTag } from './entity-tag.ts';
import { listDescriptors, type ListDescriptor, type Selector } from './list-descriptors.ts';
import { itemEdits, mapEdits, sequenceEdits } from './list-edits.ts';
import { authIndexes, listItems, selectItem, showList, withoutAuthIndexes, type ListItem, type Selection } from './list-items.ts';
import { checkProtected } from './protected-settings.ts';
import { queryFlag } from './query.ts';
import { checkReferencesOf, maskItem, restoreItems } from './restore-secrets.ts';
import { isList, isObject, type JsonObject } from './values.ts';

/** GET, PUT, PATCH and DELETE of every editable list, all with one meaning. */
export function listRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return listDescriptors.flatMap((descriptor): readonly ManagementRoute[] => {
    const path = `/${descriptor.section}`;
    const [read, write] = descriptor.section === 'api-keys' ? (['keys:read', 'keys:write'] as const) : (['config:read', 'config:write'] as const);
    return [
      { method: 'GET', path, scope: read, handle: (c, call) => showItems(deps, descriptor, c, call) },
      { method: 'PUT', path, scope: write, handle: (c, call) => replaceItems(deps, descriptor, c, call) },
      { method: 'PATCH', path, scope: write, handle: (c, call) => patchItem(deps, descriptor, c, call) },
      { method: 'DELETE', path, scope: write, handle: (c, call) => deleteItem(deps, descriptor, c, call) },
    ];
  });
}

function showItems(deps: ManagementDeps, descriptor: ListDescriptor, c: Context, call: ManagementCall): Response {
  const isRevealed = queryFlag(c, 'reveal');
  if (isRevealed) {
    requireRoot(call, 'see secrets');
    recordEvent(deps, call, { action: 'secret.revealed', target: descriptor.section });
  }
  const loaded = deps.config.current();
  const authIndexAt = authIndexes(deps.routingTable());
  const shown = showList(descriptor, itemsOf(deps, descriptor, loaded), authIndexAt, isRevealed);
  return answerJson({ [descriptor.section]: shown }, { etag: tagOf(deps, descriptor, loaded) });
}

async function replaceItems(deps: ManagementDeps, descriptor: ListDescriptor, c: Context, call: ManagementCall): Promise<Response> {
  const sent = unwrapItems(descriptor, await readJsonBody(c.req.raw));
  return change(deps, descriptor, c, call, (loaded) => {
    const before = itemsOf(deps, descriptor, loaded);
    const values = before.map((item) => item.value);
    if (!isList(sent)) return planMap(deps, descriptor, loaded, sent);
    const cleaned = sent.map((item) => withoutAuthIndexes(item));
    checkItems(descriptor, cleaned);
    const restored = restoreItems(cleaned, values, (index) => ['items', index]);
    checkReferencesOf(call, restored, values);
    return sequencePlan(descriptor, values, restored, sequenceEdits(descriptor.section, values, restored));
  });
}

async function patchItem(deps: ManagementDeps, descriptor: ListDescriptor, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonObject(c.req.raw, ['index', ...Object.keys(descriptor.patchBy), ...descriptor.valueMembers]);
  const [member] = descriptor.valueMembers.filter((name) => Object.hasOwn(body, name));
  if (member === undefined) throw invalid('value', `is missing; send it as ${descriptor.valueMembers.join(' or ')}`);
  const value = withoutAuthIndexes(body[member]);
  const selection = bodySelection(descriptor, body);
  return change(deps, descriptor, c, call, (loaded) => {
    const items = itemsOf(deps, descriptor, loaded);
    if (selection === undefined) return appendPlan(descriptor, call, items, value, member);
    const item = selectItem(items, selection);
    const restored = mergeItem(descriptor, item.value, value, member);
    checkReferencesOf(call, [restored], [item.value]);
    const after = items.map((other) => (other === item ? restored : other.value));
    const path = [descriptor.section, item.address];
    if (descriptor.form === 'sequence') return sequencePlan(descriptor, items.map((other) => other.value), after, itemEdits(path, item.value, restored), ['value'], Number(item.address));
    checkSetting(descriptor.section, { [item.address]: restored }, []);
    const isEmptied = isList(restored) && restored.length === 0;
    return { edits: isEmptied ? [{ kind: 'delete', path }] : itemEdits(path, item.value, restored), before: {}, after: {} };
  });
}

async function deleteItem(deps: ManagementDeps, descriptor: ListDescriptor, c: Context, call: ManagementCall): Promise<Response> {
  const selection = querySelection(descriptor, c);
  return change(deps, descriptor, c, call, (loaded) => {
    const items = itemsOf(deps, descriptor, loaded);
    const item = selectItem(items, selection);
    const before = items.map((other) => other.value);
    const after = items.filter((other) => other !== item).map((other) => other.value);
    const path = [descriptor.section, item.address];
    // The last item leaves an explicit empty list behind: for client keys its absence would mean something else.
    const empty = descriptor.form === 'sequence' ? [] : {};
    const edits: readonly ConfigEdit[] = after.length === 0 ? [{ kind: 'set', path: [descriptor.section], value: empty }] : [{ kind: 'delete', path }];
    return descriptor.form === 'sequence' ? { edits, before: { [descriptor.section]: before }, after: { [descriptor.section]: after } } : { edits, before: {}, after: {} };
  });
}

/** Edits, and the list before and after as the checks of rule 21 and of open access see it. */
interface ListPlan {
  readonly edits: readonly ConfigEdit[];
  readonly before: JsonObject;
  readonly after: JsonObject;
}

async function change(deps: ManagementDeps, descriptor: ListDescriptor, c: Context, call: ManagementCall, plan: (loaded: LoadedConfig) => ListPlan): Promise<Response> {
  const allowOpen = queryFlag(c, 'allow-open');
  const done = await changeConfig(deps, call, {
    target: descriptor.section,
    ifMatch: c.req.header('if-match'),
    allowOpen,
    tagOf: (loaded) => tagOf(deps, descriptor, loaded),
    plan: (loaded) => {
      const planned = plan(loaded);
      checkProtected(call, planned.before, planned.after);
      if (!allowOpen && countOf(planned.before, 'api-keys') > 0 && countOf(planned.after, 'api-keys') === 0) throw new AppError('would_open_access');
      return planned;
    },
  });
  return answerJson({ status: 'ok' }, { etag: tagOf(deps, descriptor, done.loaded) });
}

function sequencePlan(descriptor: ListDescriptor, before: readonly unknown[], after: readonly unknown[], edits: readonly ConfigEdit[], shownAs: ConfigPath = ['items'], only?: number): ListPlan {
  if (only === undefined) checkSetting(descriptor.section, after, shownAs);
  else checkOne(descriptor, after[only], shownAs);
  return { edits, before: { [descriptor.section]: before }, after: { [descriptor.section]: after } };
}

function planMap(deps: ManagementDeps, descriptor: ListDescriptor, loaded: LoadedConfig, sent: JsonObject): ListPlan {
  checkSetting(descriptor.section, sent, []);
  const stored = deps.views.plain(loaded)[descriptor.section];
  const before = isObject(stored) ? stored : {};
  return { edits: mapEdits(descriptor.section, before, sent), before: {}, after: {} };
}

function appendPlan(descriptor: ListDescriptor, call: ManagementCall, items: readonly ListItem[], value: unknown, member: string): ListPlan {
  const before = items.map((item) => item.value);
  checkItems(descriptor, [value], [member]);
  const [restored] = restoreItems([value], [], () => [member]);
  checkReferencesOf(call, [restored], before);
  return sequencePlan(descriptor, before, [...before, restored], [{ kind: 'append', path: [descriptor.section], value: restored }]);
}

/** The stored item with the sent members in it; `null` takes a member away. Kept secrets pass through their masks, so that rule 19 sees them as not given. */
function mergeItem(descriptor: ListDescriptor, stored: unknown, sent: unknown, member: string): unknown {
  if (!descriptor.mergesMembers) {
    if (descriptor.form === 'sequence') checkItems(descriptor, [sent], [member]);
    return descriptor.form === 'map' ? sent : restoreItems([sent], [stored], () => [member])[0];
  }
  if (!isObject(sent)) throw invalid(member, 'must be an object');
  const masked = maskItem(stored);
  const merged = Object.fromEntries(Object.entries({ ...(isObject(masked) ? masked : {}), ...sent }).filter(([, value]) => value !== null));
  return restoreItems([merged], [stored], () => [member])[0];
}

const maxKeyBytes = 4_096;

function checkItems(descriptor: ListDescriptor, items: readonly unknown[], shownAs?: ConfigPath): void {
  for (const [index, item] of items.entries()) {
    const path = shownAs?.join('.') ?? `items[${index}]`;
    if (descriptor.mergesMembers && !isObject(item)) throw invalid(path, 'must be an object');
    if (!descriptor.mergesMembers && (typeof item !== 'string' || item.trim() === '')) throw invalid(path, 'must be a non-empty string');
    if (typeof item === 'string' && Buffer.byteLength(item) > maxKeyBytes) throw invalid(path, `may be at most ${maxKeyBytes} bytes`);
  }
}

function checkOne(descriptor: ListDescriptor, item: unknown, shownAs: ConfigPath): void {
  try {
    checkSetting(descriptor.section, [item], []);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const shift = (text: unknown): string => String(text).replace(/^\[0\]/, shownAs.join('.'));
    throw new AppError(thrown.code, { message: shift(thrown.message), fields: { param: shift(thrown.fields['param']) } });
  }
}

/** A raw list or map, or one below `items`. */
function unwrapItems(descriptor: ListDescriptor, body: unknown): readonly unknown[] | JsonObject {
  const isWrapped = isObject(body) && Object.hasOwn(body, 'items') && (Object.keys(body).length === 1 || descriptor.form === 'sequence');
  if (isWrapped && Object.keys(body).length > 1) throw new AppError('invalid_request', { message: `Unknown member ${JSON.stringify(Object.keys(body).find((name) => name !== 'items'))}; known is items.` });
  const items = isWrapped && (descriptor.form === 'sequence' || isObject(body['items'])) ? body['items'] : body;
  if (descriptor.form === 'sequence' && isList(items)) return items;
  if (descriptor.form === 'map' && isObject(items)) return items;
  throw invalid('items', descriptor.form === 'sequence' ? 'must be a list' : 'must be an object');
}

/** Undefined where the body names no item and the list takes additions. */
function bodySelection(descriptor: ListDescriptor, body: JsonObject): Selection | undefined {
  const index = body['index'];
  if (index !== undefined && (typeof index !== 'number' || !Number.isSafeInteger(index) || descriptor.form === 'map')) throw invalid('index', 'must be a whole number, for a list');
  const named = Object.entries(descriptor.patchBy).flatMap(([name, selector]) => namedBy(name, selector, body[name]));
  if (index === undefined && named.length === 0) {
    if (descriptor.appends && Object.hasOwn(body, 'new')) return undefined;
    throw invalid(['index', ...Object.keys(descriptor.patchBy)].join(' or '), 'is missing');
  }
  return index === undefined ? { named } : { index, named };
}

function namedBy(name: string, selector: Selector, wanted: unknown): Selection['named'] {
  if (wanted === undefined) return [];
  if (typeof wanted !== 'string' || wanted === '') throw invalid(name, 'must be a non-empty string');
  return [{ selector, wanted }];
}

function querySelection(descriptor: ListDescriptor, c: Context): Selection {
  const known = [...(descriptor.form === 'sequence' ? ['index'] : []), ...Object.keys(descriptor.deleteBy)];
  const unknown = Object.keys(c.req.query()).find((name) => name !== 'allow-open' && !known.includes(name));
  if (unknown !== undefined) throw invalid(unknown.slice(0, 64), `is not known here; known are ${known.join(', ')}`);
  const named = Object.entries(descriptor.deleteBy).flatMap(([name, selector]) => {
    const wanted = c.req.query(name);
    return wanted === undefined ? [] : [{ selector, wanted }];
  });
  const index = descriptor.form === 'sequence' ? c.req.query('index') : undefined;
  if (index !== undefined && !/^\d{1,9}$/.test(index)) throw invalid('index', 'must be a whole number');
  if (index === undefined && named.length === 0) throw invalid(known.join(' or '), 'is missing');
  return index === undefined ? { named } : { index: Number(index), named };
}

function itemsOf(deps: ManagementDeps, descriptor: ListDescriptor, loaded: LoadedConfig): readonly ListItem[] {
  return listItems(descriptor, deps.views.plain(loaded), authIndexes(deps.routingTable()));
}

function tagOf(deps: ManagementDeps, descriptor: ListDescriptor, loaded: LoadedConfig): string {
  return entityTag(deps.tagSecret, deps.views.plain(loaded)[descriptor.section]);
}

function countOf(section: JsonObject, name: string): number {
  const items = section[name];
  return isList(items) ? items.length : 0;
}

function invalid(name: string, why: string): AppError {
  return new AppError('invalid_request', { message: `${name} ${why}.`, fields: { param: name } });
}
