import { toAppError } from '../fault/app-error.ts';
import type { FaultCode } from '../fault/codes.ts';
import { managementBase, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';

/** Refusals that say something of the caller's intent; the rest are slips of the pen. */
const recorded: ReadonlySet<FaultCode> = new Set(['root_required', 'secret_required', 'would_open_access']);

/** The row with its telling refusals written to the audit. */
export function withAuditedRefusals(deps: ManagementDeps, route: ManagementRoute): ManagementRoute {
  return {
    ...route,
    handle: async (c, call) => {
      try {
        return await route.handle(c, call);
      } catch (thrown) {
        const { code } = toAppError(thrown);
        if (recorded.has(code)) recordEvent(deps, call, { action: 'management.refused', target: `${route.method} ${managementBase}${route.path}`, code });
        throw thrown;
      }
    },
  };
}

export interface Happening {
  readonly action: string;
  readonly target: string;
  readonly code?: string;
  /** Secrets masked. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export function recordEvent(deps: ManagementDeps, call: ManagementCall, happening: Happening): void {
  const { action, target, code = '', before, after } = happening;
  deps.audit.append({
    atMs: deps.clock.nowMs(),
    action,
    actor: call.principal.id,
    from: call.peer.address,
    requestId: call.requestId,
    target,
    code,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}
