import type { TokenSet } from '../accounts/token-set.ts';
import { sha256Hex } from '../secret/digest.ts';

/** A token set and where it was found. */
export interface Candidate {
  readonly tokens: TokenSet;
  /** Name of the file, or undefined for the ledger's copy. */
  readonly fileName: string | undefined;
}

/** What stands for a refresh token wherever it is remembered: 128 bits of its SHA-256. */
export function digestOf(tokens: Pick<TokenSet, 'refreshToken'>): string | undefined {
  return tokens.refreshToken === undefined ? undefined : sha256Hex(tokens.refreshToken.reveal()).slice(0, 32);
}

/** The newest of those whose refresh token was not spent; undefined when none is left. Earlier ones win ties. */
export function newestOf(candidates: readonly Candidate[], isSpent: (digest: string) => boolean): Candidate | undefined {
  let newest: Candidate | undefined;
  for (const candidate of candidates) {
    const digest = digestOf(candidate.tokens);
    if (digest !== undefined && isSpent(digest)) continue;
    if (digest === undefined && candidate.tokens.accessToken === undefined) continue;
    if (newest === undefined || isNewer(candidate.tokens, newest.tokens)) newest = candidate;
  }
  return newest;
}

/** By the time of issue, else by expiry; one that can be refreshed goes before one that cannot. */
export function isNewer(left: TokenSet, right: TokenSet): boolean {
  if ((left.refreshToken === undefined) !== (right.refreshToken === undefined)) return left.refreshToken !== undefined;
  if (left.issuedAtMs !== undefined && right.issuedAtMs !== undefined && left.issuedAtMs !== right.issuedAtMs) return left.issuedAtMs > right.issuedAtMs;
  if (left.expiresAtMs !== undefined && right.expiresAtMs !== undefined) return left.expiresAtMs > right.expiresAtMs;
  return false;
}
