import { existsSync } from 'node:fs';
import type { AuthFile, AuthFileProblem } from '../../accounts/auth-file/auth-file.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../../accounts/directory/open-auth-directory.ts';
import type { AccountWriter, AuthDirectory } from '../../accounts/directory/ports.ts';
import { wrapServiceAccount } from '../../accounts/service-account.ts';
import { noTokens, type TokenSet } from '../../accounts/token-set.ts';
import type { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { accountsFromFiles } from '../../providers/accounts-from-files.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { findMissingClients } from '../../upstreamauth/missing-clients.ts';
import { createRevoke } from '../../upstreamauth/revoke.ts';
import { isRecord } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import type { AccountStore, ImportedAccount, ListedAccount, Revocation, StoreRefusal } from './account-store.ts';
import { alreadyThere } from './daemon-store.ts';
import { forgetLogin, holdLocally, loginOfFile } from './forget-login.ts';
import { openVendors, type LocalParts } from './local-parts.ts';

/** The auth directory itself, for when no daemon runs. Nothing is made or opened before it is needed. */
export function createLocalStore(cli: CliProcess, parts: LocalParts): AccountStore {
  const { profiles, directoryDeps } = parts;
  let opening: Promise<OpenAuthDirectory> | undefined;
  const open = (): Promise<OpenAuthDirectory> => (opening ??= openAuthDirectory(directoryDeps));
  return {
    list: async () => (existsSync(directoryDeps.path) ? ok(listDirectory((await open()).directory, parts)) : ok([])),
    remove: async (name, { isKeptAtVendor }) => removeAccount(cli, parts, await open(), name, isKeptAtVendor),
    setDisabled: async (name, isDisabled) => {
      const patched = await (await open()).accountWriter.patch(name, { disabled: isDisabled });
      return patched.ok ? ok(undefined) : err(toRefusal(patched.error));
    },
    importFile: async (name, text, options) => {
      const objection = judgeFile(text, (type) => profiles.ofFileType(type) !== undefined);
      return objection === undefined ? put((await open()).accountWriter, name, text, options.mayReplace) : err({ code: 'invalid_auth_file', message: objection });
    },
    importVertex: async (text, options) => {
      const wrapped = wrapServiceAccount(parseJson(text), options);
      if (!wrapped.ok) return err({ code: 'invalid_auth_file', message: escapeForeign(wrapped.error) });
      const { directory, accountWriter } = await open();
      return put(accountWriter, freeName(directory, wrapped.value.name, wrapped.value.email), wrapped.value.text, true);
    },
    close: async () => {
      const opened = await opening;
      await opened?.directory.close();
    },
  };
}

/** Ends a login and removes its file while no daemon refreshes it: a token that was exchanged at the same moment would live on. */
async function removeAccount(cli: CliProcess, parts: LocalParts, { directory, tokenWriter, accountWriter }: OpenAuthDirectory, name: string, isKeptAtVendor: boolean): Promise<Result<Revocation, StoreRefusal>> {
  const copies = isKeptAtVendor ? [] : copiesOf(directory, name);
  if (copies.length > 0) return err({ code: 'conflict', message: `${escapeForeign(name)} is the same account as ${copies.map((copy) => escapeForeign(copy)).join(', ')}, which would lose its login too; remove that with --keep-at-vendor first.` });
  const login = loginOfFile(parts, directory.files(), name);
  const file = directory.files().find((known) => known.name === name);
  const end = async (newest: TokenSet): Promise<Result<Revocation, StoreRefusal>> => {
    const revocation: Revocation = isKeptAtVendor ? { kind: 'kept' } : await revoke(cli, parts, file, newest);
    const removed = await accountWriter.remove(name);
    return removed.ok ? ok(revocation) : err(toRefusal(removed.error));
  };
  if (login === undefined) return end(noTokens);
  const held = isKeptAtVendor ? ok(await end(noTokens)) : await holdLocally(parts, tokenWriter, login, end);
  if (!held.ok) return err(held.error === 'busy' ? { code: 'conflict', message: `${escapeForeign(name)} is being refreshed by another process; try again in a minute. Nothing was ended or removed.` } : { code: 'auth_file_not_writable', message: `The lock of ${escapeForeign(name)} cannot be taken in ${directory.path}. Nothing was ended or removed.` });
  if (held.value.ok) await forgetLogin(parts, login);
  return held.value;
}

/** Files that would lose their login with this one. */
function copiesOf(directory: Pick<AuthDirectory, 'files'>, name: string): readonly string[] {
  const file = directory.files().find((known) => known.name === name);
  return file === undefined ? [] : directory.files().filter((other) => other !== file && other.provider === file.provider && other.identity === file.identity).map((other) => other.name);
}

/** As a daemon lists them: what making accounts of the files comes upon is theirs too. */
function listDirectory(directory: Pick<AuthDirectory, 'files' | 'problems'>, { loaded, profiles, directoryDeps }: LocalParts): readonly ListedAccount[] {
  const files = directory.files();
  const made = accountsFromFiles(files, profiles, loaded.config);
  const names = new Set(files.map(({ name }) => name));
  const problems = Map.groupBy([...directory.problems(), ...[...made.problems, ...findMissingClients(made.logins, files)].filter(({ name }) => names.has(name))], ({ name }) => name);
  const used = new Set(made.logins.flatMap(({ fileNames }) => fileNames));
  const nowMs = directoryDeps.clock.nowMs();
  const usable = files.map((file) => {
    const own = problems.get(file.name) ?? [];
    const worst = own.find(({ severity }) => severity === 'error') ?? own[0];
    return describeFile(file, used.has(file.name) ? stateOf(file, nowMs) : 'unusable', worst);
  });
  const refused = [...problems].flatMap(([name, [first]]) => (names.has(name) || first === undefined ? [] : [describeRefused(first)]));
  return [...usable, ...refused].sort((left, right) => (left.file < right.file ? -1 : 1));
}

function describeFile(file: AuthFile, state: string, problem: AuthFileProblem | undefined): ListedAccount {
  const { tokens, operator } = file;
  return {
    file: file.name,
    provider: file.provider,
    account: file.email === '' ? (file.fact('project_id') ?? file.fact('label') ?? '') : file.email,
    state,
    expires: isoTime(tokens.expiresAtMs),
    lastRefresh: isoTime(tokens.issuedAtMs),
    prefix: operator.prefix,
    problem: problem?.message.replace(/\.$/, '') ?? '',
  };
}

/** What the file alone tells: whether it was refused meanwhile, only a daemon knows. */
function stateOf({ operator, tokens, serviceAccount }: AuthFile, nowMs: number): string {
  if (operator.disabled) return 'disabled';
  const isCurrent = tokens.expiresAtMs === undefined || tokens.expiresAtMs > nowMs;
  const hasToken = tokens.accessToken !== undefined || tokens.apiKey !== undefined;
  if (serviceAccount !== undefined || tokens.refreshToken !== undefined || (hasToken && isCurrent)) return 'ready';
  return hasToken ? 'expired' : 'needs_login';
}

function describeRefused({ name, message }: AuthFileProblem): ListedAccount {
  return { file: name, provider: '', account: '', state: 'unusable', expires: '', lastRefresh: '', prefix: '', problem: message.replace(/\.$/, '') };
}

async function revoke(cli: CliProcess, parts: LocalParts, file: AuthFile | undefined, newest: TokenSet): Promise<Revocation> {
  if (file === undefined) return { kind: 'failed', detail: 'the file cannot be read, so its tokens are not known' };
  if (file.serviceAccount !== undefined) return { kind: 'not_offered' };
  const vendors = openVendors(cli, parts);
  try {
    const revokeAtVendor = createRevoke({ ...vendors, profiles: () => parts.profiles });
    const { refreshToken, accessToken } = newest.refreshToken === undefined ? file.tokens : newest;
    const { offered, ok: isRevoked, detail } = await revokeAtVendor(file.provider, refreshToken, accessToken, file);
    if (!offered) return { kind: 'not_offered' };
    return isRevoked ? { kind: 'revoked' } : { kind: 'failed', detail: escapeForeign(detail) };
  } finally {
    await vendors.dispatchers.close();
  }
}

async function put(writer: AccountWriter, name: string, text: string, mayReplace: boolean): Promise<Result<ImportedAccount, StoreRefusal>> {
  const stored = await writer.put(name, text, { mayReplace });
  if (stored.ok) return ok({ file: stored.value.name, account: stored.value.email });
  return err(stored.error.code === 'precondition_failed' ? alreadyThere(name) : toRefusal(stored.error));
}

/** Why a text is no account file; undefined leaves the rest to the writer's own checks. */
function judgeFile(text: string, isServed: (type: string) => boolean): string | undefined {
  const parsed = parseJson(text);
  const type: unknown = isRecord(parsed) ? parsed['type'] : undefined;
  if (typeof type === 'string' && type !== '' && !isServed(type.trim().toLowerCase())) return `No login serves files of the type "${escapeForeign(type, 64)}".`;
  return undefined;
}

/** Another service account of the same project is another account. */
function freeName(directory: Pick<AuthDirectory, 'files'>, name: string, email: string): string {
  const there = directory.files().find((file) => file.name === name);
  return there === undefined || there.email === '' || there.email === email ? name : name.replace(/\.json$/, `-${sha256Hex(email).slice(0, 8)}.json`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isoTime(atMs: number | undefined): string {
  return atMs === undefined || !Number.isFinite(atMs) ? '' : new Date(atMs).toISOString();
}

function toRefusal({ code, message }: AppError): StoreRefusal {
  return { code, message };
}
