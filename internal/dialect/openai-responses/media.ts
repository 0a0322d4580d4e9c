import { entryOf, invalidMember, textOf, type JsonRecord } from '../ir/json.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, MediaSource } from '../ir/parts.ts';

const dialect = 'openai-responses';

/** What a file without a data URL is, by its name's ending. */
const mimeByEnding: Readonly<Record<string, string>> = { txt: 'text/plain', md: 'text/markdown', csv: 'text/csv', html: 'text/html', json: 'application/json', xml: 'application/xml' };
const pdf = 'application/pdf';

/** An `input_image`. */
export function readImage(part: JsonRecord, path: string, cache: CacheMarker | undefined): ImagePart {
  const source = sourceOf(textOf(part['image_url']), textOf(part['file_id']));
  if (source === undefined) throw invalidMember(path, 'an image with "image_url" or "file_id"');
  return { kind: 'image', source, detail: textOf(part['detail']), cache };
}

/** An `input_file`. */
export function readFile(part: JsonRecord, path: string, cache: CacheMarker | undefined): FilePart {
  const name = textOf(part['filename']);
  const data = textOf(part['file_data']);
  const source = data === undefined ? sourceOf(textOf(part['file_url']), textOf(part['file_id'])) : (readDataUrl(data) ?? { kind: 'base64' as const, mime: mimeOfName(name), data });
  if (source === undefined) throw invalidMember(path, 'a file with "file_data", "file_url" or "file_id"');
  return { kind: 'file', source, name, cache };
}

/** An `input_audio`. */
export function readAudio(sound: JsonRecord, path: string): AudioPart {
  const data = textOf(sound['data']);
  const format = textOf(sound['format']);
  if (data === undefined || format === undefined) throw invalidMember(path, 'a sound with "data" and "format"');
  return { kind: 'audio', source: { kind: 'base64', mime: format === 'mp3' ? 'audio/mpeg' : `audio/${format}`, data } };
}

/** `mp3` or `wav`; undefined for what the API does not take. */
export function audioFormat(mime: string): string | undefined {
  if (/^audio\/(?:mpeg|mp3)$/i.test(mime)) return 'mp3';
  return /^audio\/(?:x-|vnd\.)?wave?$/i.test(mime) ? 'wav' : undefined;
}

export function dataUrl({ mime, data }: Extract<MediaSource, { readonly kind: 'base64' }>): string {
  return `data:${mime};base64,${data}`;
}

function sourceOf(url: string | undefined, id: string | undefined): MediaSource | undefined {
  if (url !== undefined) return readDataUrl(url) ?? { kind: 'url', url };
  return id === undefined ? undefined : { kind: 'id', id, dialect };
}

/** RFC 2397, in its base64 form; undefined for everything else. */
function readDataUrl(url: string): Extract<MediaSource, { readonly kind: 'base64' }> | undefined {
  if (!url.startsWith('data:')) return undefined;
  const comma = url.indexOf(',');
  const head = url.slice('data:'.length, Math.max(comma, 0));
  if (!/;\s*base64$/i.test(head)) return undefined;
  return { kind: 'base64', mime: head.split(';', 1)[0]?.trim() || 'text/plain', data: url.slice(comma + 1) };
}

function mimeOfName(name: string | undefined): string {
  return entryOf(mimeByEnding, name?.split('.').at(-1)?.toLowerCase()) ?? pdf;
}
