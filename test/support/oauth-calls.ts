import { join } from 'node:path';
import { importJWK } from 'jose';
import { openSealer } from '../../internal/storage/sealer.ts';
import { ask } from './ask.ts';
import type { IdentityDaemon } from './identity-daemon.ts';
import { openTables } from './tables.ts';

/** What an OAuth endpoint answers. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

export type Form = Readonly<Record<string, string>> | string;

export async function postForm(url: string, path: string, form: Form, headers: Readonly<Record<string, string>> = {}): Promise<Told> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', redirect: 'manual', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: typeof form === 'string' ? form : new URLSearchParams(form).toString() });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: readObject(text) };
}

export function basic(id: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

export interface MadeClient {
  readonly id: string;
  readonly secret: string;
}

/** `key`: who makes it; the root secret where absent. */
export async function makeClient(daemon: IdentityDaemon, body: object = {}, key?: string): Promise<MadeClient> {
  const wish = { name: 'ci', ...body };
  const made = key === undefined ? await daemon.manage('POST', '/oauth-clients', wish) : await asked(daemon, '/v0/management/oauth-clients', key, wish);
  if (made.status !== 201) throw new Error(`no client: ${made.status} ${JSON.stringify(made.body)}`);
  return { id: String(made.body['id']), secret: String(made.body['client_secret']) };
}

/** A token by client credentials. */
export async function tokenOf(daemon: IdentityDaemon, { id, secret }: MadeClient, form: Readonly<Record<string, string>> = {}): Promise<string> {
  const { status, json, text } = await postForm(daemon.url, '/oauth/token', { grant_type: 'client_credentials', ...form }, basic(id, secret));
  if (status !== 200) throw new Error(`no token: ${status} ${text}`);
  return String(json['access_token']);
}

export interface LoggedIn {
  readonly access: string;
  readonly refresh: string;
  readonly scope: string;
}

export async function askForCode(daemon: Pick<IdentityDaemon, 'url'>, form: Readonly<Record<string, string>> = {}): Promise<{ readonly userCode: string; readonly deviceCode: string }> {
  const { status, json, text } = await postForm(daemon.url, '/oauth/device_authorization', { client_id: 'keyward-cli', scope: 'openid models:use models:read', ...form });
  if (status !== 200) throw new Error(`no code: ${status} ${text}`);
  return { userCode: String(json['user_code']), deviceCode: String(json['device_code']) };
}

export const deviceForm = (deviceCode: string, clientId = 'keyward-cli'): Form => ({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: clientId, device_code: deviceCode });
export const refreshForm = (refreshToken: string, clientId = 'keyward-cli'): Form => ({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken });

/** A login by device grant that the operator has approved. */
export async function logIn(daemon: IdentityDaemon, { name = 'ann', scope = 'openid models:use models:read', clientId = 'keyward-cli' }: { readonly name?: string; readonly scope?: string; readonly clientId?: string } = {}): Promise<LoggedIn> {
  const { userCode, deviceCode } = await askForCode(daemon, { scope, client_id: clientId });
  await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name });
  const { status, json, text } = await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode, clientId));
  if (status !== 200) throw new Error(`no login: ${status} ${text}`);
  return { access: String(json['access_token']), refresh: String(json['refresh_token']), scope: String(json['scope']) };
}

/** `200`, or status and code of the refusal. */
export async function standing(daemon: Pick<IdentityDaemon, 'url'>, key: string, path = '/v1/models'): Promise<string> {
  const { status, code } = await ask(daemon.url, path, { key });
  return `${status} ${code}`.trim();
}

/** A call with a credential and, where there is a body, JSON. */
export async function asked(daemon: Pick<IdentityDaemon, 'url'>, path: string, key: string, body?: object, method?: string): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>>; readonly code: string }> {
  const answer = await ask(daemon.url, path, { key, ...(body === undefined ? {} : { json: body }), ...(method === undefined ? {} : { method }) });
  return { status: answer.status, body: readObject(answer.text), code: answer.code };
}

export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return readObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {};
  }
}

/** What a thief has who got database and identity key together; the database alone is not enough. */
export async function stealSigningKey({ folder }: IdentityDaemon): Promise<{ readonly kid: string; readonly key: Awaited<ReturnType<typeof importJWK>> }> {
  const tables = openTables(join(folder, 'data', 'state', 'keyward.db'));
  const [kid, sealed] = [tables.text('SELECT kid AS t FROM oauth_signing_key'), tables.text('SELECT jwk_json AS t FROM oauth_signing_key')];
  tables.close();
  if (sealed.includes('"d"')) throw new Error('a signing key stands in the database as it is');
  const sealer = await openSealer(join(folder, 'data', 'identity.key'), process.getuid?.(), { info: () => undefined });
  return { kid, key: await importJWK(readObject(sealer.open(sealed, `oauth_signing_key ${kid}`) ?? ''), 'ES256') };
}
