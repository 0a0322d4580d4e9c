import type { AnswerContext, Party } from '../../../../internal/dialect/codec.ts';
import { createEventReader } from '../../../../internal/dialect/ir/event-reader.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent, ServerEvent } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, parseJson, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { answerIn, decodeAll, plain } from '../../../support/codec-fixtures.ts';

export const openai: Party = { dialect: 'openai-chat', account: 'acc-1', vendor: 'openai', provider: 'openai', model: 'gpt-5.6' };
export const imitation: Party = { dialect: 'openai-chat', account: 'acc-2', vendor: 'house', provider: 'openai-compatibility', model: 'qwen3' };
export const anthropic: Party = { dialect: 'anthropic-messages', account: 'acc-3', vendor: 'anthropic', provider: 'anthropic', model: 'claude-opus-5-5' };
export const google: Party = { dialect: 'gemini', account: 'acc-4', vendor: 'google', provider: 'gemini', model: 'gemini-3-pro' };

export const plainRequest: IrRequest = { turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], isStream: false };

export function contextOf(request: Partial<IrRequest> = {}, source: Party = anthropic): AnswerContext {
  let made = 0;
  return { request: { ...plainRequest, ...request }, model: 'as-asked', nowSeconds: 1_790_000_000, newId: (prefix) => `${prefix}made${made++}`, source };
}

/** The body for a target, with what was left out. */
export function encode(request: Partial<IrRequest>, target: Party = openai): { readonly body: JsonRecord; readonly dropped: readonly string[] } {
  const losses = createLosses(target.dialect, (name) => name, undefined);
  const body: unknown = plain(openaiChat.encodeRequest({ ...plainRequest, ...request }, target, losses));
  if (!isRecord(body)) throw new TypeError('a body is an object');
  return { body, dropped: losses.dropped() };
}

export function decode(body: object, isStream = false): IrRequest {
  return openaiChat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }, isStream);
}

/** Chunks as an upstream sends them; text stays as it is. */
export function decodeChunks(chunks: readonly (object | string)[], source: Party = imitation): readonly IrEvent[] {
  return decodeAll(openaiChat, chunks, source);
}

export function answerOf(chunks: readonly (object | string)[], source?: Party): IrAnswer {
  return answerIn(decodeChunks(chunks, source));
}

/** A chunk with one choice. */
export function chunk(delta: object, more: object = {}): object {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'qwen3', choices: [{ index: 0, delta, finish_reason: null, ...more }] };
}

export const done = '[DONE]';

/** What an encoder writes for events. */
export function encodeEvents(events: readonly IrEvent[], context: AnswerContext = contextOf()): string {
  const encoder = openaiChat.createStreamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

export function serverEvents(text: string): readonly ServerEvent[] {
  return createEventReader().push(Buffer.from(text));
}

/** The chunks that stand in a stream's text, and whether `[DONE]` ends it. */
export function chunksIn(text: string): { readonly chunks: readonly JsonRecord[]; readonly isDone: boolean } {
  const data = serverEvents(text).map((event) => event.data);
  return { chunks: data.map(parseJson).filter(isRecord), isDone: data.at(-1) === done };
}

/** The events of an answer with one choice. */
export function eventsOf(parts: readonly IrEvent[], more: readonly IrEvent[] = [{ type: 'finish', choice: 0, finish: 'stop' }]): readonly IrEvent[] {
  return [{ type: 'start', id: 'msg_1', model: 'claude-opus-5-5' }, ...parts, ...more, { type: 'usage', usage: { input: 10, cachedInput: 4, cacheWrite: 0, output: 6, reasoning: 2 } }, { type: 'end' }];
}
