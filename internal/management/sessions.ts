import type { Context } from 'hono';
import { encodeGrant } from '../clients/managed-keys/grant-json.ts';
import { grantMembers } from '../clients/managed-keys/grant-json.ts';
import type { KnownPerson, Person } from '../clients/issued/person.ts';
import type { Session } from '../clients/issued/session.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { readGrantPatch } from './client-key-body.ts';
import { at } from './client-key-view.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { identityOf, isOperator, readAfter } from './oauth-clients.ts';
import { queryInteger } from './query.ts';
import type { JsonObject } from './values.ts';

const defaultRows = 100;
const maxRows = 1_000;
const limitMembers = grantMembers.filter((member) => member !== 'scopes');

/** People who signed in, what the operator allows each, and their logins. */
export function sessionRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/sessions', scope: 'clients:read', handle: (c, call) => listSessions(deps, c, call) },
    { method: 'DELETE', path: '/sessions/:id', scope: 'clients:write', handle: (_, call) => endSession(deps, call) },
    { method: 'GET', path: '/people', scope: 'root', handle: (c) => listPeople(deps, c) },
    { method: 'PATCH', path: '/people/:id', scope: 'root', handle: (c, call) => limitPerson(deps, c, call) },
    { method: 'POST', path: '/signing-keys/rotate', scope: 'root', handle: (_, call) => rotateKey(deps, call) },
  ];
}

function statusOf({ endedAtMs, expiresAtMs }: Session, nowMs: number): string {
  if (endedAtMs !== undefined) return 'ended';
  return expiresAtMs <= nowMs ? 'expired' : 'active';
}

function describeSession(session: Session, person: Person | undefined, nowMs: number): JsonObject {
  const { id, personId, clientId, scopes, createdAtMs, createdFrom, userAgent, lastUsedAtMs, lastUsedFrom, expiresAtMs, endedAtMs, endedBy } = session;
  return {
    id,
    person: { id: personId, label: person?.label ?? null },
    client_id: clientId,
    scopes,
    status: statusOf(session, nowMs),
    created_at: at(createdAtMs),
    created_from: createdFrom,
    user_agent: userAgent,
    last_used_at: at(lastUsedAtMs),
    last_used_from: lastUsedAtMs === undefined ? null : lastUsedFrom,
    expires_at: at(expiresAtMs),
    ended_at: at(endedAtMs),
    ended_by: endedAtMs === undefined ? null : endedBy,
  };
}

/** Others' logins are not found (contract §13): a credential sees those at the clients that it made, and a person his own. */
function listSessions(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const { sessions } = identityOf(deps);
  const limit = queryInteger(c, 'limit', { min: 1, max: maxRows }) ?? defaultRows;
  const rows = sessions.list({ limit, after: readAfter(c.req.query('after')), personId: c.req.query('person'), clientId: c.req.query('client'), visibleTo: isOperator(call) ? undefined : call.principal.id });
  const last = rows.at(-1);
  const nowMs = deps.clock.nowMs();
  return answerJson({ sessions: rows.map((row) => describeSession(row, sessions.findPerson(row.personId), nowMs)), next_after: rows.length < limit || last === undefined ? null : `${last.createdAtMs}.${last.id}` });
}

function endSession(deps: ManagementDeps, call: ManagementCall): Response {
  const { sessions, clients } = identityOf(deps);
  const before = sessions.find(call.params['id'] ?? '');
  const isVisible = before !== undefined && (isOperator(call) || before.personId === call.principal.id || clients.find(before.clientId)?.minterId === call.principal.id);
  if (before === undefined || !isVisible) throw new AppError('item_not_found', { message: 'There is no login with this id; `GET /sessions` lists them.' });
  sessions.end(before.id, call.principal.id);
  recordEvent(deps, call, { action: 'session.ended', target: before.id, before: describeSession(before, sessions.findPerson(before.personId), deps.clock.nowMs()) });
  return answerJson({ status: 'ok', id: before.id });
}

function describePerson({ id, issuer, subject, label, email, groups, scopes, limits, createdAtMs, seenAtMs }: KnownPerson): JsonObject {
  return { id, issuer, subject, label, email: email ?? null, groups, scopes, limits: encodeGrant(limits), created_at: at(createdAtMs), vouched_for_at: at(seenAtMs) };
}

function listPeople(deps: ManagementDeps, c: Context): Response {
  const limit = queryInteger(c, 'limit', { min: 1, max: maxRows }) ?? defaultRows;
  const people = identityOf(deps).sessions.listPeople({ limit, after: readAfter(c.req.query('after')) });
  const last = people.at(-1);
  return answerJson({ people: people.map(describePerson), next_after: people.length < limit || last === undefined ? null : `${last.createdAtMs}.${last.id}` });
}

/** What a person may use besides scopes, which are the provider's to say. */
async function limitPerson(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { sessions } = identityOf(deps);
  const patch = readGrantPatch(await readJsonObject(c.req.raw, limitMembers));
  const before = sessions.findPerson(call.params['id'] ?? '');
  if (before === undefined) throw new AppError('item_not_found', { message: 'Nobody with this id has signed in; `GET /people` lists them.' });
  const limits = patch?.(before.limits) ?? before.limits;
  sessions.limitPerson(before.id, limits);
  const after = { ...before, limits };
  recordEvent(deps, call, { action: 'person.changed', target: before.id, before: describePerson(before), after: describePerson(after) });
  return answerJson(describePerson(after));
}

function rotateKey(deps: ManagementDeps, call: ManagementCall): Response {
  const kid = identityOf(deps).rotateSigningKey();
  recordEvent(deps, call, { action: 'signing-key.rotated', target: kid });
  return answerJson({ status: 'ok', kid });
}
