import { countable } from './budget-window.ts';

const minuteMs = 60_000;
/** Sums of fractions of a token stray by less. */
const tolerance = 1e-6;

/**
 * How much of a rate was taken and has not come back. The rate is handed in at each call, so that a changed one counts at once.
 * What was reserved too low is owed, and waited for.
 */
export class RateBucket {
  #taken = 0;
  #atMs = 0;

  /** Milliseconds until so much more may be taken; 0 for now. More than a whole minute's is let in when nothing is taken. */
  waitMs(amount: number, perMinute: number, nowMs: number): number {
    const missing = this.takenAt(nowMs, perMinute) + Math.min(countable(amount), perMinute) - perMinute;
    return missing <= tolerance ? 0 : (missing / perMinute) * minuteMs;
  }

  /** What is taken now. */
  takenAt(nowMs: number, perMinute: number): number {
    const backMs = Math.max(0, nowMs - this.#atMs);
    this.#taken = Math.max(0, this.#taken - (backMs / minuteMs) * perMinute);
    this.#atMs = nowMs;
    return this.#taken;
  }

  take(amount: number, perMinute: number, nowMs: number): void {
    this.#taken = this.takenAt(nowMs, perMinute) + countable(amount);
  }

  /** Puts what was used in the place of what was reserved. What has come back since then is not given back once more. */
  correct(reserved: number, used: number, { perMinute, sinceMs, nowMs }: { readonly perMinute: number; readonly sinceMs: number; readonly nowMs: number }): void {
    const cameBack = (Math.max(0, nowMs - sinceMs) / minuteMs) * perMinute;
    const [held, spent] = [countable(reserved), countable(used)];
    const change = spent >= held ? spent - held : Math.min(0, spent - held + cameBack);
    this.#taken = Math.max(0, this.takenAt(nowMs, perMinute) + change);
  }
}
