import type { Context } from 'hono';
import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
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
 * its vendor first; the file goes however that went, and the answer says so.
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
  for (const name of names) {
    const file = deps.accounts.directory().files().find((known) => known.name === name);
    if (ifMatch !== undefined && file !== undefined) checkIfMatch(ifMatch, operatorTag(deps, file), contentTag(deps, file));
    const revocation = isRevoked && file !== undefined ? await revoke(deps, file) : undefined;
    if (revocation !== undefined) revocations.push(revocation);
    const removed = await deps.accounts.writer().remove(name, ifMatch === undefined ? undefined : file?.hash);
    if (removed.ok) {
      deleted.push(name);
      recordEvent(deps, call, { action: 'account.removed', target: name, ...(revocation === undefined ? {} : { after: { revoked: revocation.ok, revocation_offered: revocation.offered } }) });
    } else {
      if (named?.length === 1) throw removed.error;
      failed.push({ name: escapeForeign(name, 128), error: removed.error.message, code: removed.error.code });
    }
  }
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

async function revoke(deps: ManagementDeps, file: AuthFile): Promise<Revocation> {
  const { refreshToken, accessToken } = file.tokens;
  if (file.serviceAccount !== undefined || (refreshToken === undefined && accessToken === undefined)) return { name: file.name, offered: false, ok: false, detail: 'The file holds no token that could be revoked.' };
  return { name: file.name, ...(await deps.accounts.revoke(file.provider, refreshToken, accessToken, file)) };
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', { message, fields: { param } });
}
