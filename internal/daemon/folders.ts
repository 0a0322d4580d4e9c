import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Keyward's own folders below `data-dir`, each 0700. */
export interface Folders {
  readonly logs: string;
  /** Forms too large for memory, while they are sent on. */
  readonly spool: string;
  /** In a folder of its own: the config is often in `data-dir` itself, whose watch should not see every write. */
  readonly database: string;
  readonly controlSocket: string;
}

/** Makes the folders and sweeps what a crash left in the spool. Throws a sentence that names the folder and what to do. */
export function prepareFolders(dataDir: string): Folders {
  const folders = { logs: join(dataDir, 'logs'), spool: join(dataDir, 'spool'), database: join(dataDir, 'state', 'keyward.db'), controlSocket: join(dataDir, 'control.sock') };
  for (const folder of [dataDir, folders.logs, folders.spool, dirname(folders.database)]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    } catch (cause) {
      throw new Error(`the folder ${folder} cannot be made or is not ours: correct its owner, or set another \`data-dir\``, { cause });
    }
  }
  for (const name of readdirSync(folders.spool)) if (name.endsWith('.spool')) rmSync(join(folders.spool, name), { force: true });
  return folders;
}
