import type { Scope } from '../clients/grant.ts';
import type { Principal } from '../clients/principal.ts';
import { holdsScope, managesAnything } from '../clients/rights.ts';
import { AppError } from '../fault/app-error.ts';
import { createAddressRanges, type AddressRanges } from './address-ranges.ts';
import type { Peer } from './inbound.ts';

/**
 * Why a caller that is known may not come in by a route all the same: from where it calls, then what the route is for. A
 * route that nothing is at has no scope. Codes: `address_not_allowed`, `scope_not_allowed`.
 */
export function refuseByGrant(principal: Principal, peer: Pick<Peer, 'address'>, scope: Scope | undefined): AppError | undefined {
  if (principal.holders === undefined) return undefined;
  if (!mayCallFrom(principal.holders, peer.address)) return new AppError('address_not_allowed');
  return scope === undefined || holdsScope(principal, scope) ? undefined : refuseScope(scope);
}

/** The same for management, where a credential is let in by what its grant says and by nothing else. `root`: by none. */
export function refuseManagement(principal: Principal, peer: Pick<Peer, 'address'>, scope: Scope | 'root' | undefined): AppError | undefined {
  if (!managesAnything(principal)) return refuseScope(scope);
  if (scope === 'root') return refuseByGrant(principal, peer, undefined) ?? new AppError('root_required');
  return refuseByGrant(principal, peer, scope);
}

function refuseScope(scope: Scope | 'root' | undefined): AppError {
  if (scope === undefined || scope === 'root') return new AppError('scope_not_allowed', { message: 'This key has no scope for management.' });
  return new AppError('scope_not_allowed', { message: `This key does not have the scope ${scope}.`, fields: { scope } });
}

const compiled = new WeakMap<readonly string[], AddressRanges>();

function mayCallFrom(holders: NonNullable<Principal['holders']>, address: string): boolean {
  for (const { grant } of holders) if (grant.addresses !== undefined && !rangesOf(grant.addresses).has(address)) return false;
  return true;
}

/** An entry that is no address lets nobody in. */
function rangesOf(texts: readonly string[]): AddressRanges {
  const known = compiled.get(texts);
  if (known !== undefined) return known;
  const ranges = createAddressRanges();
  for (const text of texts) ranges.add(text);
  compiled.set(texts, ranges);
  return ranges;
}
