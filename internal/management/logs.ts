import type { Context } from 'hono';
import { holdsScope } from '../clients/rights.ts';
import { AppError } from '../fault/app-error.ts';
import { answerAttachment, answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { requireRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { queryInteger } from './query.ts';

const defaultLines = 1_000;
const maxLines = 10_000;
const maxSeconds = 99_999_999_999;
const maxMs = maxSeconds * 1_000;

/** Logs need `logs:read` (security rule 20); clearing them is the root secret's. */
export function logRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/logs', scope: 'logs:read', handle: (c, call) => showLines(deps, c, call) },
    { method: 'DELETE', path: '/logs', scope: 'root', handle: (_c, call) => clearLogs(deps, call) },
    { method: 'GET', path: '/request-error-logs', scope: 'logs:read', handle: (_c, call) => listErrorLogs(deps, call) },
    { method: 'GET', path: '/request-error-logs/:name', scope: 'logs:read', handle: (_c, call) => showErrorLog(deps, call) },
    { method: 'GET', path: '/request-log-by-id/:id', scope: 'logs:read', handle: (_c, call) => showRequestLog(deps, call) },
  ];
}

/**
 * `after` counts whole seconds: lines of that second were seen. `cursor` is the `next-cursor` of an earlier answer and
 * counts milliseconds; it wins over `after`.
 */
async function showLines(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  requireReader(call);
  requireLogFile(deps);
  const limit = queryInteger(c, 'limit', { min: 1, max: maxLines }) ?? defaultLines;
  const after = queryInteger(c, 'after', { min: 0, max: maxSeconds });
  const cursor = queryInteger(c, 'cursor', { min: 0, max: maxMs });
  const afterMs = cursor ?? (after === undefined ? 0 : after * 1_000 + 999);
  const { lines, latestMs } = await deps.logs.tail({ limit, afterMs });
  const seenMs = lines.length === 0 ? afterMs : latestMs;
  return answerJson({ lines, 'line-count': lines.length, 'latest-timestamp': Math.floor(seenMs / 1_000), 'next-cursor': String(seenMs) });
}

async function clearLogs(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  requireRoot(call, 'clear logs');
  requireLogFile(deps);
  const removed = await deps.logs.clear();
  recordEvent(deps, call, { action: 'logs.cleared', target: 'logs', after: { removed } });
  return answerJson({ success: true, message: 'Logs cleared successfully', removed });
}

async function listErrorLogs(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  requireReader(call);
  const files = await deps.logs.listErrorLogs();
  return answerJson({ files: files.map((file) => ({ name: file.name, size: file.size, modified: Math.floor(file.modifiedMs / 1_000) })) });
}

async function showErrorLog(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  requireReader(call);
  const name = decodedParam(call, 'name');
  if (!isPlainName(name)) throw new AppError('invalid_request', { message: 'invalid log file name', fields: { param: 'name' } });
  const bytes = await deps.logs.readErrorLog(name);
  if (bytes === undefined) throw new AppError('item_not_found', { message: 'log file not found' });
  return answerAttachment(name, bytes);
}

async function showRequestLog(deps: ManagementDeps, call: ManagementCall): Promise<Response> {
  requireReader(call);
  const id = decodedParam(call, 'id');
  if (!/^[\w-]{1,64}$/.test(id)) throw new AppError('invalid_request', { message: 'invalid request ID', fields: { param: 'id' } });
  const found = await deps.logs.readRequestLog(id);
  if (found === undefined) throw new AppError('item_not_found', { message: 'log file not found for the given request ID' });
  return answerAttachment(found.name, found.bytes);
}

/** Errors: `root_required`, for the local password. */
function requireReader(call: ManagementCall): void {
  if (call.principal.holders === undefined || !holdsScope(call.principal, 'logs:read')) requireRoot(call, 'read logs');
}

function requireLogFile(deps: ManagementDeps): void {
  if (!deps.logs.isEnabled()) throw new AppError('invalid_request', { message: 'logging to file disabled' });
}

/** Empty where it does not decode, which no check lets pass. */
function decodedParam(call: ManagementCall, name: string): string {
  try {
    return decodeURIComponent(call.params[name] ?? '');
  } catch {
    return '';
  }
}

/** One path component: no separators, no control characters, not only dots. */
function isPlainName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !/[/\\\p{Cc}]/u.test(name) && !/^\.+$/.test(name);
}
