import type { IncomingHttpHeaders } from 'node:http';
import { anonymous, anonymousOnSocket, localOperator, root, type Principal } from '../clients/principal.ts';
import type { CredentialSource } from '../clients/verify.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { FaultCode } from '../fault/codes.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { collectManagementKeys, isSentAsDpop, usesDpop } from './carriers.ts';
import type { DoorRules } from './door-rules.ts';
import type { CheckProof } from './dpop-proof.ts';
import { challengeForProof } from './fault-wire.ts';
import { refuseByGrant, refuseManagement } from './grant-check.ts';
import { corsHeaders, isOriginServed, isWindowNavigation, preflightHeaders, readWebFacts, refuseForeignPage, type OriginScope, type WebFacts } from './host-origin.ts';
import type { Access, Peer, Target } from './inbound.ts';
import { sha256Hex } from '../secret/digest.ts';
import { createClientJudge, createKnownGood, nothingPresented, storeRetrySeconds, tooMany, type PresentedToken } from './judge-clients.ts';
import { judgeManagedBy } from './managed-callers.ts';
import { createManagementAuth, type ManagementVerdict, type VerifyBcrypt } from './management-auth.ts';
import { createThrottle } from './throttle.ts';

/** A request whose target is parsed and whose route is found. */
export interface Caller {
  /** Of the matched route. Paths that match none are asked for as `open`, or `management` below /v0/management. */
  readonly access: Access;
  readonly isUpgrade: boolean;
  /** It was let in with these very credentials and is asked about again: no guess, so no throttle holds it up or counts it. */
  readonly isReadmission?: boolean;
  readonly method: string;
  readonly target: Target;
  readonly headers: IncomingHttpHeaders;
  readonly peer: Peer;
  readonly rules: DoorRules;
  readonly requestId: string;
}

export interface Admission {
  readonly principal: Principal;
  /** To be added to the answer, whatever it is. Errors of the door carry theirs already. */
  readonly corsHeaders: Readonly<Record<string, string>>;
}

export type Decision = Result<Admission, AppError>;

/** One refusal, for audit and metrics. Holds no credential. */
export interface Refusal {
  readonly access: Access['kind'];
  readonly code: FaultCode;
  readonly status: number;
  /** Id of the principal, where the credential is known: its grant was not enough, or its time is over. */
  readonly actor?: string;
  /** `Peer.address`. */
  readonly from: string;
  readonly requestId: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/** The one way in, for requests and upgrades alike. */
export interface Door {
  /**
   * Order (clarification 8): credential, Host and Origin, then who may. Synchronous for `open` and `client` and for what
   * is decided without a secret; a promise, which never rejects, only where a management key must be judged.
   */
  readonly admit: (caller: Caller) => Decision | Promise<Decision>;
  /** `admit` for routes whose access is `open` or `client`. */
  readonly admitClient: (caller: Caller) => Decision;
  /** Credentials beside the config's keys exist: what is judged by the same rules may change all the same. */
  readonly hasOtherSources: boolean;
  /** The answer to `OPTIONS` (204): `Allow`, and on client routes CORS for served Origins. No key is asked. */
  readonly answerOptions: (caller: Caller, allow: string) => Result<Readonly<Record<string, string>>, AppError>;
}

export interface DoorDeps {
  readonly clock: Clock;
  /** Called once for every refusal; must not throw. */
  readonly onRefused: (refusal: Refusal) => void;
  /** Client credentials beside the config's keys. */
  readonly sources?: readonly CredentialSource[];
  /** Proofs of tokens that are bound to a key; absent where no such tokens are issued. */
  readonly checkProof?: CheckProof | undefined;
  /** Ends all waits: the daemon's life. */
  readonly signal?: AbortSignal;
  readonly verifyBcrypt?: VerifyBcrypt;
}

/** True when no management secret of any kind is configured: then every path below /v0/management is 404, before all else. */
export function isManagementHidden(rules: DoorRules): boolean {
  return rules.management.secret === undefined && rules.management.localPassword === undefined;
}

export function createDoor(deps: DoorDeps): Door {
  const lifetime = deps.signal === undefined ? {} : { signal: deps.signal };
  const moreSources = deps.sources ?? [];
  const judgeManaged = judgeManagedBy(moreSources);
  const knownGood = createKnownGood();
  const judgeClient = createClientJudge({ sources: moreSources, throttle: createThrottle({ clock: deps.clock, ...lifetime }), knownGood });
  const managementAuth = createManagementAuth({
    clock: deps.clock,
    throttle: createThrottle({ clock: deps.clock, ...lifetime }),
    ...lifetime,
    judgeManaged,
    ...(deps.verifyBcrypt === undefined ? {} : { verifyBcrypt: deps.verifyBcrypt }),
  });
  const refuse = (caller: Caller, error: AppError, actor?: string): Decision => {
    deps.onRefused({
      access: caller.access.kind,
      code: error.code,
      status: error.status,
      from: caller.peer.address,
      requestId: caller.requestId,
      method: caller.method,
      path: caller.target.path,
      ...(actor === undefined ? {} : { actor }),
    });
    // Whoever came by proof is asked for one again, whatever was wrong.
    return err(error.status === 401 && usesDpop(caller.headers) ? withHeaders(error, { 'www-authenticate': challengeForProof(error) }) : error);
  };

  /** A bound token counts from the holder of its key alone, and as nothing less than bound (RFC 9449 §7.1, §7.2). */
  const refuseUnproven = (caller: Caller, token: PresentedToken | undefined): AppError | undefined => {
    if (token === undefined || caller.isReadmission === true) return undefined;
    const isDpop = isSentAsDpop(caller.headers, token.value);
    if (token.thumbprint === undefined) return isDpop ? unproven('the token is bound to no key; send it as `Authorization: Bearer`') : undefined;
    if (!isDpop || deps.checkProof === undefined) return unproven('the token is bound to a key and was not sent as `Authorization: DPoP` with a proof');
    const { method, target, headers } = caller;
    const why = deps.checkProof({ proof: headers['dpop'], method, path: target.path, accessToken: token.value, thumbprint: token.thumbprint });
    return why === undefined ? undefined : unproven(why);
  };

  const admitOpen = (caller: Caller): Decision => {
    const facts = readWebFacts(caller.rules.web, caller.headers);
    const isWelcomeWindow = caller.access.kind === 'open' && caller.access.fromOtherSites === 'navigation' && isWindowNavigation(caller.method, caller.headers);
    const refusal = refuseForeignPage(isWelcomeWindow ? { ...facts, isCrossSite: false } : facts, caller.headers, 'own-only', false);
    // Only what looks like a foreign page must show a key here.
    if (refusal !== undefined && (caller.rules.isOpen || !judgeClient(caller).isInHeader)) return refuse(caller, refusal);
    return ok({ principal: anonymous, corsHeaders: {} });
  };

  const admitToApi = (caller: Caller): Decision => {
    const { rules, peer } = caller;
    const facts = readWebFacts(rules.web, caller.headers);
    const scope: OriginScope = rules.isOpen ? 'listed' : 'listed-and-wildcards';
    const judged = rules.isOpen ? nothingPresented : judgeClient(caller);
    const cors = corsHeaders(facts, caller.headers, scope);
    const refuseShown = (error: AppError, actor?: string): Decision => refuse(caller, withHeaders(error, cors), actor);

    const foreign = refuseForeignPage(facts, caller.headers, scope, judged.isInHeader);
    if (foreign !== undefined) return refuse(caller, foreign);
    if (judged.principal !== undefined) {
      const limit = refuseUnproven(caller, judged.token) ?? refuseByGrant(judged.principal, peer, caller.access.kind === 'client' ? caller.access.scope : undefined);
      return limit === undefined ? ok({ principal: judged.principal, corsHeaders: cors }) : refuseShown(limit, judged.principal.id);
    }
    const nobody = caller.isUpgrade ? anonymousOnSocket : anonymous;
    if (rules.isOpen) return peer.isLocal || rules.opensToRemote ? ok({ principal: nobody, corsHeaders: cors }) : refuseShown(new AppError('local_only'));
    if (judged.error?.code === 'conflicting_credentials') return refuseShown(judged.error);
    if (caller.isUpgrade && !rules.upgradesNeedKey && (peer.isLocal || rules.opensUpgradesToRemote)) {
      // No key is asked here, so wildcard origins do not count (security rules 4 and 8).
      return isOriginServed(facts, 'listed') ? ok({ principal: nobody, corsHeaders: cors }) : refuse(caller, new AppError('origin_not_allowed'));
    }
    return refuseShown(judged.error ?? new AppError('missing_api_key'), judged.actor);
  };

  const admitClient = (caller: Caller): Decision => (caller.access.kind === 'client' ? admitToApi(caller) : admitOpen(caller));

  const admitToManagement = (caller: Caller): Decision | Promise<Decision> => {
    const { rules, peer, headers } = caller;
    if (peer.isControlSocket) return ok({ principal: root, corsHeaders: {} });
    if (isManagementHidden(rules)) return refuse(caller, new AppError('not_found'));
    const facts = readWebFacts(rules.web, headers);
    // No credential excuses another page's Origin here.
    if (!isOriginServed(facts, 'own-only')) return refuse(caller, originRefusal(facts, caller));
    const foreign = refuseForeignPage(facts, headers, 'own-only', false);
    // A key of a peer that may not come in at all is not judged: the answer would tell whether it is right.
    if (!peer.isLocal && !rules.management.allowsRemote) return refuse(caller, foreign ?? new AppError('remote_management_disabled'));
    const presented = collectManagementKeys(headers);
    if (presented.length === 0) return refuse(caller, foreign ?? new AppError('missing_management_key'));
    // Who was let in before waits behind nobody's guesses, and costs no turn.
    const again = presented.every((value) => knownGood.has(sha256Hex(value))) ? judgeManaged(presented, peer.address) : undefined;
    if (again?.kind === 'valid') return admitManager(caller, again.principal, again.token);
    return managementAuth.verify(rules.management, peer, presented).then((verdict) => {
      if (verdict.kind === 'managed') {
        for (const value of presented) if (judgeManaged([value], peer.address).kind === 'valid') knownGood.set(sha256Hex(value), true);
        return admitManager(caller, verdict.principal, verdict.token);
      }
      if (verdict.kind === 'valid') return ok({ principal: verdict.by === 'secret' ? root : localOperator, corsHeaders: {} });
      return refuse(caller, foreign ?? managementRefusal(verdict), verdict.kind === 'over' ? verdict.principalId : undefined);
    });
  };

  const admitManager = (caller: Caller, principal: Principal, token: PresentedToken | undefined): Decision => {
    const { access, peer } = caller;
    const limit = refuseUnproven(caller, token) ?? refuseManagement(principal, peer, access.kind === 'management' || access.kind === 'metrics' ? access.scope : undefined);
    return limit === undefined ? ok({ principal, corsHeaders: {} }) : refuse(caller, limit, principal.id);
  };

  const originRefusal = (facts: WebFacts, caller: Caller): AppError =>
    (facts.host === 'foreign' ? refuseForeignPage(facts, caller.headers, 'own-only', false) : undefined) ?? new AppError('origin_not_allowed');

  return {
    admitClient,
    hasOtherSources: moreSources.length > 0,
    admit: (caller) => {
      switch (caller.access.kind) {
        case 'open':
        case 'client':
          return admitClient(caller);
        case 'management':
          return admitToManagement(caller);
        case 'metrics':
          return caller.rules.isMetricsOpen && caller.peer.isLocal ? admitOpen(caller) : admitToManagement(caller);
      }
    },
    answerOptions: (caller, allow) => {
      const { access, rules, headers } = caller;
      const report = (error: AppError): Result<never, AppError> => {
        refuse(caller, error);
        return err(error);
      };
      const isManagement = access.kind === 'management' || access.kind === 'metrics';
      if (isManagement && isManagementHidden(rules) && !caller.peer.isControlSocket) return report(new AppError('not_found'));
      const scope: OriginScope = access.kind !== 'client' ? 'own-only' : rules.isOpen ? 'listed' : 'listed-and-wildcards';
      const facts = readWebFacts(rules.web, headers);
      const foreign = refuseForeignPage(facts, headers, scope, false);
      if (foreign !== undefined) return report(foreign);
      const cors = corsHeaders(facts, headers, scope);
      const isServedPage = facts.origin === 'listed' || facts.origin === 'wildcard';
      return ok(isServedPage ? { allow, ...cors, ...preflightHeaders(headers, allow) } : { allow });
    },
  };
}

function unproven(why: string): AppError {
  return new AppError('invalid_dpop_proof', { message: `The access token is not proven to come from its holder: ${why}.` });
}

function managementRefusal(verdict: Exclude<ManagementVerdict, { readonly kind: 'valid' | 'managed' }>): AppError {
  switch (verdict.kind) {
    case 'over':
      return new AppError(verdict.code);
    case 'conflict':
      return new AppError('conflicting_credentials');
    case 'wrong':
      return new AppError('invalid_management_key');
    case 'throttled':
      return tooMany(verdict.retryAfterSeconds);
    case 'busy':
      return new AppError('overloaded', { message: 'Too many management keys are being checked right now.', headers: { 'retry-after': String(verdict.retryAfterSeconds) } });
    case 'broken':
      return new AppError('auth_unavailable', { cause: verdict.cause, headers: { 'retry-after': storeRetrySeconds } });
  }
}

function withHeaders(error: AppError, headers: Readonly<Record<string, string>>): AppError {
  if (Object.keys(headers).length === 0) return error;
  return new AppError(error.code, { message: error.message, fields: error.fields, headers: { ...error.headers, ...headers }, cause: error.cause });
}
