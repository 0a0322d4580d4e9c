import { readdir } from 'node:fs/promises';
import type { AuthFile, AuthFileProblem } from '../../accounts/auth-file/auth-file.ts';
import { readOnDisk } from '../../accounts/directory/decode-on-disk.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import { accountsFromFiles, type LoginAccounts } from '../../providers/accounts-from-files.ts';
import { resolveLoginProfiles } from '../../providers/logins/resolve.ts';
import { openKeyring } from '../accounts/local-parts.ts';
import type { CliProcess } from '../process-env.ts';

/** The auth directory as a daemon would see it; nothing is made, mended or narrowed. */
export interface SeenAuthDir {
  readonly files: readonly AuthFile[];
  readonly problems: readonly AuthFileProblem[];
  readonly made: LoginAccounts;
  /** Why the keys of an encrypted directory are not at hand; undefined when they are, or none are needed. */
  readonly keyFault: string | undefined;
}

export async function readAuthDir(cli: CliProcess, loaded: LoadedConfig): Promise<SeenAuthDir> {
  const profiles = resolveLoginProfiles(loaded.config);
  const keyring = openKeyring(cli, loaded, loaded.config['auth-dir-encryption']);
  const deps = { path: loaded.authDir, uid: cli.uid, ofFileType: profiles.ofFileType, keyring };
  const names = (await readdir(loaded.authDir).catch((): string[] => [])).filter((name) => !name.startsWith('.') && name.toLowerCase().endsWith('.json')).sort();
  const files: AuthFile[] = [];
  const problems: AuthFileProblem[] = [];
  for (const name of names) {
    const read = await readOnDisk(deps, name);
    if (read.kind === 'usable') {
      files.push(read.decoded.file);
      problems.push(...read.decoded.warnings);
    } else if (read.kind === 'unusable') problems.push(read.problem);
  }
  const made = accountsFromFiles(files, profiles, loaded.config);
  const keys = await keyring.read();
  const isKeyless = loaded.config['auth-dir-encryption'] !== 'off' && keys.ok && keys.value.length === 0;
  return { files, problems: [...problems, ...made.problems], made, keyFault: keys.ok ? (isKeyless ? 'There is no key yet.' : undefined) : keys.error.message };
}
