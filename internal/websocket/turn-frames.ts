import type { ServerEvent } from '../dialect/ir/events.ts';
import { isRecord, listOf, memberOf, parseJson, textOf, type JsonRecord } from '../dialect/ir/json.ts';
import { AppError } from '../fault/app-error.ts';
import { errorEvent, errorEventFrom, errorEventOf, withStreamId } from './error-event.ts';

/** How a turn ended: with the response that can be continued, or otherwise. */
export type TurnEnd = { readonly kind: 'finished'; readonly responseId: string; readonly output: readonly JsonRecord[] } | { readonly kind: 'failed' };

/** Makes frames of one turn's answer, each a text message of one event, and remembers how it ended. */
export interface TurnFrames {
  readonly event: (event: ServerEvent) => void;
  /** An answer in one piece, from an upstream that does not stream. */
  readonly whole: (body: Buffer) => void;
  readonly refusal: (status: number, headers: ReadonlyMap<string, string>, body: Buffer) => void;
  readonly fault: (error: AppError) => void;
  /** Undefined while the turn has no end. */
  readonly end: () => TurnEnd | undefined;
}

const itemDone = 'response.output_item.done';
const endings: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

const failed: TurnEnd = { kind: 'failed' };

export function createTurnFrames(send: (frame: string) => void, streamId: string | undefined): TurnFrames {
  let end: TurnEnd | undefined;
  /** Finished items: some upstreams leave them out of the response that follows. */
  const items: { readonly index: number; readonly item: JsonRecord }[] = [];

  const finish = (type: unknown, response: unknown): void => {
    if (end !== undefined) return;
    const responseId = textOf(memberOf(response, 'id'));
    const stated = listOf(memberOf(response, 'output')).filter(isRecord);
    if (type === 'response.failed' || responseId === undefined) end = failed;
    else end = { kind: 'finished', responseId, output: stated.length > 0 ? stated : items.toSorted((a, b) => a.index - b.index).map(({ item }) => item) };
  };

  const event = ({ event: name, data }: ServerEvent): void => {
    const payload = parseJson(data);
    const type = memberOf(payload, 'type') ?? name;
    // `[DONE]`, which only Chat Completions knows, and whatever else is no event.
    if (!isRecord(payload) || typeof type !== 'string' || type === '') return;
    if (type === 'error') {
      end ??= failed;
      send(errorEventFrom(payload, streamId));
      return;
    }
    if (type === itemDone && isRecord(payload['item'])) items.push({ index: Number(payload['output_index']), item: payload['item'] });
    else if (endings.has(type)) finish(type, payload['response']);
    send(withStreamId(payload['type'] === undefined ? JSON.stringify({ type, ...payload }) : data, streamId));
  };

  const fault = (error: AppError): void => {
    end ??= failed;
    send(errorEvent(error, streamId));
  };

  return {
    event,
    fault,
    whole: (body) => {
      const response = parseJson(body.toString('utf8'));
      if (!isRecord(response)) fault(new AppError('upstream_error', { message: 'The upstream answered a stream request with something else.' }));
      else for (const data of eventsOf(response)) event({ event: '', data });
    },
    refusal: (status, headers, body) => {
      end ??= failed;
      send(errorEventOf(status, headers, body, streamId));
    },
    end: () => end,
  };
}

/** The fewest events by which clients know a response. */
function eventsOf(response: JsonRecord): readonly string[] {
  const { status } = response;
  const last = status === 'failed' || status === 'incomplete' ? status : 'completed';
  const items = listOf(response['output']).map((item, index) => ({ type: itemDone, output_index: index, item }));
  const events = [{ type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } }, ...items, { type: `response.${last}`, response }];
  return events.map((each, index) => JSON.stringify({ ...each, sequence_number: index }));
}
