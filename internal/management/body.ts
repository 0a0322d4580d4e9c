import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { placeOf, scanObject } from '../dialect/json-scan.ts';
import { AppError } from '../fault/app-error.ts';
import { isObject, type JsonObject } from './values.ts';

/** Unless a route says otherwise. Bodies are counted before and after decoding. */
const defaultMaxBytes = 1_048_576;

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

const decoders: Readonly<Record<string, Decode>> = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

/**
 * The body as text. `accepted` lists media types; `''` among them accepts a request without `Content-Type`.
 * Errors: `unsupported_media_type`, `body_too_large`, `invalid_request` for bytes that are not plain UTF-8.
 */
export async function readTextBody(request: Request, accepted: readonly string[], maxBytes: number = defaultMaxBytes): Promise<string> {
  return plainText(await readBody(request, accepted, maxBytes));
}

/** The body's bytes, decoded. Errors: `unsupported_media_type`, `body_too_large`. */
export async function readBody(request: Request, accepted: readonly string[], maxBytes: number): Promise<Buffer> {
  checkContentType(request.headers.get('content-type') ?? '', accepted);
  const decode = contentDecoder(request.headers.get('content-encoding') ?? '');
  return decodeBody(await collect(request, maxBytes), decode, maxBytes);
}

/** Bytes as text. Errors: `invalid_request` for what is not plain UTF-8. */
export function plainText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new AppError('invalid_request', { message: 'The body is not valid UTF-8.' });
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new AppError('invalid_request', { message: 'The body begins with a byte order mark; send plain UTF-8.' });
  return bytes.toString('utf8');
}

/** Any JSON value; at most 256 levels deep. Errors: those of `readTextBody`, and `invalid_json` with line and column. */
export async function readJsonBody(request: Request): Promise<unknown> {
  return parseJson(await readTextBody(request, ['application/json']));
}

/**
 * A JSON object with members of `known` alone, each at most once. An empty body is an empty object when `mayBeEmpty`.
 * Errors: those of `readJsonBody`, `duplicate_member`, and `invalid_request` naming the first unknown member.
 */
export async function readJsonObject(request: Request, known: readonly string[], options: { readonly mayBeEmpty?: boolean; readonly maxBytes?: number } = {}): Promise<JsonObject> {
  if (options.mayBeEmpty === true && request.body === null) return {};
  const text = await readTextBody(request, options.mayBeEmpty === true ? ['application/json', ''] : ['application/json'], options.maxBytes);
  if (options.mayBeEmpty === true && text === '') return {};
  const body = parseJson(text);
  if (!isObject(body)) throw new AppError('invalid_request', { message: 'The body must be a JSON object.' });
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new AppError('invalid_request', { message: `Unknown member ${JSON.stringify(unknown.slice(0, 64))}; known are ${known.join(', ')}.`, fields: { param: unknown.slice(0, 64) } });
  refuseRepeats(text, known);
  return body;
}

function checkContentType(sent: string, accepted: readonly string[]): void {
  const [type = '', ...parameters] = sent.toLowerCase().split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length).replaceAll('"', '');
  if (accepted.includes(type) && (charset === undefined || charset === 'utf-8')) return;
  throw new AppError('unsupported_media_type', { message: `Content-Type must be ${accepted.filter((name) => name !== '').join(' or ')}, in UTF-8.` });
}

function contentDecoder(coding: string): Decode | undefined {
  const name = coding.trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  const decode = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (decode === undefined) throw new AppError('unsupported_media_type', { message: 'Content-Encoding must be one of identity, gzip, br, zstd, in one layer.' });
  return decode;
}

function decodeBody(bytes: Buffer, decode: Decode | undefined, maxBytes: number): Buffer {
  if (decode === undefined) return bytes;
  try {
    return decode(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(maxBytes);
    throw new AppError('invalid_request', { message: 'The body does not decode as its Content-Encoding says.', cause });
  }
}

async function collect(request: Request, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = request.body?.getReader();
  if (reader === undefined) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('body_too_large', { message: `This body may be at most ${maxBytes} bytes.`, fields: { max_bytes: maxBytes } });
}

// The scanner takes objects; a member around the value lets it judge any value, its offsets shifted by the wrapper.
const wrapper = '{"":';

/** Any JSON value; at most 256 levels deep. Errors: `invalid_json` with line and column. */
export function parseJson(text: string): unknown {
  const scan = scanObject(Buffer.from(`${wrapper}${text}}`), new Set());
  if (!scan.ok) throw invalidJson(text, scan.fault.offset - wrapper.length, scan.fault.detail);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid_json', { message: 'The body is not one JSON value.', fields: { line: 1, column: 1 }, cause });
  }
}

/** Errors: `duplicate_member` for a member of `known` that the object has twice. */
export function refuseRepeats(text: string, known: readonly string[]): void {
  const scan = scanObject(Buffer.from(text), new Set(known));
  if (scan.ok || scan.fault.kind !== 'duplicate') return;
  throw new AppError('duplicate_member', { message: `The member "${scan.fault.detail}" appears twice.`, fields: { param: scan.fault.detail } });
}

function invalidJson(text: string, offset: number, expected: string): AppError {
  const bytes = Buffer.from(text);
  const { line, column } = placeOf(bytes, Math.min(offset, bytes.length));
  return new AppError('invalid_json', { message: `The body is not valid JSON: expected ${expected} at line ${line}, column ${column}.`, fields: { line, column } });
}
