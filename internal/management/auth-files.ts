import type { Context } from 'hono';
import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { userinfoOf } from '../config/secret-spots.ts';
import { AppError } from '../fault/app-error.ts';
import { answerAttachment, answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { allProblems, contentTag, describeOperatorFields, listAuthFiles, loginsByFile, operatorTag } from './auth-file-entries.ts';
import { movingFields, readOperatorFields } from './auth-file-fields.ts';
import { deleteAuthFiles } from './auth-file-removal.ts';
import { uploadAuthFiles } from './auth-file-upload.ts';
import { readJsonBody, readJsonObject } from './body.ts';
import { isRoot, requireRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { checkIfMatch, entityTag } from './entity-tag.ts';
import { queryFlag } from './query.ts';
import { isObject, type JsonObject } from './values.ts';
import { importVertex } from './vertex-import.ts';

/** The account files of the auth directory. */
export function authFileRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/auth-files', scope: 'accounts:read', handle: (c) => showFiles(deps, c) },
    { method: 'POST', path: '/auth-files', scope: 'accounts:write', handle: (c, call) => uploadAuthFiles(deps, c, call) },
    { method: 'DELETE', path: '/auth-files', scope: 'accounts:write', handle: (c, call) => deleteAuthFiles(deps, c, call) },
    { method: 'GET', path: '/auth-files/download', scope: 'accounts:read', handle: (c, call) => downloadFile(deps, c, call) },
    { method: 'GET', path: '/auth-files/models', scope: 'accounts:read', handle: (c) => showModels(deps, c) },
    { method: 'PATCH', path: '/auth-files/status', scope: 'accounts:write', handle: (c, call) => patchStatus(deps, c, call) },
    { method: 'PATCH', path: '/auth-files/fields', scope: 'accounts:write', handle: (c, call) => patchFields(deps, c, call) },
    { method: 'POST', path: '/vertex/import', scope: 'accounts:write', handle: (c, call) => importVertex(deps, c, call) },
  ];
}

/** All files, or those that `name` or `auth_index` means. The `ETag` of a single one is what an edit of it takes as `If-Match`. */
async function showFiles(deps: ManagementDeps, c: Context): Promise<Response> {
  await deps.accounts.directory().rescan();
  const name = c.req.query('name');
  const authIndex = c.req.query('auth_index');
  const files = listAuthFiles(deps).filter((file) => (name === undefined || file.name === name) && (authIndex === undefined || file.auth_index === authIndex));
  const [only] = files;
  const own = name !== undefined && typeof only?.['etag'] === 'string' ? only['etag'] : undefined;
  return answerJson({ files }, { etag: own ?? entityTag(deps.tagSecret, files.map((file) => [file.name, file['etag'] ?? file['problem']])) });
}

/**
 * The file as it stands. Plaintext is for root alone; a sealed file stays sealed unless root asks with `reveal`, and sealed
 * it goes to others too, unless secrets of the operator's stand beside its tokens (security rules 20, 28).
 */
async function downloadFile(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { accounts } = deps;
  const name = requiredName(c.req.query('name'));
  const isOpened = queryFlag(c, 'reveal');
  await accounts.directory().rescan();
  const file = findFile(deps, name);
  const isPlain = isOpened || file === undefined || !file.isSealed || holdsOperatorSecret(file);
  if (isPlain) requireRoot(call, 'download account files in plain text');
  const text = await accounts.writer().download(name, { isOpened });
  if (!text.ok) throw text.error;
  recordEvent(deps, call, { action: isPlain ? 'account.revealed' : 'account.downloaded', target: name });
  return answerAttachment(name, Buffer.from(text.value), { 'content-type': 'application/json; charset=utf-8', ...(file === undefined ? {} : { etag: contentTag(deps, file) }) });
}

/** Models that would route to the file's account. */
async function showModels(deps: ManagementDeps, c: Context): Promise<Response> {
  const name = requiredName(c.req.query('name'));
  await deps.accounts.directory().rescan();
  if (findFile(deps, name) === undefined && !isProblem(deps, name)) throw notFound();
  const accountId = loginsByFile(deps.accounts.logins()).get(name)?.accountId;
  const table = deps.routingTable();
  const models = accountId === undefined ? [] : table.listModels().filter(({ id }) => table.candidatesFor(id).some(({ account }) => account.id === accountId));
  return answerJson({ models: models.map(({ id, ownedBy }) => ({ id, display_name: id, type: 'model', owned_by: ownedBy })) });
}

/** Switches an account on or off. Switching on is also what an operator does to have it tried again. */
async function patchStatus(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const { name, auth_index: authIndex, disabled } = await readJsonObject(c.req.raw, ['name', 'auth_index', 'disabled']);
  if (typeof disabled !== 'boolean') throw invalid('disabled', 'disabled is required: true or false.');
  const file = await nameFile(deps, name, authIndex);
  const changed = await patchFile(deps, c, call, file, () => ({ disabled }));
  const login = disabled ? undefined : loginsByFile(deps.accounts.logins()).get(changed.name);
  if (login !== undefined && deps.accounts.keeper.stateOf(login.key).kind === 'needs_login') deps.accounts.keeper.retry(login.key);
  return answerJson({ status: 'ok', disabled }, { etag: operatorTag(deps, changed) });
}

async function patchFields(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const body = await readJsonBody(c.req.raw);
  if (!isObject(body)) throw invalid('name', 'The body must be a JSON object.');
  const { name, auth_index: authIndex, ...sent } = body;
  if (Object.keys(sent).length === 0) throw invalid('fields', 'no fields to update.');
  const file = await nameFile(deps, name, authIndex);
  const changed = await patchFile(deps, c, call, file, (current) => {
    const fields = readOperatorFields(sent, current);
    const moving = Object.keys(fields).filter((field) => movingFields.has(field));
    if (moving.length > 0 && !isRoot(call.principal)) throw new AppError('root_required', { message: `Only the root management secret may change ${moving.join(', ')}: it moves where this account’s tokens are sent.`, fields: { param: moving[0] } });
    return fields;
  });
  return answerJson({ status: 'ok' }, { etag: operatorTag(deps, changed) });
}

/** Tokens that are refreshed meanwhile change the file too. */
const maxAttempts = 16;

/** `plan` sees the file that is changed. Errors: the plan's and `AccountWriter.patch`'s; `precondition_failed` for the caller's own `If-Match`. */
async function patchFile(deps: ManagementDeps, c: Context, call: ManagementCall, name: string, plan: (file: AuthFile) => JsonObject): Promise<AuthFile> {
  const { accounts } = deps;
  const ifMatch = c.req.header('if-match');
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const file = requireFile(deps, name);
    checkIfMatch(ifMatch, operatorTag(deps, file), contentTag(deps, file));
    const fields = plan(file);
    // Nothing but masks of what is there.
    if (Object.keys(fields).length === 0) return file;
    const patched = await accounts.writer().patch(name, fields, ifMatch === undefined ? undefined : file.hash);
    if (!patched.ok && (patched.error.code !== 'precondition_failed' || ifMatch === undefined)) throw patched.error;
    await accounts.directory().rescan();
    if (!patched.ok) continue;
    recordEvent(deps, call, { action: 'account.changed', target: name, before: pick(describeOperatorFields(file), fields), after: pick(describeOperatorFields(patched.value), fields) });
    return patched.value;
  }
  throw new AppError('conflict', { message: 'The file keeps changing while it is edited; try again.' });
}

function pick(members: JsonObject, names: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([name]) => Object.hasOwn(names, name)));
}

/** The name of the file that a body means by `name` or `auth_index`. */
async function nameFile(deps: ManagementDeps, name: unknown, authIndex: unknown): Promise<string> {
  await deps.accounts.directory().rescan();
  if (name !== undefined) return requiredName(name);
  if (typeof authIndex !== 'string' || authIndex === '') throw invalid('name', 'name is required.');
  const [first, ...others] = listAuthFiles(deps).filter((file) => file.auth_index === authIndex);
  if (first === undefined) throw notFound();
  if (others.length > 0) throw new AppError('ambiguous_match', { message: 'Several files are this account; name one.', fields: { matches: [first, ...others].map((file) => file.name) } });
  return first.name;
}

function findFile(deps: ManagementDeps, name: string): AuthFile | undefined {
  return deps.accounts.directory().files().find((file) => file.name === name);
}

function requireFile(deps: ManagementDeps, name: string): AuthFile {
  const file = findFile(deps, name);
  if (file !== undefined) return file;
  const problem = allProblems(deps).find((found) => found.name === name);
  throw problem === undefined ? notFound() : new AppError('invalid_auth_file', { message: problem.message });
}

function isProblem(deps: ManagementDeps, name: string): boolean {
  return allProblems(deps).some((problem) => problem.name === name);
}

function holdsOperatorSecret({ operator }: AuthFile): boolean {
  return operator.headers.size > 0 || userinfoOf(operator.proxyUrl) !== '';
}

function requiredName(name: unknown): string {
  if (typeof name !== 'string' || name === '') throw invalid('name', 'name is required.');
  return name;
}

function notFound(): AppError {
  return new AppError('item_not_found', { message: 'auth file not found' });
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', { message, fields: { param } });
}
