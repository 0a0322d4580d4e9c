import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.ts';

/** `checked`: under throttle, and this one may be judged; `refused`: answer without judging. */
export type Turn = { readonly kind: 'free' | 'checked' } | { readonly kind: 'refused'; readonly retryAfterSeconds: number };

/** Slows guessing by peer (security rule 6). Keys are `Peer.throttleKey`. */
export interface Throttle {
  /** A turn now, or none: at most one a second for a peer under throttle. For keys judged synchronously: nothing is reserved. */
  readonly tryEnter: (peer: string) => Turn;
  /** Waits for a turn, at most 5 s, behind at most four others. The guess counts until `leave` ends it. */
  readonly enter: (peer: string) => Promise<Turn>;
  /** Ends a turn that was not refused: wrong keys count (`wrongs`, 1 where it is absent), a right one clears the peer, `void` says nothing of it. */
  readonly leave: (peer: string, outcome: 'right' | 'wrong' | 'void', wrongs?: number) => void;
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
const free: Turn = { kind: 'free' };

interface PeerState {
  /** Newest last, at most `failuresAllowed`. */
  readonly failedAtMs: number[];
  /** Turns of `enter` not yet ended: guesses sent side by side count before they are judged. */
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

  const takeTurn = (state: PeerState): Turn => {
    const nowMs = clock.nowMs();
    if (nowMs < state.nextTurnMs) return refuse(state);
    state.nextTurnMs = nowMs + turnEveryMs;
    return { kind: 'checked' };
  };

  const waitForTurn = async (state: PeerState): Promise<Turn> => {
    const turn = takeTurn(state);
    if (turn.kind !== 'refused' || state.waiting >= queueLength) return turn;
    const turnMs = state.nextTurnMs;
    state.nextTurnMs = turnMs + turnEveryMs;
    state.waiting += 1;
    try {
      await clock.sleep(turnMs - clock.nowMs(), signal);
      return { kind: 'checked' };
    } catch {
      return { kind: 'refused', retryAfterSeconds: 1 };
    } finally {
      state.waiting -= 1;
    }
  };

  return {
    tryEnter: (peer) => {
      // Peers that did nothing wrong leave no trace: this runs on every exchange of a remote client.
      const state = peers.get(peer);
      return state === undefined || !isThrottled(state) ? free : takeTurn(state);
    },
    enter: async (peer) => {
      const state = stateOf(peer);
      const turn: Turn = isThrottled(state) ? await waitForTurn(state) : free;
      if (turn.kind !== 'refused') state.running += 1;
      return turn;
    },
    leave: (peer, outcome, wrongs = 1) => {
      const state = outcome === 'wrong' ? stateOf(peer) : peers.get(peer);
      if (state === undefined) return;
      state.running = Math.max(0, state.running - 1);
      if (outcome === 'wrong') {
        for (let each = 0; each < wrongs; each += 1) state.failedAtMs.push(clock.nowMs());
        while (state.failedAtMs.length > failuresAllowed) state.failedAtMs.shift();
        return;
      }
      if (outcome === 'right') state.failedAtMs.length = 0;
      if (state.failedAtMs.length === 0 && state.running === 0 && state.waiting === 0) peers.delete(peer);
    },
    retryAfterSeconds: (peer) => secondsUntil(peers.peek(peer)?.nextTurnMs ?? 0, clock.nowMs()),
    size: () => peers.size,
  };
}

function secondsUntil(thenMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((thenMs - nowMs) / 1_000));
}
