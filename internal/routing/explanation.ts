import type { Holder } from '../clients/grant.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import type { CooldownScope } from './cooldown.ts';
import type { Strategy } from './ports.ts';

/** What an operator asks; without a dialect, as an OpenAI chat client would be served. */
export interface ExplainQuery {
  readonly model: string;
  readonly dialect?: Dialect | undefined;
  /** Of the key it is asked for; absent for one that may use every account. */
  readonly holders?: readonly Holder[] | undefined;
}

/** Why an account is not asked, as a stable word. The first seven are for the operator to change; the others pass. */
export type SkipClass =
  /** The key asked for may not use it. */
  | 'account_not_allowed'
  | 'disabled'
  | 'no_weight'
  | 'excluded'
  /** The name is not one of the account's. */
  | 'other_name'
  /** Its vendor has no such endpoint, and no other dialect has it. */
  | 'operation_not_offered'
  | 'needs_login'
  | 'credential_refused'
  | 'cooling'
  /** It failed last time, and one request is trying it now. */
  | 'on_trial';

export interface SkipReason {
  readonly class: SkipClass;
  /** Reads as the end of "it is skipped because …". */
  readonly text: string;
}

/** What was decided for one model at one moment. */
export interface Explanation {
  readonly model: string;
  readonly dialect: Dialect;
  readonly operation: Operation;
  readonly atMs: number;
  readonly strategy: Strategy;
  readonly maxCooldownMs: number;
  /** `ttlMs` undefined: off. `boundSessions` of this model. */
  readonly affinity: { readonly ttlMs: number | undefined; readonly boundSessions: number };
  /** Those that would be asked first, in that order; then those that would not. */
  readonly candidates: readonly ExplainedCandidate[];
}

/** One account, or one upstream model of it where an alias stands for several. */
export interface ExplainedCandidate {
  readonly accountId: string;
  readonly label: string;
  readonly provider: string;
  readonly dialects: readonly Dialect[];
  readonly upstreamModel: string;
  readonly priority: number;
  readonly weight: number;
  /** Place in the order in which they would be asked, from 1; absent for those that would not. */
  readonly place?: number;
  /** In which dialect it would be asked; absent where it never would be. */
  readonly askedIn?: Dialect;
  readonly isTranslated?: boolean;
  readonly usable: boolean;
  /** Why it is skipped; absent when usable. */
  readonly skipped?: string;
  readonly skipClass?: SkipClass;
  /** When it may be used again, ISO 8601; absent when unknown or not a matter of time. */
  readonly until?: string;
  /** What keeps it from use, or did and is not disproved by a success yet. */
  readonly cooldowns: readonly ExplainedCooldown[];
  /** Sessions that would return to it. */
  readonly boundSessions: number;
}

export interface ExplainedCooldown {
  readonly scope: CooldownScope;
  /** `*` for the whole account. */
  readonly model: string;
  /** 0: no answer came. */
  readonly status: number;
  readonly reason: string;
  /** Whose the length is: the upstream named it, or it is Keyward's own back-off. */
  readonly source: 'upstream' | 'own';
  /** Failures in a row. */
  readonly failures: number;
  /** ISO 8601, as the following. */
  readonly since: string;
  readonly until: string;
  /** When the next request may try, at the latest by `max-cooldown`. */
  readonly nextTry: string;
  /** One request is trying it now. */
  readonly isProbing: boolean;
}
