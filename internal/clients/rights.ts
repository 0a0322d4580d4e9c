import type { Scope } from './grant.ts';
import type { Principal } from './principal.ts';

const withoutSaying: readonly Scope[] = ['models:use', 'models:read'];

/**
 * Whether every holder has the scope. Who has no holders is limited by nothing: whether it may come in at all is decided
 * before. `secrets:read` is the root secret's alone (security rule 20), whatever a grant says.
 */
export function holdsScope({ holders }: Pick<Principal, 'holders'>, scope: Scope): boolean {
  if (holders === undefined) return true;
  return scope !== 'secrets:read' && holders.every(({ grant }) => (grant.scopes ?? withoutSaying).includes(scope));
}

/** Whether there is anything in management that all holders may do. Who has no holders got no right to it from a grant. */
export function managesAnything({ holders }: Pick<Principal, 'holders'>): boolean {
  const [own] = holders ?? [];
  return own !== undefined && (own.grant.scopes ?? withoutSaying).some((scope) => !withoutSaying.includes(scope) && holdsScope({ holders }, scope));
}
