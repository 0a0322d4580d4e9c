import type { AuthFile, OperatorFields } from '../../internal/accounts/auth-file/auth-file.ts';
import { noTokens } from '../../internal/accounts/token-set.ts';
import { accountsFromFiles, type LoginAccounts } from '../../internal/providers/accounts-from-files.ts';
import { resolveLoginProfiles } from '../../internal/providers/logins/resolve.ts';
import { configOf } from './config.ts';

export const plainOperator: OperatorFields = {
  disabled: false,
  prefix: '',
  proxyUrl: '',
  priority: 0,
  weight: 1,
  headers: new Map(),
  excludedModels: [],
  modelAliases: [],
  disableCooling: false,
  note: '',
  baseUrl: '',
};

export interface AuthFileSketch {
  readonly name?: string;
  readonly email?: string;
  readonly identity?: string;
  readonly operator?: Partial<OperatorFields>;
  /** Further text members by their snake_case names. */
  readonly facts?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
}

/** A decoded file of the auth directory, all that the sketch leaves out at its default. */
export function authFile(type: string, sketch: AuthFileSketch = {}): AuthFile {
  const { email = 'ann@example.com', facts = {}, operator = {} } = sketch;
  return {
    name: sketch.name ?? `${type}-${email}.json`,
    hash: '0'.repeat(64),
    sizeBytes: 512,
    modifiedAtMs: 0,
    type,
    provider: resolveLoginProfiles(configOf({})).ofFileType(type)?.name ?? type,
    identity: sketch.identity ?? email,
    email,
    operator: { ...plainOperator, ...operator },
    tokens: noTokens,
    fact: (name) => facts[name],
    serviceAccount: sketch.serviceAccount,
    isWritable: true,
    isSealed: false,
  };
}

/** What these files come to under a config with the given settings. */
export function accountsOf(files: readonly AuthFile[], given: object = {}): LoginAccounts {
  const config = configOf(given);
  return accountsFromFiles(files, resolveLoginProfiles(config), config);
}
