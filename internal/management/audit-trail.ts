import type { AuditOutcome } from '../audit/ports.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import type { FaultCode } from '../fault/codes.ts';
import { managementBase, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';

/** Refusals that say something of the caller's intent; the rest are slips of the pen. */
const telling: ReadonlySet<FaultCode> = new Set(['root_required', 'secret_required', 'would_open_access']);

/** Calls that put something on record: with `audit.fail-closed` they are answered when it is durable. */
const withRecords = new WeakSet<ManagementCall>();

/**
 * The row with its telling refusals written to the audit. With `audit.fail-closed` what changes something is on record
 * before it is begun, and whatever was recorded is durable before the answer; else 503 `audit_unavailable`.
 */
export function withAudit(deps: ManagementDeps, route: ManagementRoute): ManagementRoute {
  const target = `${route.method} ${managementBase}${route.path}`;
  const isClosed = (): boolean => isFailClosed(deps);
  return {
    ...route,
    handle: async (c, call) => {
      if (isClosed() && route.method !== 'GET') {
        recordEvent(deps, call, { action: 'management.asked', target, outcome: 'asked' });
        await deps.audit.flush();
      }
      try {
        const answer = await route.handle(c, call);
        if (isClosed() && withRecords.has(call)) await deps.audit.flush().catch(route.method === 'GET' ? rethrow : tellDone);
        return answer;
      } catch (thrown) {
        const { code } = toAppError(thrown);
        if (telling.has(code)) recordEvent(deps, call, { action: 'management.refused', target, code });
        throw thrown;
      }
    },
  };
}

function isFailClosed(deps: ManagementDeps): boolean {
  return deps.config.current().config.audit['fail-closed'];
}

/**
 * Does what has an answer that cannot be given twice. With `audit.fail-closed` all of it is on record as asked before it is done,
 * else nothing is done; what came of it is then recorded as soon as it can be, and the answer does not wait for that. Errors: the
 * work's, `audit_unavailable`.
 */
export async function recordAround<T>(deps: ManagementDeps, call: ManagementCall, happening: Happening, work: () => T): Promise<T> {
  if (isFailClosed(deps)) {
    recordEvent(deps, call, { ...happening, outcome: 'asked' });
    await deps.audit.flush();
  }
  const done = work();
  recordEvent(deps, call, happening);
  return done;
}

/** The answer holds what would be lost without it; to be called last. */
export function answerAnyway(call: ManagementCall): void {
  withRecords.delete(call);
}

function rethrow(thrown: unknown): never {
  throw thrown;
}

/** Nothing is taken back: that it was asked for is on record. */
function tellDone(cause: unknown): never {
  throw new AppError('audit_unavailable', { message: 'It was done, and that it was asked for is on record; what came of it could not be put on record yet.', headers: toAppError(cause).headers, cause });
}

export interface Happening {
  readonly action: string;
  readonly target: string;
  readonly code?: string;
  readonly outcome?: AuditOutcome;
  /** Secrets masked. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export function recordEvent(deps: ManagementDeps, call: ManagementCall, happening: Happening): void {
  const { action, target, code = '', outcome, before, after } = happening;
  withRecords.add(call);
  deps.audit.append({
    atMs: deps.clock.nowMs(),
    action,
    actor: call.principal.id,
    actorLabel: call.principal.label,
    from: call.peer.address,
    requestId: call.requestId,
    target,
    code,
    ...(outcome === undefined ? {} : { outcome }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}
