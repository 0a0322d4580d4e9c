import { entryOf } from './ir/json.ts';
import type { MediaSource } from './ir/parts.ts';

/*
 * Files, pictures and sounds in the body of a request, as both of OpenAI's dialects have them.
 */

type Bytes = Extract<MediaSource, { readonly kind: 'base64' }>;

const mimeByEnding: Readonly<Record<string, string>> = { txt: 'text/plain', md: 'text/markdown', csv: 'text/csv', html: 'text/html', json: 'application/json', xml: 'application/xml' };

/** What a file without a data URL is, by its name's ending. */
export function mimeOfName(name: string | undefined): string {
  return entryOf(mimeByEnding, endingOf(name ?? '')) ?? 'application/pdf';
}

/** In lower case. */
export function endingOf(name: string): string {
  return name.split('.').at(-1)?.toLowerCase() ?? '';
}

/** RFC 2397, in its base64 form; undefined for everything else. */
export function readDataUrl(url: string): Bytes | undefined {
  if (!url.startsWith('data:')) return undefined;
  const comma = url.indexOf(',');
  const head = url.slice('data:'.length, Math.max(comma, 0));
  if (!/;\s*base64$/i.test(head)) return undefined;
  return { kind: 'base64', mime: head.split(';', 1)[0]?.trim() || 'text/plain', data: url.slice(comma + 1) };
}

export function dataUrl({ mime, data }: Bytes): string {
  return `data:${mime};base64,${data}`;
}
