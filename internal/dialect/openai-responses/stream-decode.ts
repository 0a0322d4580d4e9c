import { faults } from '../../fault/codes.ts';
import type { Party, StreamDecoder } from '../codec.ts';
import type { AnswerPart } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import { replayPart } from '../ir/replay.ts';
import type { StreamError } from '../stream-error.ts';
import { readAnnotation, readAnnotations } from './annotations.ts';
import { headOf, itemsOf } from './answer.ts';
import { streamErrorIn } from './error.ts';
import { readLogprobs } from './logprobs.ts';
import { decodeCall, decodeOutputItem, finishOf, signatureOf } from './output-decode.ts';
import { decodeUsage } from './usage.ts';

/** A part that has begun and not ended. */
interface OpenPart {
  readonly part: number;
  readonly kind: PartOpening['kind'];
  /** Characters given out so far; what an event states whole is given out beyond them. */
  length: number;
  hasAnnotations: boolean;
  /** Which piece of the summary or reasoning is being said. */
  piece: number;
}

/** @see https://developers.openai.com/api/reference/resources/responses/streaming-events */
export function createStreamDecoder(source: Party): StreamDecoder {
  const stream = new ResponseStream(source);
  return {
    push: ({ event, data }) => {
      const payload = parseJson(data);
      return isRecord(payload) ? stream.take(textOf(payload['type']) ?? event, payload) : [];
    },
    end: () => stream.end(),
  };
}

const between = '\n\n';

class ResponseStream {
  readonly #source: Party;
  /** By item and content within it. */
  readonly #open = new Map<string, OpenPart>();
  /** Items of which something was given out. */
  readonly #seen = new Set<number>();
  readonly #closed = new Set<string>();
  readonly #kinds = new Set<AnswerPart['kind']>();
  #nextPart = 0;
  #hasBegun = false;
  #isOver = false;

  constructor(source: Party) {
    this.#source = source;
  }

  end(): readonly IrEvent[] {
    return this.#isOver ? [] : this.#fail(truncated());
  }

  take(type: string, payload: JsonRecord): readonly IrEvent[] {
    if (this.#isOver) return [];
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#begin(payload['response']);
      case 'response.output_item.added':
        return [...this.#begin(undefined), ...this.#itemAdded(payload)];
      case 'response.output_item.done':
        return [...this.#begin(undefined), ...this.#itemDone(indexOf(payload), payload['item'])];
      case 'response.completed':
      case 'response.incomplete':
        return this.#finish(payload['response']);
      case 'response.failed':
      case 'response.cancelled':
        return this.#fail(streamErrorIn(payload['response']));
      case 'error':
        return this.#fail(streamErrorIn(payload));
      default:
        return this.#takeContent(type, payload);
    }
  }

  #takeContent(type: string, payload: JsonRecord): readonly IrEvent[] {
    const [item, content] = [indexOf(payload), numberOf(payload['content_index']) ?? 0];
    const text = (kind: PartOpening['kind'], said: unknown, isWhole: boolean): readonly IrEvent[] => [...this.#begin(undefined), ...this.#say({ item, content }, kind, said, isWhole)];
    switch (type) {
      case 'response.output_text.delta':
        return [...text('text', payload['delta'], false), ...this.#logprobs({ item, content }, payload['logprobs'])];
      case 'response.output_text.done':
        return text('text', payload['text'], true);
      case 'response.output_text.annotation.added':
        return this.#annotate({ item, content }, payload['annotation']);
      case 'response.refusal.delta':
        return text('refusal', payload['delta'], false);
      case 'response.refusal.done':
        return text('refusal', payload['refusal'], true);
      case 'response.content_part.done':
        return this.#contentDone({ item, content }, payload['part']);
      case 'response.reasoning_summary_text.delta':
        return this.#think(payload, 'summary_index', true);
      case 'response.reasoning_text.delta':
        return this.#think(payload, 'content_index', false);
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#say({ item, content: -1 }, 'tool_call', payload['delta'], false);
      case 'response.function_call_arguments.done':
        return this.#say({ item, content: -1 }, 'tool_call', payload['arguments'], true);
      case 'response.custom_tool_call_input.done':
        return this.#say({ item, content: -1 }, 'tool_call', payload['input'], true);
      default:
        return [];
    }
  }

  #begin(response: unknown): readonly IrEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    return [{ type: 'start', ...headOf(response) }];
  }

  #openPart(key: string, item: number, opening: PartOpening): { readonly open: OpenPart; readonly events: readonly IrEvent[] } {
    const open: OpenPart = { part: this.#nextPart++, kind: opening.kind, length: 0, hasAnnotations: false, piece: 0 };
    this.#open.set(key, open);
    this.#seen.add(item);
    this.#kinds.add(opening.kind);
    return { open, events: [{ type: 'open', choice: 0, part: open.part, opening }] };
  }

  /** Text of a part, a piece of it or all of it; of the whole only what was not said yet. A call's part must have begun. */
  #say({ item, content }: Place, kind: PartOpening['kind'], said: unknown, isWhole: boolean): readonly IrEvent[] {
    const text = textOf(said) ?? '';
    const key = `${item}.${content}`;
    const known = this.#open.get(key);
    // A part that was closed has been said; a call without a beginning waits for its end.
    if (known === undefined && (text === '' || kind === 'tool_call' || kind === 'thinking' || this.#closed.has(key))) return [];
    const { open, events } = known === undefined ? this.#openPart(key, item, { kind: kind === 'refusal' ? 'refusal' : 'text' }) : { open: known, events: [] };
    const rest = isWhole ? text.slice(open.length) : text;
    open.length += rest.length;
    return rest === '' ? events : [...events, { type: 'delta', choice: 0, part: open.part, text: rest }];
  }

  #logprobs({ item, content }: Place, stated: unknown): readonly IrEvent[] {
    const open = this.#open.get(`${item}.${content}`);
    const tokens = readLogprobs(stated);
    return open === undefined || tokens.length === 0 ? [] : [{ type: 'logprobs', choice: 0, part: open.part, tokens }];
  }

  #annotate({ item, content }: Place, annotation: unknown): readonly IrEvent[] {
    const open = this.#open.get(`${item}.${content}`);
    if (open === undefined || !isRecord(annotation)) return [];
    open.hasAnnotations = true;
    return [{ type: 'annotation', choice: 0, part: open.part, annotation: readAnnotation(annotation) }];
  }

  #contentDone(place: Place, part: unknown): readonly IrEvent[] {
    const type = memberOf(part, 'type');
    if (type !== 'output_text' && type !== 'refusal') return [];
    const said = this.#say(place, type === 'refusal' ? 'refusal' : 'text', memberOf(part, type === 'refusal' ? 'refusal' : 'text'), true);
    return [...said, ...this.#closeText(`${place.item}.${place.content}`, part)];
  }

  #closeText(key: string, part: unknown): readonly IrEvent[] {
    const open = this.#open.get(key);
    if (open === undefined) return [];
    this.#open.delete(key);
    this.#closed.add(key);
    const place = { choice: 0, part: open.part } as const;
    const annotations = open.hasAnnotations || open.kind !== 'text' ? [] : (readAnnotations(memberOf(part, 'annotations')) ?? []);
    return [...annotations.map((annotation): IrEvent => ({ type: 'annotation', ...place, annotation })), { type: 'close', ...place }];
  }

  /** A reasoning item is one part; its pieces are apart as paragraphs are. */
  #think(payload: JsonRecord, pieceName: string, isSummary: boolean): readonly IrEvent[] {
    const item = indexOf(payload);
    const piece = numberOf(payload[pieceName]) ?? 0;
    const text = textOf(payload['delta']) ?? '';
    if (text === '') return [];
    const key = `${item}.r`;
    const known = this.#open.get(key);
    const id = textOf(payload['item_id']);
    const { open, events } = known === undefined ? this.#openPart(key, item, { kind: 'thinking', id, isSummary: isSummary ? true : undefined }) : { open: known, events: [] };
    const gap = open.length > 0 && piece !== open.piece ? between : '';
    open.piece = piece;
    open.length += gap.length + text.length;
    return [...this.#begin(undefined), ...events, { type: 'delta', choice: 0, part: open.part, text: gap + text }];
  }

  #itemAdded(payload: JsonRecord): readonly IrEvent[] {
    const { item } = payload;
    const index = indexOf(payload);
    if (!isRecord(item) || (item['type'] !== 'function_call' && item['type'] !== 'custom_tool_call')) return [];
    const { id, name, input, isCustom } = decodeCall(item);
    // Its name may come with its end alone.
    if (name === '') return [];
    const { open, events } = this.#openPart(`${index}.-1`, index, { kind: 'tool_call', id, name, isCustom });
    open.length = input.length;
    return input === '' ? events : [...events, { type: 'delta', choice: 0, part: open.part, text: input }];
  }

  #itemDone(index: number, item: unknown): readonly IrEvent[] {
    if (!isRecord(item)) return [];
    switch (item['type']) {
      case 'message':
        return this.#messageDone(index, item);
      case 'reasoning':
        return this.#reasoningDone(index, item);
      case 'function_call':
      case 'custom_tool_call':
        return this.#callDone(index, item);
      default:
        return this.#wholeItem(index, item);
    }
  }

  #messageDone(index: number, item: JsonRecord): readonly IrEvent[] {
    const isNew = !this.#seen.has(index);
    if (isNew) return this.#wholeItem(index, item);
    return listOf(item['content']).flatMap((part, content) => this.#contentDone({ item: index, content }, part));
  }

  #reasoningDone(index: number, item: JsonRecord): readonly IrEvent[] {
    const open = this.#open.get(`${index}.r`);
    if (open === undefined) return this.#seen.has(index) ? [] : this.#wholeItem(index, item);
    this.#open.delete(`${index}.r`);
    const place = { choice: 0, part: open.part } as const;
    const signature = signatureOf(item, this.#source);
    return [...(signature === undefined ? [] : [{ type: 'signature', ...place, signature } as const]), { type: 'close', ...place }];
  }

  #callDone(index: number, item: JsonRecord): readonly IrEvent[] {
    const key = `${index}.-1`;
    const open = this.#open.get(key);
    if (open === undefined) return this.#seen.has(index) ? [] : this.#wholeItem(index, item);
    const rest = this.#say({ item: index, content: -1 }, 'tool_call', decodeCall(item).input, true);
    this.#open.delete(key);
    return [...rest, { type: 'close', choice: 0, part: open.part }];
  }

  /** An item of which nothing was streamed. */
  #wholeItem(index: number, item: JsonRecord): readonly IrEvent[] {
    if (this.#seen.has(index)) return [];
    this.#seen.add(index);
    return decodeOutputItem(item, this.#source).flatMap((part) => {
      this.#kinds.add(part.kind);
      return replayPart(0, part, this.#nextPart++);
    });
  }

  #finish(response: unknown): readonly IrEvent[] {
    this.#isOver = true;
    const begun = this.#begin(response);
    const items = itemsOf(response);
    // What was streamed counts; the end may bring what never was.
    const rest = items.flatMap((item, index) => (this.#seen.has(index) ? [] : this.#itemDone(index, item)));
    const left = [...this.#open.values()].map(({ part }): IrEvent => ({ type: 'close', choice: 0, part }));
    this.#open.clear();
    const usage = decodeUsage(memberOf(response, 'usage'));
    const ended = finishOf(textOf(memberOf(response, 'status')) ?? 'completed', textOf(memberOf(memberOf(response, 'incomplete_details'), 'reason')), this.#kinds);
    return [...begun, ...rest, ...left, { type: 'finish', choice: 0, ...ended }, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]), { type: 'end' }];
  }

  #fail(error: StreamError): readonly IrEvent[] {
    this.#isOver = true;
    return [{ type: 'error', error }];
  }
}

interface Place {
  readonly item: number;
  readonly content: number;
}

function indexOf(payload: JsonRecord): number {
  return numberOf(payload['output_index']) ?? 0;
}

function truncated(): StreamError {
  const { status, type, message } = faults.stream_truncated;
  return { status, type, message, code: 'stream_truncated' };
}
