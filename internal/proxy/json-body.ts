import { isUtf8 } from 'node:buffer';
import { AppError } from '../fault/app-error.ts';
import { placeOf, scanObject, type JsonFault, type ValueRange } from '../dialect/json-scan.ts';

/** The top-level members that Keyward decides on; each may stand once. */
const decided: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options', 'store', 'previous_response_id', 'conversation', 'background', 'container', 'prompt', 'thread', 'cachedContent', 'cached_content']);

/** A checked JSON request body: its bytes, untouched, and what Keyward needs to know of them. */
export interface JsonBody {
  readonly bytes: Buffer;
  /** Undefined when the body names none. */
  readonly model: string | undefined;
  readonly modelRange: ValueRange | undefined;
  /** Only JSON `true` counts. */
  readonly isStream: boolean;
  readonly hasStreamOptions: boolean;
  /** `store: false` was sent. */
  readonly isStoreOff: boolean;
  readonly previousResponseId: string | undefined;
  readonly hasConversation: boolean;
}

/** Errors: `invalid_json` (with line and column), `duplicate_member`, `invalid_request` for a model that is no string. */
export function parseJsonBody(bytes: Buffer): JsonBody {
  if (bytes.length === 0) throw new AppError('invalid_json', { message: 'The body is empty; a JSON object is expected.' });
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new AppError('invalid_json', { message: 'The body begins with a byte order mark; send plain UTF-8.' });
  if (!isUtf8(bytes)) throw new AppError('invalid_json', { message: 'The body is not valid UTF-8.' });
  const scan = scanObject(bytes, decided);
  if (!scan.ok) throw refuseJson(bytes, scan.fault);
  const { members } = scan;
  const modelRange = members.get('model');
  const conversation = members.get('conversation');
  return {
    bytes,
    model: stringMember(bytes, 'model', modelRange),
    modelRange,
    isStream: isWord(bytes, members.get('stream'), 'true'),
    hasStreamOptions: members.has('stream_options'),
    isStoreOff: isWord(bytes, members.get('store'), 'false'),
    previousResponseId: stringMember(bytes, 'previous_response_id', members.get('previous_response_id')),
    hasConversation: conversation !== undefined && !isWord(bytes, conversation, 'null'),
  };
}

/** The body with another model name; the same bytes when the name does not change. All other bytes stay as they are. */
export function withModel(body: JsonBody, model: string): Buffer {
  if (body.modelRange === undefined || body.model === model) return body.bytes;
  const { start, end } = body.modelRange;
  return Buffer.concat([body.bytes.subarray(0, start), Buffer.from(JSON.stringify(model)), body.bytes.subarray(end)]);
}

/** `bytes` with a further member at the end of the object. */
export function withMember(bytes: Buffer, name: string, value: unknown): Buffer {
  const close = bytes.lastIndexOf(0x7d);
  return Buffer.concat([bytes.subarray(0, close), Buffer.from(`,${JSON.stringify(name)}:${JSON.stringify(value)}`), bytes.subarray(close)]);
}

/** The value of a top-level member; undefined where there is none. `bytes` are a checked object. */
export function readMember(bytes: Buffer, name: string): unknown {
  const range = rangeOf(bytes, name);
  return range === undefined ? undefined : JSON.parse(bytes.toString('utf8', range.start, range.end));
}

/** `bytes` with that value of a top-level member, in the place of the one that stands there. */
export function withMemberSet(bytes: Buffer, name: string, value: unknown): Buffer {
  const range = rangeOf(bytes, name);
  return range === undefined ? withMember(bytes, name, value) : Buffer.concat([bytes.subarray(0, range.start), Buffer.from(JSON.stringify(value)), bytes.subarray(range.end)]);
}

function rangeOf(bytes: Buffer, name: string): ValueRange | undefined {
  const scan = scanObject(bytes, new Set([name]));
  return scan.ok ? scan.members.get(name) : undefined;
}

/** What a client is told of JSON that cannot be used: where it is, and what is wrong. */
export function refuseJson(bytes: Buffer, fault: JsonFault): AppError {
  const { line, column } = placeOf(bytes, fault.offset);
  const at = `line ${line}, column ${column}`;
  switch (fault.kind) {
    case 'duplicate':
      return new AppError('duplicate_member', { message: `The member "${fault.detail}" appears twice (${at}).`, fields: { param: fault.detail, line, column } });
    case 'spelling':
      return new AppError('duplicate_member', { message: `A member differs from "${fault.detail}" in letter case alone (${at}); some parsers take both for the same.`, fields: { param: fault.detail, line, column } });
    case 'depth':
    case 'not_object':
    case 'syntax':
      return new AppError('invalid_json', { message: `The body is not usable JSON: expected ${fault.detail} at ${at}.`, fields: { line, column } });
  }
}

function stringMember(bytes: Buffer, name: string, range: ValueRange | undefined): string | undefined {
  if (range === undefined || isWord(bytes, range, 'null')) return undefined;
  const value: unknown = bytes[range.start] === 0x22 ? JSON.parse(bytes.toString('utf8', range.start, range.end)) : undefined;
  if (typeof value !== 'string') throw new AppError('invalid_request', { message: `"${name}" must be a string.`, fields: { param: name } });
  return value;
}

function isWord(bytes: Buffer, range: ValueRange | undefined, word: string): boolean {
  return range !== undefined && range.end - range.start === word.length && bytes.toString('latin1', range.start, range.end) === word;
}
