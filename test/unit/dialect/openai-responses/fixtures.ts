import type { AnswerContext, Party } from '../../../../internal/dialect/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { createEventReader } from '../../../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, listOf, parseJson, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import type { StreamError } from '../../../../internal/dialect/stream-error.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { answerIn, collect, decodeAll, plain } from '../../../support/codec-fixtures.ts';

export const openai: Party = { dialect: 'openai-responses', account: 'acc-1', vendor: 'openai', provider: 'openai' };
/** ChatGPT's backend. */
export const chatgpt: Party = { dialect: 'openai-responses', account: 'acc-2', vendor: 'openai', provider: 'codex' };
export const house: Party = { dialect: 'openai-responses', account: 'acc-3', vendor: 'house', provider: 'openai-compatibility' };
export const anthropic: Party = { dialect: 'anthropic-messages', account: 'acc-4', vendor: 'anthropic', provider: 'anthropic' };
export const google: Party = { dialect: 'gemini', account: 'acc-5', vendor: 'google', provider: 'gemini' };
export const compatible: Party = { dialect: 'openai-chat', account: 'acc-6', vendor: 'kimi', provider: 'openai-compatibility' };

export const plainRequest: IrRequest = { turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], isStream: false };

export function contextOf(request: Partial<IrRequest> = {}, source: Party = anthropic): AnswerContext {
  let made = 0;
  return { request: { ...plainRequest, ...request }, model: 'as-asked', nowSeconds: 1_790_000_000, newId: (prefix) => `${prefix}made${made++}`, source };
}

/** The body for a target, with what was left out. */
export function encode(request: Partial<IrRequest>, target: Party = openai): { readonly body: JsonRecord; readonly dropped: readonly string[] } {
  const losses = createLosses(target.dialect, (name) => name, undefined);
  const body = plain(openaiResponses.encodeRequest({ ...plainRequest, ...request }, target, losses));
  return { body: recordOf(body), dropped: losses.dropped() };
}

/** The items that turns become. */
export function itemsOf(turns: IrRequest['turns'], target: Party = openai): readonly JsonRecord[] {
  return listOf(encode({ turns }, target).body['input']).map(recordOf);
}

export function decode(body: object, isStream = false): IrRequest {
  return openaiResponses.decodeRequest({ model: 'm', input: 'hi', ...body }, isStream);
}

export function recordOf(value: unknown): JsonRecord {
  if (!isRecord(value)) throw new TypeError('not an object');
  return value;
}

/** Events as an upstream sends them, each named by its type; text is data as it stands. */
export function decodeEvents(events: readonly (object | string)[], source: Party = openai): readonly IrEvent[] {
  return decodeAll(openaiResponses, events, source);
}

export function answerOf(events: readonly (object | string)[], source?: Party): IrAnswer {
  return answerIn(decodeEvents(events, source));
}

export function errorOf(events: readonly (object | string)[]): StreamError {
  const result = collect(decodeEvents(events));
  if (result.ok) throw new TypeError('the stream did not fail');
  return result.error;
}

/** What an encoder writes for events. */
export function encodeEvents(events: readonly IrEvent[], context: AnswerContext = contextOf()): string {
  const encoder = openaiResponses.createStreamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

/** The events in a stream's text; each is named as its data says. */
export function eventsIn(text: string): readonly JsonRecord[] {
  return createEventReader().push(Buffer.from(text)).map(({ event, data }) => {
    const payload = recordOf(parseJson(data));
    if (payload['type'] !== event) throw new TypeError(`an event ${event} with other data`);
    return payload;
  });
}

/** The events of an answer with one choice. */
export function eventsOf(parts: readonly IrEvent[], finish: Partial<Extract<IrEvent, { readonly type: 'finish' }>> = {}): readonly IrEvent[] {
  return [{ type: 'start', id: 'msg_1', model: 'claude' }, ...parts, { type: 'finish', choice: 0, finish: 'stop', ...finish }, { type: 'usage', usage: irUsage }, { type: 'end' }];
}

export const irUsage = { input: 10, cachedInput: 4, cacheWrite: 1, output: 6, reasoning: 2 };
export const usage = { input_tokens: 10, input_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 }, output_tokens: 6, output_tokens_details: { reasoning_tokens: 2 }, total_tokens: 16 };

/** A stream's beginning, and its end with whatever output it states. */
export const created = { type: 'response.created', response: { id: 'resp_1', model: 'gpt-5.6', created_at: 1_790_000_001, service_tier: 'default', status: 'in_progress', output: [] } };
export const completed = (output: readonly object[] = [], more: object = {}): object => ({ type: 'response.completed', response: { ...created.response, status: 'completed', output, usage, ...more } });
export const added = (output_index: number, item: object): object => ({ type: 'response.output_item.added', output_index, item });
export const done = (output_index: number, item: object): object => ({ type: 'response.output_item.done', output_index, item });
export const message = (id: string, ...texts: readonly string[]): object => ({ id, type: 'message', role: 'assistant', status: 'completed', content: texts.map((text) => ({ type: 'output_text', text, annotations: [] })) });
