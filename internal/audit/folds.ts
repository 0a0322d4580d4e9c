import type { AuditEvent } from './ports.ts';

/** Refusals of one kind from one peer within a minute. */
interface Fold {
  readonly untilMs: number;
  /** Those after the first. */
  count: number;
  latest: AuditEvent;
}

const foldForMs = 60_000;
/** Peers with their own row in a minute; a flood from more addresses goes into one row for all of them. */
const maxFolds = 256;
const manyPeers = '(many)';

export interface Folds {
  /** What is to be stored of a refusal now: itself where it is the first of its kind, and what the fold before it held. */
  readonly take: (event: AuditEvent) => readonly AuditEvent[];
  /** One event for each minute that is over by `nowMs` and had more than its first; all of them without `nowMs`. */
  readonly close: (nowMs?: number) => readonly AuditEvent[];
}

/**
 * Folds floods: the first refusal of a peer, actor, action and code is an event at once, the rest of its minute is one
 * more, with their number, when the minute is over.
 */
export function createFolds(): Folds {
  const folds = new Map<string, Fold>();
  return {
    take: (event) => {
      const own = keyOf(event);
      const isOwn = folds.has(own) || folds.size < maxFolds;
      const folded = isOwn ? event : { ...event, from: manyPeers };
      const key = isOwn ? own : keyOf(folded);
      const open = folds.get(key);
      if (open !== undefined && event.atMs < open.untilMs) {
        open.count += 1;
        open.latest = folded;
        return [];
      }
      folds.set(key, { untilMs: event.atMs + foldForMs, count: 0, latest: folded });
      return [...restOf(open), folded];
    },
    close: (nowMs = Infinity) =>
      [...folds].flatMap(([key, fold]) => {
        if (nowMs < fold.untilMs) return [];
        folds.delete(key);
        return restOf(fold);
      }),
  };
}

function restOf(fold: Fold | undefined): readonly AuditEvent[] {
  return fold === undefined || fold.count === 0 ? [] : [{ ...fold.latest, count: fold.count }];
}

function keyOf(event: AuditEvent): string {
  return `${event.from}\n${event.actor}\n${event.action}\n${event.code}`;
}
