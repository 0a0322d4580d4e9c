import type { Account } from '../accounts/account.ts';
import type { Holder } from '../clients/grant.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import type { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { ExplainQuery, Explanation, SkipReason } from './explanation.ts';

/** One place an exchange can go: an account and the model's name there. */
export interface Candidate {
  readonly account: Account;
  /** The name sent upstream; equal to the client's name unless prefix or alias change it. */
  readonly upstreamModel: string;
}

export interface RouteQuery {
  /** As the client sent it, prefix included. */
  readonly model: string;
  readonly dialect: Dialect;
  readonly operation: Operation;
  /** Undefined where nothing marks the client's session, or affinity is off. */
  readonly session?: SessionMark | undefined;
  /**
   * The caller's (`Principal.holders`): accounts that not all of them allow are no candidates, and near names in a refusal keep
   * to their models. Whether the caller may call the model is decided before.
   */
  readonly holders?: readonly Holder[] | undefined;
}

/** What tells that requests belong to one conversation. */
export interface SessionMark {
  /** SHA-256 over the caller, the place and the mark: no two callers share one, and nothing of it can be read. */
  readonly digest: string;
  /** Where it was found, for log and `explain`: `header session_id`, `prompt_cache_key`, `first messages` … */
  readonly source: string;
}

/** How an attempt ended, for cooldowns and turns. */
export type AttemptOutcome =
  | { readonly kind: 'success' }
  /** The request was at fault (400, 413, 422 …), or the client left: says nothing of the account. */
  | { readonly kind: 'neutral' }
  /**
   * `status` of the upstream's answer, or 0 when none came; `retryAfterMs` from its headers; `isAccountWide` where the vendor
   * says that its limit is the account's, not the model's.
   */
  | { readonly kind: 'failure'; readonly status: number; readonly retryAfterMs?: number; readonly isAccountWide?: boolean };

/**
 * The only holder of routing state (turns, cooldowns, open counts, bound sessions). Safe to call for an old table after a reload.
 * Every pick is followed by exactly one `settle`.
 */
export interface Router {
  /**
   * The next candidate that was not tried yet, or the refusal the client gets: `model_not_found`, `dialect_not_served`,
   * `account_not_allowed`, `model_cooldown`, `account_unavailable`. After at least one try `error` is what to answer when the tries left no better answer.
   */
  readonly pick: (table: RoutingTable, query: RouteQuery, tried: ReadonlySet<string>) => Result<Candidate, AppError>;
  readonly settle: (candidate: Candidate, query: RouteQuery, outcome: AttemptOutcome) => void;
  /**
   * A picked candidate's upstream has begun a good answer. What that disproves ends now, not with the last byte of a long
   * stream; `settle` follows all the same.
   */
  readonly begun: (candidate: Candidate) => void;
  /** In which order accounts would be asked now, and why each other one would not. Changes no turn. */
  readonly explain: (table: RoutingTable, query: ExplainQuery) => Explanation;
  /** Ends all cooldowns of an account (or of all); the number ended. */
  readonly resetCooldowns: (accountId?: string) => number;
  /** Keeps an account from being picked until it is called with `undefined`: its login needs a person. Survives reloads. */
  readonly block: (accountId: string, block: AccountBlock | undefined) => void;
  /** States for status and metrics. */
  readonly states: (table: RoutingTable) => readonly AccountState[];
}

/** Why an account cannot be used until somebody acts. */
export interface AccountBlock {
  /** A stable word, e.g. `refresh_refused`. */
  readonly reason: string;
  readonly detail: string;
  readonly sinceMs: number;
}

export interface AccountState {
  readonly accountId: string;
  readonly label: string;
  readonly provider: string;
  readonly state: 'ready' | 'cooling' | 'needs_login' | 'disabled';
  /** With `needs_login`. */
  readonly block: AccountBlock | undefined;
  readonly models: readonly { readonly model: string; readonly untilMs: number; readonly reason: string }[];
}

export interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
  /** That the accounts speak themselves; in the others the model is called too, translated. */
  readonly dialects: readonly Dialect[];
}

/** What an account's upstream says of its models; undefined where it said nothing, and the shipped names stand in. */
export type ToldNames = (account: Account) => readonly string[] | undefined;

export type Strategy = 'round-robin' | 'weighted-round-robin' | 'fill-first' | 'least-busy';

export interface RoutingSettings {
  readonly strategy: Strategy;
  readonly isCoolingDisabled: boolean;
  /** After this long in cooldown one real request probes. */
  readonly maxCooldownMs: number;
  /** Accounts with a prefix are reached by it alone. */
  readonly isPrefixForced: boolean;
  /** How long an idle session stays on its account; undefined where affinity is off. */
  readonly affinityTtlMs: number | undefined;
}

/** All that routing derives from one config, immutable; models list and routing agree because both read it. */
export interface RoutingTable {
  readonly accounts: readonly Account[];
  readonly settings: RoutingSettings;
  /**
   * Exactly what would route, sorted by id. Entries without `models` list what their upstream told of, where that is known, else
   * the shipped catalogue's names that fit them. Mostly the same array where nothing is told.
   */
  readonly listModels: (told?: ToldNames) => readonly ListedModel[];
  /**
   * Accounts that serve the name in any dialect, whatever their health and switches, highest priority first, then in the
   * config's order. Mostly the same array for the same name.
   */
  readonly candidatesFor: (model: string) => readonly Candidate[];
  /** Near names for a refusal, at most five; of those that a caller with these holders may use. */
  readonly nearNames: (model: string, holders?: readonly Holder[]) => readonly string[];
  /** Why an account that is no candidate for the name is none. */
  readonly whyNever: (account: Account, model: string) => SkipReason;
}
