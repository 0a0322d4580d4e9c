import type { Scope } from '../../clients/grant.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { JsonRecord } from '../../upstreamauth/json-record.ts';
import type { JwtAlgorithm } from '../../clients/jwt/read-jwt.ts';
import type { Trust, TrustRule } from './trusted-issuer.ts';

/** A program that its platform vouches for. */
export interface Workload {
  /** `workload_<20 hex digits of the SHA-256 of issuer, line feed, subject>`: the same whatever the token. */
  readonly id: string;
  /** The subject, safe to show. */
  readonly label: string;
  readonly issuer: string;
  readonly scopes: readonly Scope[];
  /** Undefined: any. */
  readonly models: readonly string[] | undefined;
  /** `''`: none. */
  readonly organization: string;
  /** When its token stops counting: its own end, or the rule's `max-age`, whichever comes first. */
  readonly expiresAtMs: number;
}

/** Why a token whose signature is right is not taken. */
export type WorkloadFault =
  | 'own_token'
  | 'sign_in_token'
  | 'issuer_not_trusted'
  | 'bound_token'
  | 'invalid_subject'
  | 'invalid_jti'
  | 'invalid_time'
  | 'wrong_audience'
  | 'subject_not_allowed'
  | 'claim_not_allowed'
  | 'not_yet_valid'
  | 'made_in_future'
  | 'expired'
  | 'too_old';

export interface WorkloadRefusal {
  readonly fault: WorkloadFault;
  /** Names the rule that failed: plain ASCII without quotes, as `error_description` wants it (RFC 6749 §5.2); no value of the token. */
  readonly reason: string;
}

export const ownToken: WorkloadRefusal = { fault: 'own_token', reason: 'the token is one that this daemon issued; it is used as it is, and never in exchange' };
export const notTrusted: WorkloadRefusal = { fault: 'issuer_not_trusted', reason: 'the issuer of the token (iss) is none of identity.trusted-issuers' };

/** How far the issuer's clock may be ahead of ours. A token's end is exact. */
export const clockLeewayMs = 30_000;

/**
 * Judges the claims of a token whose signature is right, by the entries of its issuer: the first that fits counts. Of `aud` one
 * value must be the audience, letter by letter; further ones are the issuer's business (RFC 7519 §4.1.3).
 */
export function judgeWorkload(trust: Trust, claims: JsonRecord, algorithm: JwtAlgorithm, nowMs: number): Result<Workload, WorkloadRefusal> {
  const { iss, sub } = claims;
  const foreign = refuseKind(trust, claims);
  if (foreign !== undefined) return foreign;
  const issuer = typeof iss === 'string' ? trust.issuers.get(iss) : undefined;
  if (issuer === undefined) return err(notTrusted);
  // A longer one, or one with controls or marks that turn text around, would mislead whoever reads it in lists and logs.
  if (typeof sub !== 'string' || sub === '' || sub.length > 1_024 || escapeForeign(sub) !== sub) return refuse('invalid_subject', 'the subject of the token (sub) is not plain text of 1 to 1024 characters');
  const times = readTimes(claims);
  if (times === undefined) return refuse('invalid_time', 'the token lacks exp or iat, or a time of it (exp, nbf, iat) is no number of seconds');

  let furthest: Found | undefined;
  for (const rule of issuer.rules) {
    const found = findFault(rule, claims, sub, algorithm, times, nowMs);
    if (found === undefined) return ok(workloadOf(rule, sub, times));
    if (furthest === undefined || found.step > furthest.step) furthest = found;
  }
  return err(furthest?.refusal ?? notTrusted);
}

/** Security rule 33: what never is a workload's, whoever signed it. */
function refuseKind({ ownIssuer, signIn }: Trust, claims: JsonRecord): Result<never, WorkloadRefusal> | undefined {
  const { iss, jti } = claims;
  if (iss === ownIssuer) return err(ownToken);
  const isForSignIn = signIn !== undefined && iss === signIn.issuer && (audiencesOf(claims).includes(signIn.clientId) || claims['azp'] === signIn.clientId || ['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name)));
  if (isForSignIn) return refuse('sign_in_token', 'the token is an ID token of a person who signed in (identity.oidc), not one of a workload');
  // RFC 7800, RFC 9449 §6: without its proof a bound token is worth nothing.
  if (Object.hasOwn(claims, 'cnf')) return refuse('bound_token', 'the token is bound to a key (cnf), of which no proof is taken here');
  if (jti !== undefined && (typeof jti !== 'string' || jti === '' || jti.length > 1_024)) return refuse('invalid_jti', 'the id of the token (jti) is not text of 1 to 1024 characters');
  return undefined;
}

interface Times {
  readonly expiresAtMs: number;
  readonly issuedAtMs: number;
  readonly notBeforeMs: number;
}

function readTimes({ exp, iat, nbf }: JsonRecord): Times | undefined {
  const expiresAtMs = timeMs(exp);
  const issuedAtMs = timeMs(iat);
  const notBeforeMs = nbf === undefined ? issuedAtMs : timeMs(nbf);
  return expiresAtMs === undefined || issuedAtMs === undefined || notBeforeMs === undefined ? undefined : { expiresAtMs, issuedAtMs, notBeforeMs };
}

/** RFC 7519 §2, NumericDate, as far as a `Date` goes. */
function timeMs(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 8.64e12 ? value * 1_000 : undefined;
}

interface Found {
  /** How far the token came. */
  readonly step: number;
  readonly refusal: WorkloadRefusal;
}

function findFault(rule: TrustRule, claims: JsonRecord, subject: string, algorithm: JwtAlgorithm, times: Times, nowMs: number): Found | undefined {
  const found = (step: number, fault: WorkloadFault, reason: string): Found => ({ step, refusal: { fault, reason } });
  if (!rule.algorithms.includes(algorithm)) return found(0, 'issuer_not_trusted', 'no entry of the issuer takes the algorithm of the token (alg)');
  if (!audiencesOf(claims).includes(rule.audience)) return found(1, 'wrong_audience', 'the audience of the token (aud) is not the one that its issuer must name here');
  if (!rule.admitsSubject(subject)) return found(2, 'subject_not_allowed', 'the subject of the token (sub) is none of those that may come in');
  const unmet = rule.conditions.find(({ name, isMetBy }) => !isMetBy(claims[name]));
  if (unmet !== undefined) return found(3, 'claim_not_allowed', `the token does not meet the condition on its claim ${plain(unmet.name)}`);
  if (nowMs >= times.expiresAtMs) return found(4, 'expired', 'the token has expired (exp)');
  if (times.issuedAtMs > nowMs + clockLeewayMs) return found(4, 'made_in_future', 'the token was made in the future (iat): a clock is wrong');
  if (times.notBeforeMs > nowMs + clockLeewayMs) return found(4, 'not_yet_valid', 'the token is not valid yet (nbf)');
  if (nowMs >= times.issuedAtMs + rule.maxAgeMs) return found(4, 'too_old', 'the token was made longer ago than max-age allows (iat)');
  return undefined;
}

function workloadOf(rule: TrustRule, subject: string, times: Times): Workload {
  return {
    id: workloadId(rule.issuer, subject),
    label: escapeForeign(subject, 128),
    issuer: rule.issuer,
    scopes: rule.scopes,
    models: rule.models,
    organization: rule.organization,
    expiresAtMs: Math.min(times.expiresAtMs, times.issuedAtMs + rule.maxAgeMs),
  };
}

export function workloadId(issuer: string, subject: string): string {
  return `workload_${sha256Hex(`${issuer}\n${subject}`).slice(0, 20)}`;
}

function audiencesOf({ aud }: JsonRecord): readonly string[] {
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) && aud.every((value) => typeof value === 'string') ? aud : [];
}

/** The operator's own name of a claim, as `error_description` may hold it. */
function plain(name: string): string {
  return name.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

function refuse(fault: WorkloadFault, reason: string): Result<never, WorkloadRefusal> {
  return err({ fault, reason });
}
