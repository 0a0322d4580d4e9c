import type { Keychain } from '../../accounts/auth-file/key-stores.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { openVault, type Vault } from './vault.ts';

/**
 * The store for new secrets, as KEYWARD_CREDENTIAL_STORE says: `file`, `keychain`, or `auto` (the default): the keychain
 * where one works, else files. Errors: `invalid_request`, `keychain_unavailable`.
 */
export async function chooseStore(cli: CliProcess, openKeychain?: () => Promise<Keychain>): Promise<Result<Vault, StoreRefusal>> {
  const wanted = cli.env['KEYWARD_CREDENTIAL_STORE']?.trim() || 'auto';
  if (wanted !== 'auto' && wanted !== 'file' && wanted !== 'keychain') return err({ code: 'invalid_request', message: `KEYWARD_CREDENTIAL_STORE is ${wanted}; it may be file, keychain or auto.` });
  if (wanted === 'file') return openVault(cli, 'file');
  const keychain = await openVault(cli, 'keychain', { mayMakeKey: true, ...(openKeychain === undefined ? {} : { openKeychain }) });
  if (keychain.ok) return ok(keychain.value);
  return wanted === 'keychain' ? keychain : openVault(cli, 'file');
}
