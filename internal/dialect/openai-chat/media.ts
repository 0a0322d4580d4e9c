import { entryOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, MediaSource } from '../ir/parts.ts';
import { endingOf, mimeOfName, readDataUrl } from '../openai-file-data.ts';

const dialect = 'openai-chat';

const videoByEnding: Readonly<Record<string, string>> = { mp4: 'video/mp4', webm: 'video/webm', mov: 'video/quicktime', mpeg: 'video/mpeg', mpg: 'video/mpeg', avi: 'video/x-msvideo', mkv: 'video/x-matroska' };

/** An `image_url` part; imitations also take the bare URL. */
export function readImage(value: unknown, path: string, cache: CacheMarker | undefined): ImagePart {
  const url = textOf(value) ?? (isRecord(value) ? textOf(value['url']) : undefined);
  if (url === undefined) throw invalidMember(`${path}.image_url.url`, 'a string');
  return { kind: 'image', source: readDataUrl(url) ?? { kind: 'url', url }, detail: isRecord(value) ? textOf(value['detail']) : undefined, cache };
}

/** A `file` part. */
export function readFile(value: unknown, path: string, cache: CacheMarker | undefined): FilePart {
  const file: JsonRecord = isRecord(value) ? value : {};
  const name = textOf(file['filename']);
  const data = textOf(file['file_data']);
  const id = textOf(file['file_id']);
  if (data !== undefined) return { kind: 'file', source: readDataUrl(data) ?? fileSource(data, name), name, cache };
  if (id === undefined) throw invalidMember(`${path}.file`, 'an object with "file_data" or "file_id"');
  return { kind: 'file', source: { kind: 'id', id, dialect }, name, cache };
}

function fileSource(data: string, name: string | undefined): MediaSource {
  if (/^https?:/i.test(data)) return { kind: 'url', url: data };
  return { kind: 'base64', mime: mimeOfName(name), data };
}

/** A `video_url` part, as imitations have it. */
export function readVideo(value: unknown, path: string): FilePart {
  const url = textOf(value) ?? (isRecord(value) ? textOf(value['url']) : undefined);
  if (url === undefined) throw invalidMember(`${path}.video_url.url`, 'a string');
  return { kind: 'file', source: readDataUrl(url) ?? { kind: 'url', url, mime: entryOf(videoByEnding, endingOf(url.split(/[?#]/, 1)[0] ?? '')) ?? 'video/mp4' } };
}

/** An `input_audio` part. */
export function readAudio(value: unknown, path: string, cache: CacheMarker | undefined): AudioPart {
  const sound: JsonRecord = isRecord(value) ? value : {};
  const data = textOf(sound['data']);
  const format = textOf(sound['format']);
  if (data === undefined || format === undefined) throw invalidMember(`${path}.input_audio`, 'an object with "data" and "format"');
  return { kind: 'audio', source: { kind: 'base64', mime: format === 'mp3' ? 'audio/mpeg' : `audio/${format}`, data }, cache };
}

/** `mp3` and `wav` are OpenAI's; imitations take more, under the name of the type. */
export function audioFormat(mime: string): string {
  const subtype = mime.toLowerCase().replace(/^audio\/(?:x-|vnd\.)?/, '').split(';', 1)[0] ?? '';
  if (subtype === 'mpeg') return 'mp3';
  return subtype === 'wave' ? 'wav' : subtype;
}

/** An `input_audio`. Its data is bytes; an address in their place is for imitations that take one. */
export function writeAudio(source: AudioPart['source']): JsonRecord {
  if (source.kind === 'url') return { data: source.url };
  return { data: source.data, format: audioFormat(source.mime) };
}

/** What a made sound is, by its first bytes: answers do not say. */
export function soundMime(data: string): string {
  if (data.startsWith('UklGR')) return 'audio/wav';
  if (data.startsWith('ZkxhQ')) return 'audio/flac';
  if (data.startsWith('T2dn')) return 'audio/ogg';
  return data.startsWith('SUQz') || data.startsWith('//') ? 'audio/mpeg' : 'audio/pcm';
}
