import type { ReadManagedKeys } from '../../clients/managed-keys/archive.ts';
import { maxAddresses } from '../../clients/managed-keys/key-addresses.ts';
import { replacedSecret, statusOf, type ManagedKey } from '../../clients/managed-keys/managed-key.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { Finding } from './report.ts';

const dayMs = 86_400_000;
const unusedAfterMs = 60 * dayMs;
const endsSoonMs = 7 * dayMs;
const manyPlaces = 6;

/** What is worth a change about the managed keys of a data-dir; nothing is written. */
export function examineManagedKeys(read: ReadManagedKeys, dataDir: string, nowMs: number): readonly Finding[] {
  const keys = read(dataDir);
  if (!keys.ok) return [warning('keys-unreadable', `Managed keys could not be looked at: ${keys.error}.`, 'Check that the database belongs to this user and is one of Keyward’s.')];
  return keys.value.flatMap((key) => checkManagedKey(key, nowMs));
}

/** Revoked and expired keys open nothing and are passed over. */
export function checkManagedKey(key: ManagedKey, nowMs: number): readonly Finding[] {
  const status = statusOf(key, nowMs);
  if (status === 'revoked' || status === 'expired') return [];
  const who = `Key ${escapeForeign(key.name, 128)} (${key.id}${key.owner === '' ? '' : `, of ${escapeForeign(key.owner, 128)}`})`;
  return [...checkEnd(key, who, nowMs), ...checkUse(key, who, nowMs), ...checkScopes(key, who), ...checkOverlap(key, who, nowMs), ...checkPlaces(key, who, nowMs)];
}

function checkEnd({ id, createdAtMs, secrets, expiresAtMs }: ManagedKey, who: string, nowMs: number): readonly Finding[] {
  if (expiresAtMs === undefined) return [warning('key-never-expires', `${who} never expires.`, `Give it a term: \`keyward keys rotate ${id} --expires 90d\`.`)];
  if (expiresAtMs - nowMs > endsSoonMs) return [];
  const found = warning('key-expires-soon', `${who} expires at ${timeOf(expiresAtMs)}.`, `If it is still wanted, \`keyward keys rotate ${id}\` begins a new term.`);
  // The key of a job was made to end soon.
  const isShort = expiresAtMs - Math.max(createdAtMs, ...secrets.map((secret) => secret.createdAtMs)) <= endsSoonMs;
  return [isShort ? { ...found, level: 'info' } : found];
}

function checkUse({ id, createdAtMs, secrets }: ManagedKey, who: string, nowMs: number): readonly Finding[] {
  const lastUsedAtMs = Math.max(0, ...secrets.map((secret) => secret.lastUsedAtMs ?? 0));
  // A rotation is a sign of life too: its holder has not had the new text for long.
  const lastSignAtMs = Math.max(createdAtMs, lastUsedAtMs, ...secrets.map((secret) => secret.createdAtMs));
  if (nowMs - lastSignAtMs < unusedAfterMs) return [];
  const used = lastUsedAtMs === 0 ? 'has never been used' : `was last used at ${timeOf(lastUsedAtMs)}`;
  return [warning('key-unused', `${who} ${used}.`, `If nobody needs it, \`keyward keys revoke ${id}\`.`)];
}

function checkScopes({ grant }: ManagedKey, who: string): readonly Finding[] {
  const scopes = grant.scopes ?? [];
  const beyond = scopes.filter((scope) => !scope.startsWith('models:'));
  const mints = scopes.includes('keys:write');
  return [
    ...(scopes.includes('models:use') && beyond.length > 0 ? [warning('key-over-scoped', `${who} may use models and manage Keyward as well (${beyond.join(', ')}).`, 'Make one key for the models and another for management, and revoke this one.')] : []),
    ...(mints ? [warning('key-mints-keys', `${who} has keys:write: whoever holds it can make further keys.`, 'Keep that scope for a program that hands out keys, and give its key a short term.')] : []),
  ];
}

function checkOverlap(key: ManagedKey, who: string, nowMs: number): readonly Finding[] {
  const old = replacedSecret(key, nowMs);
  const [newest] = key.secrets;
  if (old?.endsAtMs === undefined || newest === undefined || old.lastUsedAtMs === undefined || old.lastUsedAtMs < newest.createdAtMs) return [];
  const from = old.lastUsedFrom === '' ? '' : ` from ${escapeForeign(old.lastUsedFrom, 128)}`;
  return [warning('key-old-text-used', `${who} was rotated, and its old text was used since (${timeOf(old.lastUsedAtMs)}${from}); it ends at ${timeOf(old.endsAtMs)}.`, 'Give the new text to whoever still sends the old one.')];
}

/** One holder has a desk, a train and a phone; what calls from more places a day is mostly passed around. */
function checkPlaces({ secrets }: ManagedKey, who: string, nowMs: number): readonly Finding[] {
  const recent = secrets.flatMap(({ addresses = [], lastUsedAtMs = 0, lastUsedFrom }) => [...addresses, { address: lastUsedFrom, atMs: lastUsedAtMs }]).filter(({ atMs }) => nowMs - atMs < dayMs);
  const places = [...new Set(recent.map(({ address }) => placeOf(address)))].filter((place) => place !== '');
  if (places.length < manyPlaces) return [];
  const shown = places.slice(0, 3).map((place) => escapeForeign(place, 64)).join(', ');
  return [warning('key-shared', `${who} was used from ${places.length}${places.length >= maxAddresses ? ' or more' : ''} addresses within a day (${shown}, …).`, 'If it is passed around, make one for each holder (`keyward keys create`), or bind it with `keyward keys set --addresses`.')];
}

/** Of IPv6 the network: an address of it is often good for an hour alone. */
function placeOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  return `${[...groups, ...Array.from({ length: Math.max(missing, 0) }, () => '0')].slice(0, 4).join(':')}::/64`;
}

function timeOf(atMs: number): string {
  return new Date(Math.min(atMs, 8.64e15)).toISOString();
}

function warning(code: string, message: string, fix: string): Finding {
  return { level: 'warning', code, message, fix };
}
