import type { Clock } from '../clock/clock.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { ClientAnswer } from '../http/client-answer.ts';

/** Keeps a quiet stream alive, so that nothing on the way takes it for dead. One an exchange. */
export interface KeepAlive {
  /** Something was sent to the client. */
  readonly touch: () => void;
  /** Asked before a sign of life is written: false while an event is unfinished. Until it is given, no event has begun. */
  readonly follow: (isBetweenEvents: () => boolean) => void;
  /** A sign of life has begun the answer, so that an error can only come as an event. */
  readonly hasBegun: () => boolean;
  readonly stop: () => void;
}

export const noKeepAlive: KeepAlive = { touch: () => undefined, follow: () => undefined, hasBegun: () => false, stop: () => undefined };

/** What a client of the dialect reads over. @see https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes */
export function signOfLife(dialect: Dialect): string {
  return dialect === 'anthropic-messages' ? 'event: ping\ndata: {"type":"ping"}\n\n' : ': keep-alive\n\n';
}

export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly answer: ClientAnswer;
  readonly dialect: Dialect;
  /** Silence after which a sign is due; it comes at most half as much later. */
  readonly quietMs: number;
  /** Flat; of an answer that has to begin before the upstream's does. */
  readonly headers: readonly string[];
}

/**
 * Starts at once. A stream whose upstream has not begun is begun with a 200: an error after that comes as the dialect's own
 * error event. Other accounts are tried all the same, since no byte of an answer has gone out.
 */
export function createKeepAlive({ clock, answer, dialect, quietMs, headers }: KeepAliveOptions): KeepAlive {
  let quietTicks = 0;
  let hasBegun = false;
  let isBetweenEvents = (): boolean => true;
  const stop = clock.every(quietMs / 2, () => {
    if (answer.destroyed) {
      stop();
      return;
    }
    quietTicks++;
    // The first tick may come right after a write.
    if (quietTicks < 3 || !isBetweenEvents()) return;
    quietTicks = 1;
    if (!answer.headersSent) {
      hasBegun = true;
      answer.writeHead(200, [...headers, ...streamHeaders]);
    }
    answer.write(signOfLife(dialect));
  });
  return {
    touch: () => {
      quietTicks = 0;
    },
    follow: (ask) => {
      isBetweenEvents = ask;
    },
    hasBegun: () => hasBegun,
    stop,
  };
}

/** Of streams whose head is Keyward's own. `no-transform`: some proxies would compress, and so hold events back. */
export const streamHeaders = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no'] as const;
