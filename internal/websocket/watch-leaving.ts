import type { Duplex } from 'node:stream';

/** A client that waits for its upgrade to be answered. */
export interface Leaving {
  /** Aborts when it leaves. */
  readonly signal: AbortSignal;
  /** Ends the watching; gives what the client has sent meanwhile. Again: nothing. */
  readonly stop: () => Buffer;
}

/** Who sends more than this before it was accepted is no client of ours. */
const maxEarlyBytes = 65_536;

/** A connection that nobody reads does not tell that its other end has closed, so it is read. */
export function watchForLeaving(socket: Duplex): Leaving {
  const gone = new AbortController();
  const early: Buffer[] = [];
  let bytes = 0;
  const leave = (): void => gone.abort(new Error('the client closed the connection'));
  const take = (chunk: Buffer): void => {
    early.push(chunk);
    bytes += chunk.length;
    if (bytes > maxEarlyBytes) socket.destroy();
  };
  socket.on('data', take);
  socket.once('end', leave);
  socket.once('close', leave);
  return {
    signal: gone.signal,
    stop: () => {
      if (socket.listenerCount('data') > 0 && socket.listeners('data').includes(take)) socket.pause();
      socket.off('data', take);
      socket.off('end', leave);
      socket.off('close', leave);
      return Buffer.concat(early.splice(0));
    },
  };
}
