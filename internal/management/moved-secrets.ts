import type { ManagementCall } from './context.ts';
import { accountSections, checkGlobalProxy } from './global-proxy.ts';
import { checkReferencesOf, restoreItems } from './restore-secrets.ts';
import { isList, type JsonObject } from './values.ts';

/**
 * For a whole config that a caller without `secrets:read` wrote: references stay where they are, and so does the global
 * proxy. Errors: `secret_required`, `root_required` (security rules 19, 21).
 */
export function checkMoves(call: ManagementCall, before: JsonObject, after: JsonObject, hasAccountFiles: boolean): void {
  for (const section of accountSections) {
    const stored = before[section];
    const next = after[section];
    const storedItems = isList(stored) ? stored : [];
    const nextItems = isList(next) ? next : [];
    checkReferencesOf(call, nextItems, storedItems);
    restoreItems(nextItems, storedItems, (index) => [section, index]);
  }
  checkReferencesOf(call, [{ 'proxy-url': after['proxy-url'] }], [{ 'proxy-url': before['proxy-url'] }]);
  checkGlobalProxy(call, before, typeof after['proxy-url'] === 'string' ? after['proxy-url'] : '', hasAccountFiles);
}
