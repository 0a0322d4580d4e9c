/** Flags that describe a key and bound it. */
export interface KeyFlags {
  readonly owner?: string;
  readonly purpose?: string;
  readonly tags?: readonly string[];
  readonly expires?: string;
  readonly neverExpires?: boolean;
  readonly scopes?: readonly string[];
  readonly models?: readonly string[];
  readonly accounts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly rpm?: number;
  readonly tpm?: number;
  readonly concurrency?: number;
  readonly dailyRequests?: number;
  readonly dailyTokens?: number;
  readonly dailyCost?: number;
  readonly monthlyRequests?: number;
  readonly monthlyTokens?: number;
  readonly monthlyCost?: number;
}

/** Options whose bound can be taken away, with the member of a key it is, and of a budget. */
export const membersOfOption = {
  owner: ['owner'],
  purpose: ['purpose'],
  tags: ['tags'],
  scopes: ['scopes'],
  models: ['models'],
  accounts: ['accounts'],
  addresses: ['addresses'],
  rpm: ['requests_per_minute'],
  tpm: ['tokens_per_minute'],
  concurrency: ['max_concurrent'],
  'daily-requests': ['daily_budget', 'requests'],
  'daily-tokens': ['daily_budget', 'tokens'],
  'daily-cost': ['daily_budget', 'cost'],
  'monthly-requests': ['monthly_budget', 'requests'],
  'monthly-tokens': ['monthly_budget', 'tokens'],
  'monthly-cost': ['monthly_budget', 'cost'],
} as const satisfies Readonly<Record<string, readonly [member: string, bound?: string]>>;
export type ClearableOption = keyof typeof membersOfOption;

export function isClearable(name: string): name is ClearableOption {
  return Object.hasOwn(membersOfOption, name);
}

/** The members of a request's body that the flags stand for; the daemon judges them. */
export function bodyOf(flags: KeyFlags): Readonly<Record<string, unknown>> {
  const { owner, purpose, tags, scopes, models, accounts, addresses } = flags;
  return said({
    owner,
    purpose,
    tags,
    ...endOf(flags),
    scopes,
    models,
    accounts,
    addresses,
    requests_per_minute: flags.rpm,
    tokens_per_minute: flags.tpm,
    max_concurrent: flags.concurrency,
    daily_budget: budgetOf(flags.dailyRequests, flags.dailyTokens, flags.dailyCost),
    monthly_budget: budgetOf(flags.monthlyRequests, flags.monthlyTokens, flags.monthlyCost),
  });
}

/** `--expires` as a span or a date, `--never-expires`. */
export function endOf({ expires, neverExpires }: Pick<KeyFlags, 'expires' | 'neverExpires'>): Readonly<Record<string, unknown>> {
  const end = expires === undefined ? {} : /^\d{4}-/.test(expires) ? { expires_at: expires } : { expires_in: expires };
  return neverExpires === true ? { ...end, never_expires: true } : end;
}

function budgetOf(requests: number | undefined, tokens: number | undefined, cost: number | undefined): Readonly<Record<string, unknown>> | undefined {
  const budget = said({ requests, tokens, cost });
  return Object.keys(budget).length === 0 ? undefined : budget;
}

function said(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
