import { setImmediate } from 'node:timers/promises';
import type { Context } from 'hono';
import { describeRecord } from '../audit/describe.ts';
import type { AuditFilter, AuditLog } from '../audit/ports.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson, answerLines } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { queryInstant, queryInteger } from './query.ts';

const defaultEvents = 100;
const maxEvents = 1_000;

export function auditRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/audit', scope: 'audit:read', handle: (c) => showEvents(deps, c) },
    { method: 'GET', path: '/audit/export', scope: 'audit:read', handle: (c, call) => exportEvents(deps, c, call) },
  ];
}

/** Newest first. `before` is the `next_before` of an earlier answer, null at the end. */
function showEvents(deps: ManagementDeps, c: Context): Response {
  const limit = queryInteger(c, 'limit', { min: 1, max: maxEvents }) ?? defaultEvents;
  const beforeId = queryInteger(c, 'before', { min: 1, max: Number.MAX_SAFE_INTEGER });
  const events = deps.audit.list({ limit, ...readFilter(c), ...(beforeId === undefined ? {} : { beforeId }) });
  const oldest = events.at(-1);
  return answerJson({ events: events.map(describeRecord), next_before: events.length < limit || oldest === undefined ? null : oldest.id });
}

/** All that pass the filter, oldest first, one JSON object a line. That they were taken out is itself on record. */
function exportEvents(deps: ManagementDeps, c: Context, call: ManagementCall): Response {
  const filter = readFilter(c);
  recordEvent(deps, call, { action: 'audit.exported', target: 'audit', after: filter });
  return answerLines('application/x-ndjson; charset=utf-8', lines(deps.audit, filter));
}

/** A page at a time, no faster than it is read; the event loop breathes in between. */
async function* lines(audit: Pick<AuditLog, 'page'>, filter: AuditFilter): AsyncGenerator<string> {
  for (let page = audit.page({ ...filter, afterId: 0 }); page !== undefined; page = audit.page({ ...filter, afterId: page.nextAfterId })) {
    const text = page.records.map((record) => `${JSON.stringify(describeRecord(record))}\n`).join('');
    if (text === '') await setImmediate();
    else yield text;
  }
}

function readFilter(c: Context): AuditFilter {
  const action = c.req.query('action');
  const actor = c.req.query('actor');
  const fromMs = queryInstant(c, 'from');
  const toMs = queryInstant(c, 'to');
  if (action !== undefined && !/^[\w.-]{1,64}$/.test(action)) throw new AppError('invalid_request', { message: 'action must be a name such as config.changed.', fields: { param: 'action' } });
  if (actor !== undefined && !/^[\w.:@-]{1,128}$/.test(actor)) throw new AppError('invalid_request', { message: 'actor must be an id such as root or key_0123456789ab.', fields: { param: 'actor' } });
  return { ...(action === undefined ? {} : { action }), ...(actor === undefined ? {} : { actor }), ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
}
