import type { AnswerContext, StreamEncoder } from '../codec.ts';
import type { IrUsage, TokenLogprob } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { createSequencer } from '../ir/sequential.ts';
import { renderStreamError } from '../stream-error.ts';
import { encodeCall, encodePart, headOf, tagOf } from './answer.ts';
import { writeFinish } from './finish.ts';
import { writeGrounding } from './grounding.ts';
import { writeLogprobs } from './logprobs.ts';
import { writeUsage } from './usage.ts';

type EventOf<T extends IrEvent['type']> = Extract<IrEvent, { readonly type: T }>;

/** The part of a candidate that is being said. */
interface OpenPart {
  readonly opening: PartOpening;
  readonly pieces: string[];
  signature: Signature | undefined;
}

interface CandidateState {
  open: OpenPart | undefined;
  text: string;
  /** Where the part under way begins in the text. */
  partStart: number;
  readonly annotations: Annotation[];
  readonly logprobs: TokenLogprob[];
  finish: EventOf<'finish'> | undefined;
}

/**
 * Each event is an answer of its own with what is new in it; calls come whole. The last one of a candidate has its
 * `finishReason`, and the usage; there is no other end.
 */
export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const sequence = createSequencer();
  const writer = new AnswerWriter(context);
  return { push: (event) => sequence(event).map((each) => writer.write(each)).join('') };
}

class AnswerWriter {
  readonly #context: AnswerContext;
  readonly #candidates = new Map<number, CandidateState>();
  #head: JsonRecord | undefined;
  #usage: IrUsage | undefined;
  #isOver = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: IrEvent): string {
    if (this.#isOver || event.type === 'ping') return '';
    switch (event.type) {
      case 'error':
        this.#isOver = true;
        return renderStreamError('gemini', event.error, true);
      case 'start':
        if (this.#head !== undefined) throw new TypeError('a second start');
        this.#head = headOf(event, this.#context);
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'end':
        return this.#end();
      default:
        if (this.#head === undefined) throw new TypeError(`${event.type} before start`);
        return this.#within(event, this.#candidate(event.choice));
    }
  }

  #within(event: Exclude<IrEvent, { readonly type: 'error' | 'start' | 'usage' | 'end' | 'ping' }>, candidate: CandidateState): string {
    switch (event.type) {
      case 'open':
        if (candidate.open !== undefined) throw new TypeError('a part opened within another');
        candidate.open = { opening: event.opening, pieces: [], signature: undefined };
        candidate.partStart = candidate.text.length;
        return '';
      case 'delta':
        return this.#say(event, candidate);
      case 'signature':
        current(candidate).signature = event.signature;
        return '';
      case 'annotation':
        candidate.annotations.push(shift(event.annotation, candidate.partStart));
        return '';
      case 'logprobs':
        candidate.logprobs.push(...event.tokens);
        return '';
      case 'close':
        return this.#close(event.choice, candidate);
      case 'whole':
        return this.#parts(event.choice, encodePart(event.content));
      case 'finish':
        candidate.finish = event;
        candidate.annotations.push(...(event.sources ?? []));
        return '';
    }
  }

  #say({ choice, text }: EventOf<'delta'>, candidate: CandidateState): string {
    const { opening, pieces } = current(candidate);
    switch (opening.kind) {
      case 'tool_call':
        pieces.push(text);
        return '';
      case 'thinking':
        return this.#parts(choice, [{ text, thought: true }]);
      case 'text':
      case 'refusal':
        candidate.text += text;
        return this.#parts(choice, [{ text }]);
    }
  }

  #close(choice: number, candidate: CandidateState): string {
    const { opening, pieces, signature } = current(candidate);
    candidate.open = undefined;
    if (opening.kind === 'tool_call') return this.#parts(choice, [encodeCall({ id: opening.id, name: opening.name, input: pieces.join(''), signature })]);
    // The signature stands on an empty piece of the part that it ends.
    return signature === undefined ? '' : this.#parts(choice, [compact({ text: '', thought: opening.kind === 'thinking' ? true : undefined, thoughtSignature: tagOf(signature) })]);
  }

  #candidate(choice: number): CandidateState {
    const known = this.#candidates.get(choice);
    if (known !== undefined) return known;
    const fresh: CandidateState = { open: undefined, text: '', partStart: 0, annotations: [], logprobs: [], finish: undefined };
    this.#candidates.set(choice, fresh);
    return fresh;
  }

  #parts(index: number, parts: readonly JsonRecord[]): string {
    return parts.length === 0 ? '' : this.#event({ candidates: [{ content: { role: 'model', parts }, index }] });
  }

  #event(content: JsonRecord): string {
    return `data: ${JSON.stringify({ ...content, ...this.#head })}\r\n\r\n`;
  }

  #end(): string {
    this.#isOver = true;
    const ended = this.#candidates.size === 0 ? [[0, undefined] as const] : [...this.#candidates];
    const candidates = ended.map(([index, state]) =>
      compact({
        content: { role: 'model', parts: [] },
        finishReason: writeFinish(state?.finish?.finish ?? 'other'),
        index,
        groundingMetadata: state === undefined ? undefined : writeGrounding(state.annotations, state.text),
        logprobsResult: state === undefined || state.logprobs.length === 0 ? undefined : writeLogprobs(state.logprobs),
      }),
    );
    return this.#event(compact({ candidates, usageMetadata: this.#usage === undefined ? undefined : writeUsage(this.#usage) }));
  }
}

function current({ open }: CandidateState): OpenPart {
  if (open === undefined) throw new TypeError('nothing is open');
  return open;
}

function shift(annotation: Annotation, by: number): Annotation {
  if (annotation.kind !== 'url' || annotation.start === undefined || annotation.end === undefined) return annotation;
  return { ...annotation, start: annotation.start + by, end: annotation.end + by };
}
