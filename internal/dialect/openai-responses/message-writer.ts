import type { AnswerContext } from '../codec.ts';
import type { TokenLogprob } from '../ir/answer.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { writeAnnotation } from './annotations.ts';
import type { ItemLog } from './item-log.ts';
import { writeLogprobs } from './logprobs.ts';
import { messageItem, refusalContent, textContent } from './output-items.ts';

interface OpenContent {
  readonly kind: 'text' | 'refusal';
  readonly pieces: string[];
  length: number;
  readonly annotations: Annotation[];
  readonly logprobs: TokenLogprob[];
}

/** Writes one message. Text that ends stays open for links, until other content or the message's end comes. */
export class MessageWriter {
  readonly #log: ItemLog;
  readonly #id: string;
  readonly #index: number;
  readonly #content: JsonRecord[] = [];
  #open: OpenContent | undefined;

  constructor(log: ItemLog, context: AnswerContext) {
    this.#log = log;
    this.#id = context.newId('msg_');
    this.#index = log.addItem(messageItem(this.#id, [], 'in_progress'));
  }

  open(kind: OpenContent['kind']): void {
    this.#endContent();
    this.#open = { kind, pieces: [], length: 0, annotations: [], logprobs: [] };
    this.#event('response.content_part.added', { part: kind === 'text' ? textContent('', [], []) : refusalContent('') });
  }

  say(text: string): void {
    const open = this.#current();
    open.pieces.push(text);
    open.length += text.length;
    this.#event(open.kind === 'text' ? 'response.output_text.delta' : 'response.refusal.delta', open.kind === 'text' ? { delta: text, logprobs: [] } : { delta: text });
  }

  /** Tokens come beside the text; an empty delta carries them. */
  logprobs(tokens: readonly TokenLogprob[]): void {
    const open = this.#current();
    if (open.kind !== 'text' || tokens.length === 0) return;
    for (const token of tokens) open.logprobs.push(token);
    this.#event('response.output_text.delta', { delta: '', logprobs: writeLogprobs(tokens) });
  }

  annotate(annotation: Annotation): void {
    const open = this.#open;
    const written = open?.kind === 'text' ? writeAnnotation(annotation, open.length) : undefined;
    if (open === undefined || written === undefined) return;
    this.#event('response.output_text.annotation.added', { annotation_index: open.annotations.length, annotation: written });
    open.annotations.push(annotation);
  }

  /** A text has no field for what another vendor signed it with, and it is on its way already. */
  sign(_signature: Signature): void {
    this.#current();
  }

  close(): void {
    this.#current();
  }

  end(): void {
    this.#endContent();
    this.#log.endItem(this.#index, messageItem(this.#id, this.#content, 'completed'));
  }

  /** The message as it stands where the stream breaks off. */
  soFar(): readonly JsonRecord[] {
    return [messageItem(this.#id, [...this.#content, ...(this.#open === undefined ? [] : [contentOf(this.#open)])], 'incomplete')];
  }

  #current(): OpenContent {
    if (this.#open === undefined) throw new TypeError('no content is open');
    return this.#open;
  }

  #event(type: string, data: JsonRecord): void {
    this.#log.event(type, { item_id: this.#id, output_index: this.#index, content_index: this.#content.length, ...data });
  }

  #endContent(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const text = open.pieces.join('');
    const part = contentOf(open);
    this.#event(open.kind === 'text' ? 'response.output_text.done' : 'response.refusal.done', open.kind === 'text' ? { text, logprobs: writeLogprobs(open.logprobs) } : { refusal: text });
    this.#event('response.content_part.done', { part });
    this.#content.push(part);
  }
}

function contentOf({ kind, pieces, annotations, logprobs }: OpenContent): JsonRecord {
  return kind === 'text' ? textContent(pieces.join(''), annotations, logprobs) : refusalContent(pieces.join(''));
}
