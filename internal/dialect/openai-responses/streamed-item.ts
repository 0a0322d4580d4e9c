import type { Party } from '../codec.ts';
import type { AnswerPart } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import { replayPart } from '../ir/replay.ts';
import { readAnnotations } from './annotations.ts';
import { textsOf } from './input-decode.ts';
import { readLogprobs } from './logprobs.ts';
import { decodeCall, decodeOutputItem, signatureOf } from './output-decode.ts';
import { StreamedPart } from './streamed-part.ts';

type Events = readonly IrEvent[];

/** What all items of one stream count and note together. */
export interface StreamScope {
  readonly source: Party;
  readonly kinds: Set<AnswerPart['kind']>;
  nextPart: number;
}

/** One item of the output as it is streamed. Its events may lack any step: what its end states is set against what was said. */
export class StreamedItem {
  type: string | undefined;
  callId: string | undefined;
  readonly #scope: StreamScope;
  /** Content by its place, reasoning and calls by one name. */
  readonly #parts = new Map<string, StreamedPart>();
  /** Input of a call that has no name yet. */
  #unnamed = '';
  #beginning = '';
  #piece = 0;
  #pieceText = '';
  #isDone = false;

  constructor(scope: StreamScope, type: string | undefined) {
    this.#scope = scope;
    this.type = type;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Its beginning. A call has its name here, or at its end. */
  begin(item: JsonRecord): Events {
    this.type = textOf(item['type']) ?? this.type;
    if (this.type !== 'function_call' && this.type !== 'custom_tool_call') return [];
    const { id, name, input, isCustom } = decodeCall(item);
    this.callId = id;
    if (name === '' || this.#parts.has('call')) return [];
    // Some state the whole input here and stream it as well.
    this.#beginning = input;
    const { part, events } = this.#part('call', { kind: 'tool_call', id, name, isCustom });
    return [...events, ...part.say(this.#unnamed)];
  }

  /** Text or refusal at a place of a message; empty text opens nothing. */
  content(place: number, kind: 'text' | 'refusal', text: string, isWhole: boolean): Events {
    if (text === '' && !this.#parts.has(String(place))) return [];
    const { part, events } = this.#part(String(place), { kind });
    return [...events, ...(isWhole ? part.sayWhole(text) : part.say(text))];
  }

  /** A part that has begun. */
  partAt(place: number): StreamedPart | undefined {
    return this.#parts.get(String(place));
  }

  /** Reasoning is one part; its pieces are apart as paragraphs are. */
  think(isSummary: boolean, piece: number, text: string, isWhole: boolean, id: string | undefined): Events {
    if (text === '') return [];
    const { part, events } = this.#part('reasoning', { kind: 'thinking', id, isSummary: isSummary ? true : undefined });
    if (part.isSummary !== isSummary) return events;
    const isFurther = piece !== this.#piece;
    if (isFurther) this.#pieceText = '';
    this.#piece = piece;
    const fresh = !isWhole ? text : text.startsWith(this.#pieceText) ? text.slice(this.#pieceText.length) : '';
    this.#pieceText += fresh;
    return [...events, ...(isFurther && !part.isSilent && fresh !== '' ? part.say('\n\n') : []), ...part.say(fresh)];
  }

  /** Input of a call: a piece, or all of it. */
  call(text: string, isWhole: boolean): Events {
    const part = this.#parts.get('call');
    if (part !== undefined) return isWhole ? part.sayWhole(text) : part.say(text);
    this.#unnamed = isWhole ? text : this.#unnamed + text;
    return [];
  }

  /** The end of content in a message. */
  endContent(place: number, content: JsonRecord): Events {
    const isRefusal = content['type'] === 'refusal';
    if (!isRefusal && content['type'] !== 'output_text') return [];
    const said = this.content(place, isRefusal ? 'refusal' : 'text', textOf(content[isRefusal ? 'refusal' : 'text']) ?? '', true);
    const part = this.partAt(place);
    if (part === undefined) return said;
    const marks = isRefusal ? [] : [...part.annotateWhole(readAnnotations(content['annotations']) ?? []), ...part.tellWhole(readLogprobs(content['logprobs']))];
    return [...said, ...marks, ...part.close()];
  }

  /** The item as it is at its end. */
  end(item: JsonRecord): Events {
    if (this.#isDone) return [];
    this.type = textOf(item['type']) ?? this.type;
    const events = this.#settle(item);
    return [...events, ...this.close()];
  }

  /** Ends what is open, where no end of the item was told. */
  close(): Events {
    this.#isDone = true;
    const call = this.#parts.get('call');
    const beginning = call?.isSilent === true ? call.say(this.#beginning) : [];
    return [...beginning, ...[...this.#parts.values()].flatMap((part) => part.close())];
  }

  #settle(item: JsonRecord): Events {
    switch (this.type) {
      case 'message':
        return listOf(item['content']).flatMap((content, place) => (isRecord(content) ? this.endContent(place, content) : []));
      case 'reasoning': {
        const part = this.#parts.get('reasoning');
        if (part === undefined) return this.#whole(item);
        return [...part.sayWhole(textsOf(item[part.isSummary ? 'summary' : 'content'])), ...part.sign(signatureOf(item, this.#scope.source))];
      }
      case 'function_call':
      case 'custom_tool_call': {
        const call = decodeCall(item);
        this.callId = call.id;
        const begun = this.#parts.has('call') ? [] : this.#part('call', { kind: 'tool_call', id: call.id, name: call.name, isCustom: call.isCustom }).events;
        return [...begun, ...this.call(call.input === '' ? this.#unnamed : call.input, true)];
      }
      default:
        return this.#whole(item);
    }
  }

  /** An item of which nothing was streamed. */
  #whole(item: JsonRecord): Events {
    return decodeOutputItem(item, this.#scope.source).flatMap((part) => {
      this.#scope.kinds.add(part.kind);
      return replayPart(0, part, this.#scope.nextPart++);
    });
  }

  #part(key: string, opening: PartOpening): { readonly part: StreamedPart; readonly events: Events } {
    const known = this.#parts.get(key);
    if (known !== undefined) return { part: known, events: [] };
    const number = this.#scope.nextPart++;
    const part = new StreamedPart(number, opening);
    this.#parts.set(key, part);
    this.#scope.kinds.add(opening.kind);
    return { part, events: [{ type: 'open', choice: 0, part: number, opening }] };
  }
}
