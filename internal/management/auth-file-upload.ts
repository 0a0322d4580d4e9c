import type { Context } from 'hono';
import { applyEdits, modify } from 'jsonc-parser';
import { checkFileName } from '../accounts/auth-file/name.ts';
import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { checkServiceAccount, wrapServiceAccount } from '../accounts/service-account.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { escapeForeign } from '../log/escape.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { sha256Hex } from '../secret/digest.ts';
import { answerJson } from './answer.ts';
import { allProblems, contentTag, operatorTag } from './auth-file-entries.ts';
import { recordEvent } from './audit-trail.ts';
import { parseJson, readTextBody, refuseRepeats } from './body.ts';
import { checkPrefix } from './auth-file-fields.ts';
import { isRoot, type ManagementCall, type ManagementDeps } from './context.ts';
import { checkIfMatch } from './entity-tag.ts';
import { readForm } from './multipart.ts';
import { isObject, type JsonObject } from './values.ts';

/** Auth files are at most this long (contract §13). */
export const maxAuthFileBytes = 262_144;
const maxFiles = 16;
/** Of a file that changes while it is replaced. */
const maxTries = 8;

/** `curl --data-binary @file` says that it sends a form unless it is told otherwise. */
const rawTypes = ['application/json', 'text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded', ''];

/** What goes with every file of an upload. */
interface Wishes {
  /** Which login the files belong to: a preset, a login of the config, or `vertex` for a service account. */
  readonly channel: LoginProfile | undefined;
  readonly prefix: string;
}

/** A file that may be stored. */
interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * `POST /auth-files`: one file or several as a form, or one as raw JSON with `?name=`. All are looked at before any is
 * written; `If-None-Match: *` keeps what is there.
 */
export async function uploadAuthFiles(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const isForm = /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '');
  const { files, wishes } = isForm ? await readFormUpload(deps, c) : await readRawUpload(deps, c);
  const prepared = files.map(({ fileName, text }) => ({ fileName, file: attempt(() => prepareFile(deps, call, fileName, text, wishes)) }));
  const only = prepared.length === 1 ? prepared[0]?.file : undefined;
  if (only !== undefined) {
    if (!only.ok) throw only.error;
    const stored = await storeFile(deps, c, call, only.value);
    await deps.accounts.directory().rescan();
    return answerJson({ status: 'ok', name: stored.name }, { etag: operatorTag(deps, stored) });
  }
  const uploaded: string[] = [];
  const failed: { readonly name: string; readonly error: string; readonly code: string }[] = [];
  for (const { fileName, file } of prepared) {
    const stored = file.ok ? await attemptLater(() => storeFile(deps, c, call, file.value)) : file;
    if (stored.ok) uploaded.push(stored.value.name);
    else failed.push({ name: escapeForeign(fileName, 128), error: stored.error.message, code: stored.error.code });
  }
  await deps.accounts.directory().rescan();
  if (failed.length === 0) return answerJson({ status: 'ok', uploaded: uploaded.length, files: uploaded });
  if (uploaded.length === 0) throw new AppError('invalid_auth_file', { message: 'None of these files was stored.', fields: { failed } });
  return answerJson({ status: 'partial', uploaded: uploaded.length, files: uploaded, failed }, {}, 207);
}

async function readFormUpload(deps: ManagementDeps, c: Context): Promise<{ readonly files: readonly { readonly fileName: string; readonly text: string }[]; readonly wishes: Wishes }> {
  const { files, fields } = await readForm(c.req.raw, { fields: ['channel', 'prefix'], maxFiles, maxFileBytes: maxAuthFileBytes });
  return { files, wishes: readWishes(deps, fields.get('channel'), fields.get('prefix')) };
}

async function readRawUpload(deps: ManagementDeps, c: Context): Promise<{ readonly files: readonly { readonly fileName: string; readonly text: string }[]; readonly wishes: Wishes }> {
  const fileName = c.req.query('name');
  if (fileName === undefined) throw new AppError('invalid_request', { message: 'name is missing: send the file as a form part named file, or as raw JSON with ?name=.', fields: { param: 'name' } });
  const wishes = readWishes(deps, c.req.query('channel'), c.req.query('prefix'));
  return { files: [{ fileName, text: await readTextBody(c.req.raw, rawTypes, maxAuthFileBytes) }], wishes };
}

function readWishes(deps: ManagementDeps, channel: string | undefined, prefix: string | undefined): Wishes {
  const name = channel?.trim() ?? '';
  const profile = name === '' ? undefined : deps.accounts.profiles().find(name);
  if (name !== '' && profile === undefined) throw new AppError('invalid_request', { message: `channel must be one of ${deps.accounts.profiles().all.map((known) => known.name).join(', ')}.`, fields: { param: 'channel' } });
  return { channel: profile, prefix: prefix === undefined ? '' : checkPrefix(prefix) };
}

/** The file as it is to be stored. Throws the refusal; nothing is written. */
function prepareFile(deps: ManagementDeps, call: ManagementCall, fileName: string, text: string, wishes: Wishes): Prepared {
  const name = checkFileName(fileName);
  if (!name.ok) throw new AppError('invalid_request', { message: `invalid name: it ${name.error}.`, fields: { param: 'name' } });
  const parsed = parseJson(text);
  if (!isObject(parsed)) throw invalidFile('It must hold a JSON object.');
  refuseRepeats(text, Object.keys(parsed));
  const made = wishes.channel?.fileType === 'vertex' && parsed['service_account'] === undefined ? wrapVertex(deps, parsed, wishes.prefix) : { name: name.value, text: completeFile(deps, parsed, text, wishes) };
  checkDestination(deps, call, parseObject(made.text));
  return made;
}

/** Stores a service account under the name that the Go program would give it. Used by `POST /vertex/import` too. */
export function wrapVertex(deps: ManagementDeps, parsed: unknown, prefix: string, location?: string): Prepared & { readonly projectId: string; readonly email: string; readonly location: string } {
  const wrapped = wrapServiceAccount(parsed, { prefix, location });
  if (!wrapped.ok) throw invalidFile(wrapped.error);
  const { name, email } = wrapped.value;
  const there = deps.accounts.directory().files().find((file) => file.name === name);
  // Another service account of the same project is another account.
  const isOther = there !== undefined && there.email !== '' && there.email !== email;
  return { ...wrapped.value, name: isOther ? name.replace(/\.json$/, `-${sha256Hex(email).slice(0, 8)}.json`) : name };
}

function completeFile(deps: ManagementDeps, parsed: JsonObject, text: string, { channel, prefix }: Wishes): string {
  const type = typeof parsed['type'] === 'string' ? parsed['type'].trim().toLowerCase() : '';
  if (type === 'service_account') throw invalidFile('This is a service account’s key file: upload it with channel=vertex, or to /vertex/import.');
  if (type === '' && channel === undefined) throw invalidFile('It has no `type`: add it, or name the login with channel=.');
  const profile = type === '' ? channel : deps.accounts.profiles().ofFileType(type);
  if (profile === undefined) throw invalidFile(`No login serves files of the type "${escapeForeign(type, 64)}".`);
  if (channel !== undefined && channel.name !== profile.name) throw invalidFile(`It is a file of ${profile.name}, not of ${channel.name}.`);
  if (profile.fileType === 'vertex') {
    const checked = checkServiceAccount(parsed['service_account']);
    if (!checked.ok) throw invalidFile(checked.error);
  }
  const typed = type === '' ? setMember(text, 'type', profile.fileType) : text;
  return prefix === '' ? typed : setMember(typed, 'prefix', prefix);
}

/** The rest of the text stays byte for byte. */
function setMember(text: string, name: string, value: string): string {
  return applyEdits(text, modify(text, [name], value, { formattingOptions: { insertSpaces: true, tabSize: 2 } }));
}

/** Members of a file that say where its tokens are sent; kebab spellings count. */
const destinations = ['base_url', 'proxy_url', 'headers', 'resource_url', 'token_endpoint', 'token_url'] as const;

/**
 * A copy of a known identity shares its tokens, so a file that says where they go moves secrets: root alone may bring one
 * (security rule 19). The vendor's own addresses pass.
 */
function checkDestination(deps: ManagementDeps, call: ManagementCall, parsed: JsonObject): void {
  if (isRoot(call.principal)) return;
  const type = typeof parsed['type'] === 'string' ? parsed['type'].trim().toLowerCase() : '';
  const ownHost = URL.parse(deps.accounts.profiles().ofFileType(type)?.spend.baseUrl ?? '')?.host;
  // Files may keep what a login says in a `token` object, and its members count like those beside it.
  const { token } = parsed;
  for (const [member, value] of [...Object.entries(parsed), ...(isObject(token) ? Object.entries(token) : [])]) {
    const name = destinations.find((known) => known === member.replaceAll('-', '_').toLowerCase());
    if (name === undefined || value === null || value === '' || (isObject(value) && Object.keys(value).length === 0)) continue;
    if ((name === 'resource_url' || name === 'base_url') && typeof value === 'string' && ownHost !== undefined && hostOf(value) === ownHost) continue;
    throw new AppError('root_required', { message: `Only the root management secret may bring a file that says where its tokens go (\`${name}\`).`, fields: { param: name } });
  }
}

function hostOf(address: string): string | undefined {
  return URL.parse(/^https:\/\//i.test(address) ? address : `https://${address}`)?.host;
}

/** Writes it and puts that on record. */
export async function storeFile(deps: ManagementDeps, c: Context, call: ManagementCall, prepared: Prepared): Promise<AuthFile> {
  const { accounts } = deps;
  const { name, text } = prepared;
  const find = (): AuthFile | undefined => accounts.directory().files().find((file) => file.name === name);
  const isKnown = find() !== undefined || allProblems(deps).some((problem) => problem.name === name);
  const mayReplace = c.req.header('if-none-match') !== '*';
  const ifMatch = c.req.header('if-match');
  const put = async (): Promise<Result<AuthFile, AppError>> => {
    if (ifMatch === undefined) return accounts.writer().put(name, text, { mayReplace });
    await accounts.directory().rescan();
    const there = find();
    if (there === undefined) throw new AppError('precondition_failed');
    checkIfMatch(ifMatch, contentTag(deps, there), operatorTag(deps, there));
    return accounts.writer().put(name, text, { mayReplace, expectedHash: there.hash });
  };
  let stored = await put();
  // Tokens that were refreshed in between are another version by the one tag, and none by the other.
  const retries = ifMatch === undefined || !mayReplace ? 0 : maxTries;
  for (let tries = 0; tries < retries && !stored.ok && stored.error.code === 'precondition_failed'; tries++) stored = await put();
  if (!stored.ok) throw stored.error;
  const { type, provider, email, operator } = stored.value;
  recordEvent(deps, call, { action: isKnown ? 'account.changed' : 'account.added', target: stored.value.name, after: { type, provider, email, prefix: operator.prefix, disabled: operator.disabled } });
  return stored.value;
}

function invalidFile(message: string): AppError {
  return new AppError('invalid_auth_file', { message });
}

function parseObject(text: string): JsonObject {
  const parsed: unknown = JSON.parse(text);
  return isObject(parsed) ? parsed : {};
}

function attempt<T>(work: () => T): Result<T, AppError> {
  try {
    return ok(work());
  } catch (thrown) {
    return err(onlyRefusal(thrown));
  }
}

async function attemptLater<T>(work: () => Promise<T>): Promise<Result<T, AppError>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return err(onlyRefusal(thrown));
  }
}

/** A fault of ours ends the whole upload. */
function onlyRefusal(thrown: unknown): AppError {
  const error = toAppError(thrown);
  if (error.status >= 500) throw thrown;
  return error;
}
