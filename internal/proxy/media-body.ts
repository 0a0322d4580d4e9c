import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError } from '../fault/app-error.ts';
import { randomToken } from '../secret/digest.ts';
import { MultipartScan, type ModelPart } from './multipart-scan.ts';
import { ClientGone, contentDecoder, tooLarge } from './read-body.ts';

/** A form, complete and checked, in memory or spooled to a file. */
export interface FormBody {
  readonly model: string | undefined;
  /** The body with the model's name replaced; a fresh one for each attempt. */
  readonly open: (model: string) => { readonly body: Buffer | Readable; readonly length: number };
  /** Removes the spool file. Safe to call twice. */
  readonly dispose: () => Promise<void>;
}

const maxMemoryBytes = 1_048_576;

/**
 * Reads a `multipart/form-data` body to its end: small ones stay in memory, larger ones go to a file of mode 0600 in
 * `spoolDir`. Errors: `body_too_large`, `unsupported_media_type` for an encoded form, `invalid_request`; `ClientGone`.
 */
export async function readForm(req: IncomingMessage, boundary: string, maxBytes: number, spoolDir: string): Promise<FormBody> {
  if (contentDecoder(req) !== undefined) throw new AppError('unsupported_media_type', { message: 'Forms are taken without Content-Encoding.' });
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const scan = new MultipartScan(boundary);
  let pieces: Buffer[] = [];
  let size = 0;
  let spool: Spool | undefined;
  try {
    for await (const chunk of chunksOf(req)) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      scan.push(chunk);
      if (spool === undefined && size > maxMemoryBytes) {
        spool = openSpool(spoolDir);
        for (const piece of pieces) await spool.write(piece);
        pieces = [];
      }
      if (spool === undefined) pieces.push(chunk);
      else await spool.write(chunk);
    }
    if (!req.complete) throw new ClientGone();
    const part = scan.finish();
    await spool?.finish();
    return spool === undefined ? inMemory(Buffer.concat(pieces), part) : inFile(spool, size, part);
  } catch (thrown) {
    await spool?.remove();
    throw thrown;
  }
}

async function* chunksOf(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  } catch {
    throw new ClientGone();
  }
}

function inMemory(bytes: Buffer, part: ModelPart | undefined): FormBody {
  return {
    model: part?.value,
    open: (model) => {
      if (part === undefined || part.value === model) return { body: bytes, length: bytes.length };
      const body = Buffer.concat([bytes.subarray(0, part.start), Buffer.from(model), bytes.subarray(part.end)]);
      return { body, length: body.length };
    },
    dispose: async () => {},
  };
}

function inFile(spool: Spool, size: number, part: ModelPart | undefined): FormBody {
  return {
    model: part?.value,
    open: (model) => {
      if (part === undefined || part.value === model) return { body: createReadStream(spool.path), length: size };
      const name = Buffer.from(model);
      return { body: Readable.from(withName(spool.path, part, name)), length: size - (part.end - part.start) + name.length };
    },
    dispose: () => spool.remove(),
  };
}

async function* withName(path: string, part: ModelPart, name: Buffer): AsyncGenerator<Buffer> {
  if (part.start > 0) yield* bytesOf(path, 0, part.start - 1);
  yield name;
  yield* bytesOf(path, part.end, Infinity);
}

async function* bytesOf(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { start, end })) {
    if (Buffer.isBuffer(chunk)) yield chunk;
  }
}

interface Spool {
  readonly path: string;
  readonly write: (chunk: Buffer) => Promise<void>;
  readonly finish: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

function openSpool(dir: string): Spool {
  const path = join(dir, `form-${randomToken(16)}.spool`);
  const stream: WriteStream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  const failed = new Promise<never>((_, reject) => {
    stream.once('error', (cause) => reject(new AppError('storage_unavailable', { message: 'The form could not be spooled to disk.', cause })));
  });
  // Every use races against it; on its own it must not count as unhandled.
  failed.catch(() => {});
  return {
    path,
    write: (chunk) => Promise.race([failed, new Promise<void>((resolve) => void stream.write(chunk, () => resolve()))]),
    finish: () => Promise.race([failed, new Promise<void>((resolve) => void stream.end(resolve))]),
    remove: async () => {
      stream.destroy();
      // What cannot be removed now is swept at the next start.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}
