import { isRecord } from '../../internal/dialect/ir/json.ts';

/** Vendors' prose is theirs, and no decoder looks into it: its beginning is kept, and its length is told. */
const keptOf: Readonly<Record<string, number>> = { description: 24, text: 40, content: 40, definition: 24, output: 160, thinking: 80 };
const keptElsewhere = 240;

/** Gives recordings made-up values for what names a machine, a person, a session or a moment; equal values stay equal. */
export class Anonymiser {
  readonly #places: readonly (readonly [string, string])[];
  readonly #ids = new Map<string, string>();

  /** `places`: texts that stand for a place of this run, and what is written instead. */
  constructor(places: Readonly<Record<string, string>>) {
    this.#places = Object.entries(places);
  }

  value(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return this.#text(value, key);
    if (typeof value === 'number') return Number.isInteger(value) ? value : key === 'create_time' ? 0.5 : value;
    if (Array.isArray(value)) return value.map((each) => this.value(each, key));
    if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.value(each, name)]));
    return value;
  }

  #text(text: string, key: string): string {
    const placed = this.#places.reduce((so, [from, to]) => so.replaceAll(from, to), text);
    const named = placed
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => this.#standIn(id, (count) => `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`))
      .replaceAll(/\b[0-9a-f]{64}\b/g, (id) => this.#standIn(id, (count) => String(count).padStart(64, '0')))
      .replaceAll(/\bses_[A-Za-z0-9]{20,}/g, (id) => this.#standIn(id, (count) => `ses_${String(count).padStart(20, '0')}`))
      .replaceAll(/\b1[0-9]{12}\b/g, '1700000000000');
    const kept = keptOf[key] ?? keptElsewhere;
    return named.length <= kept + 24 ? named : `${named.slice(0, kept)}… (${named.length} characters)`;
  }

  #standIn(id: string, make: (count: number) => string): string {
    const known = this.#ids.get(id) ?? make(this.#ids.size + 1);
    this.#ids.set(id, known);
    return known;
  }
}
