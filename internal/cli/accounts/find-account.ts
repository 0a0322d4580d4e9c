import { vendorProfiles } from '../../providers/logins/vendors.ts';
import type { ListedAccount } from './account-store.ts';

/** A provider by the name its preset has; names of the operator's own as they are. */
export function canonicalProvider(name: string): string {
  const lower = name.toLowerCase();
  return vendorProfiles.find((profile) => profile.name === lower || profile.aliases.includes(lower))?.name ?? lower;
}

/** Accounts of a provider that `name` means: a file's name with or without `.json`, or an e-mail or label; all of them without one. */
export function findAccounts(accounts: readonly ListedAccount[], provider: string, name: string | undefined): readonly ListedAccount[] {
  const wanted = canonicalProvider(provider);
  const ofProvider = accounts.filter((account) => canonicalProvider(account.provider) === wanted);
  return name === undefined ? ofProvider : accountsCalled(ofProvider, name);
}

/** Accounts that `name` means: a file's name with or without `.json`, else an e-mail or label. */
export function accountsCalled(accounts: readonly ListedAccount[], name: string): readonly ListedAccount[] {
  const meant = name.toLowerCase();
  const byFile = accounts.filter(({ file }) => [file.toLowerCase(), file.toLowerCase().replace(/\.json$/, '')].includes(meant));
  return byFile.length > 0 ? byFile : accounts.filter(({ account }) => account.toLowerCase() === meant);
}
