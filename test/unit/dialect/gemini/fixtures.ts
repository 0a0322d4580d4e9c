import type { AnswerContext, Party } from '../../../../internal/dialect/codec.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { createEventReader } from '../../../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, parseJson, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { answerIn, decodeAll, plain } from '../../../support/codec-fixtures.ts';

export const google: Party = { dialect: 'gemini', account: 'acc-1', vendor: 'google', provider: 'gemini', model: 'gemini-3.8-flash' };
export const older: Party = { ...google, model: 'gemini-2.5-flash' };
export const vertex: Party = { ...google, account: 'acc-2', provider: 'vertex' };
export const codeAssist: Party = { ...google, account: 'acc-3', provider: 'google' };
export const antigravity: Party = { ...google, account: 'acc-4', provider: 'antigravity' };
export const anthropic: Party = { dialect: 'anthropic-messages', account: 'acc-5', vendor: 'anthropic', provider: 'anthropic', model: 'claude-opus-5-5' };

export const hi: Turn = { role: 'user', parts: [{ kind: 'text', text: 'hi' }] };
export const plainRequest: IrRequest = { turns: [hi], tools: [], isStream: false };

/** Of a client that wants to see reasoning, unless told otherwise. */
export function contextOf(request: Partial<IrRequest> = {}, source: Party = anthropic): AnswerContext {
  let made = 0;
  return { request: { ...plainRequest, reasoning: { show: 'auto' }, ...request }, model: 'as-asked', nowSeconds: 1_790_000_000, newId: (prefix) => `${prefix}made${made++}`, source };
}

/** The body for a target, with what was left out. */
export function encode(request: Partial<IrRequest>, target: Party = google): { readonly body: JsonRecord; readonly dropped: readonly string[] } {
  const losses = createLosses(target.dialect, (name) => name, undefined);
  const body: unknown = plain(gemini.encodeRequest({ ...plainRequest, ...request }, target, losses));
  if (!isRecord(body)) throw new TypeError('a body is an object');
  return { body, dropped: losses.dropped() };
}

export function decode(body: object, isStream = false): IrRequest {
  return gemini.decodeRequest({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }], ...body }, isStream);
}

/** Events as an upstream sends them; text stays as it is. */
export function decodeChunks(chunks: readonly (object | string)[], source: Party = google): readonly IrEvent[] {
  return decodeAll(gemini, chunks, source);
}

export function answerOf(chunks: readonly (object | string)[], source?: Party): IrAnswer {
  return answerIn(decodeChunks(chunks, source));
}

/** One event with one candidate. */
export function chunk(parts: readonly object[], candidate: object = {}, more: object = {}): object {
  return { candidates: [{ content: { role: 'model', parts }, index: 0, ...candidate }], modelVersion: 'gemini-3.8-flash', responseId: 'resp-1', ...more };
}

export const stop = { finishReason: 'STOP' };

/** What an encoder writes for events. */
export function encodeEvents(events: readonly IrEvent[], context: AnswerContext = contextOf()): string {
  const encoder = gemini.createStreamEncoder(context);
  return events.map((event) => encoder.push(event)).join('');
}

export function responsesIn(text: string): readonly JsonRecord[] {
  return createEventReader().push(Buffer.from(text)).map(({ data }) => parseJson(data)).filter(isRecord);
}

/** Every part of the first candidate, in the order of the stream. */
export function partsIn(text: string): readonly unknown[] {
  return responsesIn(text).flatMap((response) => {
    const [first]: readonly unknown[] = Array.isArray(response['candidates']) ? response['candidates'] : [];
    const content = isRecord(first) ? first['content'] : undefined;
    return isRecord(content) && Array.isArray(content['parts']) ? content['parts'] : [];
  });
}

/** The events of an answer with one choice. */
export function eventsOf(parts: readonly IrEvent[], more: readonly IrEvent[] = [{ type: 'finish', choice: 0, finish: 'stop' }]): readonly IrEvent[] {
  return [{ type: 'start', id: 'msg_1', model: 'claude-opus-5-5' }, ...parts, ...more, { type: 'usage', usage: { input: 10, cachedInput: 4, cacheWrite: 0, output: 6, reasoning: 2 } }, { type: 'end' }];
}
