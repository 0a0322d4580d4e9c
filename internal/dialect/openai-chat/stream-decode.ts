import type { Party, StreamDecoder } from '../codec.ts';
import type { IrUsage } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';
import { truncated, unreadable } from '../stream-error.ts';
import { readSources, readUsage } from './answer-members.ts';
import { createChoiceDecoder, type ChoiceDecoder } from './choice-decode.ts';
import { streamErrorIn } from './error.ts';

/** What an answer or a chunk says of the whole answer. */
export function readStart(body: JsonRecord): Extract<IrEvent, { readonly type: 'start' }> {
  return {
    type: 'start',
    id: textOf(body['id']) || undefined,
    model: textOf(body['model']) || undefined,
    createdSeconds: numberOf(body['created']),
    serviceTier: textOf(body['service_tier']),
    systemFingerprint: textOf(body['system_fingerprint']) || undefined,
  };
}

/** What ids of calls are made of where the upstream gives none. */
export function answerKey({ id, createdSeconds }: ReturnType<typeof readStart>): string {
  return id ?? String(createdSeconds ?? '');
}

/** `[DONE]` is the only end of a stream. */
export function createStreamDecoder(source: Party): StreamDecoder {
  const choices = new Map<number, ChoiceDecoder>();
  let start: ReturnType<typeof readStart> | undefined;
  let usage: IrUsage | undefined;
  let serviceTier: string | undefined;
  let sources: readonly Annotation[] = [];
  let isOver = false;

  const choiceOf = (index: number): ChoiceDecoder => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const fresh = createChoiceDecoder(index, source, start === undefined ? '' : answerKey(start));
    choices.set(index, fresh);
    return fresh;
  };
  const fail = (error: Extract<IrEvent, { readonly type: 'error' }>['error']): readonly IrEvent[] => {
    isOver = true;
    return [{ type: 'error', error }];
  };
  const complete = (): readonly IrEvent[] => {
    if (choices.size === 0) return fail(truncated);
    isOver = true;
    const finishes = [...choices].sort(([a], [b]) => a - b).flatMap(([, choice]) => choice.finish('other', sources));
    const tier = serviceTier === undefined || serviceTier === start?.serviceTier ? [] : [{ type: 'tier', serviceTier } as const];
    return [...tier, ...finishes, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]), { type: 'end' }];
  };
  const read = (chunk: JsonRecord): readonly IrEvent[] => {
    const stated = listOf(chunk['choices']).filter(isRecord);
    const events: IrEvent[] = [];
    // Some begin with a chunk that names nothing, such as Azure's verdict on the prompt.
    if (start === undefined && (stated.length > 0 || (textOf(chunk['id']) ?? '') !== '')) {
      start = readStart(chunk);
      events.push(start);
    }
    usage = readUsage(chunk) ?? usage;
    serviceTier = textOf(chunk['service_tier']) ?? serviceTier;
    const links = readSources(chunk);
    if (links.length > 0) sources = links;
    for (const choice of stated) for (const event of choiceOf(numberOf(choice['index']) ?? 0).push(choice)) events.push(event);
    return events;
  };

  return {
    push: ({ event, data }) => {
      if (isOver || data === '') return [];
      if (data.trim() === '[DONE]') return complete();
      const chunk = parseJson(data);
      if (!isRecord(chunk)) return fail(unreadable);
      const error = streamErrorIn(chunk, event);
      return error === undefined ? read(chunk) : fail(error);
    },
    end: () => (isOver ? [] : fail(truncated)),
  };
}
