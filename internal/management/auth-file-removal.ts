import type { Context } from 'hono';
import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import { AppError } from '../fault/app-error.ts';
import { err, type Result } from '../fault/result.ts';
import { escapeForeign } from '../log/escape.ts';
import type { Login } from '../providers/login.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { contentTag, loginsByFile, operatorTag } from './auth-file-entries.ts';
import { readJsonBody } from './body.ts';
import type { ManagementCall, ManagementDeps } from './context.ts';
import { checkIfMatch } from './entity-tag.ts';
import { queryFlag } from './query.ts';
import { isList, isObject } from './values.ts';

/** How ending a login at its vendor went. */
interface Revocation {
  readonly name: string;
  readonly offered: boolean;
  readonly ok: boolean;
  readonly detail: string;
}

const maxNames = 1_000;

/**
 * `DELETE /auth-files`: by `?name=` (repeatable), a JSON body, or `?all=true`. With `?revoke=true` each login is ended at
 * its vendor first; the file goes however that went, and the answer says so. A login that another process refreshes for too
 * long is left as it is: 409 `conflict`.
 */
export async function deleteAuthFiles(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const isRevoked = queryFlag(c, 'revoke');
  const named = await readNames(c);
  await deps.accounts.directory().rescan();
  const names = named ?? deps.accounts.directory().files().map(({ name }) => name);
  const ifMatch = c.req.header('if-match');
  if (ifMatch !== undefined && names.length !== 1) throw new AppError('invalid_request', { message: 'If-Match takes one name.', fields: { param: 'name' } });
  if (isRevoked) checkCopies(deps, names);

  const revocations: Revocation[] = [];
  const deleted: string[] = [];
  const failed: { readonly name: string; readonly error: string; readonly code: string }[] = [];
  const take = ({ name, revocation, removed }: Removal): void => {
    if (revocation !== undefined) revocations.push(revocation);
    if (removed.ok) {
      deleted.push(name);
      recordEvent(deps, call, { action: 'account.removed', target: name, ...(revocation === undefined ? {} : { after: { revoked: revocation.ok, revocation_offered: revocation.offered } }) });
    } else {
      if (named?.length === 1) throw removed.error;
      failed.push({ name: escapeForeign(name, 128), error: removed.error.message, code: removed.error.code });
    }
  };
  if (isRevoked) for (const group of groupByLogin(deps, names)) for (const removal of await endLogin(deps, group, ifMatch)) take(removal);
  else for (const name of names) take({ name, revocation: undefined, removed: await removeFile(deps, name, ifMatch) });
  await deps.accounts.directory().rescan();
  const body = { status: failed.length === 0 ? 'ok' : 'partial', deleted: deleted.length, files: deleted, ...(failed.length === 0 ? {} : { failed }), ...(isRevoked ? { revocations } : {}) };
  return answerJson(body, {}, failed.length === 0 ? 200 : 207);
}

/** Undefined means all. */
async function readNames(c: Context): Promise<readonly string[] | undefined> {
  const all = c.req.query('all');
  const queried = c.req.queries('name') ?? [];
  if (all !== undefined) {
    if (!['true', '1', '*'].includes(all) || queried.length > 0) throw invalid('all', 'all must be true and stand alone.');
    return undefined;
  }
  const names = queried.length > 0 ? queried : await readBodyNames(c.req.raw);
  if (names.length === 0 || names.some((name) => typeof name !== 'string' || name === '')) throw invalid('name', 'name is required.');
  if (names.length > maxNames) throw invalid('names', `names may hold at most ${maxNames}.`);
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/** `{ name }`, `{ names: […] }` or a plain list. */
async function readBodyNames(request: Request): Promise<readonly unknown[]> {
  // Node’s requests have a body stream also when nothing was sent.
  if (request.body === null || !request.headers.has('content-type')) return [];
  const body = await readJsonBody(request);
  if (isList(body)) return body;
  if (!isObject(body)) return [];
  const unknown = Object.keys(body).find((member) => member !== 'name' && member !== 'names');
  if (unknown !== undefined) throw invalid(unknown.slice(0, 64), `Unknown member ${JSON.stringify(unknown.slice(0, 64))}; known are name, names.`);
  const { name, names } = body;
  return [...(name === undefined ? [] : [name]), ...(isList(names) ? names : names === undefined ? [] : [null])];
}

/** Ending a login ends it for every copy of its file. */
function checkCopies(deps: ManagementDeps, names: readonly string[]): void {
  const going = new Set(names);
  const loginOf = loginsByFile(deps.accounts.logins());
  for (const name of names) {
    const staying = loginOf.get(name)?.fileNames.filter((copy) => !going.has(copy)) ?? [];
    if (staying.length > 0) throw new AppError('conflict', { message: `${escapeForeign(name, 128)} is the same account as ${staying.map((copy) => escapeForeign(copy, 128)).join(', ')}, which would lose its login too; name them all, or leave out revoke.`, fields: { copies: staying } });
  }
}

interface Removal {
  readonly name: string;
  readonly revocation: Revocation | undefined;
  readonly removed: Result<undefined, AppError>;
}

interface Group {
  /** Undefined for files that no login uses. */
  readonly login: Login | undefined;
  readonly names: readonly string[];
}

/** The copies of one login together, all else by itself. */
function groupByLogin(deps: ManagementDeps, names: readonly string[]): readonly Group[] {
  const loginOf = loginsByFile(deps.accounts.logins());
  return [...Map.groupBy(names, (name) => loginOf.get(name)?.key ?? name).values()].map((group) => ({ login: loginOf.get(group[0] ?? ''), names: group }));
}

/**
 * Ends a login at its vendor, then removes its files. Meanwhile no process refreshes it: a token that was exchanged at the
 * same moment would live on.
 */
async function endLogin(deps: ManagementDeps, { login, names }: Group, ifMatch: string | undefined): Promise<readonly Removal[]> {
  const end = async (newest: TokenSet): Promise<readonly Removal[]> => {
    await deps.accounts.directory().rescan();
    for (const name of names) checkVersion(deps, name, ifMatch);
    const file = findFile(deps, names[0]);
    const revoked = file === undefined ? undefined : await revoke(deps, file, newest);
    const removals: Removal[] = [];
    for (const name of names) removals.push({ name, revocation: revoked === undefined ? undefined : { name, ...revoked }, removed: await removeFile(deps, name, ifMatch) });
    return removals;
  };
  if (login?.source !== 'refresh-token') return end(noTokens);
  const held = await deps.accounts.keeper.hold(login.key, end);
  if (held.ok) return held.value;
  // Its files went, or changed what they are, since they were listed.
  if (held.error === 'unknown') return end(noTokens);
  return names.map((name) => ({ name, revocation: undefined, removed: err(new AppError('conflict', { message: `${escapeForeign(name, 128)} is being refreshed by another process; try again in a minute. Nothing was ended or removed.` })) }));
}

async function removeFile(deps: ManagementDeps, name: string, ifMatch: string | undefined): Promise<Result<undefined, AppError>> {
  return deps.accounts.writer().remove(name, checkVersion(deps, name, ifMatch));
}

/** The hash that the file must have; undefined for any. Errors: `precondition_failed`. */
function checkVersion(deps: ManagementDeps, name: string, ifMatch: string | undefined): string | undefined {
  const file = ifMatch === undefined ? undefined : findFile(deps, name);
  if (file === undefined) return undefined;
  checkIfMatch(ifMatch, operatorTag(deps, file), contentTag(deps, file));
  return file.hash;
}

function findFile(deps: ManagementDeps, name: string | undefined): AuthFile | undefined {
  return deps.accounts.directory().files().find((known) => known.name === name);
}

async function revoke(deps: ManagementDeps, file: AuthFile, newest: TokenSet): Promise<Omit<Revocation, 'name'>> {
  const { refreshToken, accessToken } = newest.refreshToken === undefined ? file.tokens : newest;
  if (file.serviceAccount !== undefined || (refreshToken === undefined && accessToken === undefined)) return { offered: false, ok: false, detail: 'The file holds no token that could be revoked.' };
  return deps.accounts.revoke(file.provider, refreshToken, accessToken, file);
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', { message, fields: { param } });
}
