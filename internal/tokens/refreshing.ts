import type { TokenWriter } from '../accounts/directory/ports.ts';
import type { TokenSet } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Login } from '../providers/login.ts';
import type { Ledgers } from './ledger.ts';
import type { LoginReason, TokenFault, TokenGrants } from './ports.ts';

export interface RefreshDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledgers: Ledgers;
  readonly writer: TokenWriter;
  readonly grants: TokenGrants;
  /** How long another process's refresh is waited for. */
  readonly lockPatienceMs: number;
}

/** Why a refresh is wanted: `isGood` tells whether a token found on disk answers the need, so that nothing has to be sent. */
export interface RefreshNeed {
  readonly isGood: (tokens: TokenSet) => boolean;
  /** Whether an access token may still be spent; while it may, a refresh whose outcome is unknown is not repeated. */
  readonly isUsable: (tokens: TokenSet) => boolean;
}

export type RefreshResult =
  | { readonly kind: 'tokens'; readonly tokens: TokenSet; readonly how: 'adopted' | 'restored' | 'refreshed' }
  | { readonly kind: 'needs_login'; readonly reason: LoginReason; readonly detail: string; readonly sinceMs: number; readonly tokens: TokenSet }
  /** `waitsForExpiry`: put off only because the access token can still be spent. */
  | { readonly kind: 'later'; readonly reason: TokenFault['reason']; readonly detail: string; readonly retryAfterMs: number | undefined; readonly tokens: TokenSet; readonly waitsForExpiry?: true };

/** One refresh under its locks. */
export interface Refreshing {
  readonly deps: RefreshDeps;
  readonly login: Login;
  readonly need: RefreshNeed;
  /** The locks are still the ones that others would find. */
  readonly isHeld: () => boolean;
}

export function later(reason: TokenFault['reason'], detail: string, retryAfterMs: number | undefined, tokens: TokenSet): Extract<RefreshResult, { readonly kind: 'later' }> {
  return { kind: 'later', reason, detail, retryAfterMs, tokens };
}
