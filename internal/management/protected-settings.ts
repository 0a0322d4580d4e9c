import { loginDestination } from '../config/login-destination.ts';
import type { Config } from '../config/schema.ts';
import { isReference } from '../config/secret-reference.ts';
import { AppError } from '../fault/app-error.ts';
import { isRoot, type ManagementCall } from './context.ts';
import { isList, isObject, isSame, type JsonObject } from './values.ts';

const protectedNames: ReadonlySet<string> = new Set<keyof Config>([
  // Who comes in, and by what door.
  'host', 'port', 'public-url', 'tls', 'api-keys', 'client-auth', 'identity', 'ws-auth', 'allowed-hosts', 'allowed-origins', 'trusted-proxies', 'remote-management', 'metrics-open',
  // What budgets in money are counted by.
  'prices',
  // What is on record, and for how long.
  'audit', 'usage-retention-days', 'data-dir',
]);
const protectedPrefixes = ['auth-dir', 'insecure-'];

/** Top-level settings that change only in the file or with the root secret (security rule 21). */
export function isProtectedSetting(name: string): boolean {
  return protectedNames.has(name) || protectedPrefixes.some((prefix) => name.startsWith(prefix));
}

/** Dotted paths of protected settings that differ, `insecure-*` members of list entries included; sorted. */
function protectedChanges(before: JsonObject, after: JsonObject): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    if (isSame(before[name], after[name])) return [];
    if (isProtectedSetting(name)) return [name];
    return [...(name === 'oauth' ? movedLogins(before[name], after[name]) : []), ...insecureChanges(before[name], after[name], name)];
  });
}

/** Errors: `root_required` naming the protected settings that another principal tried to change. */
export function checkProtected(call: ManagementCall, before: JsonObject, after: JsonObject): void {
  if (isRoot(call.principal)) return;
  const changes = protectedChanges(before, after);
  if (changes.length > 0) throw new AppError('root_required', { message: `Only the root management secret may change ${changes.join(', ')}.`, fields: { settings: changes } });
}

/**
 * Logins whose tokens or client secret would go elsewhere. Their tokens stand in files and their secrets in the environment
 * too, so that nobody but root can give them again (security rule 19).
 */
function movedLogins(before: unknown, after: unknown): readonly string[] {
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort().filter((name) => !isSame(loginDestination(left[name], ''), loginDestination(right[name], '')) || isNewReference(left[name], right[name])).map((name) => `oauth.${name}`);
}

function isNewReference(before: unknown, after: unknown): boolean {
  const secret = isObject(after) ? after['client-secret'] : undefined;
  return typeof secret === 'string' && isReference(secret) && secret !== (isObject(before) ? before['client-secret'] : undefined);
}

function insecureChanges(before: unknown, after: unknown, path: string): readonly string[] {
  if (isSame(before, after)) return [];
  if (isList(before) || isList(after)) {
    const left = isList(before) ? before : [];
    const right = isList(after) ? after : [];
    return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => insecureChanges(left[index], right[index], `${path}.${index}`)).flat();
  }
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].sort().flatMap((name) => {
    const inner = `${path}.${name}`;
    if (name.startsWith('insecure-')) return isSame(left[name], right[name]) ? [] : [inner];
    return insecureChanges(left[name], right[name], inner);
  });
}
