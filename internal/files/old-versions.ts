import { constants } from 'node:fs';
import { chmod, copyFile, link, rename, rm } from 'node:fs/promises';
import { errorCode, writeNewFile } from './synced-file.ts';

/** Where old versions go: `path` is the newest, `<path>.1` the one before …, all 0600. */
export interface OldVersions {
  readonly path: string;
  /** How many are kept; 0 keeps none. */
  readonly generations: number;
}

/** Keeps the file that is about to be replaced, by its inode: what is written to it at this moment stands in the backup too. */
export async function keepOldVersion(path: string, { path: backup, generations }: OldVersions): Promise<void> {
  if (generations < 1) return;
  const name = (generation: number): string => (generation === 0 ? backup : `${backup}.${generation}`);
  for (let generation = generations - 2; generation >= 0; generation--) {
    await rename(name(generation), name(generation + 1)).catch(ignoreMissing);
  }
  await rm(name(0), { force: true });
  try {
    await link(path, name(0));
  } catch {
    // No hard links here (other owner, bind mount, foreign filesystem): a copy has to do.
    await copyFile(path, name(0), constants.COPYFILE_EXCL);
  }
  await chmod(name(0), 0o600);
}

/** For a file that is overwritten in place: a backup that shares its inode would be overwritten along with it. */
export async function replaceOldVersion(before: Uint8Array, { path: backup, generations }: OldVersions): Promise<void> {
  if (generations < 1) return;
  await rm(backup, { force: true });
  await writeNewFile(backup, before);
}

function ignoreMissing(thrown: unknown): void {
  if (errorCode(thrown) !== 'ENOENT') throw thrown;
}
