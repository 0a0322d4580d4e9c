import type { Clock } from '../../../../internal/clock/clock.ts';

/** Virtual time: what is due runs in order, and hours take as long as their events. */
export interface TimeLine {
  readonly clock: Clock;
  readonly after: (ms: number, run: () => void) => void;
  /** Runs all that is due until then. */
  readonly runUntil: (atMs: number) => void;
}

interface Due {
  readonly atMs: number;
  /** Of equal times the first that was asked for goes first. */
  readonly order: number;
  readonly run: () => void;
}

export function createTimeLine(startMs: number): TimeLine {
  const heap: Due[] = [];
  let nowMs = startMs;
  let order = 0;
  const never = (): never => {
    throw new TypeError('the simulation neither sleeps nor repeats');
  };
  return {
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs - startMs, sleep: never, every: never },
    after: (ms, run) => push(heap, { atMs: nowMs + ms, order: ++order, run }),
    runUntil: (atMs) => {
      for (let due = heap[0]; due !== undefined && due.atMs <= atMs; due = heap[0]) {
        pop(heap);
        nowMs = due.atMs;
        due.run();
      }
      nowMs = atMs;
    },
  };
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Due[], due: Due): void {
  let at = heap.length;
  while (at > 0) {
    const parent = heap[(at - 1) >> 1];
    if (parent === undefined || !isBefore(due, parent)) break;
    heap[at] = parent;
    at = (at - 1) >> 1;
  }
  heap[at] = due;
}

function pop(heap: Due[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const isRight = b !== undefined && isBefore(b, a);
    const child = isRight ? b : a;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = isRight ? left + 1 : left;
  }
  heap[at] = last;
}
