import { isUtf8 } from 'node:buffer';
import { scanObject, type ValueRange } from '../dialect/json-scan.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
import { refuseJson } from '../proxy/json-body.ts';

/** The members of a client's event that the socket itself reads. */
const read: ReadonlySet<string> = new Set(['type', 'stream_id', 'generate', 'input', 'model', 'instructions', 'previous_response_id', 'stream', 'background', 'store', 'client_metadata']);

/** A client's event: its bytes, and where the values stand that a socket decides on. */
export interface ClientEvent {
  readonly kind: 'create' | 'append' | 'steer' | 'processed';
  readonly bytes: Buffer;
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly streamId: string | undefined;
}

/** What is wrong with a client's event, and which stream it was for where that can be told. */
export interface EventFault {
  readonly error: AppError;
  readonly streamId: string | undefined;
}

/** `response.processed` is Codex's word that it has taken in an answer; there is nothing to say to it. */
const kinds: ReadonlyMap<unknown, ClientEvent['kind']> = new Map([
  ['response.create', 'create'],
  ['response.append', 'append'],
  ['response.steer', 'steer'],
  ['response.processed', 'processed'],
]);

/**
 * Reads one message, which may be text or bytes. Codes of faults: `invalid_json`, `duplicate_member`, `invalid_stream_id`,
 * `invalid_request` for a type that is not known.
 * @see https://developers.openai.com/api/docs/guides/websocket-mode
 */
export function readClientEvent(bytes: Buffer): ClientEvent | EventFault {
  let streamId: string | undefined;
  try {
    const values = scan(bytes);
    const type = valueAt(bytes, values.get('type'));
    streamId = readStreamId(valueAt(bytes, values.get('stream_id')));
    const kind = kinds.get(type);
    if (kind !== undefined) return { kind, bytes, values, streamId };
    const shown = typeof type === 'string' ? `"${escapeForeign(type, 64)}"` : 'none';
    return { error: new AppError('invalid_request', { message: `A request over this WebSocket has the type "response.create"; this one has ${shown}.`, fields: { param: 'type' } }), streamId };
  } catch (thrown) {
    return { error: toAppError(thrown), streamId };
  }
}

/** The value of a member as JSON has it; undefined where the event has none, or where it is null. */
export function memberValue({ bytes, values }: ClientEvent, name: string): unknown {
  return valueAt(bytes, values.get(name)) ?? undefined;
}

/** The bytes of a member's value; undefined where the event has none, or where it is null. */
export function memberBytes({ bytes, values }: ClientEvent, name: string): Buffer | undefined {
  const range = values.get(name);
  if (range === undefined) return undefined;
  const value = bytes.subarray(range.start, range.end);
  return value.equals(nullWord) ? undefined : value;
}

const nullWord = Buffer.from('null');

function scan(bytes: Buffer): ReadonlyMap<string, ValueRange> {
  if (!isUtf8(bytes)) throw new AppError('invalid_json', { message: 'The message is not valid UTF-8.' });
  const scanned = scanObject(bytes, read);
  if (!scanned.ok) throw refuseJson(bytes, scanned.fault);
  return scanned.members;
}

function valueAt(bytes: Buffer, range: ValueRange | undefined): unknown {
  return range === undefined ? undefined : JSON.parse(bytes.toString('utf8', range.start, range.end));
}

function readStreamId(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !/^[\w.-]{1,256}$/.test(value)) throw new AppError('invalid_stream_id', { fields: { param: 'stream_id' } });
  return value;
}
