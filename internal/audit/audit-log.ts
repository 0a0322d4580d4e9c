import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { AuditEvent, AuditLog } from './ports.ts';
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
  /** Makes what is queued durable, or counts it as lost. Never rejects. */
  readonly close: () => Promise<void>;
}

/** Refusals of one kind from one peer within a minute: one row, whose count rises. */
interface Fold {
  readonly event: AuditEvent;
  readonly untilMs: number;
  count: number;
  /** Absent until the row is stored. */
  id: number | undefined;
  storedCount: number;
}

const flushEveryMs = 500;
const foldForMs = 60_000;
const defaultMaxQueuedEvents = 5_000;
/** Peers with their own row in a minute; a flood from more addresses goes into one row for all of them. */
const maxFolds = 256;
const manyPeers = '(many)';
const eventsPerSlice = 64;

/**
 * The audit log: events are stored within half a second, refused doors folded by peer, action and code into a row a
 * minute. A store that fails keeps events queued up to a cap.
 */
export function createAuditLog(deps: AuditLogDeps): RunningAuditLog {
  const { store, clock, log } = deps;
  const maxQueuedEvents = deps.maxQueuedEvents ?? defaultMaxQueuedEvents;
  let queue: { readonly event: AuditEvent; readonly fold: Fold | undefined }[] = [];
  const folds = new Map<string, Fold>();
  let failing = false;

  const enqueue = (event: AuditEvent, fold: Fold | undefined): void => {
    if (queue.length >= maxQueuedEvents) deps.onLost(1);
    else queue.push({ event, fold });
  };

  const appendRefusal = (event: AuditEvent): void => {
    const own = keyOf(event);
    const key = folds.has(own) || folds.size < maxFolds ? own : keyOf({ ...event, from: manyPeers });
    const open = folds.get(key);
    if (open !== undefined && event.atMs < open.untilMs) {
      open.count += 1;
      return;
    }
    const folded = key === own ? event : { ...event, from: manyPeers };
    const fold: Fold = { event: folded, untilMs: event.atMs + foldForMs, count: 1, id: undefined, storedCount: 1 };
    if (open !== undefined) settleFold(open);
    folds.set(key, fold);
    enqueue(folded, fold);
  };

  /** Folds that left the map before their last count was stored. */
  let leaving: Fold[] = [];
  const settleFold = (fold: Fold): void => {
    if (fold.count !== fold.storedCount || fold.id === undefined) leaving.push(fold);
  };

  const storeEvents = (): void => {
    while (queue.length > 0) {
      const slice = queue.slice(0, eventsPerSlice);
      const ids = store.append(slice.map(({ event, fold }) => (fold === undefined ? event : { ...event, count: fold.count })));
      slice.forEach(({ fold }, index) => {
        if (fold === undefined) return;
        fold.id = ids[index];
        fold.storedCount = fold.count;
      });
      queue = queue.slice(slice.length);
    }
  };

  const storeCounts = (): void => {
    const changed = [...folds.values(), ...leaving].flatMap((fold) => (fold.id === undefined || fold.count === fold.storedCount ? [] : [{ fold, id: fold.id, count: fold.count }]));
    if (changed.length > 0) store.setCounts(changed.map(({ id, count }) => ({ id, count })));
    for (const { fold, count } of changed) fold.storedCount = count;
    leaving = [];
    const nowMs = clock.nowMs();
    for (const [key, fold] of folds) if (nowMs >= fold.untilMs) folds.delete(key);
  };

  const write = (): boolean => {
    try {
      storeEvents();
      storeCounts();
    } catch (err) {
      if (!failing) log.error({ err, queued: queue.length }, 'audit events cannot be stored; they wait in memory');
      failing = true;
      return false;
    }
    if (failing) log.info('audit events are stored again');
    failing = false;
    return true;
  };

  const stopTimer = clock.every(flushEveryMs, () => void write());

  return {
    append: (event) => {
      if (event.action.endsWith('.refused')) appendRefusal(event);
      else enqueue(event, undefined);
    },
    list: (query) => {
      write();
      try {
        return store.list({ ...query, limit: Math.min(1_000, Math.max(1, Math.trunc(query.limit))) });
      } catch (cause) {
        throw new AppError('storage_unavailable', { cause });
      }
    },
    flush: () => (write() ? Promise.resolve() : Promise.reject(new AppError('storage_unavailable'))),
    close: () => {
      stopTimer();
      if (!write() && queue.length > 0) {
        deps.onLost(queue.length);
        queue = [];
      }
      return Promise.resolve();
    },
  };
}

function keyOf(event: AuditEvent): string {
  return `${event.from}\n${event.action}\n${event.code}`;
}
