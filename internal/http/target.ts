import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { Target } from './inbound.ts';

const maxTargetBytes = 8_192;

const slash = 0x2f;
const dot = 0x2e;
const percent = 0x25;
const question = 0x3f;

/** Printable ASCII that RFC 3986 allows nowhere; URL parsers rewrite it, each in its own way. */
const neverRaw = charSet('"#<>\\');
/** Also rewritten by some parsers within a path. */
const neverRawInPath = charSet('"#<>\\^`{|}');
/** Octets that change a path's meaning once decoded: NUL and controls, `.`, `/`, `\`, DEL. */
const neverEncodedInPath = new Set([...Array.from({ length: 0x20 }, (_, code) => code), dot, slash, 0x5c, 0x7f]);

/**
 * The one parse of a request target (security rule 5): origin form, at most 8 kB, nothing that two parsers read in
 * different ways. `rawHeaders` are Node's, for members that must not repeat; HTTP/1.1 needs a `Host`.
 * Errors: `invalid_request_target`, `duplicate_header`, `invalid_request` (no Host). Never throws.
 * @see RFC 9112 §3.2, RFC 3986 §3.3
 */
export function parseTarget(rawUrl: string, rawHeaders: readonly string[], httpVersion: string = '1.1'): Result<Target, AppError> {
  const repeated = findRepeated(rawHeaders, httpVersion);
  if (repeated !== undefined) return err(repeated);
  if (rawUrl.length > maxTargetBytes) return refuse('it is longer than 8 kB');
  if (rawUrl.charCodeAt(0) !== slash) return refuse('it does not begin with `/`');

  const mark = rawUrl.indexOf('?');
  const path = mark < 0 ? rawUrl : rawUrl.slice(0, mark);
  const query = mark < 0 ? '' : rawUrl.slice(mark + 1);
  const fault = findPathFault(path) ?? findQueryFault(query);
  return fault === undefined ? ok({ path, query }) : refuse(fault);
}

function findRepeated(rawHeaders: readonly string[], httpVersion: string): AppError | undefined {
  let hosts = 0;
  let authorizations = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4) hosts += name.toLowerCase() === 'host' ? 1 : 0;
    else if (name.length === 13) authorizations += name.toLowerCase() === 'authorization' ? 1 : 0;
  }
  if (hosts > 1) return new AppError('duplicate_header', { message: 'The Host header was sent twice.' });
  if (authorizations > 1) return new AppError('duplicate_header', { message: 'The Authorization header was sent twice.' });
  // RFC 9112 §3.2: a server MUST answer 400 to an HTTP/1.1 request without Host.
  if (hosts === 0 && httpVersion !== '1.0') return new AppError('invalid_request', { message: 'The request has no Host header.' });
  return undefined;
}

function findPathFault(path: string): string | undefined {
  let segmentStart = 1;
  let hasEscapes = false;
  for (let index = 1; index <= path.length; index += 1) {
    const code = index === path.length ? slash : path.charCodeAt(index);
    if (code === slash) {
      const length = index - segmentStart;
      if (length === 0 && index < path.length) return 'it has an empty segment (`//`)';
      if (isDotSegment(path, segmentStart, length)) return 'it has a dot segment';
      segmentStart = index + 1;
    } else if (code === percent) {
      const octet = readOctet(path, index);
      if (octet < 0) return 'it has a malformed percent-encoding';
      if (neverEncodedInPath.has(octet)) return 'it has an encoded slash, dot, backslash or control character';
      hasEscapes = true;
    } else if (isForeign(code) || neverRawInPath.has(code)) {
      return 'it has a character that must be percent-encoded';
    }
  }
  return hasEscapes && !isDecodable(path) ? 'its percent-encoding is not UTF-8' : undefined;
}

function findQueryFault(query: string): string | undefined {
  // `URLSearchParams` drops a leading `?`, other parsers keep it as part of a name.
  if (query.charCodeAt(0) === question) return 'its query begins with `?`';
  for (let index = 0; index < query.length; index += 1) {
    const code = query.charCodeAt(index);
    if (code === percent) {
      const octet = readOctet(query, index);
      if (octet < 0) return 'its query has a malformed percent-encoding';
      if (octet === 0) return 'its query has an encoded NUL';
    } else if (isForeign(code) || neverRaw.has(code)) {
      return 'its query has a character that must be percent-encoded';
    }
  }
  return undefined;
}

function isDotSegment(path: string, start: number, length: number): boolean {
  return (length === 1 || length === 2) && path.charCodeAt(start) === dot && path.charCodeAt(start + length - 1) === dot;
}

/** Controls, space and everything beyond ASCII. */
function isForeign(code: number): boolean {
  return code <= 0x20 || code >= 0x7f;
}

/** The octet that `%XX` at `at` stands for; -1 when it is malformed. */
function readOctet(text: string, at: number): number {
  const high = hexValue(text.charCodeAt(at + 1));
  const low = hexValue(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function charSet(characters: string): ReadonlySet<number> {
  return new Set(Array.from(characters, (character) => character.charCodeAt(0)));
}

function refuse(why: string): Result<never, AppError> {
  return err(new AppError('invalid_request_target', { message: `The request target is not served: ${why}.` }));
}
