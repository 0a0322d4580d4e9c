import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.ts';

/** `checked`: under throttle, and this one may be judged; `refused`: answer without judging. */
export type Turn = { readonly kind: 'free' | 'checked' } | { readonly kind: 'refused'; readonly retryAfterSeconds: number };

/** Slows guessing by peer (security rule 6). Keys are `Peer.throttleKey`. */
export interface Throttle {
  /** A turn now, or none: at most one a second for a peer under throttle. */
  readonly tryEnter: (peer: string) => Turn;
  /** Waits for a turn, at most 5 s, behind at most four others. Every turn that is not refused ends with `leave`. */
  readonly enter: (peer: string) => Promise<Turn>;
  /** Ends a turn of `enter` or `tryEnter`: a wrong key counts, a right one clears the peer, `void` says nothing of it. */
  readonly leave: (peer: string, outcome: 'right' | 'wrong' | 'void') => void;
  /** Seconds until the peer's next turn, at least 1. */
  readonly retryAfterSeconds: (peer: string) => number;
  /** Peers remembered now. */
  readonly size: () => number;
}

const failuresAllowed = 5;
const windowMs = 15 * 60_000;
const turnEveryMs = 1_000;
const queueLength = 5;
const maxPeers = 10_000;

interface PeerState {
  /** Newest last, at most `failuresAllowed`. */
  readonly failedAtMs: number[];
  /** Turns taken and not yet ended: guesses sent side by side count before they are judged. */
  running: number;
  waiting: number;
  nextTurnMs: number;
}

/** `signal` ends all waits: it is the daemon's life. */
export function createThrottle(deps: { readonly clock: Clock; readonly signal?: AbortSignal }): Throttle {
  const { clock, signal } = deps;
  const peers = new LRUCache<string, PeerState>({ max: maxPeers });

  const stateOf = (peer: string): PeerState => {
    const known = peers.get(peer);
    if (known !== undefined) return known;
    const fresh: PeerState = { failedAtMs: [], running: 0, waiting: 0, nextTurnMs: 0 };
    peers.set(peer, fresh);
    return fresh;
  };

  const isThrottled = (state: PeerState): boolean => {
    const sinceMs = clock.nowMs() - windowMs;
    while ((state.failedAtMs[0] ?? Infinity) <= sinceMs) state.failedAtMs.shift();
    return state.failedAtMs.length + state.running >= failuresAllowed;
  };

  const refuse = (state: PeerState): Turn => ({ kind: 'refused', retryAfterSeconds: secondsUntil(state.nextTurnMs, clock.nowMs()) });

  const tryEnter = (peer: string): Turn => {
    const state = stateOf(peer);
    if (!isThrottled(state)) {
      state.running += 1;
      return { kind: 'free' };
    }
    const nowMs = clock.nowMs();
    if (nowMs < state.nextTurnMs) return refuse(state);
    state.nextTurnMs = nowMs + turnEveryMs;
    state.running += 1;
    return { kind: 'checked' };
  };

  return {
    tryEnter,
    enter: async (peer) => {
      const turn = tryEnter(peer);
      if (turn.kind !== 'refused') return turn;
      const state = stateOf(peer);
      if (state.waiting >= queueLength) return turn;
      const turnMs = state.nextTurnMs;
      state.nextTurnMs = turnMs + turnEveryMs;
      state.waiting += 1;
      try {
        await clock.sleep(turnMs - clock.nowMs(), signal);
      } catch {
        return { kind: 'refused', retryAfterSeconds: 1 };
      } finally {
        state.waiting -= 1;
      }
      state.running += 1;
      return { kind: 'checked' };
    },
    leave: (peer, outcome) => {
      const state = stateOf(peer);
      state.running = Math.max(0, state.running - 1);
      if (outcome === 'right') state.failedAtMs.length = 0;
      if (outcome !== 'wrong') {
        if (state.failedAtMs.length === 0 && state.running === 0 && state.waiting === 0) peers.delete(peer);
        return;
      }
      state.failedAtMs.push(clock.nowMs());
      if (state.failedAtMs.length > failuresAllowed) state.failedAtMs.shift();
    },
    retryAfterSeconds: (peer) => secondsUntil(peers.peek(peer)?.nextTurnMs ?? 0, clock.nowMs()),
    size: () => peers.size,
  };
}

function secondsUntil(thenMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((thenMs - nowMs) / 1_000));
}
