import * as v from 'valibot';

/*
 * What the identity provider tells the harness over its control endpoint. Times are milliseconds since the epoch, of the
 * one clock that all processes of the run share.
 */

export const faultKinds = ['reset_before_reading', 'reset_after_reading', 'reset_mid_answer', 'unavailable'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** How the token endpoint misbehaves. */
export const faultPlan = v.object({
  /** Between reading a request and answering it. */
  delayMs: v.number(),
  /** Share of token requests, 0–1, that meet each fault. */
  rates: v.object({ reset_before_reading: v.number(), reset_after_reading: v.number(), reset_mid_answer: v.number(), unavailable: v.number() }),
});
export type FaultPlan = v.InferOutput<typeof faultPlan>;

export const noFaults: FaultPlan['rates'] = { reset_before_reading: 0, reset_after_reading: 0, reset_mid_answer: 0, unavailable: 0 };

/** One request at the token endpoint, kept for ever. */
export const tokenRequest = v.object({
  /** From 1 on, in the order of arrival. */
  seq: v.number(),
  /** As the caller names itself in a token parameter; `''` where it did not. */
  daemon: v.string(),
  /** Number of its TCP connection. */
  connection: v.number(),
  /** When the last byte of the request was there. */
  readAtMs: v.number(),
  /** SHA-256 of the refresh token, hex; `''` for requests that were not read. */
  digest: v.string(),
  /** `''` for tokens never issued here, and for requests that were not read. */
  family: v.string(),
  identity: v.string(),
  /** `issued`: the token was spent for new ones. `reuse`: it was spent before, and the family ends here. `revoked`: the family had ended. */
  outcome: v.picklist(['issued', 'reuse', 'revoked', 'unknown', 'malformed', 'unavailable', 'dropped']),
  fault: v.optional(v.picklist(faultKinds)),
  /** With `reuse`: `seq` of the request that spent it first. */
  spentBy: v.optional(v.number()),
  /** When the new access token's life began, and when it ends. */
  issuedAtMs: v.optional(v.number()),
  accessExpiresAtMs: v.optional(v.number()),
  /** When the last byte of the answer was handed to the system. */
  answeredAtMs: v.optional(v.number()),
  /** When the connection ended before the answer did. */
  brokenAtMs: v.optional(v.number()),
});
export type TokenRequest = v.InferOutput<typeof tokenRequest>;

/** The tokens that go back to one login. */
export const family = v.object({
  id: v.string(),
  identity: v.string(),
  startedAtMs: v.number(),
  /** When the first access token, which no refresh brought, ends. */
  seedExpiresAtMs: v.number(),
  revokedAtMs: v.optional(v.number()),
  /** `seq` of the request that presented a spent token. */
  revokedBy: v.optional(v.number()),
  /** Digest of the refresh token that would be taken now. */
  newestDigest: v.string(),
});
export type Family = v.InferOutput<typeof family>;

export const upstreamCount = v.object({ identity: v.string(), served: v.number(), expired: v.number(), revoked: v.number() });

/** `GET /control/stats` */
export const stats = v.object({
  tokenUrl: v.string(),
  upstreamUrl: v.string(),
  families: v.array(family),
  requestCount: v.number(),
  reuseCount: v.number(),
  upstream: v.array(upstreamCount),
  /** Access tokens that were never issued here. */
  unknownAccessCount: v.number(),
  /** How often a daemon spent a token that another daemon's refresh had brought; once a token and daemon. */
  adoptedCount: v.number(),
});
export type Stats = v.InferOutput<typeof stats>;

/** `GET /control/requests` */
export const requests = v.object({ requests: v.array(tokenRequest) });

/** `POST /control/families` with `{ "identity": …, "lifeMs": … }`: somebody logs in. */
export const newLogin = v.object({ identity: v.string(), lifeMs: v.number() });
export const seededFamily = v.object({ family: v.string(), accessToken: v.string(), refreshToken: v.string(), expiresAtMs: v.number() });
export type SeededFamily = v.InferOutput<typeof seededFamily>;
