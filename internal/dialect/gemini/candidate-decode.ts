import type { Party } from '../codec.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { flagOf, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { readFinish } from './finish.ts';
import { readGrounding } from './grounding.ts';
import { readLogprobs } from './logprobs.ts';

interface OpenText {
  readonly part: number;
  /** Where it begins in the candidate's text. */
  readonly start: number;
  readonly kind: 'text' | 'thinking';
}

/** Follows one candidate through the events of a stream, or through the one of a whole answer. */
export class CandidateDecoder {
  readonly #choice: number;
  readonly #source: Party;
  /** What ids of calls that have none are made of. */
  readonly #seed: string;
  #open: OpenText | undefined;
  readonly #texts = new Set<number>();
  #nextPart = 0;
  #calls = 0;
  #text = '';
  #grounding: unknown;
  #reason: string | undefined;

  constructor(choice: number, source: Party, seed: string) {
    this.#choice = choice;
    this.#source = source;
    this.#seed = seed;
  }

  get isFinished(): boolean {
    return this.#reason !== undefined;
  }

  take(candidate: JsonRecord): readonly IrEvent[] {
    const events = listOf(memberOf(candidate['content'], 'parts')).flatMap((part) => (isRecord(part) ? this.#part(part) : []));
    const tokens = readLogprobs(candidate['logprobsResult']);
    // They stand on the text they came with, which a call behind it may have closed.
    const said = events.findLastIndex((event) => event.type === 'delta' && this.#texts.has(event.part));
    const at = said < 0 ? undefined : events[said];
    const part = at?.type === 'delta' ? at.part : this.#open?.part;
    if (tokens.length > 0 && part !== undefined) events.splice(said < 0 ? events.length : said + 1, 0, { type: 'logprobs', choice: this.#choice, part, tokens });
    if (isRecord(candidate['groundingMetadata'])) this.#grounding = candidate['groundingMetadata'];
    const reason = textOf(candidate['finishReason']);
    if (reason !== undefined && reason !== '' && reason !== 'FINISH_REASON_UNSPECIFIED') this.#reason = reason;
    return events;
  }

  /** What ends the candidate once its stream has; `blocked`: the prompt was, whatever had been said. */
  finish(blocked: string | undefined): readonly IrEvent[] {
    const reason = this.#reason ?? blocked ?? 'STOP';
    const links = readGrounding(this.#grounding, this.#text);
    const open = this.#open?.kind === 'text' ? this.#open : undefined;
    const placed: IrEvent[] = [];
    const sources: Annotation[] = [];
    for (const link of links) {
      const isHere = open !== undefined && (link.kind !== 'url' || link.start === undefined || link.start >= open.start);
      if (isHere) placed.push({ type: 'annotation', choice: this.#choice, part: open.part, annotation: shiftLink(link, open.start) });
      else sources.push(withoutPlace(link));
    }
    const finish = this.#reason === undefined && blocked !== undefined ? 'content_filter' : readFinish(reason, this.#calls > 0);
    return [...placed, ...this.#close(), { type: 'finish', choice: this.#choice, finish, rawFinish: reason, ...(sources.length === 0 ? {} : { sources }) }];
  }

  #part(part: JsonRecord): IrEvent[] {
    const signature = this.#signature(part);
    const text = textOf(part['text']);
    const { functionCall, inlineData } = part;
    if (isRecord(functionCall)) return this.#call(functionCall, signature);
    if (text !== undefined) return this.#say(flagOf(part['thought']) === true ? 'thinking' : 'text', text, signature);
    const place = (): { readonly choice: number; readonly part: number } => ({ choice: this.#choice, part: this.#nextPart++ });
    const closed = this.#close();
    if (isRecord(inlineData)) return [...closed, { type: 'whole', ...place(), content: { kind: 'media', mime: textOf(inlineData['mimeType']) ?? '', data: textOf(inlineData['data']) ?? '', signature } }];
    return Object.keys(part).length === 0 ? [...closed] : [...closed, { type: 'whole', ...place(), content: { kind: 'raw', dialect: 'gemini', item: part } }];
  }

  #signature(part: JsonRecord): Signature | undefined {
    const value = textOf(part['thoughtSignature']) ?? '';
    return value === '' ? undefined : { vendor: this.#source.vendor, account: this.#source.account, value };
  }

  /** A change between thoughts and text ends one part and begins another; so does a signature, which stands on its part's end. */
  #say(kind: OpenText['kind'], text: string, signature: Signature | undefined): IrEvent[] {
    if (text === '' && signature === undefined) return [];
    const events: IrEvent[] = [];
    // A signature without text belongs to the text before it.
    if (this.#open?.kind !== kind && !(text === '' && this.#open !== undefined)) events.push(...this.#close(), ...this.#begin(kind));
    const open = this.#open;
    if (open === undefined) return events;
    const place = { choice: this.#choice, part: open.part } as const;
    if (text !== '') events.push({ type: 'delta', ...place, text });
    if (open.kind === 'text') this.#text += text;
    if (signature !== undefined) events.push({ type: 'signature', ...place, signature }, ...this.#close());
    return events;
  }

  #begin(kind: OpenText['kind']): readonly IrEvent[] {
    this.#open = { part: this.#nextPart++, kind, start: this.#text.length };
    if (kind === 'text') this.#texts.add(this.#open.part);
    const opening: PartOpening = kind === 'text' ? { kind } : { kind, isSummary: true };
    return [{ type: 'open', choice: this.#choice, part: this.#open.part, opening }];
  }

  #close(): readonly IrEvent[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: 'close', choice: this.#choice, part: open.part }];
  }

  #call(call: JsonRecord, signature: Signature | undefined): IrEvent[] {
    const place = this.#calls++;
    const stated = textOf(call['id']) ?? '';
    const name = textOf(call['name']) ?? '';
    const id = stated === '' ? `call_${sha256Hex(`${this.#seed} ${this.#choice} ${place} ${name}`).slice(0, 24)}` : stated;
    const at = { choice: this.#choice, part: this.#nextPart++ } as const;
    const closed = this.#close();
    return [
      ...closed,
      { type: 'open', ...at, opening: { kind: 'tool_call', id, name } },
      ...(signature === undefined ? [] : [{ type: 'signature', ...at, signature } as const]),
      { type: 'delta', ...at, text: JSON.stringify(call['args'] ?? {}) },
      { type: 'close', ...at },
    ];
  }
}

/** Places in the candidate's text as places in one part of it. */
function shiftLink(link: Annotation, by: number): Annotation {
  return link.kind !== 'url' || link.start === undefined || link.end === undefined ? link : { ...link, start: link.start - by, end: link.end - by };
}

function withoutPlace(link: Annotation): Annotation {
  return link.kind === 'url' ? { kind: 'url', url: link.url, title: link.title } : link;
}
