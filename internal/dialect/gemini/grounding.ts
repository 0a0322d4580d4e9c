import { compact, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';

/** Links of a candidate: with a place in its text where the metadata says one. Offsets count bytes of UTF-8 there. */
export function readGrounding(metadata: unknown, text: string): readonly Annotation[] {
  const links = listOf(memberOf(metadata, 'groundingChunks')).map((chunk) => memberOf(chunk, 'web') ?? memberOf(chunk, 'retrievedContext'));
  const bytes = Buffer.from(text);
  const placed = listOf(memberOf(metadata, 'groundingSupports')).flatMap((support) => {
    const segment = memberOf(support, 'segment');
    const [from, to] = [numberOf(memberOf(segment, 'startIndex')) ?? 0, numberOf(memberOf(segment, 'endIndex'))];
    const range = to === undefined ? {} : { start: bytes.toString('utf8', 0, from).length, end: bytes.toString('utf8', 0, to).length };
    return listOf(memberOf(support, 'groundingChunkIndices')).flatMap((index) => linkOf(typeof index === 'number' ? links[index] : undefined, { ...range, citedText: textOf(memberOf(segment, 'text')) }));
  });
  return placed.length > 0 ? placed : links.flatMap((link) => linkOf(link, {}));
}

function linkOf(link: unknown, place: { readonly start?: number; readonly end?: number; readonly citedText?: string | undefined }): readonly Annotation[] {
  const url = textOf(memberOf(link, 'uri'));
  return url === undefined ? [] : [{ kind: 'url', url, title: textOf(memberOf(link, 'title')), ...place }];
}

/** `text` is all of the candidate's; undefined where there are no links. */
export function writeGrounding(annotations: readonly Annotation[], text: string): JsonRecord | undefined {
  const links = annotations.flatMap((annotation) => (annotation.kind === 'url' ? [annotation] : []));
  if (links.length === 0) return undefined;
  const urls = [...new Map(links.map((link) => [link.url, link])).values()];
  const byteAt = (index: number): number => Buffer.byteLength(text.slice(0, index));
  const supports = links.flatMap(({ url, start, end }) => (start === undefined || end === undefined ? [] : [{ segment: { startIndex: byteAt(start), endIndex: byteAt(end), text: text.slice(start, end) }, groundingChunkIndices: [urls.findIndex((each) => each.url === url)] }]));
  return compact({ groundingChunks: urls.map(({ url, title }) => ({ web: compact({ uri: url, title }) })), groundingSupports: supports.length === 0 ? undefined : supports });
}
