import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.ts';

/** One try, counted as wrong from its beginning: tries made side by side count before they are judged. */
export type Try = { readonly kind: 'free'; /** It was right, or said nothing: it does not count. */ readonly takeBack: () => void } | { readonly kind: 'refused'; readonly retryAfterSeconds: number; /** The first refusal of this window, for all or for one of the keys. */ readonly isFirst: boolean };

/** Bounds wrong tries, for each key (an address, a person) and for all together. */
export interface Tries {
  readonly begin: (keys: readonly string[]) => Try;
}

export interface TriesOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Wrong tries within the window. */
  readonly each: number;
  readonly overall: number;
}

interface Counted {
  readonly atMs: number[];
  wasRefused: boolean;
}

const maxKeys = 10_000;

export function createTries({ clock, windowMs, each, overall }: TriesOptions): Tries {
  const all: Counted = { atMs: [], wasRefused: false };
  const byKey = new LRUCache<string, Counted>({ max: maxKeys });

  const countedOf = (key: string): Counted => {
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const made: Counted = { atMs: [], wasRefused: false };
    byKey.set(key, made);
    return made;
  };

  /** Seconds until there is room, 0 when there is. */
  const waitOf = ({ atMs }: Counted, limit: number): number => {
    const sinceMs = clock.nowMs() - windowMs;
    while ((atMs[0] ?? Infinity) <= sinceMs) atMs.shift();
    return atMs.length < limit ? 0 : Math.max(1, Math.ceil(((atMs[atMs.length - limit] ?? 0) - sinceMs) / 1_000));
  };

  return {
    begin: (keys) => {
      const own = keys.map(countedOf);
      const waits = [...own.map((counted) => [counted, waitOf(counted, each)] as const), [all, waitOf(all, overall)] as const];
      const over = waits.filter(([, seconds]) => seconds > 0);
      if (over.length > 0) {
        const isFirst = over.some(([counted]) => !counted.wasRefused);
        for (const [counted] of over) counted.wasRefused = true;
        return { kind: 'refused', retryAfterSeconds: Math.max(...over.map(([, seconds]) => seconds)), isFirst };
      }
      const nowMs = clock.nowMs();
      for (const counted of [...own, all]) {
        counted.wasRefused = false;
        counted.atMs.push(nowMs);
      }
      return {
        kind: 'free',
        takeBack: () => {
          for (const { atMs } of [...own, all]) {
            const at = atMs.lastIndexOf(nowMs);
            if (at >= 0) atMs.splice(at, 1);
          }
        },
      };
    },
  };
}
