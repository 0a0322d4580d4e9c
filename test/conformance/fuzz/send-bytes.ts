import { connect } from 'node:net';

export interface Conversation {
  /** The status of each answer found in what came back. */
  readonly statuses: readonly number[];
  readonly text: string;
  /** The connection was closed by the daemon in time. */
  readonly hasEnded: boolean;
}

/** Writes the bytes in one or two pieces, closes its half where asked, and reads until the daemon closes; no longer than `limitMs`. */
export function converse(port: number, bytes: Buffer, cutAt: number, limitMs: number, closesHalf = true): Promise<Conversation> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let hasEnded = true;
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      hasEnded = false;
      socket.destroy();
    }, limitMs);
    socket.on('data', (chunk: Buffer) => pieces.push(chunk));
    // A reset is an end as good as another.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      const text = Buffer.concat(pieces).toString('latin1');
      resolve({ statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g)].map((match) => Number(match[1])), text, hasEnded });
    });
    socket.on('connect', () => {
      socket.write(bytes.subarray(0, cutAt));
      setImmediate(() => (closesHalf ? socket.end(bytes.subarray(cutAt)) : socket.write(bytes.subarray(cutAt))));
    });
  });
}
