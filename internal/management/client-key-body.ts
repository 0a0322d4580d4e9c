import type { KeyEnd, KeyPatch, KeyWish } from '../clients/managed-keys/key-wish.ts';
import { decodeGrant, encodeGrant, grantMembers } from '../clients/managed-keys/grant-json.ts';
import type { Grant } from '../clients/grant.ts';
import { durationMs, durationPattern } from '../config/kinds.ts';
import { AppError } from '../fault/app-error.ts';
import type { JsonObject } from './values.ts';

export const endMembers = ['expires_in', 'expires_at', 'never_expires'] as const;
const describing = ['name', 'owner', 'purpose', 'tags'] as const;
export const wishMembers = [...describing, 'environment', ...endMembers, ...grantMembers, 'minter'] as const;
export const patchMembers = [...describing, ...endMembers, ...grantMembers] as const;

const maxText = { name: 128, owner: 128, organization: 128, purpose: 1_000 } as const;
const maxTags = 32;
const maxTermMs = 3_650 * 86_400_000;
const maxOverlapMs = 90 * 86_400_000;
const defaultOverlapMs = 86_400_000;

/** A wish out of a body whose members are known. Errors: `invalid_request` naming the member, with what to write. */
export function readWish(body: JsonObject, nowMs: number): KeyWish {
  const name = readText(body, 'name');
  if (name === undefined || name === '') throw invalid('name', 'is missing: say in a word or two what the key is for');
  const environment = body['environment'] ?? 'live';
  if (environment !== 'live' && environment !== 'test') throw invalid('environment', 'must be live or test');
  return { name, owner: readText(body, 'owner') ?? '', purpose: readText(body, 'purpose') ?? '', environment, tags: readTags(body) ?? [], grant: readGrant(body), end: readEnd(body, nowMs) };
}

/** The members that are there; a limit that is null is taken away. Errors: as `readWish`. */
export function readPatch(body: JsonObject, nowMs: number): KeyPatch {
  const name = readText(body, 'name');
  if (name === '') throw invalid('name', 'must not be empty');
  return { name, owner: readText(body, 'owner'), purpose: readText(body, 'purpose'), tags: readTags(body), grant: readGrantPatch(body), end: readEnd(body, nowMs) };
}

/** What becomes of a grant by the members that are there; undefined where there are none. */
export function readGrantPatch(body: JsonObject): ((present: Grant) => Grant) | undefined {
  const limits = Object.fromEntries(Object.entries(body).filter(([member]) => isGrantMember(member)));
  // Each for itself, so that a mistake is named before the holder is looked at.
  readGrant(limits);
  return Object.keys(limits).length === 0 ? undefined : (present) => readGrant({ ...encodeGrant(present), ...limits });
}

/** `expires_in`, `expires_at` or `never_expires`; undefined where none is there. */
export function readEnd(body: JsonObject, nowMs: number): KeyEnd | undefined {
  const given = endMembers.filter((member) => body[member] !== undefined && body[member] !== null);
  const [member, second] = given;
  if (second !== undefined) throw invalid(second, `cannot stand beside ${String(member)}; give one of ${endMembers.join(', ')}`);
  switch (member) {
    case undefined:
      return undefined;
    case 'never_expires':
      if (body[member] === false) return undefined;
      if (body[member] !== true) throw invalid(member, 'must be true or false');
      return { kind: 'never' };
    case 'expires_in':
      return { kind: 'at', atMs: nowMs + readSpan(body[member], member, { minMs: 1_000, maxMs: maxTermMs }) };
    case 'expires_at': {
      const text = body[member];
      const atMs = typeof text === 'string' && /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(atMs)) throw invalid(member, 'must be a date such as 2027-01-31 or 2027-01-31T12:00:00Z');
      if (atMs <= nowMs) throw invalid(member, 'is in the past; to end a key now, revoke it');
      if (atMs > nowMs + maxTermMs) throw invalid(member, 'is more than ten years away; say never_expires if that is meant');
      return { kind: 'at', atMs };
    }
  }
}

/** `overlap`, a day where it is absent. */
export function readOverlap(body: JsonObject): number {
  return body['overlap'] === undefined ? defaultOverlapMs : readSpan(body['overlap'], 'overlap', { minMs: 0, maxMs: maxOverlapMs });
}

function readSpan(value: unknown, member: string, { minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }): number {
  const ms = typeof value === 'string' && durationPattern.test(value.trim()) ? durationMs(value.trim()) : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(member, 'must be a duration such as 12h or 90d');
  if (ms < minMs || ms > maxMs) throw invalid(member, `must be from ${minMs / 1_000}s to ${maxMs / 86_400_000}d${member === 'overlap' ? '' : '; say never_expires for a key without an end'}`);
  return Math.round(ms);
}

export function readText(body: JsonObject, member: keyof typeof maxText): string | undefined {
  const value = body[member];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim().length > maxText[member] || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(value)) throw invalid(member, `must be text of at most ${maxText[member]} characters, without line breaks and control characters`);
  return value.trim();
}

function readTags(body: JsonObject): readonly string[] | undefined {
  const value = body['tags'];
  if (value === undefined) return undefined;
  const tags = Array.isArray(value) ? value.filter((tag): tag is string => typeof tag === 'string' && /^[\w.:/@+-]{1,64}$/.test(tag)) : [];
  if (!Array.isArray(value) || tags.length !== value.length || tags.length > maxTags) throw invalid('tags', `must be a list of at most ${maxTags} words of letters, digits and ._:/@+-`);
  return [...new Set(tags)];
}

export function readGrant(body: JsonObject): Grant {
  const grant = decodeGrant(body);
  if (!grant.ok) throw invalid(grant.error.member, grant.error.message);
  // Security rule 20: plaintext is for the management secret alone.
  if (grant.value.scopes?.includes('secrets:read') === true) throw invalid('scopes', 'must not have secrets:read, which only the root management secret holds');
  return grant.value;
}

function isGrantMember(member: string): boolean {
  return grantMembers.some((name) => name === member);
}

export function invalid(param: string, why: string): AppError {
  return new AppError('invalid_request', { message: `\`${param}\` ${why}.`, fields: { param } });
}
