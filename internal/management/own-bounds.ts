import type { Grant, Holder } from '../clients/grant.ts';
import { findExcess } from '../clients/managed-keys/within-minter.ts';
import { AppError } from '../fault/app-error.ts';
import type { ManagementCall } from './context.ts';

/** What a caller makes can do no more than the caller (security rule 34); looked at again at each use. */
export function refuseMoreThanOwn(grant: Grant, call: ManagementCall): void {
  for (const holder of call.principal.holders ?? []) refuseExcess(grant, holder);
  refuseMoreThanToken(grant, call);
}

function refuseExcess(grant: Grant, holder: Holder): void {
  const excess = findExcess({ ...grant, scopes: grant.scopes ?? ['models:use', 'models:read'] }, holder.grant);
  if (excess !== undefined) throw new AppError('exceeds_minter', { message: `\`${excess.member}\` ${excess.message}.`, fields: { param: excess.member } });
}

/**
 * What bounds this one token of the caller, its scopes or the application that it came by, is not looked at again when what it made is
 * used: what such a caller makes, changes or learns a new secret of has to fit by itself.
 */
export function refuseMoreThanToken(grant: Grant, { principal }: ManagementCall): void {
  for (const holder of boundsOfToken(principal)) {
    refuseExcess(grant, holder);
    const { models, accounts, addresses, requestsPerMinute, tokensPerMinute, maxConcurrent, dailyBudget, monthlyBudget } = holder.grant;
    const left = Object.entries({ models: models !== undefined && grant.models === undefined, accounts: accounts !== undefined && grant.accounts === undefined, addresses: addresses !== undefined && grant.addresses === undefined }).find(([, isOpen]) => isOpen);
    if (left !== undefined) throw new AppError('exceeds_minter', { message: `\`${left[0]}\` must be said: the application that you logged in with is bound in it.`, fields: { param: left[0] } });
    if ([requestsPerMinute, tokensPerMinute, maxConcurrent, dailyBudget, monthlyBudget].some((bound) => bound !== undefined)) {
      throw new AppError('exceeds_minter', { message: 'The application that you logged in with has a rate or a budget, which what you make could not draw on; use another login.' });
    }
  }
}

function boundsOfToken({ id, kind, holders = [] }: ManagementCall['principal']): readonly Holder[] {
  switch (kind) {
    case 'person':
      return holders.filter((holder) => holder.id !== id);
    case 'machine':
      return holders.slice(0, 1);
    case 'workload':
      return holders;
    default:
      return [];
  }
}
