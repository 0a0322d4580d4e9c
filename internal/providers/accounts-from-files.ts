import type { Account } from '../accounts/account.ts';
import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import type { Config } from '../config/schema.ts';
import { escapeForeign } from '../log/escape.ts';
import { sha256Hex } from '../secret/digest.ts';
import { accountOfConfig, accountOfFile, type LoginPlace } from './login-account.ts';
import type { LoginProfile } from './login-profile.ts';
import type { Login } from './login.ts';
import type { LoginProfiles } from './logins/resolve.ts';

/** What the auth directory and the client-credentials entries of the config come to. */
export interface LoginAccounts {
  /** In the order of the files' names, then those of the config alone. */
  readonly accounts: readonly Account[];
  /** One each account, same order. */
  readonly logins: readonly Login[];
  /** Files (or `oauth.<name>` entries) that make no account, and what was left out of those that do. */
  readonly problems: readonly AuthFileProblem[];
}

/**
 * The accounts behind logins. Two files of one identity are one account: the first by name that is not disabled (security
 * rule 25). What `oauth.<provider>` says holds where a file says nothing of its own. `files` come sorted by name.
 */
export function accountsFromFiles(files: readonly AuthFile[], profiles: LoginProfiles, config: Config): LoginAccounts {
  const problems: AuthFileProblem[] = [];
  const groups = new Map<string, FileAccount[]>();
  for (const file of files) {
    const found = readFile(file, profiles, config, problems);
    if (found === undefined) continue;
    const group = groups.get(found.place.loginKey);
    if (group === undefined) groups.set(found.place.loginKey, [found]);
    else group.push(found);
  }
  const fromFiles = [...groups.values()].flatMap((group) => uniteGroup(group, problems));
  const fromConfig = profiles.all.filter(isClientCredentials).flatMap((profile) => readConfigLogin(profile, config, problems));
  const all = [...fromFiles, ...fromConfig];
  return { accounts: all.map(({ account }) => account), logins: all.map(({ login }) => login), problems };
}

interface FileAccount {
  readonly file: AuthFile;
  readonly profile: LoginProfile;
  readonly place: LoginPlace;
  readonly account: Account;
}

interface AccountWithLogin {
  readonly account: Account;
  readonly login: Login;
}

function readFile(file: AuthFile, profiles: LoginProfiles, config: Config, problems: AuthFileProblem[]): FileAccount | undefined {
  const { name } = file;
  // The config may have changed since the file was decoded.
  const profile = profiles.ofFileType(file.type) ?? profiles.find(file.provider);
  if (profile === undefined) {
    problems.push({ name, code: 'unknown_type', severity: 'error', message: `No login serves files of the type "${escapeForeign(file.type, 64)}"; define \`oauth.${escapeForeign(file.type, 64)}\` in the config.` });
    return undefined;
  }
  const refuse = (message: string): undefined => void problems.push({ name, code: 'invalid_field', severity: 'error', message });
  if (isClientCredentials(profile)) return refuse(`The login "${profile.name}" is by client credentials, which keep nothing in a file; this one is not used.`);
  if (profile.grants[0] === 'service-account' && file.serviceAccount === undefined) return refuse('It holds no service account.');
  const place = placeOf(profile, loginKeyOf(profile, file.identity));
  const built = accountOfFile(file, profile, config, place);
  if (!built.ok) return refuse(built.error);
  for (const message of built.value.warnings) problems.push({ name, code: 'invalid_field', severity: 'warning', message });
  return { file, profile, place, account: built.value.account };
}

/** The account of the files of one identity, and the login that keeps all of them fresh. */
function uniteGroup(group: readonly FileAccount[], problems: AuthFileProblem[]): readonly AccountWithLogin[] {
  const first = group.find(({ account }) => !account.disabled) ?? group[0];
  if (first === undefined) return [];
  const others = group.filter((each) => each !== first).map(({ file }) => file.name);
  for (const name of others) {
    problems.push({ name, code: 'duplicate_of', severity: 'warning', message: `It is the same account as ${escapeForeign(first.file.name, 128)}, whose settings count; both get the new tokens.` });
  }
  const { profile, place, account } = first;
  const source = profile.grants[0] === 'service-account' ? 'service-account' : 'refresh-token';
  return [{ account, login: loginOf(profile, place, account, source, [first.file.name, ...others]) }];
}

function isClientCredentials({ grants }: LoginProfile): boolean {
  return grants[0] === 'client-credentials';
}

/** An account that lives in the config alone: short tokens for the client itself (RFC 6749 §4.4). */
function readConfigLogin(profile: LoginProfile, config: Config, problems: AuthFileProblem[]): readonly AccountWithLogin[] {
  const place = placeOf(profile, loginKeyOf(profile, `client ${profile.registration.clientId}`));
  const built = accountOfConfig(profile, config, place);
  if (!built.ok) {
    problems.push({ name: `oauth.${profile.name}`, code: 'invalid_field', severity: 'error', message: built.error });
    return [];
  }
  return [{ account: built.value, login: loginOf(profile, place, built.value, 'client-credentials', []) }];
}

function loginOf(profile: LoginProfile, place: LoginPlace, account: Account, source: Login['source'], fileNames: readonly string[]): Login {
  return { key: place.loginKey, source, profile, fileNames, label: account.label, accountId: account.id, disabled: account.disabled };
}

function placeOf(profile: LoginProfile, loginKey: string): LoginPlace {
  return { profile, loginKey, accountId: `login:${loginKey.slice(0, 12)}` };
}

/**
 * The same for every copy of an identity's file. The login's name is part of it: two of Google's share an endpoint and an
 * e-mail, yet their tokens belong to different clients.
 */
function loginKeyOf({ name, endpoints }: LoginProfile, identity: string): string {
  return sha256Hex([name, endpoints.token === '' ? endpoints.issuer : endpoints.token, identity].join('\n'));
}
