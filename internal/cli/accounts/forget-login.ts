import type { AuthFile } from '../../accounts/auth-file/auth-file.ts';
import type { TokenWriter } from '../../accounts/directory/ports.ts';
import type { TokenSet } from '../../accounts/token-set.ts';
import { err, type Result } from '../../fault/result.ts';
import { accountsFromFiles } from '../../providers/accounts-from-files.ts';
import type { Login } from '../../providers/login.ts';
import { forgetNewest } from '../../tokens/forget.ts';
import { holdLogin } from '../../tokens/hold.ts';
import { openLedgers, type LocalParts } from './local-parts.ts';

/** A daemon that is in the middle of a refresh has ended it by then. */
const lockPatienceMs = 40_000;

/** The login that a refresh token in the file keeps fresh; undefined for other files. */
export function loginOfFile({ loaded, profiles }: LocalParts, files: readonly AuthFile[], name: string): Login | undefined {
  const login = accountsFromFiles(files, profiles, loaded.config).logins.find(({ fileNames }) => fileNames.includes(name));
  return login?.source === 'refresh-token' ? login : undefined;
}

/** Runs `work`, which does not reject, with the newest tokens while no daemon refreshes the login. `unwritable`: there is no place for its lock. */
export function holdLocally<T>(parts: LocalParts, writer: TokenWriter, login: Login, work: (newest: TokenSet) => Promise<T>): Promise<Result<T, 'busy' | 'unwritable'>> {
  return holdLogin({ ledgers: openLedgers(parts), writer, clock: parts.directoryDeps.clock, lockPatienceMs }, login, work).catch(() => err('unwritable'));
}

/** What is remembered of a login whose last file has gone keeps no live token, as a daemon would have seen to. Never rejects. */
export async function forgetLogin(parts: LocalParts, login: Login): Promise<void> {
  if (login.fileNames.length > 1) return;
  await forgetNewest({ ledgers: openLedgers(parts), clock: parts.directoryDeps.clock, lockPatienceMs }, login.key).catch(() => undefined);
}
