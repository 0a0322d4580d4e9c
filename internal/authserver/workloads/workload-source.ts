import { LRUCache } from 'lru-cache';
import type { Principal } from '../../clients/principal.ts';
import { isJwtFormed, type CredentialSource, type TokenBinding, type Verdict } from '../../clients/verify.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Config } from '../../config/schema.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { Workload } from './judge-workload.ts';
import { readJwt } from '../../clients/jwt/read-jwt.ts';
import type { TokenRefusal, TrustedIssuers, VerifiedWorkload } from './trusted-issuers.ts';

/** Tokens of trusted issuers, brought as they are, as the door sees them. */
export interface WorkloadSource extends CredentialSource {
  /** Judges again what a principal came in by, by the rules of now. Undefined: not one of this source. */
  readonly recheck: (principal: Principal) => Verdict | undefined;
  /** As `TrustedIssuers.apply`; what was remembered by other rules is forgotten. When true, running exchanges are to be rechecked. */
  readonly apply: (config: Pick<Config, 'identity'>, ownIssuer: string) => boolean;
}

export interface WorkloadSourceDeps {
  readonly issuers: TrustedIssuers;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** A token that names a trusted issuer was presented and not taken. For the log; must not throw. */
  readonly onRefused?: (refusal: TokenRefusal & { readonly issuer: string; readonly from: string }) => void;
  readonly maxRemembered?: number;
}

interface Entry {
  readonly principal: Principal;
  readonly verified: VerifiedWorkload;
}

/** OpenID Connect ID tokens and plain JWTs, those that say no type (Kubernetes), RFC 9068 access tokens. */
const types = ['jwt', '', 'at+jwt'] as const;

/** A bearer token: never in an address (security rule 10). */
const unbound: TokenBinding = { thumbprint: undefined };
const unknownKey: Verdict = { kind: 'invalid', code: 'invalid_api_key' };
const expired: Verdict = { kind: 'invalid', code: 'key_expired' };
const revoked: Verdict = { kind: 'invalid', code: 'key_revoked' };

/** Of the tokens that are remembered, together. */
const maxRememberedBytes = 16 * 1024 * 1024;

/**
 * Takes only what has the form of a token and names a trusted issuer. A first sight is one signature check; what was verified
 * is remembered within bounds by its full digest, until it ends, the rules change or the issuer's keys do. Keys that cannot be
 * had just now are no word against a token.
 */
export function createWorkloadSource({ issuers, clock, onRefused, maxRemembered = 10_000 }: WorkloadSourceDeps): WorkloadSource {
  const known = new LRUCache<string, Entry>({ max: maxRemembered, maxSize: maxRememberedBytes });
  const cameBy = new WeakMap<Principal, VerifiedWorkload>();

  const meet = (token: string, digest: string, from: string | undefined): Verdict => {
    const read = readJwt(token);
    const issuer = read.ok ? read.value.claims['iss'] : undefined;
    if (!read.ok || typeof issuer !== 'string' || !issuers.trusts(issuer)) return unknownKey;
    const verified = issuers.verify(read.value, types);
    if (!verified.ok) {
      if (from !== undefined) onRefused?.({ ...verified.error, issuer, from });
      return verdictOf(verified.error);
    }
    const principal = principalFrom(verified.value.workload);
    cameBy.set(principal, verified.value);
    known.set(digest, { principal, verified: verified.value }, { size: token.length });
    return { kind: 'valid', principal, token: unbound };
  };

  return {
    name: 'workloads',
    verify: (token, from) => {
      if (!isJwtFormed(token)) return unknownKey;
      const digest = sha256Hex(token);
      const entry = known.get(digest);
      if (entry === undefined || issuers.keysRevision(entry.verified.workload.issuer) !== entry.verified.keysRevision) return meet(token, digest, from);
      return clock.nowMs() < entry.verified.workload.expiresAtMs ? { kind: 'valid', principal: entry.principal, token: unbound } : expired;
    },
    recheck: (principal) => {
      const verified = cameBy.get(principal);
      if (verified === undefined) return undefined;
      const judged = issuers.judgeAgain(verified);
      if (!judged.ok) return isOver(judged.error) ? expired : revoked;
      const again = principalFrom(judged.value);
      cameBy.set(again, verified);
      return { kind: 'valid', principal: again };
    },
    apply: (config, ownIssuer) => {
      const isChanged = issuers.apply(config, ownIssuer);
      if (isChanged) known.clear();
      return isChanged;
    },
  };
}

/** Who a workload is by the rules of now, from claims that were verified before; undefined where it may not come in any more. */
export function workloadFrom(issuers: Pick<TrustedIssuers, 'judgeAgain'>, evidence: Pick<VerifiedWorkload, 'claims' | 'algorithm'>): Principal | undefined {
  const judged = issuers.judgeAgain(evidence);
  return judged.ok ? principalFrom(judged.value) : undefined;
}

/** One holder: the rights that the issuer's entry gives, and counters by who it is, whatever the token. */
function principalFrom({ id, label, scopes, models }: Workload): Principal {
  return { id, kind: 'workload', label, holders: [{ id, grant: { scopes, models } }] };
}

function verdictOf(refusal: TokenRefusal): Verdict {
  if (refusal.fault === 'keys_unavailable') return { kind: 'unknown', cause: new Error(refusal.reason) };
  return isOver(refusal) ? expired : unknownKey;
}

function isOver({ fault }: TokenRefusal): boolean {
  return fault === 'expired' || fault === 'too_old';
}
