import { isUtf8 } from 'node:buffer';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { endOfValue } from '../dialect/json-scan.ts';
import { AppError } from '../fault/app-error.ts';
import { errorEvent, errorEventFrom, errorEventOf } from './error-event.ts';

/** How a turn ended: with the response that can be continued, or otherwise. */
export type TurnEnd = { readonly kind: 'finished'; readonly responseId: string; readonly output: readonly JsonRecord[] } | { readonly kind: 'failed' };

/**
 * Makes frames of one turn's answer, each a text message of one event, and remembers how it ended. Nothing follows the end: a
 * client would take it for the next turn's.
 */
export interface TurnFrames {
  /** The data of one event of a stream. */
  readonly event: (data: Buffer) => void;
  /** An answer in one piece, from an upstream that does not stream. */
  readonly whole: (body: Buffer) => void;
  readonly refusal: (status: number, headers: ReadonlyMap<string, string>, body: Buffer) => void;
  readonly fault: (error: AppError) => void;
  /** Undefined while the turn has no end. */
  readonly end: () => TurnEnd | undefined;
}

const itemDone = 'response.output_item.done';
const endings: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed']);
const deciding: ReadonlySet<string> = new Set([itemDone, 'response.completed', 'response.incomplete', 'response.failed', 'error']);
/** A quote inside a string is escaped, so that none of these can stand in a text. */
const marks = [...deciding].map((type) => Buffer.from(`"${type}"`));

const failed: TurnEnd = { kind: 'failed' };

/** What the frames of a turn are told apart and found by. */
export interface TurnName {
  readonly streamId: string | undefined;
  readonly requestId: string;
}

/** Events go on as the bytes they came in; only those that decide how the turn ends are parsed. */
export function createTurnFrames(send: (frame: string | Buffer) => void, { streamId, requestId }: TurnName): TurnFrames {
  const idMember = streamId === undefined ? undefined : Buffer.from(`,"stream_id":${JSON.stringify(streamId)}}`);
  let end: TurnEnd | undefined;
  /** Finished items: some upstreams leave them out of the response that follows. */
  const items: { readonly index: number; readonly item: JsonRecord }[] = [];

  const finish = (type: unknown, response: unknown): void => {
    const responseId = textOf(memberOf(response, 'id'));
    const stated = listOf(memberOf(response, 'output')).filter(isRecord);
    if (type === 'response.failed' || responseId === undefined) end = failed;
    else end = { kind: 'finished', responseId, output: stated.length > 0 ? stated : items.toSorted((a, b) => a.index - b.index).map(({ item }) => item) };
  };

  /** True for an event that was said in another way. */
  const note = (data: Buffer): boolean => {
    const payload = parseJson(data.toString('utf8'));
    if (!isRecord(payload)) return false;
    if (payload['type'] === 'error') {
      end = failed;
      send(errorEventFrom(payload, streamId));
      return true;
    }
    if (payload['type'] === itemDone && isRecord(payload['item'])) items.push({ index: numberOf(payload['output_index']) ?? Number.NaN, item: payload['item'] });
    else if (endings.has(payload['type'])) finish(payload['type'], payload['response']);
    return false;
  };

  const event = (data: Buffer): void => {
    // After an `error`, OpenAI's streams also fail the response.
    if (end !== undefined) return;
    // `[DONE]`, which only Chat Completions knows, and whatever else is no event.
    if (!isEvent(data) || (mayDecide(data) && note(data))) return;
    send(idMember === undefined ? data : Buffer.concat([data.subarray(0, data.lastIndexOf(0x7d)), idMember]));
  };

  const fault = (error: AppError): void => {
    if (end !== undefined) return;
    end = failed;
    send(errorEvent(error, streamId, requestId));
  };

  return {
    event,
    fault,
    whole: (body) => {
      const response = parseJson(body.toString('utf8'));
      if (!isRecord(response)) fault(new AppError('upstream_error', { message: 'The upstream answered a stream request with something else.' }));
      else for (const data of eventsOf(response)) event(Buffer.from(data));
    },
    refusal: (status, headers, body) => {
      if (end !== undefined) return;
      end = failed;
      send(errorEventOf(status, headers, body, streamId));
    },
    end: () => end,
  };
}

/** Whether the event's type may be one that decides how the turn ends. */
function mayDecide(data: Buffer): boolean {
  if (!hasTypeFirst(data)) return marks.some((mark) => data.includes(mark));
  return deciding.has(data.toString('latin1', typeFirst.length, data.indexOf(0x22, typeFirst.length)));
}

/** How nearly all upstreams begin their events. */
const typeFirst = Buffer.from('{"type":"');

function hasTypeFirst(data: Buffer): boolean {
  for (let at = 0; at < typeFirst.length; at++) if (data[at] !== typeFirst[at]) return false;
  return true;
}

const typeMember = Buffer.from('"type"');

/** A frame that is no JSON would break the reader, and one that is no UTF-8 the socket. */
function isEvent(data: Buffer): boolean {
  const end = data[0] === 0x7b ? endOfValue(data, 0) : -1;
  return end > 0 && (hasTypeFirst(data) || data.includes(typeMember)) && isUtf8(data) && (end === data.length || data.toString('latin1', end).trim() === '');
}

/** The fewest events by which clients know a response. */
function eventsOf(response: JsonRecord): readonly string[] {
  const { status } = response;
  const last = status === 'failed' || status === 'incomplete' ? status : 'completed';
  const items = listOf(response['output']).map((item, index) => ({ type: itemDone, output_index: index, item }));
  const events = [{ type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } }, ...items, { type: `response.${last}`, response }];
  return events.map((each, index) => JSON.stringify({ ...each, sequence_number: index }));
}
