/** How an access token's time is spent. All in milliseconds since the epoch; Infinity where nothing tells when it ends. */
export interface TokenLife {
  readonly expiresAtMs: number;
  /** An upstream that refuses it before does not mean its end. */
  readonly youngUntilMs: number;
  /** Until then requests take it without a thought; after it they would rather have a new one. */
  readonly freshUntilMs: number;
  /** When a refresh ahead is due. */
  readonly dueAtMs: number;
}

/** A refresh ahead begins in the last fifth of the lifetime at the earliest (clarification 4). */
const longestLeadShare = 0.2;
/** Time for a request to arrive. */
const longestMarginMs = 10_000;
const marginShare = 0.05;
/** Clocks of a provider that count in whole seconds, and that differ, end a short life well before the time it states. */
const youthShare = 0.5;
/** Daemons on one directory spread over this share of the lead, so that mostly one of them refreshes. */
const jitterShare = 0.4;

/**
 * `issuedAtMs` undefined: the lifetime is counted from `nowMs`. `random` is in [0, 1).
 */
export function planLife(token: { readonly expiresAtMs: number | undefined; readonly issuedAtMs: number | undefined }, refreshLeadMs: number, nowMs: number, random: number): TokenLife {
  const { expiresAtMs } = token;
  if (expiresAtMs === undefined) return { expiresAtMs: Infinity, youngUntilMs: Infinity, freshUntilMs: Infinity, dueAtMs: Infinity };
  // A file may state an issue time that lies after its expiry, or none.
  const issuedAtMs = token.issuedAtMs !== undefined && token.issuedAtMs < expiresAtMs ? token.issuedAtMs : Math.min(nowMs, expiresAtMs);
  const lifetimeMs = expiresAtMs - issuedAtMs;
  const leadMs = Math.min(refreshLeadMs, lifetimeMs * longestLeadShare);
  return {
    expiresAtMs,
    youngUntilMs: issuedAtMs + lifetimeMs * youthShare,
    freshUntilMs: expiresAtMs - Math.min(longestMarginMs, lifetimeMs * marginShare, leadMs / 2),
    dueAtMs: expiresAtMs - leadMs * (1 - jitterShare * random),
  };
}
