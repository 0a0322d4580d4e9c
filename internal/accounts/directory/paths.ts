import { join } from 'node:path';

/** What Keyward keeps beside the files, in a folder that scans and deletes skip (clarification 3). */
export interface OwnPaths {
  /** `<auth-dir>/.keyward`, 0700. */
  readonly folder: string;
  /** Held by every writer of the directory, shortly. */
  readonly writeLock: string;
  /** Old versions of files, 0600 in a 0700 folder. */
  readonly backups: string;
}

export function ownPathsOf(authDir: string): OwnPaths {
  const folder = join(authDir, '.keyward');
  return { folder, writeLock: join(folder, 'write.lock'), backups: join(folder, 'backups') };
}
