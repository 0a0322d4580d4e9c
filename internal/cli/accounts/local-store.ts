import { existsSync } from 'node:fs';
import type { AuthFile, AuthFileProblem } from '../../accounts/auth-file/auth-file.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../../accounts/directory/open-auth-directory.ts';
import type { AccountWriter, AuthDirectory } from '../../accounts/directory/ports.ts';
import { wrapServiceAccount } from '../../accounts/service-account.ts';
import type { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { createRevoke } from '../../upstreamauth/revoke.ts';
import { isRecord } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import type { AccountStore, ImportedAccount, ListedAccount, Revocation, StoreRefusal } from './account-store.ts';
import { alreadyThere } from './daemon-store.ts';
import { forgetLogin } from './forget-login.ts';
import { openVendors, type LocalParts } from './local-parts.ts';

/** The auth directory itself, for when no daemon runs. Nothing is made or opened before it is needed. */
export function createLocalStore(cli: CliProcess, parts: LocalParts): AccountStore {
  const { profiles, directoryDeps } = parts;
  let opening: Promise<OpenAuthDirectory> | undefined;
  const open = (): Promise<OpenAuthDirectory> => (opening ??= openAuthDirectory(directoryDeps));
  return {
    list: async () => (existsSync(directoryDeps.path) ? ok(listDirectory((await open()).directory, directoryDeps.clock.nowMs())) : ok([])),
    remove: async (name, { isKeptAtVendor }) => {
      const { directory, accountWriter } = await open();
      const copies = isKeptAtVendor ? [] : copiesOf(directory, name);
      if (copies.length > 0) return err({ code: 'conflict', message: `${escapeForeign(name)} is the same account as ${copies.map((copy) => escapeForeign(copy)).join(', ')}, which would lose its login too; remove that with --keep-at-vendor first.` });
      const revocation: Revocation = isKeptAtVendor ? { kind: 'kept' } : await revoke(cli, parts, directory.files().find((file) => file.name === name));
      const before = directory.files();
      const removed = await accountWriter.remove(name);
      if (removed.ok) await forgetLogin(parts, before, name);
      return removed.ok ? ok(revocation) : err(toRefusal(removed.error));
    },
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

/** Files that would lose their login with this one. */
function copiesOf(directory: Pick<AuthDirectory, 'files'>, name: string): readonly string[] {
  const file = directory.files().find((known) => known.name === name);
  return file === undefined ? [] : directory.files().filter((other) => other !== file && other.provider === file.provider && other.identity === file.identity).map((other) => other.name);
}

function listDirectory(directory: Pick<AuthDirectory, 'files' | 'problems'>, nowMs: number): readonly ListedAccount[] {
  const problems = new Map(directory.problems().map((problem) => [problem.name, problem]));
  const files = directory.files();
  const used = new Set(files.map(({ name }) => name));
  const refused = [...problems.values()].filter(({ name }) => !used.has(name));
  const listed = [...files.map((file) => describeFile(file, problems.get(file.name), nowMs)), ...refused.map(describeRefused)];
  return listed.sort((left, right) => (left.file < right.file ? -1 : 1));
}

function describeFile(file: AuthFile, problem: AuthFileProblem | undefined, nowMs: number): ListedAccount {
  const { tokens, operator } = file;
  return {
    file: file.name,
    provider: file.provider,
    account: file.email === '' ? (file.fact('project_id') ?? file.fact('label') ?? '') : file.email,
    state: stateOf(file, nowMs),
    expires: isoTime(tokens.expiresAtMs),
    lastRefresh: isoTime(tokens.issuedAtMs),
    prefix: operator.prefix,
    problem: problem?.message ?? '',
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
  return { file: name, provider: '', account: '', state: 'unusable', expires: '', lastRefresh: '', prefix: '', problem: message };
}

async function revoke(cli: CliProcess, parts: LocalParts, file: AuthFile | undefined): Promise<Revocation> {
  if (file === undefined) return { kind: 'failed', detail: 'the file cannot be read, so its tokens are not known' };
  if (file.serviceAccount !== undefined) return { kind: 'not_offered' };
  const vendors = openVendors(cli, parts);
  try {
    const revokeAtVendor = createRevoke({ ...vendors, profiles: () => parts.profiles });
    const { offered, ok: isRevoked, detail } = await revokeAtVendor(file.provider, file.tokens.refreshToken, file.tokens.accessToken, file);
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
