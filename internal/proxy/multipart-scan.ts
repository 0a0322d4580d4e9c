import { AppError } from '../fault/app-error.ts';
import { parseParameters } from './header-parameters.ts';

/** The `model` part of a form: its value and where that stands in the body, `[start, end)`. */
export interface ModelPart {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const headersEnd = Buffer.from('\r\n\r\n');
const maxPartHeaderBytes = 16 * 1024;
const maxModelBytes = 512;

/**
 * The boundary of a `multipart/form-data` content type; undefined for other types. Error: `invalid_request` for a type
 * that parsers could read in different ways. @see RFC 2046 §5.1.1
 */
export function multipartBoundary(contentType: string): string | undefined {
  if (!/^\s*multipart\/form-data(?:[\s;]|$)/i.test(contentType)) return undefined;
  const boundary = parseParameters(contentType)?.parameters.get('boundary');
  if (boundary === undefined || !/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) {
    throw new AppError('invalid_request', { message: 'The Content-Type of the form is malformed or has no single boundary.' });
  }
  return boundary;
}

/**
 * Reads a form as it goes by, keeping no more than a boundary's length of it, and finds the one `model` part. A second
 * one is `duplicate_member`; whatever two parsers could read in different ways is `invalid_request`, as the upstream might
 * count another model than we do (security rule 12).
 * @see RFC 7578
 */
export class MultipartScan {
  readonly #delimiter: Buffer;
  /** Delimiters with half a line break: some parsers take them for real ones. */
  readonly #halfDelimiters: readonly Buffer[];
  /** Bytes not yet decided on; the first delimiter lacks its line break, so one is put before the body. */
  #window: Buffer = Buffer.from('\r\n');
  /** Offset of the window's first byte in the body. */
  #offset = -2;
  #state: 'preamble' | 'headers' | 'content' | 'done' = 'preamble';
  #isModel = false;
  #contentStart = 0;
  #content: Buffer[] = [];
  #model: ModelPart | undefined;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#halfDelimiters = [Buffer.from(`\n--${boundary}`), Buffer.from(`\r--${boundary}`)];
  }

  push(chunk: Buffer): void {
    if (this.#state === 'done') {
      this.#refuseEpilogue(chunk);
      return;
    }
    this.#window = Buffer.concat([this.#window, chunk]);
    while (this.#step());
  }

  /** After the last byte. Error: `invalid_request` for a form without its closing boundary. */
  finish(): ModelPart | undefined {
    if (this.#state !== 'done') throw new AppError('invalid_request', { message: 'The multipart body ends without its closing boundary.' });
    return this.#model;
  }

  /** True when there may be more to do with the present window. */
  #step(): boolean {
    switch (this.#state) {
      case 'preamble':
      case 'content':
        return this.#stepToDelimiter();
      case 'headers':
        return this.#stepThroughHeaders();
      case 'done':
        return false;
    }
  }

  #refuseEpilogue(bytes: Buffer): void {
    if (bytes.some((byte) => byte !== 0x0d && byte !== 0x0a && byte !== 0x20 && byte !== 0x09)) throw new AppError('invalid_request', { message: 'Bytes follow the closing boundary of the form.' });
  }

  #refuseHalfDelimiters(end: number): void {
    for (const half of this.#halfDelimiters) {
      for (let at = this.#window.indexOf(half); at >= 0 && at < end; at = this.#window.indexOf(half, at + 1)) {
        const isWhole = half[0] === 0x0a && at > 0 && this.#window[at - 1] === 0x0d;
        if (!isWhole) throw new AppError('invalid_request', { message: 'A multipart boundary stands after half a line break; lines end in CR LF.' });
      }
    }
  }

  #stepToDelimiter(): boolean {
    const at = this.#window.indexOf(this.#delimiter);
    this.#refuseHalfDelimiters(at < 0 ? this.#window.length : at);
    if (at < 0) {
      const settled = Math.max(0, this.#window.length - this.#delimiter.length + 1);
      this.#keep(this.#window.subarray(0, settled));
      this.#drop(settled);
      return false;
    }
    const after = at + this.#delimiter.length;
    if (this.#window.length < after + 2) return false;
    this.#keep(this.#window.subarray(0, at));
    if (this.#state === 'content' && this.#isModel) this.#endModel(this.#offset + at);
    const isLast = this.#window[after] === 0x2d && this.#window[after + 1] === 0x2d;
    if (!isLast && !(this.#window[after] === 0x0d && this.#window[after + 1] === 0x0a)) {
      throw new AppError('invalid_request', { message: 'A multipart boundary is followed by neither a line break nor its end mark.' });
    }
    // The line break after the delimiter stays: a part may have no headers at all.
    this.#drop(after);
    this.#state = isLast ? 'done' : 'headers';
    if (isLast) this.#refuseEpilogue(this.#window.subarray(2));
    return !isLast;
  }

  #stepThroughHeaders(): boolean {
    const end = this.#window.indexOf(headersEnd);
    if (end < 0) {
      if (this.#window.length > maxPartHeaderBytes) throw new AppError('invalid_request', { message: 'The headers of a multipart part are too long.' });
      return false;
    }
    this.#isModel = partName(this.#window.toString('latin1', 2, Math.max(2, end))) === 'model';
    if (this.#isModel && this.#model !== undefined) throw new AppError('duplicate_member', { message: 'The form has two "model" parts.', fields: { param: 'model' } });
    this.#drop(end + headersEnd.length);
    this.#contentStart = this.#offset;
    this.#content = [];
    // An empty part's delimiter begins with the line break that ended its headers.
    this.#window = Buffer.concat([Buffer.from('\r\n'), this.#window]);
    this.#offset -= 2;
    this.#state = 'content';
    return true;
  }

  #keep(bytes: Buffer): void {
    if (this.#state !== 'content' || !this.#isModel) return;
    this.#content.push(Buffer.from(bytes));
    if (this.#content.reduce((sum, piece) => sum + piece.length, 0) > maxModelBytes) {
      throw new AppError('invalid_request', { message: `The "model" part is longer than ${maxModelBytes} bytes.`, fields: { param: 'model' } });
    }
  }

  #endModel(end: number): void {
    const value = Buffer.concat(this.#content).subarray(2).toString('utf8');
    this.#model = { value, start: this.#contentStart, end: Math.max(end, this.#contentStart) };
  }

  #drop(count: number): void {
    this.#window = this.#window.subarray(count);
    this.#offset += count;
  }
}

const headerLine = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e\x80-\xff]*)$/;

/** The name of a part, from its header lines without the line breaks around them. */
function partName(headers: string): string {
  const fields = new Map<string, string>();
  for (const line of headers.split('\r\n')) {
    const match = headerLine.exec(line);
    const field = match?.[1]?.toLowerCase();
    // Folded lines, bare line breaks and repeated fields are read in several ways.
    if (field === undefined || fields.has(field)) throw unreadable();
    fields.set(field, match?.[2] ?? '');
  }
  const disposition = parseParameters(fields.get('content-disposition') ?? '');
  const name = disposition?.parameters.get('name');
  if (disposition?.type !== 'form-data' || name === undefined || name.includes('\\') || disposition.parameters.has('name*')) throw unreadable();
  const transferEncoding = (fields.get('content-transfer-encoding') ?? 'binary').trim().toLowerCase();
  if (name === 'model' && !['7bit', '8bit', 'binary'].includes(transferEncoding)) throw unreadable();
  return name;
}

function unreadable(): AppError {
  return new AppError('invalid_request', { message: 'The headers of a multipart part are malformed, repeated, or have no plain `name`.' });
}
