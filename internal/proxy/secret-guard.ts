import { isRecord, memberOf, parseJson } from '../dialect/ir/json.ts';
import type { StreamError } from '../dialect/stream-error.ts';

/*
 * Some upstreams, and relays before them, repeat in an error the key that they refuse; neither clients nor logs are to learn
 * it. Only what says an error is looked at: everything else goes on as the bytes it came in.
 */

const redacted = '[redacted]';

/** A secret as JSON writers spell it: as it is, and with the escapes of those that escape more than they must (PHP, Go, .NET). */
export function secretForms(secret: string): readonly string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const escape = (pattern: RegExp, spell: (code: string) => string): string => plain.replace(pattern, (letter) => `\\u${spell(letter.charCodeAt(0).toString(16).padStart(4, '0'))}`);
  return [...new Set([secret, plain, plain.replaceAll('/', '\\/'), escape(/[<>&]/g, (code) => code), escape(/[<>&+'`]/g, (code) => code.toUpperCase())])];
}

/** The bytes without any of the secrets; the very same where none stands in them. */
export function withoutSecrets(body: Buffer, secrets: readonly string[]): Buffer {
  const found = secrets.filter((secret) => body.includes(secret));
  if (found.length === 0) return body;
  return Buffer.from(found.reduce((text, secret) => text.replaceAll(Buffer.from(secret).toString('latin1'), redacted), body.toString('latin1')), 'latin1');
}

/** A stream's error without any of the secrets; the very same where none stands in it. */
export function errorWithoutSecrets<E extends StreamError>(error: E, secrets: readonly string[]): E {
  const clear = (text: string): string => secrets.reduce((left, secret) => left.replaceAll(secret, redacted), text);
  const told = { message: clear(error.message), type: clear(error.type), code: clear(error.code) };
  return told.message === error.message && told.type === error.type && told.code === error.code ? error : { ...error, ...told };
}

/** A JSON answer, or one message of a socket: cleared of the secrets if it says an error. */
export function clearIfError(bytes: Buffer, secrets: readonly string[]): Buffer {
  if (!bytes.includes(mark) || !holdsSecret(bytes, secrets)) return bytes;
  return saysError(parseJson(bytes.toString('utf8'))) ? withoutSecrets(bytes, secrets) : bytes;
}

/** Stands between a streamed answer and the client: errors in it are cleared of secrets, however they are cut into chunks. */
export interface ErrorGuard {
  /** What goes on now: nearly always the chunk itself. Of a line, or an array's element, that is not whole yet, what may be a secret waits for its end. */
  readonly push: (chunk: Buffer) => Buffer;
  /** What waited, once nothing more comes. */
  readonly end: () => Buffer;
}

/** In all that says an error: as a member, as a type, as an event's name. */
const mark = Buffer.from('error');
const member = Buffer.from('"error"');
const newline = 0x0a;
const nothing = Buffer.alloc(0);

/** A line longer than this is not looked at as a whole; a secret in it is cleared whatever it says. */
const maxPartBytes = 16 * 1024 * 1024;

/** Guards `text/event-stream` bytes. */
export function guardEventStream(secrets: readonly string[]): ErrorGuard {
  const part = createPart(secrets);
  /** Of the event under way: its name says an error, or one of its lines may. */
  let isNamed = false;
  let isSuspect = false;

  /** `unsent` is the end of the line. */
  const clearLine = (line: Buffer, unsent: Buffer): Buffer => {
    const text = line.length > 64 ? 'long' : line.toString('latin1').trimEnd();
    if (text === '') {
      isNamed = false;
      isSuspect = false;
      return unsent;
    }
    if (/^event: ?(?:error|response\.failed)$/.test(text)) isNamed = true;
    if (line.includes(member)) isSuspect = true;
    if (!(isNamed || isSuspect) || !holdsSecret(unsent, secrets)) return unsent;
    const payload = parseJson((line.indexOf('data:') === 0 ? line.subarray(5) : line).toString('utf8'));
    // What is no JSON by itself is a part of some, or a message in plain words.
    return isNamed || payload === undefined || saysError(payload) ? withoutSecrets(unsent, secrets) : unsent;
  };
  const clear = (lines: Buffer): Buffer => {
    if (!isNamed && !isSuspect && !lines.includes(mark)) return lines;
    const out: Buffer[] = [];
    let from = 0;
    while (from < lines.length) {
      const to = lines.indexOf(newline, from) + 1;
      const line = lines.subarray(from, to);
      out.push(clearLine(line, line));
      from = to;
    }
    return Buffer.concat(out);
  };

  return {
    push: (chunk) => {
      if (part.isEmpty() && chunk[chunk.length - 1] === newline) return clear(chunk);
      const end = chunk.lastIndexOf(newline) + 1;
      if (end === 0) return part.add(chunk);
      const first = part.isEmpty() ? 0 : chunk.indexOf(newline) + 1;
      const begun = first === 0 ? nothing : part.end(chunk.subarray(0, first), clearLine);
      return join([begun, clear(chunk.subarray(first, end)), part.add(chunk.subarray(end))]);
    },
    end: () => part.end(nothing, clearLine),
  };
}

/** Guards Gemini's streamed JSON array. `isAtRest`: with all that came so far, no element is under way. */
export function guardArray(secrets: readonly string[], isAtRest: () => boolean): ErrorGuard {
  const part = createPart(secrets);
  const clear = (elements: Buffer, unsent: Buffer): Buffer => {
    if (!elements.includes(member) || !holdsSecret(unsent, secrets)) return unsent;
    const element = parseJson(elements.toString('utf8').replace(/^[\s,[]+/, '').replace(/[\s,\]]+$/, ''));
    return element === undefined || saysError(element) ? withoutSecrets(unsent, secrets) : unsent;
  };
  return {
    push: (chunk) => (isAtRest() ? part.end(chunk, clear) : part.add(chunk)),
    end: () => part.end(nothing, clear),
  };
}

function join(pieces: readonly Buffer[]): Buffer {
  const [first = nothing, ...more] = pieces.filter((piece) => piece.length > 0);
  return more.length === 0 ? first : Buffer.concat([first, ...more]);
}

/** A line or an element under way. */
interface Part {
  readonly isEmpty: () => boolean;
  /** What of it goes on already: all before a secret, or before what may turn out to be one. */
  readonly add: (piece: Buffer) => Buffer;
  /** What is left to go on, once its last piece has come. */
  readonly end: (last: Buffer, clear: (whole: Buffer, unsent: Buffer) => Buffer) => Buffer;
}

function createPart(secrets: readonly string[]): Part {
  let pieces: Buffer[] = [];
  let size = 0;
  let unsent: Buffer[] = [];
  let unsentBytes = 0;
  /** A whole secret is in what was not sent. */
  let isHeld = false;

  const keep = (bytes: Buffer): void => {
    unsent = bytes.length === 0 ? [] : [bytes];
    unsentBytes = bytes.length;
  };
  const release = (bytes: Buffer): Buffer => {
    const at = beginOfSecret(bytes, secrets);
    keep(bytes.subarray(at));
    return bytes.subarray(0, at);
  };
  return {
    isEmpty: () => size === 0,
    add: (piece) => {
      size += piece.length;
      if (size <= maxPartBytes) pieces.push(piece);
      else pieces = [];
      if (isHeld) {
        unsent.push(piece);
        unsentBytes += piece.length;
        if (unsentBytes <= maxPartBytes) return nothing;
        isHeld = false;
        return release(withoutSecrets(Buffer.concat(unsent), secrets));
      }
      const out = release(unsentBytes === 0 ? piece : Buffer.concat([...unsent, piece]));
      isHeld = unsent.some((bytes) => holdsSecret(bytes, secrets));
      return out;
    },
    end: (last, clear) => {
      const left = unsentBytes === 0 ? last : Buffer.concat([...unsent, last]);
      const out = size > maxPartBytes ? withoutSecrets(left, secrets) : clear(size === 0 ? last : Buffer.concat([...pieces, last]), left);
      pieces = [];
      size = 0;
      isHeld = false;
      keep(nothing);
      return out;
    },
  };
}

/** Where the first secret begins, or at the end what may be the beginning of one; the length where neither is. */
function beginOfSecret(bytes: Buffer, secrets: readonly string[]): number {
  let first = bytes.length;
  for (const secret of secrets) {
    const needle = Buffer.from(secret);
    const whole = bytes.indexOf(needle);
    if (whole >= 0) first = Math.min(first, whole);
    for (let at = Math.max(0, bytes.length - needle.length + 1); at < first; at++) {
      if (bytes[at] === needle[0] && bytes.compare(needle, 0, bytes.length - at, at) === 0) first = at;
    }
  }
  return first;
}

function holdsSecret(bytes: Buffer, secrets: readonly string[]): boolean {
  for (const secret of secrets) if (bytes.includes(secret)) return true;
  return false;
}

/** Whether a payload is an error of any dialect, or an array with one in it. */
function saysError(payload: unknown): boolean {
  if (Array.isArray(payload)) return payload.some(saysError);
  if (!isRecord(payload)) return false;
  const { type, error } = payload;
  return type === 'error' || type === 'response.failed' || isStated(error) || isStated(memberOf(payload['response'], 'error'));
}

function isStated(error: unknown): boolean {
  return error !== undefined && error !== null && error !== false && error !== '';
}
