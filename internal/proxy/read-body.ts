import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, zstdDecompress } from 'node:zlib';
import { AppError } from '../fault/app-error.ts';

/** Decodes a whole body; output beyond `maxOutputLength` bytes is a `RangeError`. */
type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const decodeGzip: Decode = promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(gunzip);
const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['br', promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(brotliDecompress)],
  ['zstd', promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(zstdDecompress)],
]);

/** The client went away before its body was complete. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection');
    this.name = 'ClientGone';
  }
}

/**
 * The whole request body, decoded (identity, gzip, br or zstd, one layer; RFC 9110 §8.4), at most `maxBytes` before and after
 * decoding. Errors: `body_too_large`, `unsupported_media_type`, `invalid_request` for bytes that do not decode; `ClientGone`.
 */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const decode = contentDecoder(req);
  const bytes = await collect(req, maxBytes);
  if (decode === undefined) return bytes;
  try {
    return await decode(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(maxBytes);
    throw new AppError('invalid_request', { message: `The body does not decode as ${req.headers['content-encoding']}.`, cause });
  }
}

/** Undefined for identity. Errors: `unsupported_media_type` for several layers or an unknown coding. */
export function contentDecoder(req: IncomingMessage): Decode | undefined {
  const coding = (req.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding === 'identity' || coding === '') return undefined;
  const decode = decoders.get(coding);
  if (decode === undefined) throw new AppError('unsupported_media_type', { message: 'Content-Encoding must be one of identity, gzip, br, zstd, in one layer.' });
  return decode;
}

export function tooLarge(maxBytes: number): AppError {
  return new AppError('body_too_large', { message: `The body is larger than ${Math.floor(maxBytes / 1_048_576)} MB (max-body-mb).`, fields: { max_bytes: maxBytes } });
}

/** A body that is too large only with what it goes on from, or refers to, put in. */
export function tooLargeWithMemory(maxBytes: number): AppError {
  return new AppError('body_too_large', { message: `With what it goes on from and refers to, the conversation is larger than ${Math.floor(maxBytes / 1_048_576)} MB (max-body-mb).`, fields: { param: 'input', max_bytes: maxBytes } });
}

function collect(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        req.removeAllListeners('data');
        req.pause();
        reject(tooLarge(maxBytes));
        return;
      }
      if (first === undefined) first = chunk;
      else (more ??= [first]).push(chunk);
    });
    req.on('end', () => resolve(more === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(more, size)));
    req.on('error', () => reject(new ClientGone()));
    req.on('close', () => {
      if (!req.complete) reject(new ClientGone());
    });
  });
}
