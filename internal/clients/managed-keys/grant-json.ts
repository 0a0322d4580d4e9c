import { err, ok, type Result } from '../../fault/result.ts';
import { scopes, type Budget, type Grant, type Scope } from '../grant.ts';
import { readAddressRange } from './address-range.ts';

/** What is wrong with a member, and what to write instead. */
export interface MemberFault {
  readonly member: string;
  readonly message: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Members of a grant as they are written, in answers, requests and the store alike. */
export const grantMembers = ['scopes', 'models', 'accounts', 'addresses', 'requests_per_minute', 'tokens_per_minute', 'max_concurrent', 'daily_budget', 'monthly_budget'] as const;

const maxListed = 256;
const maxNumber = 1e15;

export function encodeGrant(grant: Grant): Json {
  const { scopes, models, accounts, addresses, requestsPerMinute, tokensPerMinute, maxConcurrent, dailyBudget, monthlyBudget } = grant;
  const all = { scopes, models, accounts, addresses, requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, max_concurrent: maxConcurrent, daily_budget: dailyBudget, monthly_budget: monthlyBudget };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Reads the members of a grant; other members are not looked at. Absent or null sets no bound. */
export function decodeGrant(json: Json): Result<Grant, MemberFault> {
  const fault: { first: MemberFault | undefined } = { first: undefined };
  const refuse = (member: string, message: string): undefined => {
    fault.first ??= { member, message };
    return undefined;
  };
  const listed = (member: string, isFit: (text: string) => boolean, what: string): readonly string[] | undefined => {
    const value = json[member] ?? undefined;
    if (value === undefined) return undefined;
    const isList = Array.isArray(value) && value.length > 0 && value.length <= maxListed;
    const texts = isList ? value.filter((each): each is string => typeof each === 'string' && isFit(each)) : [];
    if (isList && texts.length === value.length) return [...new Set(texts)];
    return refuse(member, `must be a list of 1 to ${maxListed} ${what}; leave it out to set no bound`);
  };
  const counted = (holder: Json, name: string, member = name): number | undefined => {
    const value = holder[name] ?? undefined;
    if (value === undefined) return undefined;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : refuse(member, 'must be a whole number from 1; leave it out to set no bound');
  };
  const budget = (member: string): Budget | undefined => {
    const value = json[member] ?? undefined;
    if (value === undefined) return undefined;
    if (!isRecord(value) || Object.keys(value).some((name) => !['requests', 'tokens', 'cost'].includes(name))) return refuse(member, 'must be an object of `requests`, `tokens` and `cost`, each a number');
    const cost = value['cost'] ?? undefined;
    if (cost !== undefined && !(typeof cost === 'number' && cost > 0 && cost <= maxNumber)) return refuse(`${member}.cost`, 'must be a number above 0, in the currency of the configured prices');
    const all = { requests: counted(value, 'requests', `${member}.requests`), tokens: counted(value, 'tokens', `${member}.tokens`), cost: typeof cost === 'number' ? cost : undefined };
    const said = Object.fromEntries(Object.entries(all).filter(([, bound]) => bound !== undefined));
    return Object.keys(said).length === 0 ? undefined : said;
  };
  const named = listed('scopes', (text) => scopes.some((scope) => scope === text), `scopes out of ${scopes.join(', ')}`);
  const grant = {
    scopes: named === undefined ? undefined : scopes.filter((scope): scope is Scope => named.includes(scope)),
    models: listed('models', isName, 'model names, where `*` matches any run of characters'),
    accounts: listed('accounts', isName, 'ids of accounts, or `provider:<kind>`'),
    addresses: listed('addresses', (text) => readAddressRange(text) !== undefined, 'addresses or CIDRs such as 10.0.0.0/8'),
    requestsPerMinute: counted(json, 'requests_per_minute'),
    tokensPerMinute: counted(json, 'tokens_per_minute'),
    maxConcurrent: counted(json, 'max_concurrent'),
    dailyBudget: budget('daily_budget'),
    monthlyBudget: budget('monthly_budget'),
  };
  if (fault.first !== undefined) return err(fault.first);
  return ok(Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined)));
}

function isName(text: string): boolean {
  return text !== '' && text.length <= 256 && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
