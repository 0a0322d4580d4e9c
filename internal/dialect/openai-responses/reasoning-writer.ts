import type { AnswerContext } from '../codec.ts';
import type { PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import type { ItemLog } from './item-log.ts';
import { reasoningId, reasoningOf } from './output-items.ts';

/** Writes one reasoning item, its text as a summary. */
export class ReasoningWriter {
  readonly #log: ItemLog;
  readonly #id: string;
  readonly #index: number;
  readonly #pieces: string[] = [];
  #signature: Signature | undefined;

  constructor(log: ItemLog, context: AnswerContext, { id }: Extract<PartOpening, { readonly kind: 'thinking' }>) {
    this.#log = log;
    this.#id = reasoningId(id, context);
    this.#index = log.addItem(reasoningOf(this.#id, '', undefined));
  }

  say(text: string): void {
    if (this.#pieces.length === 0) this.#event('response.reasoning_summary_part.added', { part: { type: 'summary_text', text: '' } });
    this.#pieces.push(text);
    this.#event('response.reasoning_summary_text.delta', { delta: text });
  }

  sign(signature: Signature): void {
    this.#signature = signature;
  }

  close(): void {
    const text = this.#pieces.join('');
    if (this.#pieces.length > 0) {
      this.#event('response.reasoning_summary_text.done', { text });
      this.#event('response.reasoning_summary_part.done', { part: { type: 'summary_text', text } });
    }
    this.#log.endItem(this.#index, reasoningOf(this.#id, text, this.#signature));
  }

  /** The item as it stands where the stream breaks off. */
  soFar(): readonly JsonRecord[] {
    return [reasoningOf(this.#id, this.#pieces.join(''), this.#signature)];
  }

  #event(type: string, data: JsonRecord): void {
    this.#log.event(type, { item_id: this.#id, output_index: this.#index, summary_index: 0, ...data });
  }
}
