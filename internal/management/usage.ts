import type { Context } from 'hono';
import { AppError } from '../fault/app-error.ts';
import { exportFiltered } from '../usage/filtered-export.ts';
import { parseSnapshotQuery, readUsageAnswer } from '../usage/snapshot.ts';
import { exportUsage, importUsage } from '../usage/transfer.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { queryInstant } from './query.ts';

const bytesPerMegabyte = 1_048_576;

export function usageRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/usage', scope: 'usage:read', handle: (c) => showUsage(deps, c) },
    { method: 'GET', path: '/usage/export', scope: 'usage:read', handle: (c) => writeExport(deps, c) },
    { method: 'POST', path: '/usage/import', scope: 'config:write', handle: (c, call) => readImport(deps, c.req.raw, call) },
  ];
}

async function showUsage(deps: ManagementDeps, c: Context): Promise<Response> {
  checkEnabled(deps);
  const query = parseSnapshotQuery(new URL(c.req.url).searchParams);
  await deps.usageRecorder.flush();
  return answerJson(readUsageAnswer(deps.usageStore, query));
}

/** With `client`, `from` or `to`: of that client within that time, sums and details alike. */
async function writeExport(deps: ManagementDeps, c: Context): Promise<Response> {
  checkEnabled(deps);
  const clientId = c.req.query('client');
  const fromMs = queryInstant(c, 'from');
  const toMs = queryInstant(c, 'to');
  if (clientId !== undefined && !/^[\w:.@-]{1,128}$/.test(clientId)) throw new AppError('invalid_request', { message: 'client must be an id such as key_0123456789ab.', fields: { param: 'client' } });
  await deps.usageRecorder.flush();
  if (clientId !== undefined || fromMs !== undefined || toMs !== undefined) {
    return answerJson(await exportFiltered(deps.usageStore, deps.clock, { ...(clientId === undefined ? {} : { clientId }), ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }));
  }
  return answerJson(await exportUsage(deps.usageStore, deps.clock));
}

/** An export of months is larger than other management bodies: it may be as large as any request. */
async function readImport(deps: ManagementDeps, request: Request, call: ManagementCall): Promise<Response> {
  checkEnabled(deps);
  const maxBytes = deps.config.current().config['max-body-mb'] * bytesPerMegabyte;
  const body = await readJsonObject(request, ['version', 'exported_at', 'details_left_out', 'usage'], { maxBytes });
  await deps.usageRecorder.flush();
  const imported = await importUsage(deps.usageStore, body);
  recordEvent(deps, call, { action: 'usage.imported', target: 'usage', after: { added: imported.added, skipped: imported.skipped } });
  return answerJson(imported);
}

function checkEnabled(deps: ManagementDeps): void {
  if (deps.config.current().config['usage-statistics-enabled']) return;
  throw new AppError('not_found', { message: 'Usage statistics are switched off (usage-statistics-enabled: false).' });
}
