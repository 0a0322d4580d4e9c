import { streamFrame } from '../workloads.ts';

const mark = Buffer.from('"content":"#');
const done = Buffer.from('data: [DONE]');
const digits = 6;
/** Longest beginning of a mark or [DONE] that a chunk may end in. */
const keepBytes = mark.length + digits;

export interface FrameCount {
  readonly seen: number;
  readonly lost: number;
  readonly wrong: number;
  readonly isDone: boolean;
}

/**
 * Follows the numbered frames of one stream under any chunking: each number once and in order, then [DONE]. Searches
 * bytes and parses no JSON; a proxy that writes the JSON anew is fine as long as the content stays.
 */
export class FrameCheck {
  readonly #expected: number;
  #next = 0;
  #lost = 0;
  #wrong = 0;
  #seen = 0;
  #isDone = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(expected: number) {
    this.#expected = expected;
  }

  /** How many frames began in this chunk. */
  push(chunk: Buffer): number {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    let found = 0;
    for (;;) {
      const at = data.indexOf(mark, from);
      if (at < 0 || at + keepBytes > data.length) break;
      from = at + keepBytes;
      found += 1;
      this.#take(Number(data.toString('latin1', at + mark.length, from)));
    }
    const doneAt = data.indexOf(done, from);
    if (doneAt >= 0) {
      this.#isDone = true;
      from = doneAt + done.length;
    }
    this.#rest = Buffer.from(data.subarray(Math.max(from, data.length - keepBytes + 1)));
    return found;
  }

  count(): FrameCount {
    return { seen: this.#seen, lost: this.#lost + Math.max(0, this.#expected - this.#next), wrong: this.#wrong, isDone: this.#isDone };
  }

  #take(number: number): void {
    this.#seen += 1;
    if (number < this.#next) {
      this.#wrong += 1;
      return;
    }
    this.#lost += number - this.#next;
    this.#next = number + 1;
  }
}

// The check finds what the upstream writes, or it would call every frame lost.
const probe = new FrameCheck(1);
if (probe.push(streamFrame(0)) !== 1) throw new TypeError('the frame check does not know the frames of the workload');
