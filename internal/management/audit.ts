import type { Context } from 'hono';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import type { ManagementDeps, ManagementRoute } from './context.ts';
import { queryInteger } from './query.ts';

const defaultEvents = 100;
const maxEvents = 1_000;

export function auditRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [{ method: 'GET', path: '/audit', scope: 'audit:read', handle: (c) => showEvents(deps, c) }];
}

/** Newest first. `before` is the `next_before` of an earlier answer, null at the end. */
function showEvents(deps: ManagementDeps, c: Context): Response {
  const limit = queryInteger(c, 'limit', { min: 1, max: maxEvents }) ?? defaultEvents;
  const beforeId = queryInteger(c, 'before', { min: 1, max: Number.MAX_SAFE_INTEGER });
  const action = c.req.query('action');
  if (action !== undefined && !/^[\w.-]{1,64}$/.test(action)) throw new AppError('invalid_request', { message: 'action must be a name such as config.changed.', fields: { param: 'action' } });
  const events = deps.audit.list({ limit, ...(beforeId === undefined ? {} : { beforeId }), ...(action === undefined ? {} : { action }) });
  const oldest = events.at(-1);
  return answerJson({
    events: events.map(({ atMs, requestId, ...event }) => ({ ...event, at: new Date(atMs).toISOString(), request_id: requestId })),
    next_before: events.length < limit || oldest === undefined ? null : oldest.id,
  });
}
