import type { TokenLogprob } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import type { Annotation, Signature } from '../ir/parts.ts';

type Events = readonly IrEvent[];

/** One part of a streamed answer. What it is given makes events; once it is closed, none. */
export class StreamedPart {
  readonly kind: PartOpening['kind'];
  /** Reasoning comes as a summary or as itself; what comes first is the part. */
  readonly isSummary: boolean;
  readonly #place: { readonly choice: 0; readonly part: number };
  #said = '';
  #isOpen = true;
  #hasAnnotations = false;
  #hasTokens = false;

  constructor(part: number, opening: PartOpening) {
    this.kind = opening.kind;
    this.isSummary = opening.kind === 'thinking' && opening.isSummary === true;
    this.#place = { choice: 0, part };
  }

  get isSilent(): boolean {
    return this.#said === '';
  }

  say(text: string): Events {
    if (!this.#isOpen || text === '') return [];
    this.#said += text;
    return [{ type: 'delta', ...this.#place, text }];
  }

  /** All of the text: what was not said yet follows. Where it says otherwise, what was streamed counts. */
  sayWhole(text: string): Events {
    return text.startsWith(this.#said) ? this.say(text.slice(this.#said.length)) : [];
  }

  annotate(annotations: readonly Annotation[]): Events {
    if (!this.#isOpen || annotations.length === 0) return [];
    this.#hasAnnotations = true;
    return annotations.map((annotation) => ({ type: 'annotation', ...this.#place, annotation }));
  }

  /** All annotations, for streams that did not tell them one by one. */
  annotateWhole(annotations: readonly Annotation[]): Events {
    return this.#hasAnnotations ? [] : this.annotate(annotations);
  }

  tell(tokens: readonly TokenLogprob[]): Events {
    if (!this.#isOpen || tokens.length === 0) return [];
    this.#hasTokens = true;
    return [{ type: 'logprobs', ...this.#place, tokens }];
  }

  tellWhole(tokens: readonly TokenLogprob[]): Events {
    return this.#hasTokens ? [] : this.tell(tokens);
  }

  sign(signature: Signature | undefined): Events {
    return !this.#isOpen || signature === undefined ? [] : [{ type: 'signature', ...this.#place, signature }];
  }

  close(): Events {
    if (!this.#isOpen) return [];
    this.#isOpen = false;
    return [{ type: 'close', ...this.#place }];
  }
}
