import { join } from 'node:path';
import type { AuthFile } from '../../accounts/auth-file/auth-file.ts';
import { accountsFromFiles } from '../../providers/accounts-from-files.ts';
import { forgetNewest } from '../../tokens/forget.ts';
import { createLedgers } from '../../tokens/ledger.ts';
import type { LocalParts } from './local-parts.ts';

/** A daemon that is in the middle of a refresh has ended it by then. */
const lockPatienceMs = 40_000;

/** What is remembered of an account whose last file has gone keeps no live token, as a daemon would have seen to. `files` as before the removal. Never rejects. */
export async function forgetLogin({ loaded, profiles, directoryDeps }: LocalParts, files: readonly AuthFile[], removedName: string): Promise<void> {
  const login = accountsFromFiles(files, profiles, loaded.config).logins.find(({ fileNames }) => fileNames.includes(removedName));
  if (login?.source !== 'refresh-token' || login.fileNames.length > 1) return;
  const { path, clock, log } = directoryDeps;
  const ledgers = createLedgers({ folder: join(path, '.keyward'), clock, log });
  await forgetNewest({ ledgers, clock, lockPatienceMs }, login.key).catch(() => undefined);
}
