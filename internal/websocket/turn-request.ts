import { invalidMember } from '../dialect/ir/json.ts';
import { AppError } from '../fault/app-error.ts';
import { memberBytes, memberValue, type ClientEvent } from './client-event.ts';
import type { Lane } from './lanes.ts';
import { arrayOf, withMembers } from './members.ts';
import { copyToKeep, type RememberedTurn, type TurnMemory } from './turn-memory.ts';

/** A client's event as the request it stands for. */
export interface TurnRequest {
  /** `POST /v1/responses` with `stream: true`. */
  readonly bytes: Buffer;
  /** The event asks for no output, only for an id to go on from. */
  readonly isWarmUp: boolean;
  /** `store` is not false: whoever keeps responses keeps this one. */
  readonly isStored: boolean;
  readonly model: string | undefined;
  /** As the client named it, or as `response.append` implies it. */
  readonly previousId: string | undefined;
  /** The conversation up to and with this request's input. */
  readonly conversation: RememberedTurn;
}

/**
 * Makes the request of a `response.create` or `response.append`, byte for byte but for what belongs to the socket. Of a
 * previous response that the socket remembers, the conversation is put in front; any other is left to whoever keeps it.
 * Code: `invalid_request`.
 */
export function buildTurnRequest(event: ClientEvent, lane: Lane, memory: Pick<TurnMemory, 'find'>): TurnRequest {
  const isAppend = event.kind === 'append';
  if (isAppend && lane.model === undefined) throw new AppError('invalid_request', { message: 'A "response.append" follows a "response.create" of the same stream; there was none.', fields: { param: 'type' } });
  const input = memberBytes(event, 'input');
  if (isAppend && input?.[0] !== 0x5b) throw new AppError('invalid_request', { message: 'A "response.append" needs "input" as a list of items.', fields: { param: 'input' } });
  const model = textMember(event, 'model') ?? lane.model;
  const previousId = textMember(event, 'previous_response_id') ?? (isAppend ? lane.lastId : undefined);
  const remembered = previousId === undefined ? undefined : memory.find(previousId);
  const items = [...(remembered?.items ?? []), itemsOf(input)];
  const afterId = remembered === undefined ? previousId : remembered.afterId;
  const instructions = isAppend && memberBytes(event, 'instructions') === undefined ? lane.instructions : undefined;

  const changes = new Map<string, Buffer | undefined>([
    ['type', undefined],
    ['stream_id', undefined],
    ['generate', undefined],
    ['background', undefined],
    ['stream', Buffer.from('true')],
    ['previous_response_id', asJson(afterId)],
  ]);
  if (remembered !== undefined || input === undefined) changes.set('input', arrayOf(items));
  if (memberBytes(event, 'model') === undefined && model !== undefined) changes.set('model', asJson(model));
  if (instructions !== undefined) changes.set('instructions', instructions);
  return { bytes: withMembers(event.bytes, changes), isWarmUp: memberValue(event, 'generate') === false, isStored: memberValue(event, 'store') !== false, model, previousId, conversation: { items, afterId } };
}

function textMember(event: ClientEvent, name: string): string | undefined {
  const value = memberValue(event, name);
  if (value === undefined || typeof value === 'string') return value;
  throw new AppError('invalid_request', { message: `"${name}" must be a string.`, fields: { param: name } });
}

function asJson(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(JSON.stringify(text));
}

/** A request's input as a comma list of items, copied; empty for none. */
function itemsOf(input: Buffer | undefined): Buffer {
  if (input === undefined) return Buffer.alloc(0);
  if (input[0] === 0x22) return copyToKeep(Buffer.concat([Buffer.from('{"type":"message","role":"user","content":'), input, Buffer.from('}')]));
  if (input[0] !== 0x5b) throw invalidMember('input', 'a string or a list of items');
  const inside = input.subarray(1, -1);
  return isBlank(inside) ? Buffer.alloc(0) : copyToKeep(inside);
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length < 4_096 && bytes.toString('latin1').trim() === '';
}
