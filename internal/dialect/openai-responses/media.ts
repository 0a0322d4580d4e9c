import { invalidMember, textOf, type JsonRecord } from '../ir/json.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, MediaSource } from '../ir/parts.ts';
import { mimeOfName, readDataUrl } from '../openai-file-data.ts';

const dialect = 'openai-responses';

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

function sourceOf(url: string | undefined, id: string | undefined): MediaSource | undefined {
  if (url !== undefined) return readDataUrl(url) ?? { kind: 'url', url };
  return id === undefined ? undefined : { kind: 'id', id, dialect };
}
