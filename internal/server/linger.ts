import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/*
 * A socket closed with unread bytes in it is reset by the kernel, and the reset overtakes an answer that the client has
 * not read yet: who sends a large body would see a broken connection instead of the 401 or 413. So our half is closed
 * first, and what the client still sends is thrown away for a moment. @see RFC 9112 §9.6
 */

const lingerMs = 1_000;
const lingerBytes = 4 * 1_048_576;

const closing = new WeakSet<object>();

/** Whether the last answer on this socket was given. */
export function isClosing(socket: object): boolean {
  return closing.has(socket);
}

/** Makes Node's own closing after an answer with `Connection: close` a lingering one where a body was left unread. */
export function lingerOnClose(socket: Socket): void {
  const closeSoon = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (closing.has(socket)) return;
    if (socket.destroyed || !hasUnreadBody(socket)) {
      closeSoon();
      return;
    }
    linger(socket);
    socket.end();
  };
}

/** Writes a last answer by hand, and closes the same way; also for clients that never close their half. */
export function endAndLinger(socket: Duplex, answer: string): void {
  if (closing.has(socket)) return;
  linger(socket);
  socket.end(answer);
}

function linger(socket: Duplex): void {
  closing.add(socket);
  let leftBytes = lingerBytes;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  // Node's parser reads no further: what was pipelined behind could not be answered.
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length;
    if (leftBytes < 0) socket.destroy();
  });
  socket.once('end', () => {
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  });
  socket.once('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

/** Node's parser keeps the request whose body it is in the middle of. */
function hasUnreadBody(socket: Socket): boolean {
  const parser: unknown = Reflect.get(socket, 'parser');
  const incoming: unknown = typeof parser === 'object' && parser !== null ? Reflect.get(parser, 'incoming') : undefined;
  return typeof incoming === 'object' && incoming !== null && Reflect.get(incoming, 'complete') === false;
}
