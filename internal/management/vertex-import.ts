import type { Context } from 'hono';
import { join } from 'node:path';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from './answer.ts';
import { checkPrefix } from './auth-file-fields.ts';
import { maxAuthFileBytes, storeFile, wrapVertex } from './auth-file-upload.ts';
import { parseJson, readTextBody } from './body.ts';
import type { ManagementCall, ManagementDeps } from './context.ts';
import { readForm } from './multipart.ts';

/**
 * `POST /vertex/import`: a service account's key file as the part `file`, or as a JSON body; `location` and `prefix` in the
 * form or the query. Its `token_uri` must be Google's (security rule 14).
 */
export async function importVertex(deps: ManagementDeps, c: Context, call: ManagementCall): Promise<Response> {
  const isForm = /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '');
  const { text, location, prefix } = isForm ? await readFormImport(c) : { text: await readTextBody(c.req.raw, ['application/json'], maxAuthFileBytes), location: undefined, prefix: undefined };
  await deps.accounts.directory().rescan();
  const made = wrapVertex(deps, parseJson(text), checkPrefix(prefix ?? c.req.query('prefix') ?? ''), location ?? c.req.query('location'));
  const stored = await storeFile(deps, c, call, made);
  await deps.accounts.directory().rescan();
  return answerJson({ status: 'ok', 'auth-file': join(deps.accounts.directory().path, stored.name), name: stored.name, project_id: made.projectId, email: made.email, location: made.location });
}

async function readFormImport(c: Context): Promise<{ readonly text: string; readonly location: string | undefined; readonly prefix: string | undefined }> {
  const { files, fields } = await readForm(c.req.raw, { fields: ['location', 'prefix'], maxFiles: 1, maxFileBytes: maxAuthFileBytes });
  const [file] = files;
  if (file === undefined) throw new AppError('invalid_request', { message: 'file required', fields: { param: 'file' } });
  return { text: file.text, location: fields.get('location'), prefix: fields.get('prefix') };
}
