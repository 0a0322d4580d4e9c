import { basename } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { watchFolders, type FolderEvents } from '../../files/folder-events.ts';
import { afterQuietTime } from '../../files/quiet-time.ts';
import type { Logger } from '../../log/logger.ts';
import type { FileTable, ScanOutcome } from './file-table.ts';
import type { AuthDirectory } from './ports.ts';

export interface FollowDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly table: FileTable;
  readonly hasEvents: boolean;
}

/** The directory as readers see it, and one that tells it of Keyward's own writes. */
export interface FollowedDirectory {
  readonly directory: AuthDirectory;
  /** Shows a file that was written or removed by this process at once. Never rejects. */
  readonly noteWritten: (name: string) => Promise<void>;
  /** A sweep now. Never rejects. */
  readonly scan: () => Promise<void>;
}

const sweepMs = 1_000;
const debounceMs = 100;

/** Follows a directory: its table is scanned on events, each second, and again soon where something is half done. */
export function followDirectory({ path, clock, log, table, hasEvents }: FollowDeps): FollowedDirectory {
  const listeners = new Set<() => void>();
  const closing = new AbortController();
  const pending = new Set<Promise<void>>();
  let isSweeping = false;
  let isLookingAgain = false;
  let events: FolderEvents | undefined;
  let stopSweep: (() => void) | undefined;

  async function settle(scanning: Promise<ScanOutcome>): Promise<void> {
    const { isChanged, lookAgainInMs } = await scanning;
    if (isChanged) for (const listener of listeners) notify(listener);
    if (lookAgainInMs !== undefined && stopSweep !== undefined && !isLookingAgain) keep(lookAgain(lookAgainInMs));
  }

  function notify(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      log.error({ err: thrown }, 'a change of the auth directory could not be taken over');
    }
  }

  function keep(work: Promise<void>): void {
    const kept: Promise<void> = work
      .catch((thrown: unknown) => {
        if (!closing.signal.aborted) log.error({ err: thrown }, 'the auth directory could not be scanned');
      })
      .finally(() => pending.delete(kept));
    pending.add(kept);
  }

  const scan = (): Promise<void> => settle(table.scan({ isForced: false }));

  async function lookAgain(afterMs: number): Promise<void> {
    isLookingAgain = true;
    try {
      await clock.sleep(afterMs, closing.signal);
    } catch {
      return;
    } finally {
      isLookingAgain = false;
    }
    await scan();
  }

  const afterEvent = afterQuietTime({ clock, forMs: debounceMs, closing: closing.signal }, scan);

  async function sweep(): Promise<void> {
    // On a disk that takes longer than the period, sweeps must not pile up.
    if (isSweeping) return;
    isSweeping = true;
    try {
      await scan();
    } finally {
      isSweeping = false;
    }
  }

  const directory: AuthDirectory = {
    path,
    files: table.files,
    problems: table.problems,
    rescan: () => settle(table.scan({ isForced: true })).catch((thrown: unknown) => log.error({ err: thrown }, 'the auth directory could not be scanned')),
    onChange: (listener) => {
      // The same function may be given twice, and each ends alone.
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    watch: async () => {
      if (stopSweep !== undefined || closing.signal.aborted) return;
      stopSweep = clock.every(sweepMs, () => keep(sweep()));
      if (hasEvents) {
        // Links and folders may be what files of ours lead through.
        const isIgnored = (each: string, stats?: { readonly isFile: () => boolean }): boolean => basename(each) === '.keyward' || (stats?.isFile() === true && !each.toLowerCase().endsWith('.json'));
        events = await watchFolders({ folders: [path], isIgnored, onEvent: () => keep(afterEvent()) });
      }
      // What happened between the last scan and now.
      await scan();
    },
    close: async () => {
      closing.abort();
      stopSweep?.();
      await events?.close();
      await Promise.allSettled(pending);
    },
  };
  const noteWritten = (name: string): Promise<void> => settle(table.lookAt(name)).catch((thrown: unknown) => log.error({ err: thrown }, 'a file that was written could not be read again'));
  return { directory, noteWritten, scan: () => scan().catch((thrown: unknown) => log.error({ err: thrown }, 'the auth directory could not be scanned')) };
}
