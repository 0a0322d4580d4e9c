import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Takes a connection that has been upgraded already for the client's end of a WebSocket. */
export type TakeAsClient = (socket: Duplex, maxPayloadBytes: number) => WebSocket;

/** A silent peer is let go this long after it was told that the socket closes. */
const closeTimeoutMs = 2_000;

/**
 * The library makes its clients by connecting by itself, which would go around the address guard and the proxies. Its
 * servers take a connection that is there; a client is that with the other role, in which frames are masked (RFC 6455 §5.3).
 */
export async function loadClientRole(): Promise<TakeAsClient> {
  const { WebSocket: Base } = await import('ws');
  return (socket, maxPayload) => {
    const made: unknown = Reflect.construct(Base, [null, undefined, { autoPong: true, maxPendingAutoPongs: 60, closeTimeout: closeTimeoutMs }]);
    if (!(made instanceof Base)) throw new TypeError('the WebSocket library has changed');
    Reflect.set(made, '_isServer', false);
    const setSocket: unknown = Reflect.get(made, 'setSocket');
    if (typeof setSocket !== 'function') throw new TypeError('the WebSocket library has changed');
    Reflect.apply(setSocket, made, [socket, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload, maxBufferedChunks: 262_144, maxFragments: 16_384, skipUTF8Validation: false }]);
    return made;
  };
}
