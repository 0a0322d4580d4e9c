import type { Clock } from '../../clock/clock.ts';
import type { Config } from '../../config/schema.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { JsonRecord } from '../../upstreamauth/json-record.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import { openIssuerKeys, type IssuerKeys, type IssuerKeysState } from './issuer-keys.ts';
import { judgeWorkload, notTrusted, ownToken, type Workload, type WorkloadFault } from './judge-workload.ts';
import { jwtFaultTexts, readJwt, verifyJwt, type Jwt, type JwtAlgorithm, type JwtFault } from '../../clients/jwt/read-jwt.ts';
import { compileTrust, type Trust } from './trusted-issuer.ts';

/** A token that was verified, and whose it is. */
export interface VerifiedWorkload {
  readonly workload: Workload;
  readonly claims: JsonRecord;
  readonly algorithm: JwtAlgorithm;
  /** Without the signature, of which there may be several for the same text. */
  readonly signingInput: string;
  /** Of the issuer's keys; another one now means that the signature has to be checked again. */
  readonly keysRevision: number;
}

export interface TokenRefusal {
  readonly fault: JwtFault | WorkloadFault;
  /** Plain ASCII without quotes, nothing of the token. */
  readonly reason: string;
}

/** The issuers whose workloads may come in, with their keys at hand. */
export interface TrustedIssuers {
  /** A valid config, at the start and at each reload; `ownIssuer` is `<public-url>/oauth`. True when another word than before may be said of a token. */
  readonly apply: (config: Pick<Config, 'identity'>, ownIssuer: string) => boolean;
  /** By what a token says of itself, unverified. */
  readonly trusts: (issuer: unknown) => boolean;
  /** Verifies and judges a token. `types`: of `Jwt.type`. Synchronous. */
  readonly verify: (jwt: Jwt, types: readonly string[]) => Result<VerifiedWorkload, TokenRefusal>;
  /** Judges claims that were verified before by the rules of now. */
  readonly judgeAgain: (verified: Pick<VerifiedWorkload, 'claims' | 'algorithm'>) => Result<Workload, TokenRefusal>;
  /** Undefined where the issuer is not trusted. */
  readonly keysRevision: (issuer: string) => number | undefined;
  /** Resolves when no keys of the issuer are being fetched; never rejects. */
  readonly settled: (issuer: unknown) => Promise<void>;
  readonly states: () => readonly (IssuerKeysState & { readonly issuer: string })[];
  readonly close: () => void;
}

export interface TrustedIssuersDeps {
  readonly http: Pick<OAuthHttp, 'send'>;
  /** As `Dispatchers.find` takes it. */
  readonly proxyUrl: () => string;
  readonly clock: Clock;
  /** The keys of an issuer cannot be had, or (undefined) can again. */
  readonly onProblem: (issuer: string, problem: string | undefined) => void;
}

interface Keeping {
  readonly jwksUrl: string;
  readonly keys: IssuerKeys;
}

/** Trusts nobody until `apply`; from then on keys are fetched ahead of need. */
export function createTrustedIssuers(deps: TrustedIssuersDeps): TrustedIssuers {
  const { clock } = deps;
  const kept = new Map<string, Keeping>();
  let trust: Trust = { issuers: new Map(), ownIssuer: '', signIn: undefined };
  let print = '';

  const keepKeys = (): void => {
    for (const [issuer, { jwksUrl, keys }] of kept) {
      if (trust.issuers.get(issuer)?.jwksUrl === jwksUrl) continue;
      keys.close();
      kept.delete(issuer);
    }
    for (const { issuer, jwksUrl } of trust.issuers.values()) {
      if (!kept.has(issuer)) kept.set(issuer, { jwksUrl, keys: openIssuerKeys({ ...deps, issuer, jwksUrl, onProblem: (problem) => deps.onProblem(issuer, problem) }) });
    }
  };

  return {
    apply: (config, ownIssuer) => {
      const printed = printOf(config, ownIssuer);
      if (printed === print) return false;
      print = printed;
      trust = compileTrust(config, ownIssuer);
      keepKeys();
      return true;
    },
    trusts: (issuer) => typeof issuer === 'string' && trust.issuers.has(issuer),
    verify: (jwt, types) => {
      const { iss } = jwt.claims;
      const issuer = typeof iss === 'string' ? trust.issuers.get(iss) : undefined;
      const keys = issuer === undefined ? undefined : kept.get(issuer.issuer)?.keys;
      if (issuer === undefined || keys === undefined) return err(iss === trust.ownIssuer ? ownToken : notTrusted);
      const verified = verifyJwt(jwt, { algorithms: issuer.algorithms, types }, keys.find);
      if (!verified.ok) return err({ fault: verified.error, reason: jwtFaultTexts[verified.error] });
      const judged = judgeWorkload(trust, verified.value, jwt.algorithm, clock.nowMs());
      if (!judged.ok) return judged;
      return ok({ workload: judged.value, claims: verified.value, algorithm: jwt.algorithm, signingInput: jwt.signingInput, keysRevision: keys.revision() });
    },
    judgeAgain: ({ claims, algorithm }) => judgeWorkload(trust, claims, algorithm, clock.nowMs()),
    keysRevision: (issuer) => kept.get(issuer)?.keys.revision(),
    settled: (issuer) => (typeof issuer === 'string' ? kept.get(issuer)?.keys.settled() : undefined) ?? Promise.resolve(),
    states: () => [...kept].map(([issuer, { keys }]) => ({ issuer, ...keys.state() })),
    close: () => {
      for (const { keys } of kept.values()) keys.close();
      kept.clear();
      trust = { ...trust, issuers: new Map() };
      print = '';
    },
  };
}

/** A token as text; faults of its form as refusals. */
export function readToken(token: string): Result<Jwt, TokenRefusal> {
  const read = readJwt(token);
  return read.ok ? read : err({ fault: read.error, reason: jwtFaultTexts[read.error] });
}

function printOf({ identity }: Pick<Config, 'identity'>, ownIssuer: string): string {
  return JSON.stringify([identity['trusted-issuers'], identity.organization, identity.oidc.issuer, identity.oidc['client-id'], ownIssuer]);
}
