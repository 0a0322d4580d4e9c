import type { Party, StreamDecoder } from '../codec.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import { truncated, type StreamError } from '../stream-error.ts';
import { readAnnotation } from './annotations.ts';
import { headOf, itemsOf } from './answer.ts';
import { streamErrorIn } from './error.ts';
import { readLogprobs } from './logprobs.ts';
import { finishOf } from './output-decode.ts';
import { StreamedItem, type StreamScope } from './streamed-item.ts';
import { decodeUsage } from './usage.ts';

type Events = readonly IrEvent[];

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

class ResponseStream {
  readonly #scope: StreamScope;
  readonly #items: StreamedItem[] = [];
  readonly #byIndex = new Map<number, StreamedItem>();
  readonly #byId = new Map<string, StreamedItem>();
  #hasBegun = false;
  #isOver = false;

  constructor(source: Party) {
    this.#scope = { source, kinds: new Set(), nextPart: 0 };
  }

  end(): Events {
    return this.#isOver ? [] : this.#fail(truncated);
  }

  take(type: string, payload: JsonRecord): Events {
    if (this.#isOver) return [];
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#begin(payload['response']);
      case 'response.completed':
      case 'response.incomplete':
        return this.#finish(payload['response'], type === 'response.completed' ? 'completed' : 'incomplete');
      case 'response.failed':
      case 'response.cancelled':
        return this.#fail(streamErrorIn(payload['response']));
      case 'error':
      case 'response.error':
        return this.#fail(streamErrorIn(payload));
      case 'keepalive':
        return this.#hasBegun ? [{ type: 'ping' }] : [];
      default:
        // A body that would have been an error's, had the stream not begun.
        if (type === '') return isRecord(payload['error']) || payload['detail'] !== undefined ? this.#fail(streamErrorIn(payload)) : [];
        return this.#takeOutput(type, payload);
    }
  }

  #takeOutput(type: string, payload: JsonRecord): Events {
    const events = this.#takeItem(type, payload) ?? this.#takeContent(type, payload) ?? this.#takeReasoning(type, payload);
    return events === undefined || events.length === 0 ? [] : [...this.#begin(undefined), ...events];
  }

  #takeItem(type: string, payload: JsonRecord): Events | undefined {
    const { item } = payload;
    switch (type) {
      case 'response.output_item.added':
        return isRecord(item) ? this.#itemOf(payload, item).begin(item) : [];
      case 'response.output_item.done':
        return isRecord(item) ? this.#itemOf(payload, item).end(item) : [];
      case 'response.function_call_arguments.delta':
        return this.#itemOf(payload, 'function_call').call(textOf(payload['delta']) ?? '', false);
      case 'response.function_call_arguments.done':
        return this.#itemOf(payload, 'function_call').call(textOf(payload['arguments']) ?? '', true);
      case 'response.custom_tool_call_input.delta':
        return this.#itemOf(payload, 'custom_tool_call').call(textOf(payload['delta']) ?? '', false);
      case 'response.custom_tool_call_input.done':
        return this.#itemOf(payload, 'custom_tool_call').call(textOf(payload['input']) ?? '', true);
      default:
        return undefined;
    }
  }

  #takeContent(type: string, payload: JsonRecord): Events | undefined {
    const place = numberOf(payload['content_index']) ?? 0;
    const said = (kind: 'text' | 'refusal', text: unknown, isWhole: boolean): Events => this.#itemOf(payload, 'message').content(place, kind, textOf(text) ?? '', isWhole);
    switch (type) {
      case 'response.output_text.delta':
        return [...said('text', payload['delta'], false), ...(this.#itemOf(payload, 'message').partAt(place)?.tell(readLogprobs(payload['logprobs'])) ?? [])];
      case 'response.output_text.done':
        return [...said('text', payload['text'], true), ...(this.#itemOf(payload, 'message').partAt(place)?.tellWhole(readLogprobs(payload['logprobs'])) ?? [])];
      case 'response.output_text.annotation.added': {
        const { annotation } = payload;
        return isRecord(annotation) ? (this.#itemOf(payload, 'message').partAt(place)?.annotate([readAnnotation(annotation)]) ?? []) : [];
      }
      case 'response.refusal.delta':
        return said('refusal', payload['delta'], false);
      case 'response.refusal.done':
        return said('refusal', payload['refusal'], true);
      case 'response.content_part.done': {
        const { part } = payload;
        const isMessage = isRecord(part) && (part['type'] === 'output_text' || part['type'] === 'refusal');
        return isMessage ? this.#itemOf(payload, 'message').endContent(place, part) : [];
      }
      default:
        return undefined;
    }
  }

  #takeReasoning(type: string, payload: JsonRecord): Events | undefined {
    const think = (isSummary: boolean, text: unknown, isWhole: boolean): Events => {
      const piece = numberOf(payload[isSummary ? 'summary_index' : 'content_index']) ?? 0;
      return this.#itemOf(payload, 'reasoning').think(isSummary, piece, textOf(text) ?? '', isWhole, textOf(payload['item_id']));
    };
    switch (type) {
      case 'response.reasoning_summary_text.delta':
        return think(true, payload['delta'], false);
      case 'response.reasoning_summary_text.done':
        return think(true, payload['text'], true);
      case 'response.reasoning_text.delta':
        return think(false, payload['delta'], false);
      case 'response.reasoning_text.done':
        return think(false, payload['text'], true);
      default:
        return undefined;
    }
  }

  /** By its place, else by its id, which some upstreams change from event to event; an event with neither is of the last item. */
  #itemOf(payload: JsonRecord, of: JsonRecord | string): StreamedItem {
    const isItem = typeof of !== 'string';
    const type = isItem ? textOf(of['type']) : of;
    const index = numberOf(payload['output_index']);
    const id = textOf(payload['item_id']) ?? (isItem ? textOf(of['id']) : undefined);
    const known = index !== undefined ? this.#byIndex.get(index) : id !== undefined ? this.#byId.get(id) : this.#items.at(-1);
    // Some give every item the same place: one of another type, or begun after the end of the last, is another.
    const isAnother = known === undefined || (known.type !== undefined && known.type !== type) || (known.isDone && (isItem || index === undefined));
    const item = isAnother ? this.#add(type) : known;
    if (index !== undefined) this.#byIndex.set(index, item);
    if (id !== undefined && (isAnother || !this.#byId.has(id))) this.#byId.set(id, item);
    return item;
  }

  #add(type: string | undefined): StreamedItem {
    const item = new StreamedItem(this.#scope, type);
    this.#items.push(item);
    return item;
  }

  #begin(response: unknown): Events {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    // Until it ends, a response states the tier that was asked for.
    return [{ type: 'start', ...headOf(response), serviceTier: undefined }];
  }

  #finish(response: unknown, ended: string): Events {
    this.#isOver = true;
    const begun = this.#begin(response);
    const told = this.#endItems(itemsOf(response));
    const { serviceTier } = headOf(response);
    const usage = decodeUsage(memberOf(response, 'usage'));
    const reason = textOf(memberOf(memberOf(response, 'incomplete_details'), 'reason'));
    const finish = finishOf(textOf(memberOf(response, 'status')) ?? ended, reason, this.#scope.kinds);
    const tier: Events = serviceTier === undefined ? [] : [{ type: 'tier', serviceTier }];
    return [...begun, ...told, ...tier, { type: 'finish', choice: 0, ...finish }, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]), { type: 'end' }];
  }

  /**
   * What was streamed counts; the whole output may bring what never was. Its places and ids differ from those of the stream
   * at some upstreams, so a call is known by its id and each other item as the next of its type.
   */
  #endItems(output: readonly JsonRecord[]): Events {
    const streamed = [...this.#items];
    const told = output.flatMap((final) => {
      const at = streamed.findIndex((item) => isSame(item, final));
      const [item] = at < 0 ? [this.#add(textOf(final['type']))] : streamed.splice(at, 1);
      return item?.end(final) ?? [];
    });
    return [...told, ...this.#items.flatMap((item) => item.close())];
  }

  #fail(error: StreamError): Events {
    this.#isOver = true;
    return [{ type: 'error', error }];
  }
}

function isSame({ type, callId }: StreamedItem, final: JsonRecord): boolean {
  const finalId = textOf(final['call_id']);
  if (callId === undefined || finalId === undefined || !callTypes.has(final['type'])) return type === final['type'];
  return callId === finalId;
}

/** A free-form call is told as a function's at the end by some. */
const callTypes: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call']);
