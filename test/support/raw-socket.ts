import { connect, type Socket } from 'node:net';

/** An upgraded connection by hand, for frames that no client library would send. */
export interface RawSocket {
  readonly socket: Socket;
  /** The answer to the handshake, up to its blank line. */
  readonly head: string;
  /** What came after the head. */
  readonly rest: () => Buffer;
  /** The other end has closed its half. */
  readonly hasEnded: () => boolean;
}

/** Resolves when the handshake is answered, whatever the answer is. `headers` are whole lines. */
export function upgradeRaw(port: number, headers: string, path = '/v1/responses'): Promise<RawSocket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let bytes = Buffer.alloc(0);
    let head: string | undefined;
    let ended = false;
    socket.on('error', () => socket.destroy());
    socket.on('end', () => {
      ended = true;
    });
    socket.on('close', () => {
      ended = true;
    });
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (head !== undefined || end < 0) return;
      head = bytes.toString('latin1', 0, end + 2);
      bytes = bytes.subarray(end + 4);
      resolve({ socket, head, rest: () => bytes, hasEnded: () => ended });
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`);
  });
}

/** A frame from the server. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Whole frames in what a server sent; it masks none. */
export function framesIn(bytes: Buffer): readonly ServerFrame[] {
  const frames: ServerFrame[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const headSize = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (at + headSize > bytes.length) break;
    const length = short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    if (at + headSize + length > bytes.length) break;
    frames.push({ opcode: (bytes[at] ?? 0) & 0x0f, payload: bytes.subarray(at + headSize, at + headSize + length) });
    at += headSize + length;
  }
  return frames;
}

/** A client's frame, masked with zeros, so that the payload stands in it as it is. */
export function clientFrame(payload: Buffer | string, opcode = 1, isLast = true): Buffer {
  const bytes = Buffer.from(payload);
  const head = bytes.length < 126 ? Buffer.from([0, bytes.length]) : bytes.length < 65_536 ? Buffer.from([0, 126, bytes.length >> 8, bytes.length & 0xff]) : Buffer.concat([Buffer.from([0, 127]), lengthOf(bytes.length)]);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, Buffer.alloc(4), bytes]);
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
