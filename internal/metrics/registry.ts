import type { InstrumentRow } from './instruments.ts';

/** A counter or gauge with its labels bound. */
export interface Value {
  value: number;
}

/** A histogram with its labels bound. */
export interface Distribution {
  readonly observe: (value: number) => void;
}

interface Buckets extends Distribution {
  readonly counts: readonly number[];
  readonly sum: () => number;
}

/** One instrument; `at` gives the child for label values in the order of the table's labels. */
export interface Family<C> {
  readonly at: (...labelValues: readonly string[]) => C;
  readonly render: (out: string[]) => void;
}

const defaultMaxSeries = 500;
const other = 'other';
const maxLabelLength = 120;

/**
 * A counter or gauge. Children are plain objects, so that the hot path adds to a field. Beyond the row's cap every new
 * label set is counted under `other`, since label values could otherwise fill the memory.
 */
export function createValues(name: string, row: InstrumentRow): Family<Value> {
  return createFamily(name, row, () => ({ value: 0 }), (child, labels, out) => void out.push(`${name}${braces(labels)} ${number(child.value)}\n`));
}

export function createDistributions(name: string, row: InstrumentRow): Family<Distribution> {
  const bounds = row.buckets ?? [];
  return createFamily(name, row, () => createBuckets(bounds), (child: Buckets, labels, out) => {
    let total = 0;
    bounds.forEach((bound, index) => {
      total += child.counts[index] ?? 0;
      out.push(`${name}_bucket${braces([...labels, `le="${bound}"`])} ${total}\n`);
    });
    total += child.counts[bounds.length] ?? 0;
    out.push(`${name}_bucket${braces([...labels, 'le="+Inf"'])} ${total}\n`, `${name}_sum${braces(labels)} ${number(child.sum())}\n`, `${name}_count${braces(labels)} ${total}\n`);
  });
}

function createBuckets(bounds: readonly number[]): Buckets {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  return {
    counts,
    sum: () => sum,
    observe: (value) => {
      let index = 0;
      while (index < bounds.length && value > (bounds[index] ?? Infinity)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += value;
    },
  };
}

function createFamily<C>(name: string, row: InstrumentRow, create: () => C, render: (child: C, labels: readonly string[], out: string[]) => void): Family<C> {
  const maxSeries = row.maxSeries ?? defaultMaxSeries;
  const children = new Map<string, { readonly labels: readonly string[]; readonly child: C }>();

  const add = (key: string, values: readonly string[]): C => {
    const child = create();
    children.set(key, { labels: row.labels.map((label, index) => `${label}="${escapeLabel(values[index] ?? '')}"`), child });
    return child;
  };

  const at = (...values: readonly string[]): C => {
    const key = values.join('\n');
    const known = children.get(key);
    if (known !== undefined) return known.child;
    if (values.length !== row.labels.length) throw new TypeError(`${name} takes ${row.labels.length} label values`);
    if (children.size < maxSeries) return add(key, values);
    const rest = row.labels.map(() => other);
    return children.get(rest.join('\n'))?.child ?? add(rest.join('\n'), rest);
  };

  if (row.labels.length === 0) add('', []);
  return {
    at,
    render: (out) => {
      out.push(`# HELP ${name} ${row.help}\n`, `# TYPE ${name} ${row.kind}\n`);
      for (const { labels, child } of children.values()) render(child, labels, out);
    },
  };
}

function braces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`;
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)));
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ : backslash, quote and line feed are escaped. */
function escapeLabel(value: string): string {
  const short = value.slice(0, maxLabelLength).toWellFormed();
  return short.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '?');
}
