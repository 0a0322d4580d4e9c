import { ok } from '../../fault/result.ts';
import type { CliProcess } from '../process-env.ts';
import type { OpenAccountStore } from './account-store.ts';
import { createDaemonStore } from './daemon-store.ts';
import { findDaemon } from './find-daemon.ts';

/** The running daemon's accounts where one runs, else those of the auth directory. */
export function openAccountStore(cli: CliProcess): OpenAccountStore {
  return async (configFlag) => {
    const daemon = await findDaemon(cli, configFlag);
    if (!daemon.ok) return daemon;
    if (daemon.value !== undefined) return ok(createDaemonStore(daemon.value));
    // What works on the files themselves loads only where no daemon does it.
    const [{ readLocalParts }, { createLocalStore }] = await Promise.all([import('./local-parts.ts'), import('./local-store.ts')]);
    const parts = readLocalParts(cli, configFlag);
    return parts.ok ? ok(createLocalStore(cli, parts.value)) : parts;
  };
}
