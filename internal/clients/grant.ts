import { scopes, type Scope } from '../config/scopes.ts';

export { scopes, type Scope };

/** How much may be spent within a day or a month (UTC). Absent members set no bound. */
export interface Budget {
  readonly requests?: number | undefined;
  /** Input and output together. */
  readonly tokens?: number | undefined;
  /** In the currency of the operator's prices. */
  readonly cost?: number | undefined;
}

/** What a holder may do and how much. Absent members set no bound of their own. */
export interface Grant {
  /** Absent: `models:use` and `models:read`. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Names as the caller uses them, prefix included; `*` matches any run of characters. */
  readonly models?: readonly string[] | undefined;
  /** Ids of accounts, or `provider:<kind>`. */
  readonly accounts?: readonly string[] | undefined;
  /** Addresses and CIDRs that it may be used from. */
  readonly addresses?: readonly string[] | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  /** Exchanges at one time. */
  readonly maxConcurrent?: number | undefined;
  readonly dailyBudget?: Budget | undefined;
  readonly monthlyBudget?: Budget | undefined;
}

/** A credential, or who minted it. Counters hang on the id. */
export interface Holder {
  readonly id: string;
  readonly grant: Grant;
}
