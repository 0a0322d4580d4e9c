import { createPrivateKey, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '../fault/result.ts';

/** Google's token endpoints as its key files have named them over the years (security rule 14). */
export const googleTokenUris: ReadonlySet<string> = new Set([
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v3/token',
  'https://www.googleapis.com/oauth2/v4/token',
]);

/** A service account's key file as an account of the auth directory. */
export interface ServiceAccountFile {
  /** `vertex-[<prefix>-]<project>.json`, as the Go program names them. */
  readonly name: string;
  /** What the file is to hold. */
  readonly text: string;
  readonly projectId: string;
  readonly email: string;
  readonly location: string;
}

/** Where a service account is used unless the operator says otherwise. */
export const defaultVertexLocation = 'us-central1';

/**
 * Wraps the JSON of a service account's key file (as `parsed`) as a `vertex` file. The error is one sentence that names the
 * member at fault and holds no secret.
 */
export function wrapServiceAccount(parsed: unknown, options: { readonly location?: string | undefined; readonly prefix?: string | undefined } = {}): Result<ServiceAccountFile, string> {
  const checked = checkServiceAccount(parsed);
  if (!checked.ok) return checked;
  const { members, projectId, email } = checked.value;
  const location = isBlank(options.location) ? defaultVertexLocation : (options.location ?? '').trim().toLowerCase();
  if (!/^[a-z][a-z\d-]{0,62}$/.test(location)) return err('`location` must be a region such as us-central1, or global.');
  const prefix = (options.prefix ?? '').trim().replace(/^\/+|\/+$/g, '');
  const file = { type: 'vertex', ...(prefix === '' ? {} : { prefix }), project_id: projectId, email, location, service_account: members };
  return ok({ name: `vertex-${[prefix, projectId].filter((part) => part !== '').join('-').replaceAll(/[^\w.@-]/g, '_')}.json`, text: `${JSON.stringify(file, undefined, 2)}\n`, projectId, email, location });
}

interface CheckedKeyFile {
  readonly members: Readonly<Record<string, unknown>>;
  readonly projectId: string;
  readonly email: string;
}

/** Checks that it can be used, and that it leads to nobody but Google (security rule 14). */
export function checkServiceAccount(parsed: unknown): Result<CheckedKeyFile, string> {
  if (!isMembers(parsed)) return err('This is no service account: the file must hold a JSON object.');
  const { type, project_id: projectId, client_email: email, private_key: key, token_uri: tokenUri } = parsed;
  if (type !== undefined && type !== 'service_account') return err('This is no service account: its `type` is another.');
  if (typeof projectId !== 'string' || !/^[a-z\d](?:[a-z\d.:-]{0,98}[a-z\d])?$/.test(projectId)) return err('`project_id` is missing or no project id.');
  if (typeof email !== 'string' || !/^[^\s@"<>]{1,128}@[\w.-]{1,128}$/.test(email)) return err('`client_email` is missing or no address.');
  if (typeof key !== 'string' || parseKey(key)?.asymmetricKeyType !== 'rsa') return err('`private_key` is missing or no RSA key in PEM form.');
  if (tokenUri !== undefined && (typeof tokenUri !== 'string' || !googleTokenUris.has(tokenUri))) return err('`token_uri` is not Google’s; a key is never sent anywhere else.');
  return ok({ members: parsed, projectId, email });
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return undefined;
  }
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === '';
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
