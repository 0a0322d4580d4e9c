import type { AnswerContext } from '../codec.ts';
import type { PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import type { ItemLog } from './item-log.ts';
import { callFormOf, callId, callInput, tagItem, type CallForm } from './output-items.ts';

/**
 * Writes one call. It is held until it ends where what is written depends on the whole: the text of a free-form tool stands inside
 * JSON, and Gemini tells last what has to stand before the call. Every call waits for its first word, since a signature may come before it.
 */
export class CallWriter {
  readonly #log: ItemLog;
  readonly #context: AnswerContext;
  readonly #form: CallForm;
  readonly #id: string;
  readonly #isHeld: boolean;
  readonly #pieces: string[] = [];
  #index: number | undefined;
  #signature: Signature | undefined;

  constructor(log: ItemLog, context: AnswerContext, opening: Extract<PartOpening, { readonly kind: 'tool_call' }>) {
    this.#log = log;
    this.#context = context;
    this.#form = callFormOf(opening, context);
    this.#id = callId(this.#form, context);
    this.#isHeld = this.#form.isWrapped || this.#form.kind === 'tool_search_call' || context.source.dialect === 'gemini';
  }

  say(text: string): void {
    this.#pieces.push(text);
    if (this.#isHeld) return;
    this.#begin();
    this.#event('delta', { delta: text });
  }

  sign(signature: Signature): void {
    this.#signature = signature;
  }

  close(): void {
    const said = this.#pieces.join('');
    const input = callInput(this.#form, said);
    const index = this.#begin();
    if (this.#form.kind !== 'tool_search_call') {
      const isUnsaid = this.#isHeld || said !== input;
      if (isUnsaid && input !== '') this.#event('delta', { delta: input });
      this.#event('done', this.#form.kind === 'function_call' ? { arguments: input, name: this.#form.name } : { input });
    }
    this.#log.endItem(index, this.#form.item(this.#id, input, 'completed'));
    this.#writeTag();
  }

  /** The call as it stands where the stream breaks off; nothing where none of it was written. */
  soFar(): readonly JsonRecord[] {
    return this.#index === undefined ? [] : [this.#form.item(this.#id, this.#pieces.join(''), 'incomplete')];
  }

  #begin(): number {
    if (this.#index !== undefined) return this.#index;
    this.#writeTag();
    this.#index = this.#log.addItem(this.#form.item(this.#id, '', 'in_progress'));
    return this.#index;
  }

  /** Once; after the call where the signature came too late. */
  #writeTag(): void {
    if (this.#signature !== undefined) this.#log.wholeItem(tagItem(this.#signature, this.#context));
    this.#signature = undefined;
  }

  #event(what: 'delta' | 'done', data: JsonRecord): void {
    const type = this.#form.kind === 'function_call' ? 'response.function_call_arguments' : 'response.custom_tool_call_input';
    this.#log.event(`${type}.${what}`, { item_id: this.#id, output_index: this.#index, ...data });
  }
}
