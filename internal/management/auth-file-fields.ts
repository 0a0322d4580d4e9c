import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { isFramingHeader } from '../config/framing-headers.ts';
import { maskUserinfo } from '../config/secret-spots.ts';
import { judgeBaseUrl, judgeProxyUrl } from '../config/upstream-url.ts';
import { isMask, maskSecret } from '../secret/secret.ts';
import { AppError } from '../fault/app-error.ts';
import { isList, isObject, type JsonObject } from './values.ts';

/** Checks one field as it was sent and gives what is stored; `null` removes. */
type FieldCheck = (value: unknown, name: string) => unknown;

const maxNoteLength = 1_024;
const maxListLength = 1_000;

const flag: FieldCheck = (value, name) => (typeof value === 'boolean' ? value : refuse(name, 'must be true or false'));
const whole =
  (min: number, max: number): FieldCheck =>
  (value, name) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : refuse(name, `must be a whole number from ${min} to ${max}`);
const text =
  (check: (value: string, name: string) => string): FieldCheck =>
  (value, name) => {
    if (typeof value !== 'string') return refuse(name, 'must be text');
    const trimmed = value.trim();
    return trimmed === '' ? null : check(trimmed, name);
  };

/** The operator's fields; `headers` is merged, all others are replaced. */
const fieldChecks: ReadonlyMap<string, FieldCheck> = new Map<string, FieldCheck>([
  ['disabled', flag],
  ['prefix', text(checkPrefix)],
  ['proxy_url', text((value, name) => {
    const objection = judgeProxyUrl(value);
    return objection === undefined ? value : refuse(name, objection);
  })],
  ['base_url', text((value, name) => {
    const verdict = judgeBaseUrl(value, false);
    return verdict.kind === 'error' ? refuse(name, verdict.message) : value;
  })],
  ['priority', whole(-1_000_000, 1_000_000)],
  ['weight', whole(0, 10_000)],
  ['headers', checkHeaders],
  ['excluded_models', checkPatterns],
  ['model_aliases', checkAliases],
  ['disable_cooling', flag],
  ['note', text((value, name) => (value.length <= maxNoteLength ? value : refuse(name, `may be at most ${maxNoteLength} characters`)))],
]);

/** Fields that decide where the file's tokens are sent: changing one moves them (security rule 19). */
export const movingFields: ReadonlySet<string> = new Set(['base_url', 'proxy_url', 'headers']);

/** Written by logins and refreshes alone. */
const tokenFields: ReadonlySet<string> = new Set([
  'access_token', 'refresh_token', 'id_token', 'api_key', 'token', 'cookie', 'expired', 'expire', 'expires_at', 'expires_in', 'expiry', 'expires', 'last_refresh', 'timestamp', 'service_account',
]);

/**
 * Operator fields of a PATCH in snake_case, checked; kebab spellings are understood. Masks of stored secrets are taken as
 * "unchanged" and left out. Errors: `invalid_request` naming the field, `secret_required` for a mask at another address.
 */
export function readOperatorFields(sent: JsonObject, file: AuthFile): JsonObject {
  const fields: Record<string, unknown> = {};
  for (const [spelling, value] of Object.entries(sent)) {
    const name = spelling.replaceAll('-', '_');
    if (tokenFields.has(name)) refuse(spelling, 'is written by logins alone; log in again or upload a whole file');
    const check = fieldChecks.get(name);
    if (check === undefined) refuse(spelling, `is not known; known are ${[...fieldChecks.keys()].join(', ')}`);
    if (Object.hasOwn(fields, name)) refuse(spelling, 'was sent in two spellings');
    fields[name] = value === null ? null : check?.(value, name);
  }
  return withoutMasks(fields, file);
}

/** A prefix as it is stored. Errors: `invalid_request`. */
export function checkPrefix(value: string, name = 'prefix'): string {
  const prefix = value.trim().replace(/^\/+|\/+$/g, '');
  if (!/^[^\s/\p{Cc}]{0,64}$/u.test(prefix)) return refuse(name, 'must be one name without slashes or blanks, at most 64 characters');
  return prefix;
}

function withoutMasks(fields: Readonly<Record<string, unknown>>, file: AuthFile): JsonObject {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'proxy_url' && typeof value === 'string' && value.includes('********@')) {
      if (value !== maskUserinfo(file.operator.proxyUrl)) throw new AppError('secret_required', { message: 'proxy_url has another address than the stored one; give its user and password again.', fields: { param: name } });
    } else if (name === 'headers' && isObject(value)) {
      const given = Object.entries(value).filter(([header, sent]) => !isStoredMask(file, header, sent));
      if (given.length > 0) kept[name] = Object.fromEntries(given);
    } else {
      kept[name] = value;
    }
  }
  return kept;
}

function isStoredMask(file: AuthFile, header: string, sent: unknown): boolean {
  if (typeof sent !== 'string' || !isMask(sent)) return false;
  const stored = [...file.operator.headers].find(([name]) => name.toLowerCase() === header.toLowerCase())?.[1];
  if (stored !== undefined && maskSecret(stored) === sent) return true;
  throw new AppError('invalid_request', { message: `headers.${header} is the mask of no stored value; give the value itself.`, fields: { param: `headers.${header}` } });
}

function checkHeaders(value: unknown, name: string): unknown {
  if (!isObject(value)) return refuse(name, 'must be an object of header names and values');
  return Object.fromEntries(
    Object.entries(value).map(([header, sent]) => {
      if (!/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,128}$/.test(header)) return refuse(name, 'holds a name that cannot be a header');
      if (sent === null || sent === '') return [header, null];
      if (isFramingHeader(header)) return refuse(`${name}.${header}`, 'is set by Keyward itself and cannot be given');
      // RFC 9110 §5.5, without the obsolete bytes.
      if (typeof sent !== 'string' || sent.length > 8_192 || !(isMask(sent) || /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(sent))) return refuse(`${name}.${header}`, 'must be text that can be sent in a header');
      return [header, sent];
    }),
  );
}

function checkPatterns(value: unknown, name: string): unknown {
  if (!isList(value) || value.length > maxListLength || !value.every((item) => typeof item === 'string' && item.trim() !== '' && item.length <= 256)) return refuse(name, `must be a list of at most ${maxListLength} model names`);
  return value.length === 0 ? null : value;
}

function checkAliases(value: unknown, name: string): unknown {
  const isAlias = (item: unknown): boolean => isObject(item) && Object.keys(item).every((member) => member === 'name' || member === 'alias') && [item['name'], item['alias']].every((member) => typeof member === 'string' && member.trim() !== '' && member.length <= 256);
  if (!isList(value) || value.length > maxListLength || !value.every(isAlias)) return refuse(name, 'must be a list of { name, alias }');
  return value.length === 0 ? null : value;
}

function refuse(name: string, why: string): never {
  const shown = name.slice(0, 64);
  throw new AppError('invalid_request', { message: `${JSON.stringify(shown)} ${why}.`, fields: { param: shown } });
}
