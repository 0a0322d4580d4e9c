import { isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';

/**
 * Citations of one text block. A block is what is cited, so a link spans its whole text.
 * @see https://platform.claude.com/docs/en/build-with-claude/citations
 */
export function readCitations(citations: unknown, textLength: number): readonly Annotation[] | undefined {
  const read = listOf(citations).flatMap((citation) => (isRecord(citation) ? [readCitation(citation, textLength)] : []));
  return read.length === 0 ? undefined : read;
}

function readCitation(citation: JsonRecord, textLength: number): Annotation {
  const url = textOf(citation['url']) ?? textOf(citation['source']);
  if (url === undefined || !/^https?:/i.test(url)) return { kind: 'raw', dialect: 'anthropic-messages', item: citation };
  return { kind: 'url', url, title: textOf(citation['title']), start: 0, end: textLength, citedText: textOf(citation['cited_text']) };
}

/** A link as a citation of an answer. `text` is the part's, as far as it is known. */
export function writeCitation(annotation: Annotation, text: string): JsonRecord | undefined {
  if (annotation.kind === 'raw') return annotation.dialect === 'anthropic-messages' ? annotation.item : undefined;
  const { url, title, start = 0, end = text.length, citedText } = annotation;
  return { type: 'web_search_result_location', url, title: title ?? null, encrypted_index: '', cited_text: citedText ?? text.slice(start, end) };
}
