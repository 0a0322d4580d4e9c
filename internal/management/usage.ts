import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { isObject } from './values.ts';

/** Also understood: 0, written by the first versions of the Go program. */
const exportVersion = 1;

export function usageRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/usage', handle: () => showUsage(deps) },
    { method: 'GET', path: '/usage/export', handle: () => exportUsage(deps) },
    { method: 'POST', path: '/usage/import', handle: (c, call) => importUsage(deps, c.req.raw, call) },
  ];
}

async function showUsage(deps: ManagementDeps): Promise<Response> {
  checkEnabled(deps);
  const usage = await deps.usage.snapshot();
  return answerJson({ usage, failed_requests: usage.failure_count });
}

async function exportUsage(deps: ManagementDeps): Promise<Response> {
  checkEnabled(deps);
  const usage = await deps.usage.snapshot();
  return answerJson({ version: exportVersion, exported_at: new Date(deps.clock.nowMs()).toISOString(), usage });
}

async function importUsage(deps: ManagementDeps, request: Request, call: ManagementCall): Promise<Response> {
  checkEnabled(deps);
  const body = await readJsonObject(request, ['version', 'exported_at', 'usage']);
  const { version = exportVersion, usage } = body;
  if (version !== 0 && version !== exportVersion) throw new AppError('invalid_request', { message: 'unsupported version; 0 and 1 are understood', fields: { param: 'version' } });
  if (!isObject(usage)) throw new AppError('invalid_request', { message: 'usage must be an object.', fields: { param: 'usage' } });
  const merged = await deps.usage.merge(usage);
  if (!merged.ok) throw merged.error;
  const { added, skipped } = merged.value;
  recordEvent(deps, call, { action: 'usage.imported', target: 'usage', after: { added, skipped } });
  const now = await deps.usage.snapshot();
  return answerJson({ added, skipped, total_requests: now.total_requests, failed_requests: now.failure_count });
}

function checkEnabled(deps: ManagementDeps): void {
  if (deps.config.current().config['usage-statistics-enabled']) return;
  throw new AppError('not_found', { message: 'Usage statistics are switched off (usage-statistics-enabled: false).' });
}
