import type { Context } from 'hono';
import { encodeGrant } from '../clients/managed-keys/grant-json.ts';
import { maxChain } from '../clients/managed-keys/source.ts';
import type { OAuthClient } from '../clients/issued/oauth-client.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { invalid, readOverlap } from './client-key-body.ts';
import { at } from './client-key-view.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { checkIfMatch, entityTag } from './entity-tag.ts';
import { clientMembers, clientPatchMembers, readClientPatch, readClientWish } from './oauth-client-body.ts';
import { refuseMoreThanOwn, refuseMoreThanToken } from './own-bounds.ts';
import { queryInteger } from './query.ts';
import type { JsonObject } from './values.ts';

const defaultClients = 100;
const maxClients = 1_000;

/** OAuth clients of machines and tools: what there is, making, changing, rotating, ending them. A secret is in one answer only. */
export function oauthClientRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/oauth-clients', scope: 'clients:read', handle: (c, call) => listClients(deps, c, call) },
    { method: 'POST', path: '/oauth-clients', scope: 'clients:write', handle: (c, call) => createClient(deps, c, call) },
    { method: 'GET', path: '/oauth-clients/:id', scope: 'clients:read', handle: (_, call) => showClient(deps, findClient(deps, call)) },
    { method: 'PATCH', path: '/oauth-clients/:id', scope: 'clients:write', handle: (c, call) => changeClient(deps, c, call) },
    { method: 'DELETE', path: '/oauth-clients/:id', scope: 'clients:write', handle: (c, call) => deleteClient(deps, c, call) },
    { method: 'POST', path: '/oauth-clients/:id/rotate', scope: 'clients:write', handle: (c, call) => rotateClient(deps, c, call) },
    { method: 'POST', path: '/oauth-clients/:id/revoke', scope: 'clients:write', handle: (c, call) => revokeClient(deps, c, call) },
  ];
}

export function identityOf(deps: ManagementDeps): NonNullable<ManagementDeps['identity']> {
  if (deps.identity === undefined) throw new AppError('identity_disabled');
  return deps.identity;
}

export function isOperator({ principal }: ManagementCall): boolean {
  return principal.kind === 'root' || principal.kind === 'local';
}

/** Another's client is not found (contract §13): a credential sees those that it made. */
function findClient(deps: ManagementDeps, call: ManagementCall): OAuthClient {
  const client = identityOf(deps).clients.find(call.params['id'] ?? '');
  if (client === undefined || !(isOperator(call) || client.minterId === call.principal.id)) throw new AppError('item_not_found', { message: 'There is no OAuth client with this id; `GET /oauth-clients` lists them.' });
  return client;
}

/** Clients that one credential may have made, and how many may hang on one another. */
const maxMade = 1_000;

function refuseCrowd(deps: ManagementDeps, minterId: string): void {
  const { clients } = identityOf(deps);
  if (clients.list({ minterId, limit: maxMade }).length >= maxMade) throw new AppError('conflict', { message: `${maxMade} OAuth clients hang on this credential, which is as many as may; delete some of them.` });
  let depth = 0;
  for (let above = clients.find(minterId); above !== undefined; above = clients.find(above.minterId)) depth++;
  if (depth >= maxChain) throw new AppError('conflict', { message: `OAuth clients may be made ${maxChain} deep; make it from one nearer to the operator.` });
}

function describeClient({ id, name, organization, authentication, grants, grant, redirectUris, jwks, createdAtMs, createdBy, minterId, revokedAtMs, revokedBy, secrets }: OAuthClient, nowMs: number): JsonObject {
  const live = secrets.filter(({ endsAtMs }) => endsAtMs === undefined || endsAtMs > nowMs);
  return {
    id,
    name,
    organization,
    authentication,
    grants,
    status: revokedAtMs !== undefined ? 'revoked' : live.length > 1 ? 'rotating' : 'active',
    created_at: at(createdAtMs),
    created_by: createdBy,
    minter: minterId === '' ? null : minterId,
    revoked_at: at(revokedAtMs),
    revoked_by: revokedAtMs === undefined ? null : revokedBy,
    redirect_uris: redirectUris,
    jwks: jwks.length === 0 ? null : { keys: jwks },
    secrets: live.map(({ hint, createdAtMs: made, endsAtMs }) => ({ hint, created_at: at(made), ends_at: at(endsAtMs) })),
    limits: encodeGrant(grant),
  };
}

function tagOf(deps: ManagementDeps, { id, revision }: OAuthClient): string {
  return entityTag(deps.tagSecret, ['oauth-client', id, revision]);
}

function showClient(deps: ManagementDeps, client: OAuthClient, more: object = {}, status = 200): Response {
  return answerJson({ ...describeClient(client, deps.clock.nowMs()), ...more }, { etag: tagOf(deps, client) }, status);
}

function listClients(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const limit = queryInteger(c, 'limit', { min: 1, max: maxClients }) ?? defaultClients;
  const clients = identityOf(deps).clients.list({ limit, after: readAfter(c.req.query('after')), minterId: isOperator(call) ? undefined : call.principal.id });
  const last = clients.at(-1);
  return answerJson({ clients: clients.map((client) => describeClient(client, deps.clock.nowMs())), next_after: clients.length < limit || last === undefined ? null : `${last.createdAtMs}.${last.id}` });
}

/** `next_after` of an earlier answer. */
export function readAfter(text: string | undefined): { readonly createdAtMs: number; readonly id: string } | undefined {
  if (text === undefined) return undefined;
  const [, createdAtMs, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(text) ?? [];
  if (createdAtMs === undefined || id === undefined) throw invalid('after', 'must be the next_after of an earlier answer');
  return { createdAtMs: Number(createdAtMs), id };
}

async function createClient(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { clients } = identityOf(deps);
  const wish = readClientWish(await readJsonObject(c.req.raw, clientMembers));
  refuseMoreThanOwn(wish.grant, call);
  const minterId = isOperator(call) ? '' : call.principal.id;
  if (minterId !== '') refuseCrowd(deps, minterId);
  const { client, secret } = clients.create(wish, { actorId: call.principal.id, minterId });
  recordEvent(deps, call, { action: 'client.created', target: client.id, after: describeClient(client, deps.clock.nowMs()) });
  return showClient(deps, client, secret === undefined ? {} : { client_secret: secret }, 201);
}

async function changeClient(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const patch = readClientPatch(await readJsonObject(c.req.raw, clientPatchMembers));
  const before = findClient(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  if (patch.grant === undefined) refuseMoreThanToken(before.grant, call);
  else refuseMoreThanOwn(patch.grant(before.grant), call);
  const after = identityOf(deps).clients.change(before, patch);
  recordEvent(deps, call, { action: 'client.changed', target: after.id, before: describeClient(before, deps.clock.nowMs()), after: describeClient(after, deps.clock.nowMs()) });
  return showClient(deps, after);
}

async function rotateClient(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const overlapMs = readOverlap(await readJsonObject(c.req.raw, ['overlap'], { mayBeEmpty: true }));
  const before = findClient(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  refuseMoreThanToken(before.grant, call);
  const { client, secret } = identityOf(deps).clients.rotate(before, overlapMs);
  recordEvent(deps, call, { action: 'client.rotated', target: client.id, after: describeClient(client, deps.clock.nowMs()) });
  return showClient(deps, client, { client_secret: secret });
}

async function revokeClient(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  await readJsonObject(c.req.raw, [], { mayBeEmpty: true });
  const before = findClient(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  const client = identityOf(deps).clients.revoke(before, call.principal.id);
  recordEvent(deps, call, { action: 'client.revoked', target: client.id });
  return showClient(deps, client);
}

function deleteClient(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const before = findClient(deps, call);
  checkIfMatch(c.req.header('if-match'), tagOf(deps, before));
  identityOf(deps).clients.remove(before);
  recordEvent(deps, call, { action: 'client.deleted', target: before.id, before: describeClient(before, deps.clock.nowMs()) });
  return answerJson({ status: 'ok', id: before.id });
}
