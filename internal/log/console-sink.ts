import { write, writeSync } from 'node:fs';
import type { Clock } from '../clock/clock.ts';

/** Finished lines on their way to a descriptor. Never throws, never waits but in `flush`. */
export interface ConsoleSink {
  readonly write: (line: string) => void;
  /** Writes out what is held, synchronously; gives up on a reader that takes nothing for half a second. */
  readonly flush: () => void;
  readonly close: () => void;
}

export interface ConsoleSinkOptions {
  readonly fd: number;
  readonly clock: Clock;
  /** Called for pieces given up. */
  readonly onDropped: () => void;
}

/** Longest time a line waits in memory. */
const flushEveryMs = 100;
/** UTF-16 units of held lines that are passed on at once. */
const passAtLength = 32_768;
/** Lines are held for a stopped reader (a paused terminal, a full pipe) up to this; later ones are dropped. */
const maxHeldLength = 4 * 1_024 * 1_024;
const longestStallMs = 500;
const stallMs = 10;
const settleMs = 20;

/**
 * The descriptor behind a buffer of whole lines, one write at a time. A console that is gone (its terminal hung up: EIO; its
 * reader left: EPIPE) costs lines, never the daemon.
 */
export function openConsoleSink(options: ConsoleSinkOptions): ConsoleSink {
  const { fd, clock, onDropped } = options;
  let held: string[] = [];
  let heldLength = 0;
  /** Bytes handed to the system and not yet taken. */
  let underWay: Buffer | undefined;
  let isGone = false;

  const takeHeld = (): Buffer => {
    const piece = Buffer.from(held.join(''));
    held = [];
    heldLength = 0;
    return piece;
  };

  const pass = (): void => {
    if (underWay !== undefined || held.length === 0 || isGone) return;
    send(takeHeld());
  };

  const send = (piece: Buffer): void => {
    underWay = piece;
    write(fd, piece, 0, piece.length, null, (error, written) => {
      // A flush has meanwhile written it out itself.
      if (underWay !== piece) return;
      underWay = undefined;
      if (error !== null && isStalled(error)) {
        underWay = piece;
        retryLater(piece);
        return;
      }
      if (error !== null) giveUp(error);
      else if (written < piece.length) {
        send(piece.subarray(written));
        return;
      }
      pass();
    });
  };

  const retryLater = (piece: Buffer): void => {
    void clock.sleep(flushEveryMs).then(() => {
      if (underWay === piece) send(piece);
    });
  };

  /** A full disk may have room again; a terminal or reader that is gone stays gone. */
  const giveUp = (error: unknown): void => {
    onDropped();
    if (!goneCodes.has(codeOf(error))) return;
    isGone = true;
    takeHeld();
  };

  const flush = (): void => {
    // What is under way is in the system's hands: it gets a moment to arrive first.
    if (underWay !== undefined) waitFor(settleMs);
    underWay = undefined;
    let rest = takeHeld();
    if (isGone) return;
    let stalledMs = 0;
    while (rest.length > 0 && stalledMs < longestStallMs) {
      try {
        rest = rest.subarray(writeSync(fd, rest));
        stalledMs = 0;
      } catch (error) {
        if (!isStalled(error)) {
          giveUp(error);
          return;
        }
        waitFor(stallMs);
        stalledMs += stallMs;
      }
    }
    if (rest.length > 0) onDropped();
  };

  const stopTimer = clock.every(flushEveryMs, pass);
  process.on('exit', flush);
  return {
    write: (line) => {
      if (isGone) return;
      if (heldLength > maxHeldLength) {
        onDropped();
        return;
      }
      held.push(line);
      heldLength += line.length;
      if (heldLength >= passAtLength) pass();
    },
    flush,
    close: () => {
      stopTimer();
      process.off('exit', flush);
      flush();
    },
  };
}

/** Blocks the thread; only at the end of the process. */
function waitFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const stalledCodes: ReadonlySet<string> = new Set(['EAGAIN', 'EBUSY', 'EINTR']);
const goneCodes: ReadonlySet<string> = new Set(['EIO', 'EPIPE', 'EBADF', 'ENXIO']);

function isStalled(error: unknown): boolean {
  return stalledCodes.has(codeOf(error));
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
