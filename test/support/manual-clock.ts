import type { Clock } from '../../internal/clock/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on; timers due on the way run in order. */
  readonly advance: (ms: number) => void;
  /** How many sleeps are under way. */
  readonly sleeping: () => number;
}

/** A clock that stands still until it is told to move. */
export function createManualClock(startMs: number = Date.UTC(2026, 10, 24, 12)): ManualClock {
  interface Timer {
    dueMs: number;
    readonly everyMs: number;
    readonly run: () => void;
  }
  const timers = new Set<Timer>();
  let nowMs = startMs;
  const next = (untilMs: number): Timer | undefined =>
    [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
  const add = (timer: Timer): (() => void) => {
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    every: (ms, run) => add({ dueMs: nowMs + ms, everyMs: ms, run }),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => {
          stop();
          reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
        };
        const stop = add({
          dueMs: nowMs + ms,
          everyMs: 0,
          run: () => {
            signal?.removeEventListener('abort', fail);
            resolve();
          },
        });
        if (signal?.aborted) fail();
        else signal?.addEventListener('abort', fail, { once: true });
      }),
    sleeping: () => [...timers].filter(({ everyMs }) => everyMs === 0).length,
    advance: (ms) => {
      const endMs = nowMs + ms;
      for (let timer = next(endMs); timer !== undefined; timer = next(endMs)) {
        nowMs = Math.max(nowMs, timer.dueMs);
        if (timer.everyMs > 0) timer.dueMs += timer.everyMs;
        else timers.delete(timer);
        timer.run();
      }
      nowMs = endMs;
    },
  };
}
