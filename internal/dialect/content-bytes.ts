import type { Dialect } from './dialect.ts';

/** What stands before generated text in a dialect's events. */
const delta = Buffer.from('"delta":');
const text = Buffer.from('"text":');

const marksByDialect: Readonly<Record<Dialect, readonly Buffer[]>> = {
  // The older completions have no delta.
  'openai-chat': [delta, text],
  'openai-responses': [delta],
  'anthropic-messages': [delta],
  gemini: [text],
};

/**
 * Bytes of generated text in whole lines of an event stream, as they are written in JSON: what is around the text, and may be
 * many times as long, is left out. Made for the hot path: nothing is parsed, and only what follows a mark is looked at.
 */
export function contentBytesIn(lines: Buffer, dialect: Dialect): number {
  for (const mark of marksByDialect[dialect]) {
    let at = lines.indexOf(mark);
    if (at < 0) continue;
    let count = 0;
    for (; at >= 0; at = lines.indexOf(mark, at)) {
      const value = measureText(lines, at + mark.length);
      count += value.textBytes;
      // Not from within it again: however deep marks are nested, each byte is looked at once.
      at = value.end;
    }
    return count;
  }
  return 0;
}

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;

/** The value that begins at `from`: of a string its length, of anything else that of its texts. */
function measureText(bytes: Buffer, from: number): { readonly textBytes: number; readonly end: number } {
  let at = from;
  while (bytes[at] === 0x20) at++;
  if (bytes[at] === quote) {
    const end = endOfString(bytes, at);
    return { textBytes: end - at - 1, end };
  }
  let depth = 0;
  let textBytes = 0;
  let isText = false;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = endOfString(bytes, at);
      if (isName(bytes, end)) isText = namesText(bytes, at + 1, end);
      else if (isText) textBytes += end - at - 1;
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth <= 0) break;
    } else if (byte === newline || depth === 0) break;
  }
  return { textBytes, end: at };
}

/** Where the string ends that begins at `from`: at its quote, or with its line. */
function endOfString(bytes: Buffer, from: number): number {
  let at = from + 1;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote || byte === newline) return at;
    if (byte === backslash) at++;
  }
  return bytes.length;
}

function isName(bytes: Buffer, end: number): boolean {
  let at = end + 1;
  while (bytes[at] === 0x20) at++;
  return bytes[at] === 0x3a;
}

/** `content`, `reasoning`, `arguments`, `thinking`, `partial_json`, `text`; but not `role`, `type`, `id`, `name`. */
function namesText(bytes: Buffer, from: number, end: number): boolean {
  return end - from > 4 || (end - from === 4 && bytes[from] === 0x74 && bytes[from + 1] === 0x65);
}
