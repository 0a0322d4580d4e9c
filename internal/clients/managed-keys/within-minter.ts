import type { Budget, Grant } from '../grant.ts';
import { isWithin, readAddressRange } from './address-range.ts';
import type { MemberFault } from './grant-json.ts';

/** What a grant without `scopes` may do. */
const ordinaryScopes = ['models:use', 'models:read'] as const;

/**
 * Where a grant says more than its minter's holds; undefined where it fits. What it leaves out it has from the minter at each
 * use. Scopes are the exception: left out they are the ordinary ones, which the minter may lack and the child lacks then.
 */
export function findExcess(grant: Grant, minter: Grant): MemberFault | undefined {
  const minterScopes = minter.scopes ?? ordinaryScopes;
  const list = (member: string, wanted: readonly string[] | undefined, held: readonly string[] | undefined, isCovered: (one: string, by: string) => boolean): MemberFault | undefined => {
    if (wanted === undefined || held === undefined) return undefined;
    const over = wanted.find((one) => !held.some((by) => isCovered(one, by)));
    return over === undefined ? undefined : { member, message: `has "${over}", which its minter does not have; it has ${held.join(', ')}` };
  };
  const number = (member: string, wanted: number | undefined, held: number | undefined): MemberFault | undefined =>
    wanted !== undefined && held !== undefined && wanted > held ? { member, message: `is ${wanted}, and its minter has ${held}` } : undefined;
  const budget = (member: string, wanted: Budget = {}, held: Budget = {}): MemberFault | undefined =>
    number(`${member}.requests`, wanted.requests, held.requests) ?? number(`${member}.tokens`, wanted.tokens, held.tokens) ?? number(`${member}.cost`, wanted.cost, held.cost);
  return (
    list('scopes', grant.scopes, minterScopes, (one, by) => one === by) ??
    list('models', grant.models, minter.models, coversPattern) ??
    list('accounts', grant.accounts, minter.accounts, (one, by) => one === by) ??
    list('addresses', grant.addresses, minter.addresses, coversAddress) ??
    number('requests_per_minute', grant.requestsPerMinute, minter.requestsPerMinute) ??
    number('tokens_per_minute', grant.tokensPerMinute, minter.tokensPerMinute) ??
    number('max_concurrent', grant.maxConcurrent, minter.maxConcurrent) ??
    budget('daily_budget', grant.dailyBudget, minter.dailyBudget) ??
    budget('monthly_budget', grant.monthlyBudget, minter.monthlyBudget)
  );
}

/** Whatever `one` matches `by` matches: a star of `one` can only be taken up by a star of `by`. */
function coversPattern(one: string, by: string): boolean {
  const [first = '', ...pieces] = by.split('*');
  const last = pieces.pop();
  if (last === undefined) return one === by;
  if (one.length < first.length + last.length || !one.startsWith(first) || !one.endsWith(last)) return false;
  const end = one.length - last.length;
  let at = first.length;
  for (const piece of pieces) {
    const found = one.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function coversAddress(one: string, by: string): boolean {
  const [inner, outer] = [readAddressRange(one), readAddressRange(by)];
  return inner !== undefined && outer !== undefined && isWithin(inner, outer);
}
