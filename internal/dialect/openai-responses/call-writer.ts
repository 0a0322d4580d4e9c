import type { AnswerContext } from '../codec.ts';
import type { PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import type { ItemLog } from './item-log.ts';
import { callFormOf, callId, callInput, tagItem, type CallForm } from './output-items.ts';

/**
 * Writes one call. It is held until it ends where what is written depends on the whole: the text of a free-form tool stands inside
 * JSON, and a signature has to stand before the call.
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
    if (!this.#isHeld) this.#index = log.addItem(this.#form.item(this.#id, '', 'in_progress'));
  }

  say(text: string): void {
    this.#pieces.push(text);
    if (!this.#isHeld) this.#event('delta', { delta: text });
  }

  sign(signature: Signature): void {
    this.#signature = signature;
  }

  close(): void {
    const said = this.#pieces.join('');
    const input = callInput(this.#form, said);
    if (this.#signature !== undefined) this.#log.wholeItem(tagItem(this.#signature, this.#context));
    this.#index ??= this.#log.addItem(this.#form.item(this.#id, '', 'in_progress'));
    if (this.#form.kind !== 'tool_search_call') {
      const isUnsaid = this.#isHeld || said !== input;
      if (isUnsaid && input !== '') this.#event('delta', { delta: input });
      this.#event('done', this.#form.kind === 'function_call' ? { arguments: input } : { input });
    }
    this.#log.endItem(this.#index, this.#form.item(this.#id, input, 'completed'));
  }

  #event(what: 'delta' | 'done', data: JsonRecord): void {
    const type = this.#form.kind === 'function_call' ? 'response.function_call_arguments' : 'response.custom_tool_call_input';
    this.#log.event(`${type}.${what}`, { item_id: this.#id, output_index: this.#index, ...data });
  }
}
