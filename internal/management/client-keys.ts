import type { Context } from 'hono';
import type { Children, Minting } from '../clients/managed-keys/key-wish.ts';
import { maxChain } from '../clients/managed-keys/source.ts';
import { keyStatuses, type KeyStatus, type ManagedKey } from '../clients/managed-keys/managed-key.ts';
import type { KeyPlace } from '../clients/managed-keys/store.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { answerAnyway, recordAround, recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { endMembers, invalid, patchMembers, readEnd, readOverlap, readPatch, readWish, wishMembers } from './client-key-body.ts';
import { importKeys } from './client-key-import.ts';
import { auditedKey, describeKey } from './client-key-view.ts';
import { requireClientAuth } from './client-auth.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { checkIfMatch, entityTag } from './entity-tag.ts';
import { refuseMoreThanToken } from './own-bounds.ts';
import { queryInteger } from './query.ts';

const defaultKeys = 100;
const maxKeys = 1_000;

/** Managed client keys: what there is, making, changing, rotating, ending them. A key's text is in one answer only. */
export function clientKeyRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/client-keys', scope: 'keys:read', handle: (c, call) => listKeys(deps, c, call) },
    { method: 'POST', path: '/client-keys', scope: 'keys:write', handle: (c, call) => createKey(deps, c, call) },
    { method: 'POST', path: '/client-keys/import', scope: 'root', handle: (c, call) => importKeys(deps, c, call, mintingOf(call, '')) },
    { method: 'GET', path: '/client-keys/:id', scope: 'keys:read', handle: (_, call) => showKey(deps, findKey(deps, call)) },
    { method: 'PATCH', path: '/client-keys/:id', scope: 'keys:write', handle: (c, call) => changeKey(deps, c, call) },
    { method: 'DELETE', path: '/client-keys/:id', scope: 'keys:write', handle: (c, call) => deleteKey(deps, c, call) },
    { method: 'POST', path: '/client-keys/:id/rotate', scope: 'keys:write', handle: (c, call) => rotateKey(deps, c, call) },
    { method: 'POST', path: '/client-keys/:id/revoke', scope: 'keys:write', handle: (c, call) => revokeKey(deps, c, call) },
  ];
}

/** The operator, in person or on this machine: nothing bounds what he makes. All other callers are bounded by their own key. */
function isOperator({ principal }: ManagementCall): boolean {
  return principal.kind === 'root' || principal.kind === 'local';
}

function mintingOf(call: ManagementCall, minter: string): Minting {
  const actorId = call.principal.id;
  if (isOperator(call)) return { actorId, minterId: minter };
  // Nothing of it is kept that a key could hang on, so none could end with it.
  if (call.principal.kind === 'workload') throw new AppError('scope_not_allowed', { message: 'Workloads of trusted issuers make no keys; their own tokens are good for as long as their platform vouches for them.' });
  if (minter !== '' && minter !== actorId) throw new AppError('root_required', { message: 'Only the root management secret may make keys in another key’s name.' });
  return { actorId, minterId: actorId };
}

/** Another's key is not found (contract §13): a key sees what was minted from it, however deep. */
function isVisible(deps: ManagementDeps, call: ManagementCall, key: ManagedKey): boolean {
  if (isOperator(call)) return true;
  let above: ManagedKey | undefined = key;
  for (let level = 0; level <= maxChain && above !== undefined && above.minterId !== ''; level++) {
    if (above.minterId === call.principal.id) return true;
    above = deps.clientKeys.find(above.minterId);
  }
  return false;
}

function findKey(deps: ManagementDeps, call: ManagementCall): ManagedKey {
  const key = deps.clientKeys.find(call.params['id'] ?? '');
  if (key === undefined || !isVisible(deps, call, key)) throw new AppError('item_not_found', { message: 'There is no client key with this id; `GET /client-keys` lists them.' });
  return key;
}

/** What the operator, or a child, has made under a key is not that key's to change: it may end it (`revoke`) and no more. */
function findOwn(deps: ManagementDeps, call: ManagementCall): ManagedKey {
  const key = findKey(deps, call);
  if (!isOperator(call) && key.createdBy !== call.principal.id) throw new AppError('root_required', { message: 'This key was made by another; it can be revoked, and only the root management secret may change it.' });
  return key;
}

/** Of what was decided about a key; a use changes nothing. */
function tagOf(deps: ManagementDeps, { id, revision }: ManagedKey): string {
  return entityTag(deps.tagSecret, ['client-key', id, revision]);
}

function showKey(deps: ManagementDeps, key: ManagedKey, more: object = {}, status = 200): Response {
  return answerJson({ ...describeKey(key, deps.clock.nowMs()), ...more }, { etag: tagOf(deps, key) }, status);
}

async function listKeys(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const limit = queryInteger(c, 'limit', { min: 1, max: maxKeys }) ?? defaultKeys;
  const nowMs = deps.clock.nowMs();
  const wanted = c.req.query('status');
  const status = keyStatuses.find((each) => each === wanted);
  if (wanted !== undefined && status === undefined) throw invalid('status', `must be one of ${keyStatuses.join(', ')}`);
  const query: { owner?: string | undefined; tag?: string | undefined; status?: KeyStatus | undefined } = { owner: c.req.query('owner'), tag: c.req.query('tag'), status };
  const { keys, next } = await deps.clientKeys.list({ ...query, minterId: isOperator(call) ? c.req.query('minter') : call.principal.id, nowMs, limit, after: readPlace(c.req.query('after')) });
  return answerJson({ keys: keys.map((key) => describeKey(key, nowMs)), next_after: next === undefined ? null : `${next.createdAtMs}.${next.id}` });
}

function readPlace(text: string | undefined): KeyPlace | undefined {
  if (text === undefined) return undefined;
  const [, createdAtMs, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(text) ?? [];
  if (createdAtMs === undefined || id === undefined) throw invalid('after', 'must be the next_after of an earlier answer');
  return { createdAtMs: Number(createdAtMs), id };
}

async function createKey(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonObject(c.req.raw, wishMembers);
  const minter = body['minter'] ?? '';
  if (typeof minter !== 'string') throw invalid('minter', 'must be the id of a key');
  const wish = readWish(body, deps.clock.nowMs());
  const minting = mintingOf(call, minter);
  refuseMoreThanToken(wish.grant, call);
  const draft = deps.clientKeys.draft(wish, minting);
  const { key, text } = await recordAround(deps, call, { action: 'key.created', target: draft.key.id, after: auditedKey(draft.key) }, () => deps.clientKeys.store(draft));
  const notes = await requireClientAuth(deps, call);
  answerAnyway(call);
  return showKey(deps, key, { key: text, ...notes }, 201);
}

async function changeKey(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const patch = readPatch(await readJsonObject(c.req.raw, patchMembers), deps.clock.nowMs());
  const before = findOwn(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  refuseMoreThanToken(patch.grant?.(before.grant) ?? before.grant, call);
  const after = deps.clientKeys.change(before, patch);
  recordEvent(deps, call, { action: 'key.changed', target: after.id, before: auditedKey(before), after: auditedKey(after) });
  return showKey(deps, after);
}

async function rotateKey(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonObject(c.req.raw, ['overlap', ...endMembers], { mayBeEmpty: true });
  const wish = { overlapMs: readOverlap(body), end: readEnd(body, deps.clock.nowMs()) };
  const before = findOwn(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  refuseMoreThanToken(before.grant, call);
  const draft = deps.clientKeys.draftRotation(before, wish);
  const { key, text } = await recordAround(deps, call, { action: 'key.rotated', target: before.id, before: auditedKey(before), after: auditedKey(draft.key) }, () => deps.clientKeys.store(draft));
  answerAnyway(call);
  return showKey(deps, key, { key: text });
}

async function revokeKey(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonObject(c.req.raw, ['only', 'children'], { mayBeEmpty: true });
  const { only, children = 'revoke' } = body;
  if (only !== undefined && only !== 'replaced') throw invalid('only', 'must be replaced, to end the old text of a rotated key before its time');
  if (!isChildren(children)) throw invalid('children', 'must be revoke or transfer');
  // Handed over, they are bounded by less than they were minted under.
  if (children === 'transfer' && !isOperator(call)) throw new AppError('root_required', { message: 'Only the root management secret may hand over the keys that a key has minted.' });
  const before = findKey(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  if (only === 'replaced') {
    const key = deps.clientKeys.endOverlap(before);
    recordEvent(deps, call, { action: 'key.revoked', target: key.id, before: auditedKey(before), after: auditedKey(key) });
    return showKey(deps, key);
  }
  const [key = before, ...others] = await deps.clientKeys.revoke(before, call.principal.id, children);
  recordEvent(deps, call, { action: 'key.revoked', target: key.id, after: { children, ...(others.length === 0 ? {} : { with: idsOf(others), count: others.length }) } });
  return showKey(deps, key, { children: others.slice(0, maxKeys).map((other) => ({ id: other.id, status: describeKey(other, deps.clock.nowMs())['status'] })), children_count: others.length });
}

function isChildren(value: unknown): value is Children {
  return value === 'revoke' || value === 'transfer';
}

async function deleteKey(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const before = findOwn(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  const others = await deps.clientKeys.remove(before, call.principal.id);
  recordEvent(deps, call, { action: 'key.deleted', target: before.id, before: auditedKey(before), ...(others.length === 0 ? {} : { after: { revoked: idsOf(others), count: others.length } }) });
  return answerJson({ status: 'ok', id: before.id, revoked: idsOf(others), revoked_count: others.length });
}

/** Of the first thousand: an answer and a row of the audit hold no more. */
function idsOf(keys: readonly ManagedKey[]): readonly string[] {
  return keys.slice(0, maxKeys).map(({ id }) => id);
}
