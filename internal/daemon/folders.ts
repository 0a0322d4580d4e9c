import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { storagePlaces, type StoragePlaces } from '../storage/places.ts';

/** Keyward's own folders below `data-dir`, each 0700. */
export interface Folders extends StoragePlaces {
  readonly logs: string;
  /** Forms too large for memory, while they are sent on. */
  readonly spool: string;
  readonly controlSocket: string;
}

/** What may stand in a `data-dir` of ours: our own folders, and what people keep beside them. */
const ownNames = /^(?:logs|spool|state|control\.sock|audit\.(?:key|checkpoint)(?:\.before-.*)?|auth-dir\.key|identity\.key|auth|auth-dir|auths|config\.ya?ml(?:\..*)?|\.env|\.keyward.*|\..*\.tmp)$/;

/** Makes the folders and sweeps what a crash left in the spool. Throws a sentence that names the folder and what to do. */
export function prepareFolders(dataDir: string): Folders {
  const folders = { logs: join(dataDir, 'logs'), spool: join(dataDir, 'spool'), ...storagePlaces(dataDir), controlSocket: join(dataDir, 'control.sock') };
  for (const folder of [dataDir, folders.logs, folders.spool, dirname(folders.database)]) closeToOthers(folder, folder === dataDir);
  for (const name of readdirSync(folders.spool)) if (name.endsWith('.spool')) rmSync(join(folders.spool, name), { force: true });
  return folders;
}

/** 0700. A folder that others may enter is narrowed only when it is ours by its content: `data-dir: /var/lib` must not shut a machine. */
function closeToOthers(folder: string, isShareable: boolean): void {
  try {
    const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
    if (!isNew && (statSync(folder).mode & 0o077) === 0) return;
    const foreign = isNew || !isShareable ? undefined : readdirSync(folder).find((name) => !ownNames.test(name));
    if (foreign !== undefined) throw new ForeignContent(`the data-dir ${folder} is open to others and holds something that is not Keyward's (${foreign}): choose a folder of its own, or close this one with \`chmod 700\``);
    chmodSync(folder, 0o700);
  } catch (cause) {
    if (cause instanceof ForeignContent) throw cause;
    throw new Error(`the folder ${folder} cannot be made or is not ours: correct its owner, or set another \`data-dir\``, { cause });
  }
}

class ForeignContent extends Error {}
