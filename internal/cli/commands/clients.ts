import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { askManagement, askPages, type AskingFlags, type ManagementAnswer } from '../ask-management.ts';
import { parseObject } from '../client/private-file.ts';
import { findClient } from '../clients/find-client.ts';
import { textOf } from '../keys/ask-keys.ts';
import { bodyOf, type KeyFlags } from '../keys/key-flags.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { renderJson } from '../render.ts';
import { exitCodes } from '../run.ts';
import { formatColumns, printable } from '../table.ts';

export interface ClientsCreateFlags extends AskingFlags, KeyFlags {
  readonly organization?: string;
  readonly grants?: readonly string[];
  readonly authentication?: string;
  readonly jwks?: string;
  readonly redirectUris?: readonly string[];
}

/** Short names of grants, as RFC 8628 and RFC 8693 spell them. */
const grantNames: Readonly<Record<string, string>> = {
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
  'token-exchange': 'urn:ietf:params:oauth:grant-type:token-exchange',
  'client-credentials': 'client_credentials',
  'authorization-code': 'authorization_code',
};

/** Makes an OAuth client and prints its secret, which is kept nowhere; its id where it has none. */
export async function createClient(cli: CliProcess, name: string, flags: ClientsCreateFlags): Promise<number> {
  const { organization, grants, authentication, redirectUris } = flags;
  const jwks = readJwks(cli, flags.jwks);
  if (!jwks.ok) return reportRefusal(cli, flags.json, jwks.error);
  const said = Object.entries({ organization, grants: grants?.map((each) => grantNames[each] ?? each), authentication, jwks: jwks.value, redirect_uris: redirectUris }).filter(([, value]) => value !== undefined);
  const made = await askManagement(cli, flags, '/oauth-clients', { method: 'POST', body: { name, ...Object.fromEntries(said), ...bodyOf(flags) } });
  if (!made.ok) return reportRefusal(cli, flags.json, made.error);
  printMade(cli, flags.json, made.value, []);
  return exitCodes.ok;
}

function readJwks(cli: CliProcess, file: string | undefined): Result<unknown, StoreRefusal> {
  if (file === undefined) return ok(undefined);
  const path = resolve(cli.cwd, file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return err({ code: 'invalid_request', message: `${path} cannot be read; it is to hold the client’s public keys as {"keys":[…]}.` });
  }
  const jwks = parseObject(text);
  if (jwks === undefined || !Array.isArray(jwks['keys'])) return err({ code: 'invalid_request', message: `${path} is no JWK set; it looks like {"keys":[…]} (RFC 7517 §5).` });
  if (/"(?:d|k)"\s*:/.test(text)) return err({ code: 'invalid_request', message: `${path} holds private keys; give the public ones alone, nothing was sent.` });
  return ok(jwks);
}

/** The secret alone on standard output, for a variable or a pipe, all else on standard error. */
function printMade(cli: CliProcess, isJson: boolean, client: ManagementAnswer, more: readonly string[]): void {
  if (isJson) {
    cli.stdout.write(`${JSON.stringify(client)}\n`);
    return;
  }
  const [id, secret] = [textOf(client, 'id'), textOf(client, 'client_secret')];
  const { notes } = client;
  if (secret === '') {
    cli.stderr.write(`${printable(textOf(client, 'name'))} has no secret. Its client id is:\n`);
    cli.stdout.write(`${id}\n`);
  } else {
    cli.stderr.write(`${printable(textOf(client, 'name'))}, client id ${printable(id)}. This is the only time its secret is shown:\n`);
    cli.stdout.write(`${secret}\n`);
  }
  for (const line of [...more, ...(Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [])]) cli.stderr.write(`${printable(line)}\n`);
}

const heads = ['id', 'name', 'organization', 'status', 'authentication', 'grants', 'last used'];

/** Prints every OAuth client. */
export async function listClients(cli: CliProcess, flags: AskingFlags): Promise<number> {
  const listed = await askPages(cli, flags, '/oauth-clients', 'clients', {});
  if (!listed.ok) return reportRefusal(cli, flags.json, listed.error);
  if (flags.json) cli.stdout.write(`${JSON.stringify({ clients: listed.value })}\n`);
  else if (listed.value.length === 0) cli.stdout.write('There are no OAuth clients yet; `keyward clients create <name>` makes one.\n');
  else cli.stdout.write(formatColumns([heads, ...listed.value.map(rowOf)]));
  return exitCodes.ok;
}

function rowOf(client: ManagementAnswer): readonly string[] {
  const grants = Array.isArray(client['grants']) ? client['grants'].map((grant) => String(grant).replace(/^urn:ietf:params:oauth:grant-type:/, '')).join(', ') : '';
  const used = textOf(client, 'last_used_at');
  return [textOf(client, 'id'), textOf(client, 'name'), textOf(client, 'organization'), textOf(client, 'status'), textOf(client, 'authentication'), grants, used === '' ? '' : minute(used)].map((cell) => (cell === '' ? '–' : cell));
}

/** Prints all that is known of a client; its secret is not. */
export async function showClient(cli: CliProcess, named: string, flags: AskingFlags): Promise<number> {
  const client = await findClient(cli, flags, named);
  if (!client.ok) return reportRefusal(cli, flags.json, client.error);
  cli.stdout.write(flags.json ? `${JSON.stringify(client.value)}\n` : renderJson(client.value));
  return exitCodes.ok;
}

export interface ClientsRotateFlags extends AskingFlags {
  readonly overlap?: string;
}

/** Gives a client a new secret and prints it; the old one is good until the overlap ends. */
export async function rotateClient(cli: CliProcess, named: string, flags: ClientsRotateFlags): Promise<number> {
  const rotated = await actOn(cli, named, flags, 'POST', '/rotate', flags.overlap === undefined ? {} : { overlap: flags.overlap });
  if (!rotated.ok) return reportRefusal(cli, flags.json, rotated.error);
  printMade(cli, flags.json, rotated.value, [flags.overlap === undefined ? '' : `The old secret stays good for ${flags.overlap}.`].filter((line) => line !== ''));
  return exitCodes.ok;
}

/** Ends a client, its tokens and what runs by them. */
export async function revokeClient(cli: CliProcess, named: string, flags: AskingFlags): Promise<number> {
  const revoked = await actOn(cli, named, flags, 'POST', '/revoke', {});
  if (!revoked.ok) return reportRefusal(cli, flags.json, revoked.error);
  cli.stdout.write(flags.json ? `${JSON.stringify(revoked.value)}\n` : `${printable(named)} is revoked: it gets no more tokens, and those it has are refused from now on.\n`);
  return exitCodes.ok;
}

/** Removes a client for good. */
export async function deleteClient(cli: CliProcess, named: string, flags: AskingFlags): Promise<number> {
  const deleted = await actOn(cli, named, flags, 'DELETE', '', undefined);
  if (!deleted.ok) return reportRefusal(cli, flags.json, deleted.error);
  cli.stdout.write(flags.json ? `${JSON.stringify(deleted.value)}\n` : `${printable(named)} is deleted, with its tokens.\n`);
  return exitCodes.ok;
}

async function actOn(cli: CliProcess, named: string, flags: AskingFlags, method: 'POST' | 'DELETE', path: string, body: unknown): Promise<Result<ManagementAnswer, StoreRefusal>> {
  const client = await findClient(cli, flags, named);
  if (!client.ok) return client;
  return askManagement(cli, flags, `/oauth-clients/${encodeURIComponent(textOf(client.value, 'id'))}${path}`, body === undefined ? { method } : { method, body });
}
