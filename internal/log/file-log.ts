import { writeSync } from 'node:fs';
import { rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import type { LineSink } from './create-logger.ts';
import { currentLogName, fileStamp, openLogFile, pruneLogFiles } from './log-directory.ts';

export interface FileLogOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Cap over all log files of the directory, bytes; 0 keeps all. Read at every rotation. */
  readonly maxTotalBytes: () => number;
  /** The current file is rotated beyond this; absent means 10 MB. */
  readonly rotateAtBytes?: number;
  /** Lines given up because the disk took none. */
  readonly onDropped: (lines: number) => void;
}

export interface FileLog extends LineSink {
  readonly isEnabled: () => boolean;
  /** Live switch; what is held is written before it goes off. */
  readonly setEnabled: (enabled: boolean) => void;
  /** Resolves when the lines so far are written, or given up. */
  readonly flush: () => Promise<void>;
  /** Ends the current file at zero bytes. */
  readonly truncate: () => Promise<void>;
  /** Removes old files beyond the cap, as every rotation does. */
  readonly prune: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const flushEveryMs = 100;
/** Held while a write is under way; beyond this lines are dropped. */
const maxHeldLength = 4 * 1_024 * 1_024;
const defaultRotateAtBytes = 10 * 1_024 * 1_024;
const pruneEveryMs = 60_000;

/**
 * `keyward.log` in the log directory, 0600, rotated by size. A disk that fails costs lines, never service: they are
 * dropped and counted, and the next lines are tried again on a fresh descriptor.
 */
export function createFileLog(options: FileLogOptions): FileLog {
  const { directory, clock } = options;
  const rotateAtBytes = options.rotateAtBytes ?? defaultRotateAtBytes;
  let enabled = false;
  let held: string[] = [];
  let heldLength = 0;
  let file: { readonly handle: FileHandle; size: number } | undefined;
  let chain: Promise<void> = Promise.resolve();

  const closeFile = async (): Promise<void> => {
    const old = file;
    file = undefined;
    await old?.handle.close().catch(() => undefined);
  };

  const openFile = async (): Promise<{ readonly handle: FileHandle; size: number }> => {
    if (file !== undefined) return file;
    const handle = await openLogFile(directory, currentLogName);
    file = { handle, size: (await handle.stat()).size };
    return file;
  };

  const rotate = async (): Promise<void> => {
    await closeFile();
    await rename(join(directory, currentLogName), join(directory, `keyward-${fileStamp(clock.nowMs())}.log`));
    await pruneLogFiles(directory, options.maxTotalBytes());
  };

  const takeHeld = (): readonly string[] => {
    const lines = held;
    held = [];
    heldLength = 0;
    return lines;
  };

  const writeHeld = async (): Promise<void> => {
    const lines = takeHeld();
    if (lines.length === 0) return;
    try {
      const target = await openFile();
      const bytes = Buffer.from(lines.join(''));
      for (let done = 0; done < bytes.length; ) done += (await target.handle.write(bytes, done)).bytesWritten;
      target.size += bytes.length;
      if (target.size >= rotateAtBytes) await rotate();
    } catch {
      // ENOSPC, EROFS, a removed directory: logging stops being possible, serving does not.
      options.onDropped(lines.length);
      await closeFile();
    }
  };

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    chain = chain.then(work).catch(() => undefined);
    return chain;
  };

  const flush = (): Promise<void> => (held.length === 0 ? chain : inTurn(writeHeld));
  const prune = (): Promise<void> => inTurn(() => pruneLogFiles(directory, options.maxTotalBytes()));

  const flushAtExit = (): void => {
    if (file === undefined || held.length === 0) return;
    try {
      writeSync(file.handle.fd, takeHeld().join(''));
    } catch {
      // Nothing is left that could report it.
    }
  };

  const stops = [clock.every(flushEveryMs, () => void flush()), clock.every(pruneEveryMs, () => void (enabled ? prune() : undefined))];
  process.on('exit', flushAtExit);

  return {
    write: (line) => {
      if (!enabled) return;
      if (heldLength > maxHeldLength) {
        options.onDropped(1);
        return;
      }
      held.push(line);
      heldLength += line.length;
    },
    isEnabled: () => enabled,
    setEnabled: (next) => {
      if (enabled && !next) {
        void flush();
        void inTurn(closeFile);
      }
      enabled = next;
    },
    flush,
    truncate: () => inTurn(async () => {
      await writeHeld();
      const target = await openFile();
      await target.handle.truncate(0);
      target.size = 0;
      if (!enabled) await closeFile();
    }),
    prune,
    close: async () => {
      for (const stop of stops) stop();
      process.off('exit', flushAtExit);
      await flush();
      await inTurn(closeFile);
    },
  };
}
