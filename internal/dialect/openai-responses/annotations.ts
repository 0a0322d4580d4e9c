import { isRecord, listOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';

const dialect = 'openai-responses';

/** Annotations of an `output_text`; undefined where there are none. */
export function readAnnotations(value: unknown): readonly Annotation[] | undefined {
  const read = listOf(value).flatMap((item) => (isRecord(item) ? [readAnnotation(item)] : []));
  return read.length === 0 ? undefined : read;
}

export function readAnnotation(item: JsonRecord): Annotation {
  const url = textOf(item['url']);
  if (item['type'] !== 'url_citation' || url === undefined) return { kind: 'raw', dialect, item };
  return { kind: 'url', url, title: textOf(item['title']), start: numberOf(item['start_index']), end: numberOf(item['end_index']) };
}

/** Clients read title and place without asking whether they are there: a link without a place stands at `at`. Undefined for another dialect's. */
export function writeAnnotation(annotation: Annotation, at: number): JsonRecord | undefined {
  if (annotation.kind === 'raw') return annotation.dialect === dialect ? annotation.item : undefined;
  const { url, title, start, end } = annotation;
  return { type: 'url_citation', url, title: title ?? url, start_index: start ?? at, end_index: end ?? at };
}
