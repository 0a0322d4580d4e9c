import { LRUCache } from 'lru-cache';
import type { Principal } from '../clients/principal.ts';
import { verifyClientKey, type CredentialSource, type TokenBinding } from '../clients/verify.ts';
import { AppError } from '../fault/app-error.ts';
import type { FaultCode } from '../fault/codes.ts';
import { sha256Hex } from '../secret/digest.ts';
import { collectCredentials, type Presented } from './carriers.ts';
import type { Caller } from './door.ts';
import type { Throttle } from './throttle.ts';

/** What the presented credentials came to. */
export interface Judged {
  readonly principal: Principal | undefined;
  /** A valid one came in a header. */
  readonly isInHeader: boolean;
  readonly error: AppError | undefined;
  /** The access token that decided, where it was one. */
  readonly token?: PresentedToken | undefined;
  /** Whose credential it was that is over, where one was. */
  readonly actor?: string | undefined;
}

/** An access token with what its bearer must prove. */
export interface PresentedToken extends TokenBinding {
  readonly value: string;
}

/** Values that are remembered. */
const maxKnown = 10_000;

export interface ClientJudgeDeps {
  /** Beside the config's keys. */
  readonly sources: readonly CredentialSource[];
  readonly throttle: Throttle;
  readonly knownGood: KnownGood;
}

/**
 * Digests of values that were right, each by itself, from a peer that is not local; bounded. Who was let in before is not kept out
 * by a neighbour behind the same address who guesses (users-pains #20).
 */
export type KnownGood = LRUCache<string, true>;

export function createKnownGood(): KnownGood {
  return new LRUCache({ max: maxKnown });
}

export const nothingPresented: Judged = { principal: undefined, isInHeader: false, error: undefined };
export const storeRetrySeconds = '5';

interface AllJudged extends Judged {
  /** Values that are right, each by itself. */
  readonly right: readonly string[];
  /** Values that no source knows: guesses, for all that can be told. */
  readonly unknown: readonly string[];
}

/**
 * Judges what a request presented to the client routes. Of peers that are not local each guess counts, one that stands beside a
 * right key too: else whoever has a key could ask about others without end (security rule 6).
 */
export function createClientJudge({ sources: moreSources, throttle, knownGood }: ClientJudgeDeps): (caller: Caller) => Judged {
  // A stale key of another vendor that a client sends beside its right one, always the same, is one guess and not one a request.
  const counted = new LRUCache<string, true>({ max: maxKnown });

  return (caller) => {
    const { rules, peer } = caller;
    const presented = collectCredentials(caller.headers, caller.target.query, caller.isUpgrade);
    if (presented.length === 0) return nothingPresented;
    const sources = moreSources.length === 0 ? [rules.staticKeys] : [rules.staticKeys, ...moreSources];
    if (peer.isLocal || caller.isReadmission === true) return judgeAll(sources, presented, peer.address);
    const digests = presented.map(({ value }) => sha256Hex(value));
    // Nothing is learnt here of a value that was not judged before, so it costs no turn.
    if (digests.some((digest) => knownGood.has(digest)) && digests.every((digest) => knownGood.has(digest) || counted.has(`${peer.throttleKey} ${digest}`))) {
      const judged = judgeAll(sources, presented, peer.address);
      if (judged.principal !== undefined) return judged;
      for (const { value } of presented) if (!judged.right.includes(value)) knownGood.delete(sha256Hex(value));
    }
    const turn = throttle.tryEnter(peer.throttleKey);
    if (turn.kind === 'refused') return { ...nothingPresented, error: tooMany(turn.retryAfterSeconds) };
    const judged = judgeAll(sources, presented, peer.address);
    for (const value of judged.right) knownGood.set(sha256Hex(value), true);
    if (judged.right.length === 0) {
      const isWrong = judged.error?.status === 401;
      throttle.leave(peer.throttleKey, isWrong ? 'wrong' : 'void', Math.max(judged.unknown.length, 1));
      return isWrong && turn.kind === 'checked' ? { ...judged, error: tooMany(throttle.retryAfterSeconds(peer.throttleKey)) } : judged;
    }
    const guesses = judged.unknown.map((value) => `${peer.throttleKey} ${sha256Hex(value)}`).filter((guess) => !counted.has(guess));
    for (const guess of guesses) counted.set(guess, true);
    // Two that are right, of different callers, are a guess that hit.
    const wrongs = guesses.length + (judged.principal === undefined ? 1 : 0);
    throttle.leave(peer.throttleKey, wrongs > 0 ? 'wrong' : judged.right.length === presented.length ? 'right' : 'void', wrongs);
    return judged;
  };
}

function judgeAll(sources: readonly CredentialSource[], presented: readonly Presented[], from: string): AllJudged {
  let principal: Principal | undefined;
  let isInHeader = false;
  let isConflict = false;
  let code: FaultCode = 'invalid_api_key';
  let actor: string | undefined;
  let token: PresentedToken | undefined;
  let broken: { readonly cause: unknown } | undefined;
  const right: string[] = [];
  const unknown: string[] = [];
  for (const { value, isInHeader: isByHeader } of presented) {
    const verdict = verifyClientKey(sources, value, from);
    // Addresses end up in logs and histories: a token there is none (security rule 10).
    if (verdict.kind === 'valid' && verdict.token !== undefined && !isByHeader) unknown.push(value);
    else if (verdict.kind === 'valid') {
      if (verdict.token !== undefined) token = { ...verdict.token, value };
      isConflict ||= principal !== undefined && principal.id !== verdict.principal.id;
      principal = verdict.principal;
      isInHeader ||= isByHeader;
      right.push(value);
    } else if (verdict.kind === 'unknown') broken = verdict;
    else if (verdict.code === 'invalid_api_key') unknown.push(value);
    else {
      ({ code } = verdict);
      actor = verdict.principalId;
    }
  }
  if (isConflict) return { principal: undefined, isInHeader, error: new AppError('conflicting_credentials'), right, unknown };
  if (principal !== undefined) return { principal, isInHeader, error: undefined, token, right, unknown };
  if (broken !== undefined) return { principal, isInHeader, error: new AppError('auth_unavailable', { cause: broken.cause, headers: { 'retry-after': storeRetrySeconds } }), right, unknown };
  return { principal, isInHeader, error: new AppError(code), actor, right, unknown };
}

export function tooMany(retryAfterSeconds: number): AppError {
  return new AppError('too_many_failures', { headers: { 'retry-after': String(retryAfterSeconds) } });
}
