/**
 * Where an answer goes: Node's `ServerResponse`, or one turn on a WebSocket that looks like it. Only what the data plane uses
 * of it.
 */
export interface ClientAnswer {
  readonly headersSent: boolean;
  /** The client left, or the answer has ended. */
  readonly destroyed: boolean;
  /** What a cut breaks; null once it is gone. */
  readonly socket: { destroySoon(): void } | null;
  /** `headers`: flat name–value list, or an object. */
  writeHead(status: number, headers: string[] | Readonly<Record<string, string>>): unknown;
  /** False: wait for `drain`. */
  write(chunk: Buffer | string): boolean;
  end(chunk?: Buffer | string): unknown;
  end(chunk: string, encoding: BufferEncoding): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}
