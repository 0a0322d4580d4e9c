import type { Context } from 'hono';
import { AppError } from '../fault/app-error.ts';
import { parseSnapshotQuery, readUsageAnswer } from '../usage/snapshot.ts';
import { exportUsage, importUsage } from '../usage/transfer.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';

const bytesPerMegabyte = 1_048_576;

export function usageRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/usage', scope: 'usage:read', handle: (c) => showUsage(deps, c) },
    { method: 'GET', path: '/usage/export', scope: 'usage:read', handle: () => writeExport(deps) },
    { method: 'POST', path: '/usage/import', scope: 'config:write', handle: (c, call) => readImport(deps, c.req.raw, call) },
  ];
}

async function showUsage(deps: ManagementDeps, c: Context): Promise<Response> {
  checkEnabled(deps);
  const query = parseSnapshotQuery(new URL(c.req.url).searchParams);
  await deps.usageRecorder.flush();
  return answerJson(readUsageAnswer(deps.usageStore, query));
}

async function writeExport(deps: ManagementDeps): Promise<Response> {
  checkEnabled(deps);
  await deps.usageRecorder.flush();
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
