import type { Lease } from '../clients/limits/lease.ts';
import { isMetered, type Limits } from '../clients/limits/limits.ts';
import type { Principal } from '../clients/principal.ts';
import type { ProxyLimits } from './limits.ts';
import { estimate, maySpend, type Spending } from './spending.ts';

/**
 * A place within the limits of the caller, to be taken before anything is sent; undefined for callers without any. Codes:
 * `rate_limit_exceeded`, `budget_exhausted`, `auth_unavailable`.
 */
export function takeLease(limits: Limits, principal: Principal, request: Spending, { prices }: Pick<ProxyLimits, 'prices'>): Lease | undefined {
  if (!isMetered(principal)) return undefined;
  const admitted = limits.admit(principal, { ...estimate(request), price: prices.find(request.model), draws: maySpend(request) ? 'tokens' : 'requests' });
  if (!admitted.ok) throw admitted.error;
  return admitted.value;
}

/** The same for what asks no upstream: it counts for rates and places, and draws on no budget. */
export function takePlace(limits: Limits, principal: Principal): Lease | undefined {
  if (!isMetered(principal)) return undefined;
  const admitted = limits.admit(principal, { input: 0, output: 0, price: undefined, draws: 'nothing' });
  if (!admitted.ok) throw admitted.error;
  return admitted.value;
}
