import type { AuditEvent, AuditLog } from '../audit/ports.ts';
import type { Clock } from '../clock/clock.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigChange } from '../config/ports.ts';
import { AppError } from '../fault/app-error.ts';
import { describeChange } from '../management/change.ts';
import type { ConfigViews } from '../management/ports.ts';

export interface AuditEventsDeps {
  readonly audit: Pick<AuditLog, 'append' | 'flush'>;
  readonly clock: Clock;
}

/** What Keyward itself does, or sees done behind its back. */
const byItself = { actor: 'keyward', from: 'daemon', requestId: '', code: '' } as const;

export function recordLife({ audit, clock }: AuditEventsDeps, action: 'daemon.started' | 'daemon.stopped', version: string): void {
  audit.append({ ...byItself, atMs: clock.nowMs(), action, target: `keyward ${version}`, after: { pid: process.pid } });
}

/** Who edits the file is not known here: whoever may write it. */
export function observeEdits({ audit, clock, views }: AuditEventsDeps & { readonly views: Pick<ConfigViews, 'masked'> }): (previous: LoadedConfig, change: ConfigChange) => void {
  return (previous, change) => {
    const event: AuditEvent = { ...byItself, actor: 'file', from: 'file', atMs: clock.nowMs(), action: 'config.changed', target: change.changed.join(', ') };
    if (change.changed.length > 0) audit.append({ ...event, ...describeChange(views, previous, change) });
  };
}

/** With `audit.fail-closed`: that tokens are about to be stored is durable before they are. Rejects with `audit_unavailable`. */
export async function recordLoginFirst({ audit, clock }: AuditEventsDeps, accountType: string): Promise<void> {
  audit.append({ ...byItself, atMs: clock.nowMs(), action: 'login.storing', target: accountType, outcome: 'asked' });
  await audit.flush();
}

/** With `audit.fail-closed` no exchange begins while its usage row, which tells who used what, could not be stored. */
export function recordsOrNothing(deps: { readonly isClosed: () => boolean; readonly isStoring: () => boolean }): () => AppError | undefined {
  return () => (deps.isClosed() && !deps.isStoring() ? new AppError('audit_unavailable', { headers: { 'retry-after': '5' } }) : undefined);
}
