import { isReference } from '../config/secret-reference.ts';
import { AppError } from '../fault/app-error.ts';
import { isRoot, type ManagementCall } from './context.ts';
import { findSecretSlots } from './secret-slots.ts';
import { checkReferencesOf, restoreItems } from './restore-secrets.ts';
import { isList, isObject, type JsonObject } from './values.ts';

/** Lists whose entries are sent through the global proxy unless they have one of their own. */
export const accountSections = ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key', 'openai-compatibility'] as const;

/**
 * The global proxy sees the secrets of entries that have none of their own and speak plain `http:`; behind TLS it sees
 * addresses alone. So a new global proxy is `secret_required` while such an entry stands there, and for callers other
 * than root while any entry or account file relies on the global proxy (security rule 19).
 */
export function checkGlobalProxy(call: ManagementCall, plain: JsonObject, next: string, hasAccountFiles: boolean): void {
  const before = typeof plain['proxy-url'] === 'string' ? plain['proxy-url'] : '';
  if (before.trim() === next.trim() || next.trim() === '' || next.trim() === 'direct') return;
  const evenBehindTls = !isRoot(call.principal);
  const exposed = [...accountSections.flatMap((section) => exposedEntries(section, plain[section], evenBehindTls)), ...exposedLogins(plain['oauth'], evenBehindTls)];
  const [first] = exposed;
  if (first !== undefined) throw new AppError('secret_required', { message: `This proxy would see the secrets of ${exposed.slice(0, 5).join(', ')}. Give those entries a proxy-url of their own (or direct) together with their keys, or edit the file.`, fields: { param: first } });
  if (evenBehindTls && hasAccountFiles) throw new AppError('root_required', { message: 'Only the root management secret may set a proxy that tokens of account files are sent through.' });
}

/** The stored user and password where the URL holds their mask. Errors: as `restoreItems`; `root_required` for a new reference. */
export function restoreProxyUrl(call: ManagementCall, plain: JsonObject, sent: string): string {
  const stored = [{ 'proxy-url': plain['proxy-url'] }];
  const [restored] = restoreItems([{ 'proxy-url': sent }], stored, () => []);
  checkReferencesOf(call, [restored], stored);
  const value = isObject(restored) ? restored['proxy-url'] : undefined;
  return typeof value === 'string' ? value : sent;
}

function exposedEntries(section: string, entries: unknown, evenBehindTls: boolean): readonly string[] {
  if (!isList(entries)) return [];
  return entries.flatMap((entry, index) => {
    if (!isObject(entry) || hasOwnProxy(entry) || !findSecretSlots(entry).some((slot) => slot.path[0] !== 'proxy-url')) return [];
    const baseUrl = typeof entry['base-url'] === 'string' ? entry['base-url'].trim().toLowerCase() : '';
    const isPlain = baseUrl.startsWith('http:') || isReference(baseUrl);
    return isPlain || evenBehindTls ? [`${section}.${index}`] : [];
  });
}

/** Logins whose client secret or tokens would cross the proxy readable. */
function exposedLogins(entries: unknown, evenBehindTls: boolean): readonly string[] {
  if (!isObject(entries)) return [];
  return Object.entries(entries).flatMap(([name, entry]) => {
    if (!isObject(entry) || hasOwnProxy(entry)) return [];
    const addresses = ['base-url', 'issuer', 'token-url', 'device-authorization-url', 'revocation-url', 'userinfo-url'].map((member) => entry[member]);
    return evenBehindTls || addresses.some((address) => typeof address === 'string' && address.trim().toLowerCase().startsWith('http:')) ? [`oauth.${name}`] : [];
  });
}

function hasOwnProxy(entry: JsonObject): boolean {
  return typeof entry['proxy-url'] === 'string' && entry['proxy-url'].trim() !== '';
}
