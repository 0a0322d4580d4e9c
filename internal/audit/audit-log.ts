import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import { createFolds } from './folds.ts';
import type { AuditEvent, AuditLog } from './ports.ts';
import { toRow, type AuditRow } from './row.ts';
import type { AuditStore } from './store.ts';

export interface AuditLogDeps {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLost: (events: number) => void;
  /** Events held while the store fails; further ones are lost. Absent means 5,000. */
  readonly maxQueuedEvents?: number;
}

export interface RunningAuditLog extends AuditLog {
  /** False while the store refuses rows; they wait in memory meanwhile. */
  readonly isStoring: () => boolean;
  /** Makes what is queued durable, or counts it as lost. Never rejects. */
  readonly close: () => Promise<void>;
}

const flushEveryMs = 500;
const defaultMaxQueuedEvents = 5_000;
const rowsPerSlice = 64;

/**
 * The audit log: events are stored within half a second, floods of refusals folded. A store that fails keeps events
 * queued up to a cap.
 */
export function createAuditLog(deps: AuditLogDeps): RunningAuditLog {
  const { store, clock, log } = deps;
  const maxQueuedEvents = deps.maxQueuedEvents ?? defaultMaxQueuedEvents;
  const folds = createFolds();
  let queue: AuditRow[] = [];
  let failing = false;
  /** Since somebody asked last whether all is durable. */
  let hasLost = false;

  const enqueue = (event: AuditEvent): void => {
    if (queue.length < maxQueuedEvents) {
      queue.push(toRow(event));
      return;
    }
    hasLost = true;
    deps.onLost(1);
  };

  const write = (): boolean => {
    try {
      while (queue.length > 0) {
        const slice = queue.slice(0, rowsPerSlice);
        store.append(slice);
        queue = queue.slice(slice.length);
      }
    } catch (err) {
      if (!failing) log.error({ err, queued: queue.length }, 'audit events cannot be stored; they wait in memory');
      failing = true;
      return false;
    }
    if (failing) log.info('audit events are stored again');
    failing = false;
    return true;
  };

  const stopTimer = clock.every(flushEveryMs, () => {
    folds.close(clock.nowMs()).forEach(enqueue);
    write();
  });

  const reading = <T>(read: () => T): T => {
    write();
    try {
      return read();
    } catch (cause) {
      throw new AppError('storage_unavailable', { cause });
    }
  };

  return {
    append: (event) => (event.action.endsWith('.refused') ? folds.take(event) : [event]).forEach(enqueue),
    list: (query) => reading(() => store.list({ ...query, limit: Math.min(1_000, Math.max(1, Math.trunc(query.limit))) })),
    page: (query) => reading(() => store.page(query)),
    flush: () => {
      const isWhole = !hasLost;
      hasLost = false;
      return write() && isWhole ? Promise.resolve() : Promise.reject(new AppError('audit_unavailable', { headers: { 'retry-after': '5' } }));
    },
    isStoring: () => !failing,
    close: async () => {
      stopTimer();
      folds.close().forEach(enqueue);
      if (!write() && queue.length > 0) {
        deps.onLost(queue.length);
        queue = [];
      }
      await store.close();
    },
  };
}
