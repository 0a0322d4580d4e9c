import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { sha256Hex } from '../secret/digest.ts';
import { watchFolders } from './folder-events.ts';
import { afterQuietTime } from './quiet-time.ts';

export interface WatchOptions {
  /** Files to follow, absolute; they need not exist. Links are followed to what they lead to. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Called with the paths whose content changed, appeared or went, never twice at a time for one change. */
  readonly onChange: (paths: readonly string[]) => void;
  /** Quiet time after an event before contents are compared. Default 150. */
  readonly debounceMs?: number;
  /** How often `stat` is asked whatever the system reports. Default 1000. */
  readonly sweepMs?: number;
}

export interface FileWatch {
  readonly close: () => Promise<void>;
}

interface Seen {
  stamp: string;
  hash: string;
}

/**
 * Follows the content of files: rename-over, link swaps (`..data`), delete and create again, writes in place and bind
 * mounts all count, a touch does not. Directories are watched, a sweep finds what no event told of; where the system
 * grants no watches at all, the sweep alone does it. Resolves once the present contents are known.
 */
export async function watchFiles(options: WatchOptions): Promise<FileWatch> {
  const { clock, onChange, debounceMs = 150, sweepMs = 1_000 } = options;
  const paths = [...new Set(options.paths.map((path) => resolve(path)))];
  const seen = new Map<string, Seen>();
  for (const path of paths) seen.set(path, await look(path));

  const closing = new AbortController();
  let comparing: Promise<void> = Promise.resolve();

  /** One comparison at a time; `isHint` reads contents even where `stat` shows no difference. */
  const compare = (isHint: boolean): Promise<void> => (comparing = comparing.then(() => compareAll(isHint)));

  async function compareAll(isHint: boolean): Promise<void> {
    const changed: string[] = [];
    for (const [path, before] of seen) {
      if (closing.signal.aborted) return;
      if (!isHint && (await stampOf(path)) === before.stamp) continue;
      const now = await look(path);
      seen.set(path, now);
      if (now.hash !== before.hash) changed.push(path);
    }
    if (changed.length > 0 && !closing.signal.aborted) onChange(changed);
  }

  const afterEvent = afterQuietTime({ clock, forMs: debounceMs, closing: closing.signal }, () => compare(true));

  const wanted = new Set(paths);
  const watcher = await watchFolders({
    folders: paths.map(dirname),
    // Other files beside ours (a log, a database) are no news; links and folders may be what ours lead through.
    isIgnored: (path, stats) => stats?.isFile() === true && !wanted.has(resolve(path)),
    onEvent: () => void afterEvent(),
  });
  const stopSweep = clock.every(sweepMs, () => void compare(false));
  return {
    close: async () => {
      closing.abort();
      stopSweep();
      await watcher.close();
      await comparing;
    },
  };
}

async function look(path: string): Promise<Seen> {
  const stamp = await stampOf(path);
  try {
    return { stamp, hash: sha256Hex(await readFile(path)) };
  } catch {
    return { stamp, hash: 'unreadable' };
  }
}

/** What `stat` tells of a file, links followed; nanoseconds, since two saves within a millisecond happen. */
async function stampOf(path: string): Promise<string> {
  try {
    const stats = await stat(path, { bigint: true });
    return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
  } catch {
    return 'missing';
  }
}
