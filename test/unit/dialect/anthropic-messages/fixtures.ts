import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import type { AnswerContext, Party } from '../../../../internal/dialect/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { createEventReader } from '../../../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, parseJson, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { answerIn, decodeAll, plain } from '../../../support/codec-fixtures.ts';

/** The newest generation of a family, or an older one. */
export const claude = (model: string): Party => ({ dialect: 'anthropic-messages', account: 'acc-1', vendor: 'anthropic', provider: 'anthropic', model });
/** Without its model. */
export const anthropic: Party = { dialect: 'anthropic-messages', account: 'acc-1', vendor: 'anthropic', provider: 'anthropic' };
export const imitation: Party = { dialect: 'anthropic-messages', account: 'acc-2', vendor: 'house', provider: 'anthropic', model: 'glm-5' };
export const openai: Party = { dialect: 'openai-responses', account: 'acc-3', vendor: 'openai', provider: 'openai', model: 'gpt-5.6' };
export const google: Party = { dialect: 'gemini', account: 'acc-4', vendor: 'google', provider: 'gemini', model: 'gemini-3-pro' };

export const plainRequest: IrRequest = { turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], isStream: false };

/** Of a client that wants to see reasoning, unless told otherwise. */
export function contextOf(request: Partial<IrRequest> = {}, source: Party = openai): AnswerContext {
  let made = 0;
  return { request: { ...plainRequest, reasoning: { show: 'auto' }, ...request }, model: 'as-asked', nowSeconds: 1_790_000_000, newId: (prefix) => `${prefix}made${made++}`, source };
}

/** The body for a target, with what was left out. */
export function encode(request: Partial<IrRequest>, target: Party = anthropic): { readonly body: JsonRecord; readonly dropped: readonly string[] } {
  const losses = createLosses(target.dialect, (name) => name, undefined);
  const body: unknown = plain(anthropicMessages.encodeRequest({ ...plainRequest, ...request }, target, losses));
  if (!isRecord(body)) throw new TypeError('a body is an object');
  return { body, dropped: losses.dropped() };
}

export function decode(body: object, isStream = false): IrRequest {
  return anthropicMessages.decodeRequest({ model: 'm', max_tokens: 64, messages: [{ role: 'user', content: 'hi' }], ...body }, isStream);
}

/** Events as an upstream sends them, each named by its type; text is data as it stands. */
export function decodeEvents(events: readonly (object | string)[], source: Party = anthropic): readonly IrEvent[] {
  return decodeAll(anthropicMessages, events, source);
}

export function answerOf(events: readonly (object | string)[], source?: Party): IrAnswer {
  return answerIn(decodeEvents(events, source));
}

export const start = { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5-5', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 3, cache_read_input_tokens: 10, cache_creation_input_tokens: 5, output_tokens: 1, service_tier: 'standard' } } };
export const end = (stopReason: string, more: object = {}): readonly object[] => [{ type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null, ...more }, usage: { output_tokens: 7 } }, { type: 'message_stop' }];
export const block = (index: number, content: object, ...deltas: readonly object[]): readonly object[] => [{ type: 'content_block_start', index, content_block: content }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })), { type: 'content_block_stop', index }];

/** What an encoder writes for events. */
export function encodeEvents(events: readonly IrEvent[], context: AnswerContext = contextOf()): string {
  const encoder = anthropicMessages.createStreamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

/** The events in a stream's text; each is named as its data says. */
export function eventsIn(text: string): readonly JsonRecord[] {
  return createEventReader().push(Buffer.from(text)).map(({ event, data }) => {
    const payload = parseJson(data);
    if (!isRecord(payload) || payload['type'] !== event) throw new TypeError(`an event ${event} with other data`);
    return payload;
  });
}

/** The events of an answer with one choice. */
export function eventsOf(parts: readonly IrEvent[], finish: Partial<Extract<IrEvent, { readonly type: 'finish' }>> = {}): readonly IrEvent[] {
  return [{ type: 'start', id: 'resp_1', model: 'gpt-5.6' }, ...parts, { type: 'finish', choice: 0, finish: 'stop', ...finish }, { type: 'usage', usage: { input: 10, cachedInput: 4, cacheWrite: 1, output: 6, reasoning: 2 } }, { type: 'end' }];
}
