/** Where a value stands in the bytes: `[start, end)`. */
export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

export interface JsonFault {
  readonly kind: 'syntax' | 'depth' | 'duplicate' | 'spelling' | 'not_object';
  /** Byte offset of the first wrong byte. */
  readonly offset: number;
  /** What was expected, or the member that stands twice. */
  readonly detail: string;
}

export type JsonScan = { readonly ok: true; readonly members: ReadonlyMap<string, ValueRange> } | { readonly ok: false; readonly fault: JsonFault };

const maxDepth = 256;
const quote = 0x22;
const backslash = 0x5c;

class ScanError extends Error {
  readonly fault: JsonFault;
  constructor(kind: JsonFault['kind'], offset: number, detail: string) {
    super(detail);
    this.fault = { kind, offset, detail };
  }
}

/**
 * Checks that `bytes` hold one JSON object and tells where the values of the `wanted` top-level members stand, without
 * building the value. A wanted member that stands twice is a fault, because parsers disagree on which one counts; so is one
 * that differs in letter case alone, because some parsers ignore case; so is nesting beyond 256. The bytes must be UTF-8 (check with `isUtf8` first).
 * @see RFC 8259 §2–7
 */
export function scanObject(bytes: Uint8Array, wanted: ReadonlySet<string>): JsonScan {
  try {
    const members = new Map<string, ValueRange>();
    const start = skipSpace(bytes, 0);
    if (bytes[start] !== 0x7b) throw new ScanError('not_object', start, 'a JSON object');
    const end = scanMembers(bytes, start, 1, (nameStart, nameEnd, valueStart, valueEnd) => {
      const name = memberName(bytes, nameStart, nameEnd);
      if (!wanted.has(name)) {
        const folded = foldCase(name);
        if (wanted.has(folded)) throw new ScanError('spelling', nameStart, folded);
        return;
      }
      if (members.has(name)) throw new ScanError('duplicate', nameStart, name);
      members.set(name, { start: valueStart, end: valueEnd });
    });
    const rest = skipSpace(bytes, end);
    if (rest !== bytes.length) throw new ScanError('syntax', rest, 'the end of the body');
    return { ok: true, members };
  } catch (thrown) {
    if (thrown instanceof ScanError) return { ok: false, fault: thrown.fault };
    throw thrown;
  }
}

/** End of the JSON value that begins at `start`, or -1 when it is not complete or not JSON. */
export function endOfValue(bytes: Uint8Array, start: number): number {
  try {
    return scanValue(bytes, skipSpace(bytes, start), 1);
  } catch (thrown) {
    if (thrown instanceof ScanError) return -1;
    throw thrown;
  }
}

/** 1-based line and column (in bytes) of an offset. */
export function placeOf(bytes: Uint8Array, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < offset && i < bytes.length; i++) {
    if (bytes[i] === 0x0a) {
      line++;
      lineStart = i + 1;
    }
  }
  return { line, column: offset - lineStart + 1 };
}

function memberName(bytes: Uint8Array, start: number, end: number): string {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  if (!raw.includes(backslash)) return raw.toString('utf8', 1, raw.length - 1);
  const decoded: unknown = JSON.parse(raw.toString('utf8'));
  return typeof decoded === 'string' ? decoded : '';
}

/** Simple case folding, with the two letters beyond ASCII that fold into it (long s, Kelvin sign), as Go's JSON decoder does. */
function foldCase(name: string): string {
  return name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at++;
  }
}

function scanValue(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at]) {
    case quote:
      return scanString(bytes, at);
    case 0x7b:
      return scanMembers(bytes, at, depth, undefined);
    case 0x5b:
      return scanItems(bytes, at, depth);
    case 0x74:
      return scanWord(bytes, at, 'true');
    case 0x66:
      return scanWord(bytes, at, 'false');
    case 0x6e:
      return scanWord(bytes, at, 'null');
    default:
      return scanNumber(bytes, at);
  }
}

type OnMember = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

function scanMembers(bytes: Uint8Array, open: number, depth: number, onMember: OnMember | undefined): number {
  if (depth > maxDepth) throw new ScanError('depth', open, `at most ${maxDepth} levels of nesting`);
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === 0x7d) return at + 1;
  for (;;) {
    if (bytes[at] !== quote) throw new ScanError('syntax', at, 'a member name in double quotes');
    const nameStart = at;
    const nameEnd = scanString(bytes, at);
    at = skipSpace(bytes, nameEnd);
    if (bytes[at] !== 0x3a) throw new ScanError('syntax', at, '":"');
    const valueStart = skipSpace(bytes, at + 1);
    const valueEnd = scanValue(bytes, valueStart, depth + 1);
    onMember?.(nameStart, nameEnd, valueStart, valueEnd);
    at = skipSpace(bytes, valueEnd);
    if (bytes[at] === 0x7d) return at + 1;
    if (bytes[at] !== 0x2c) throw new ScanError('syntax', at, '"," or "}"');
    at = skipSpace(bytes, at + 1);
  }
}

function scanItems(bytes: Uint8Array, open: number, depth: number): number {
  if (depth > maxDepth) throw new ScanError('depth', open, `at most ${maxDepth} levels of nesting`);
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === 0x5d) return at + 1;
  for (;;) {
    at = skipSpace(bytes, scanValue(bytes, at, depth + 1));
    if (bytes[at] === 0x5d) return at + 1;
    if (bytes[at] !== 0x2c) throw new ScanError('syntax', at, '"," or "]"');
    at = skipSpace(bytes, at + 1);
  }
}

function scanString(bytes: Uint8Array, open: number): number {
  const length = bytes.length;
  let at = open + 1;
  while (at < length) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) return at + 1;
    if (byte < 0x20) throw new ScanError('syntax', at, 'no raw control character inside a string');
    at = byte === backslash ? scanEscape(bytes, at) : at + 1;
  }
  throw new ScanError('syntax', at, 'the closing quote of a string');
}

function scanEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1] ?? 0;
  if (kind === 0x75) {
    for (let i = at + 2; i < at + 6; i++) {
      if (!isHexDigit(bytes[i] ?? 0)) throw new ScanError('syntax', i, 'four hex digits after \\u');
    }
    return at + 6;
  }
  // " \ / b f n r t
  if (kind === quote || kind === backslash || kind === 0x2f || kind === 0x62 || kind === 0x66 || kind === 0x6e || kind === 0x72 || kind === 0x74) return at + 2;
  throw new ScanError('syntax', at + 1, 'a known escape');
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

function scanWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 0; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) throw new ScanError('syntax', at + i, `"${word}"`);
  }
  return at + word.length;
}

function scanDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x30 || byte > 0x39) break;
    at++;
  }
  if (at === from) throw new ScanError('syntax', at, at === 0 ? 'a JSON value' : 'a JSON value or digit');
  return at;
}

function scanNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  at = bytes[at] === 0x30 ? at + 1 : scanDigits(bytes, at);
  if (bytes[at] === 0x2e) at = scanDigits(bytes, at + 1);
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1];
    at = scanDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
  }
  return at;
}
