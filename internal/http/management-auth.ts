import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Principal } from '../clients/principal.ts';
import type { Clock } from '../clock/clock.ts';
import type { ManagementRules } from './door-rules.ts';
import type { Peer } from './inbound.ts';
import type { PresentedToken } from './judge-clients.ts';
import { judgeManagedBy, type JudgeManaged, type KnownOver } from './managed-callers.ts';
import type { ManagementSecret } from './management-secret.ts';
import type { Throttle } from './throttle.ts';

export type ManagementVerdict =
  | { readonly kind: 'valid'; readonly by: 'secret' | 'local-password' }
  /** A credential that is no secret: what it may do is for the route to say. */
  | { readonly kind: 'managed'; readonly principal: Principal; readonly token: PresentedToken | undefined }
  /** Such a credential, whose time is over. */
  | ({ readonly kind: 'over' } & KnownOver)
  /** Two credentials of different callers. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'wrong' }
  /** Under throttle: a wrong key, or one that was not judged. */
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  /** Too many hashes wait over all peers; this key was not judged and does not count. */
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** The hash could not be computed, or the other credentials not be looked up. */
  | { readonly kind: 'broken'; readonly cause: unknown };

export interface ManagementAuth {
  /** Judges the values a request presented (at least one). Never rejects; waits ≤ 5 s for a throttled peer's turn. */
  readonly verify: (rules: ManagementRules, peer: Peer, presented: readonly string[]) => Promise<ManagementVerdict>;
}

export type VerifyBcrypt = (password: string, hash: string) => Promise<boolean>;

export interface ManagementAuthDeps {
  readonly clock: Clock;
  readonly throttle: Throttle;
  /** Ends all waits. */
  readonly signal?: AbortSignal;
  /** Credentials beside the secret. Asked first: they cost no hash, and one that is right proves nothing of the secret. */
  readonly judgeManaged?: JudgeManaged;
  /** For tests; by default the native library, loaded at its first use. */
  readonly verifyBcrypt?: VerifyBcrypt;
}

const maxBcryptBytes = 72;
const bcryptEveryMs = 100;
const longestBcryptWaitMs = 5_000;

type Match = { readonly kind: 'match'; readonly by: 'secret' | 'local-password' } | { readonly kind: 'none' } | { readonly kind: 'busy'; readonly retryAfterSeconds: number };

/** Checks management secrets: constant-time, throttled by peer, hashes off the event loop and at most ten a second in all. */
export function createManagementAuth(deps: ManagementAuthDeps): ManagementAuth {
  const { clock, throttle, signal } = deps;
  const verifyBcrypt = deps.verifyBcrypt ?? verifyNatively;
  const judgeManaged = deps.judgeManaged ?? judgeManagedBy([]);
  const processKey = randomBytes(32);
  const digest = (value: string): Buffer => createHmac('sha256', processKey).update(value).digest();
  const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
  // One key sent side by side (a page that loads) is judged once.
  const running = new Map<string, Promise<ManagementVerdict>>();
  let remembered: { readonly hash: string; readonly digest: Buffer } | undefined;
  let nextHashMs = 0;

  const matchHash = async (hash: string, value: string): Promise<Match> => {
    // bcrypt reads 72 bytes alone, so a longer value would match by its beginning (security rule 7).
    if (Buffer.byteLength(value) > maxBcryptBytes) return { kind: 'none' };
    const valueDigest = digest(value);
    if (remembered?.hash === hash && timingSafeEqual(remembered.digest, valueDigest)) return { kind: 'match', by: 'secret' };
    const nowMs = clock.nowMs();
    const startMs = Math.max(nowMs, nextHashMs);
    if (startMs - nowMs > longestBcryptWaitMs) return { kind: 'busy', retryAfterSeconds: Math.ceil((startMs - nowMs) / 1_000) };
    nextHashMs = startMs + bcryptEveryMs;
    if (startMs > nowMs) await clock.sleep(startMs - nowMs, signal);
    if (!(await verifyBcrypt(value, hash))) return { kind: 'none' };
    remembered = { hash, digest: valueDigest };
    return { kind: 'match', by: 'secret' };
  };

  const matchSecret = async (secret: ManagementSecret, value: string): Promise<Match> => {
    if (secret.kind === 'bcrypt') return matchHash(secret.hash.reveal(), value);
    return isEqual(secret.secret.reveal(), value) ? { kind: 'match', by: 'secret' } : { kind: 'none' };
  };

  const match = async (rules: ManagementRules, peer: Peer, presented: readonly string[]): Promise<Match> => {
    let outcome: Match = { kind: 'none' };
    for (const value of presented) {
      if (peer.isLocal && rules.localPassword !== undefined && isEqual(rules.localPassword.reveal(), value)) return { kind: 'match', by: 'local-password' };
      const judged: Match = rules.secret === undefined ? { kind: 'none' } : await matchSecret(rules.secret, value);
      if (judged.kind === 'match') return judged;
      if (judged.kind === 'busy') outcome = judged;
    }
    return outcome;
  };

  const judge = async (rules: ManagementRules, peer: Peer, presented: readonly string[]): Promise<ManagementVerdict> => {
    const turn = await throttle.enter(peer.throttleKey);
    if (turn.kind === 'refused') return { kind: 'throttled', retryAfterSeconds: turn.retryAfterSeconds };
    try {
      const managed = judgeManaged(presented, peer.address);
      if (managed.kind !== 'none') {
        // Two that are right, of different callers, are a guess that hit. A right one does not clear the peer: who holds such a
        // key could guess at the secret, or at other keys beside it, without end.
        const wrongs = managed.others.length + (managed.kind === 'conflict' ? 1 : 0);
        throttle.leave(peer.throttleKey, wrongs > 0 ? 'wrong' : 'void', wrongs);
        return managed.kind === 'valid' ? { kind: 'managed', principal: managed.principal, token: managed.token } : { kind: 'conflict' };
      }
      const { others, known, broken } = managed;
      const matched: Match = others.length === 0 ? { kind: 'none' } : await match(rules, peer, others);
      // What could not be looked up was tried as the secret, so it counts: else guessing were free while the store is broken.
      const isGuess = matched.kind === 'none' && others.length > 0;
      throttle.leave(peer.throttleKey, matched.kind === 'match' ? 'right' : isGuess ? 'wrong' : 'void', others.length);
      if (matched.kind === 'match') return { kind: 'valid', by: matched.by };
      if (matched.kind === 'busy') return matched;
      if (broken !== undefined) return { kind: 'broken', cause: broken.cause };
      if (known !== undefined && (!isGuess || turn.kind === 'free')) return { kind: 'over', ...known };
      return turn.kind === 'checked' ? { kind: 'throttled', retryAfterSeconds: throttle.retryAfterSeconds(peer.throttleKey) } : { kind: 'wrong' };
    } catch (cause) {
      throttle.leave(peer.throttleKey, 'void');
      return { kind: 'broken', cause };
    }
  };

  return {
    verify: (rules, peer, presented) => {
      const id = `${peer.throttleKey} ${String(peer.isLocal)} ${secretIdOf(rules)} ${digest(presented.join('\n')).toString('base64')}`;
      const shared = running.get(id);
      if (shared !== undefined) return shared;
      const verdict = judge(rules, peer, presented).finally(() => running.delete(id));
      running.set(id, verdict);
      return verdict;
    },
  };

  /** Tells requests under an old config from those under a new one. */
  function secretIdOf(rules: ManagementRules): string {
    const { secret } = rules;
    const value = secret === undefined ? '' : secret.kind === 'bcrypt' ? secret.hash.reveal() : secret.secret.reveal();
    return digest(`${value}\n${rules.localPassword?.reveal() ?? ''}`).toString('base64');
  }
}

async function verifyNatively(password: string, hash: string): Promise<boolean> {
  const { verify } = await import('@node-rs/bcrypt');
  return verify(password, hash);
}
