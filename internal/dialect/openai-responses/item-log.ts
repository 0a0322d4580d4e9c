import { compact, type JsonRecord } from '../ir/json.ts';

/** What is written of one response: its events, numbered, and its items as far as they are done. */
export class ItemLog {
  #sequence = 0;
  #count = 0;
  #text: string[] = [];
  readonly #done: JsonRecord[] = [];

  event(type: string, data: JsonRecord): void {
    this.#text.push(`event: ${type}\ndata: ${JSON.stringify(compact({ type, sequence_number: this.#sequence++, ...data }))}\n\n`);
  }

  /** The text of the events since the last call. */
  take(): string {
    const text = this.#text.join('');
    this.#text = [];
    return text;
  }

  /** Begins an item; gives its place in the output. */
  addItem(item: JsonRecord): number {
    const output_index = this.#count++;
    this.event('response.output_item.added', { output_index, item });
    return output_index;
  }

  endItem(output_index: number, item: JsonRecord): void {
    this.#done.push(item);
    this.event('response.output_item.done', { output_index, item });
  }

  wholeItem(item: JsonRecord): void {
    this.endItem(this.addItem(item), item);
  }

  items(): readonly JsonRecord[] {
    return this.#done;
  }
}
