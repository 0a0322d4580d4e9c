import type { WebSocket } from 'ws';

/** Tells a peer that is there from one that left without a word. */
export interface Liveness {
  /** Pings when it is time; `dead` when the last ping had no answer for a whole period. 0 is never. */
  readonly check: (nowMs: number, periodMs: number) => 'alive' | 'dead';
}

/** Whatever comes from the peer counts as an answer. @see RFC 6455 §5.5.2 */
export function createLiveness(ws: WebSocket, sinceMs: number): Liveness {
  let lastMs = sinceMs;
  let isAwaited = false;
  const hear = (): void => {
    isAwaited = false;
  };
  ws.on('pong', hear);
  ws.on('ping', hear);
  ws.on('message', hear);
  return {
    check: (nowMs, periodMs) => {
      // Of a peer that is kept waiting nothing is read, its pongs included.
      if (periodMs === 0 || ws.isPaused || ws.readyState !== ws.OPEN) {
        lastMs = nowMs;
        isAwaited = false;
        return 'alive';
      }
      if (nowMs - lastMs < periodMs) return 'alive';
      if (isAwaited) return 'dead';
      lastMs = nowMs;
      isAwaited = true;
      ws.ping();
      return 'alive';
    },
  };
}
