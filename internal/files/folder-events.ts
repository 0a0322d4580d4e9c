import type { Stats } from 'node:fs';

export interface FolderEvents {
  readonly close: () => Promise<void>;
}

export interface FolderEventsOptions {
  readonly folders: readonly string[];
  /** True for paths whose events are no news; asked without `stats` as well. */
  readonly isIgnored: (path: string, stats?: Stats) => boolean;
  readonly onEvent: () => void;
}

/**
 * Tells that something happened right below the folders. A hint alone: where the system grants no watches (ENOSPC, EMFILE,
 * some filesystems) nothing is ever told, so callers sweep as well. Never rejects; resolves when watching has begun.
 */
export async function watchFolders({ folders, isIgnored, onEvent }: FolderEventsOptions): Promise<FolderEvents> {
  try {
    const { watch } = await import('chokidar');
    const watcher = watch([...new Set(folders)], { depth: 0, ignoreInitial: true, ignorePermissionErrors: true, ignored: isIgnored });
    watcher.on('all', onEvent);
    watcher.on('error', () => undefined);
    await new Promise<void>((ready) => {
      watcher.once('ready', ready);
      watcher.once('error', () => ready());
    });
    return { close: () => watcher.close() };
  } catch {
    return { close: () => Promise.resolve() };
  }
}
