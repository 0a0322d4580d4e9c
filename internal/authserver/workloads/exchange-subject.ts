import type { Scope } from '../../clients/grant.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { Workload } from './judge-workload.ts';
import type { ReplayMemory } from './replay-memory.ts';
import { readToken, type TrustedIssuers, type VerifiedWorkload } from './trusted-issuers.ts';

/** The parameters of RFC 8693 §2.1 that decide here; `undefined` for those that were not sent. */
export interface ExchangeRequest {
  readonly subjectToken: string | undefined;
  readonly subjectTokenType: string | undefined;
  readonly actorToken: string | undefined;
  readonly requestedTokenType: string | undefined;
  readonly scope: string | undefined;
}

/** What a token in exchange may be. */
export interface ExchangeGrant {
  readonly workload: Workload;
  /** What the issuer's entry gives and the request asks for; never empty. */
  readonly scopes: readonly Scope[];
  /** It ends no later than the subject's token counts. */
  readonly expiresAtMs: number;
  readonly issuer: string;
  /** What the token in exchange says of it, so that it is judged by the rules of the day at each use (security rule 34). */
  readonly subject: Pick<VerifiedWorkload, 'claims' | 'algorithm'>;
}

/** As RFC 6749 §5.2 and RFC 8693 §2.2.2 have it; `temporarily_unavailable` is a 503 with `Retry-After`. */
export interface ExchangeError {
  readonly error: 'invalid_request' | 'invalid_scope' | 'temporarily_unavailable';
  /** Plain ASCII without quotes, nothing of the token. */
  readonly description: string;
}

export interface ExchangeDeps {
  readonly issuers: Pick<TrustedIssuers, 'verify'>;
  readonly replays: ReplayMemory;
}

const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** `typ` of the tokens that each type of subject may be; many issuers say none, or JWT, for all of theirs. */
const typesOf: ReadonlyMap<string, readonly string[]> = new Map([
  [jwtType, ['jwt', '', 'at+jwt']],
  [idTokenType, ['jwt', '']],
  [accessTokenType, ['at+jwt', 'jwt', '']],
]);

/**
 * Judges the subject of a token exchange. Each token is taken once, and only when all else is right. Where keys are being fetched
 * the answer is `temporarily_unavailable`: wait for `TrustedIssuers.settled` once and ask again, if you like.
 */
export function exchangeSubject(request: ExchangeRequest, { issuers, replays }: ExchangeDeps): Result<ExchangeGrant, ExchangeError> {
  const { subjectToken, subjectTokenType = '' } = request;
  if (subjectToken === undefined || subjectToken === '') return refuse('subject_token is missing');
  const types = typesOf.get(subjectTokenType);
  if (types === undefined) return refuse('subject_token_type must be that of a jwt, id_token or access_token (urn:ietf:params:oauth:token-type:...)');
  // Security rule 33: nobody acts for a workload.
  if (request.actorToken !== undefined) return refuse('actor_token is not taken here');
  if ((request.requestedTokenType ?? accessTokenType) !== accessTokenType) return refuse('requested_token_type must be that of an access_token, or be left out');

  const jwt = readToken(subjectToken);
  const verified = jwt.ok ? issuers.verify(jwt.value, types) : jwt;
  if (!verified.ok) return err({ error: verified.error.fault === 'keys_unavailable' ? 'temporarily_unavailable' : 'invalid_request', description: `subject_token is not taken: ${verified.error.reason}` });

  const { workload } = verified.value;
  const scopes = askedFor(workload.scopes, request.scope);
  if (scopes.length === 0) return err({ error: 'invalid_scope', description: 'none of the scopes asked for is one that this workload has' });
  const replay = useOnce(replays, verified.value);
  return replay ?? ok({ workload, scopes, expiresAtMs: workload.expiresAtMs, issuer: workload.issuer, subject: { claims: verified.value.claims, algorithm: verified.value.algorithm } });
}

function askedFor(scopes: readonly Scope[], scope: string | undefined): readonly Scope[] {
  const asked = (scope ?? '').split(' ').filter((each) => each !== '');
  return asked.length === 0 ? scopes : scopes.filter((each) => asked.includes(each));
}

function useOnce(replays: ReplayMemory, { claims, signingInput, workload }: VerifiedWorkload): Result<never, ExchangeError> | undefined {
  const { jti, exp } = claims;
  // Without an id the text stands for itself, the signature aside: ECDSA lets anybody turn one that is right into another.
  const id = sha256Hex(typeof jti === 'string' ? `jti\n${workload.issuer}\n${jti}` : `text\n${signingInput}`);
  const outcome = tryOnce(() => replays.useOnce(id, typeof exp === 'number' ? exp * 1_000 : workload.expiresAtMs));
  switch (outcome) {
    case 'first':
      return undefined;
    case 'again':
      return refuse('subject_token was exchanged before; each is taken once');
    case 'full':
      return err({ error: 'temporarily_unavailable', description: 'it cannot be noted at the moment that subject_token is used' });
  }
}

function tryOnce(use: () => 'first' | 'again' | 'full'): 'first' | 'again' | 'full' {
  try {
    return use();
  } catch {
    return 'full';
  }
}

function refuse(description: string): Result<never, ExchangeError> {
  return err({ error: 'invalid_request', description });
}
