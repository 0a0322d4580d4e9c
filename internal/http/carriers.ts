import type { IncomingHttpHeaders } from 'node:http';
import { redactQuery } from '../log/redact.ts';
import type { Target } from './inbound.ts';

/** A client credential as it was presented. */
export interface Presented {
  readonly value: string;
  /** False for query carriers: they never take OAuth tokens and never excuse a foreign Host or Origin (security rules 3, 4, 10). */
  readonly isInHeader: boolean;
  /** The scheme of `Authorization`, where it decides (RFC 9449 §7.2: a DPoP-bound token sent as Bearer is refused). */
  readonly scheme: 'bearer' | 'dpop' | 'none';
}

const subprotocolPrefix = 'openai-insecure-api-key.';

/**
 * Every client credential of a request, in the contract's order (§3, §4): `Authorization` (Bearer or DPoP in any case, or
 * the bare value), `x-goog-api-key`, `x-api-key`, query `key`, query `auth_token`, and on upgrades the sub-protocol
 * `openai-insecure-api-key.K`. Equal values are listed once, blank ones not at all. At most one value per carrier counts,
 * so a request makes few guesses.
 */
export function collectCredentials(headers: IncomingHttpHeaders, query: string, isUpgrade: boolean): readonly Presented[] {
  const found: Presented[] = [];
  const authorization = headers.authorization;
  if (authorization !== undefined) {
    const { scheme, value } = readAuthorization(authorization);
    addCredential(found, value, true, scheme);
  }
  addCredential(found, headerText(headers['x-goog-api-key']), true, 'none');
  addCredential(found, headerText(headers['x-api-key']), true, 'none');
  if (mayNameCredential(query)) {
    const parameters = new URLSearchParams(query);
    addCredential(found, parameters.get('key') ?? '', false, 'none');
    addCredential(found, parameters.get('auth_token') ?? '', false, 'none');
  }
  if (isUpgrade) {
    const carrier = offeredSubprotocols(headers).find((name) => name.startsWith(subprotocolPrefix));
    addCredential(found, carrier?.slice(subprotocolPrefix.length) ?? '', true, 'none');
  }
  return found;
}

/** Whether a credential came as `Authorization: DPoP …`, whatever it is. */
export function usesDpop({ authorization }: IncomingHttpHeaders): boolean {
  return authorization !== undefined && readAuthorization(authorization).scheme === 'dpop';
}

/** Whether this credential came as `Authorization: DPoP …` (RFC 9449 §7.1). */
export function isSentAsDpop(headers: IncomingHttpHeaders, value: string): boolean {
  const sent = headers.authorization === undefined ? undefined : readAuthorization(headers.authorization);
  return sent?.scheme === 'dpop' && sent.value === value;
}

/** The management key candidates: `Authorization` as Bearer or bare, then `X-Management-Key` (contract §5). */
export function collectManagementKeys(headers: IncomingHttpHeaders): readonly string[] {
  const authorization = headers.authorization === undefined ? '' : readAuthorization(headers.authorization).value;
  return [...new Set([authorization, headerText(headers['x-management-key'])])].filter((value) => value !== '');
}

/** The sub-protocol to select in answer to an upgrade: the first offered that carries no key (security rule 8). */
export function selectSubprotocol(headers: IncomingHttpHeaders): string | undefined {
  return offeredSubprotocols(headers).find((name) => !name.startsWith(subprotocolPrefix));
}

/** Whether OpenAI's beta of realtime sessions is asked for, as its browser clients do. */
export function offersBeta(headers: IncomingHttpHeaders): boolean {
  return offeredSubprotocols(headers).includes('openai-beta.realtime-v1');
}

/** A target as logs may show it: the path, and the query with every value but harmless ones cut out. */
export function redactTarget(target: Target): string {
  return target.query === '' ? target.path : `${target.path}?${redactQuery(target.query)}`;
}

function readAuthorization(text: string): { readonly scheme: Presented['scheme']; readonly value: string } {
  const value = text.trim();
  const space = value.indexOf(' ');
  const scheme = (space < 0 ? value : value.slice(0, space)).toLowerCase();
  if (scheme === 'bearer' || scheme === 'dpop') return { scheme, value: asUtf8(space < 0 ? '' : value.slice(space + 1).trim()) };
  return { scheme: 'none', value: asUtf8(value) };
}

function addCredential(found: Presented[], value: string, isInHeader: boolean, scheme: Presented['scheme']): void {
  if (value === '') return;
  for (const other of found) if (other.value === value && (other.isInHeader || !isInHeader)) return;
  found.push({ value, isInHeader, scheme });
}

function headerText(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? asUtf8(value.trim()) : '';
}

function offeredSubprotocols(headers: IncomingHttpHeaders): readonly string[] {
  const offered = headers['sec-websocket-protocol'];
  return offered === undefined ? [] : offered.split(',').map((name) => name.trim()).filter((name) => name !== '');
}

function mayNameCredential(query: string): boolean {
  return query !== '' && (query.includes('key') || query.includes('auth_token') || query.includes('%'));
}

/** Node hands header bytes over as Latin-1; a key with other letters was sent as UTF-8 by most clients. */
function asUtf8(value: string): string {
  if (!hasHighBytes(value)) return value;
  const decoded = Buffer.from(value, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? value : decoded;
}

function hasHighBytes(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) if (value.charCodeAt(index) > 0x7f) return true;
  return false;
}
