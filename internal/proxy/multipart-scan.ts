import { AppError } from '../fault/app-error.ts';

/** The `model` part of a form: its value and where that stands in the body, `[start, end)`. */
export interface ModelPart {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const headersEnd = Buffer.from('\r\n\r\n');
const maxPartHeaderBytes = 16 * 1024;
const maxModelBytes = 512;

/** The boundary of a `multipart/form-data` content type; undefined for other types. @see RFC 2046 §5.1.1 */
export function multipartBoundary(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const match = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/**
 * Reads a form as it goes by, keeping no more than a boundary's length of it, and finds the one `model` part. A second
 * one, or a part whose headers do not parse, is `invalid_request`: a parser upstream might count another than we do.
 * @see RFC 7578
 */
export class MultipartScan {
  readonly #delimiter: Buffer;
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
  }

  push(chunk: Buffer): void {
    if (this.#state === 'done') return;
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

  #stepToDelimiter(): boolean {
    const at = this.#window.indexOf(this.#delimiter);
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
    return !isLast;
  }

  #stepThroughHeaders(): boolean {
    const end = this.#window.indexOf(headersEnd);
    if (end < 0) {
      if (this.#window.length > maxPartHeaderBytes) throw new AppError('invalid_request', { message: 'The headers of a multipart part are too long.' });
      return false;
    }
    this.#isModel = partName(this.#window.toString('utf8', 0, end)) === 'model';
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

function partName(headers: string): string | undefined {
  const disposition = headers.split('\r\n').find((line) => /^content-disposition\s*:/i.test(line));
  const match = /[;\s]name\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i.exec(disposition ?? '');
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) throw new AppError('invalid_request', { message: 'A multipart part has no name.' });
  return name;
}
