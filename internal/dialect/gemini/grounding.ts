import { compact, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';

type Link = Extract<Annotation, { readonly kind: 'url' }>;

/** Places in a text count UTF-16 units here, and bytes of UTF-8 there. */
interface ByteText {
  readonly text: string;
  readonly bytes: Buffer;
}

/**
 * Links of a candidate, with their places in all of its text where the metadata says them.
 *
 * @see https://ai.google.dev/api/generate-content#GroundingMetadata
 */
export function readLinks(grounding: unknown, citations: readonly unknown[], text: string): readonly Link[] {
  const said: ByteText = { text, bytes: Buffer.from(text) };
  const links = listOf(memberOf(grounding, 'groundingChunks')).map(readChunk);
  const supported = new Set<number>();
  const placed = listOf(memberOf(grounding, 'groundingSupports')).flatMap((support) => {
    const range = readSegment(memberOf(support, 'segment'), said);
    return listOf(memberOf(support, 'groundingChunkIndices')).flatMap((stated) => {
      const index = numberOf(stated);
      const link = index === undefined ? undefined : links[index];
      if (index === undefined || link === undefined) return [];
      supported.add(index);
      return [{ ...link, ...range }];
    });
  });
  const others = links.flatMap((link, index) => (link === undefined || supported.has(index) ? [] : [link]));
  return [...placed, ...others, ...citations.flatMap((citation) => readCitation(citation, said))];
}

function readChunk(chunk: unknown): Link | undefined {
  const source = ['web', 'retrievedContext', 'maps', 'image'].map((name) => memberOf(chunk, name)).find((value) => value !== undefined && value !== null);
  const url = textOf(memberOf(source, 'uri')) ?? textOf(memberOf(source, 'sourceUri'));
  return url === undefined ? undefined : { kind: 'url', url, title: textOf(memberOf(source, 'title')) };
}

/** The segment's own text decides where its numbers do not lead to it. */
function readSegment(segment: unknown, { text, bytes }: ByteText): Pick<Link, 'start' | 'end'> {
  const from = numberOf(memberOf(segment, 'startIndex')) ?? 0;
  const to = numberOf(memberOf(segment, 'endIndex'));
  const stated = textOf(memberOf(segment, 'text'));
  if (to !== undefined && to <= bytes.length) {
    const range = { start: charsBefore(bytes, from), end: charsBefore(bytes, to) };
    if (stated === undefined || text.slice(range.start, range.end) === stated) return range;
  }
  const found = stated === undefined || stated === '' ? -1 : text.indexOf(stated);
  return found < 0 || stated === undefined ? {} : { start: found, end: found + stated.length };
}

function charsBefore(bytes: Buffer, count: number): number {
  return bytes.toString('utf8', 0, count).length;
}

function readCitation(citation: unknown, { bytes }: ByteText): readonly Link[] {
  const url = textOf(memberOf(citation, 'uri'));
  if (url === undefined || url === '') return [];
  const to = numberOf(memberOf(citation, 'endIndex'));
  const range = to === undefined || to > bytes.length ? {} : { start: charsBefore(bytes, numberOf(memberOf(citation, 'startIndex')) ?? 0), end: charsBefore(bytes, to) };
  return [{ kind: 'url', url, title: textOf(memberOf(citation, 'title')), ...range }];
}

/** `groundingMetadata` of a candidate; `links` have their places in `text`, which is all it says. Undefined without links. */
export function writeGrounding(links: readonly Annotation[], text: string): JsonRecord | undefined {
  const known = links.flatMap((link) => (link.kind === 'url' ? [link] : []));
  if (known.length === 0) return undefined;
  const titles = new Map<string, string | undefined>();
  for (const { url, title } of known) titles.set(url, titles.get(url) ?? title);
  const urls = [...titles.keys()];
  const supports = known.flatMap(({ url, start, end }) =>
    start === undefined || end === undefined ? [] : [{ segment: { startIndex: bytesBefore(text, start), endIndex: bytesBefore(text, end), text: text.slice(start, end) }, groundingChunkIndices: [urls.indexOf(url)] }],
  );
  return compact({ groundingChunks: urls.map((uri) => ({ web: compact({ uri, title: titles.get(uri) }) })), groundingSupports: supports.length === 0 ? undefined : supports });
}

function bytesBefore(text: string, count: number): number {
  return Buffer.byteLength(text.slice(0, count));
}
