/** An account that had nothing to do for this long gets a session of one that has several. */
const idleMs = 10 * 60_000;

/** For whom an account worked lately: enough to see that it is without work, or has a session to give away. */
export class Workload {
  #lastMs = -Infinity;
  #session: string | undefined;
  #sessionMs = -Infinity;
  /** The newest session beside that. */
  #otherMs = -Infinity;

  note(session: string | undefined, nowMs: number): void {
    this.#lastMs = nowMs;
    if (session === undefined) return;
    if (session !== this.#session) {
      this.#otherMs = this.#sessionMs;
      this.#session = session;
    }
    this.#sessionMs = nowMs;
  }

  isIdle(nowMs: number): boolean {
    return nowMs - this.#lastMs >= idleMs;
  }

  /** It works for another session as well. */
  servesBeside(session: string, nowMs: number): boolean {
    return nowMs - (session === this.#session ? this.#otherMs : this.#sessionMs) < idleMs;
  }
}
