import { compact, entryOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { AudioPart, FilePart, ImagePart, MediaSource } from '../ir/parts.ts';
import { pick, pickRecord, pickText } from './members.ts';

const dialect = 'gemini';

const details: Readonly<Record<string, string>> = { MEDIA_RESOLUTION_LOW: 'low', MEDIA_RESOLUTION_MEDIUM: 'auto', MEDIA_RESOLUTION_HIGH: 'high', MEDIA_RESOLUTION_ULTRA_HIGH: 'original' };

/** `inlineData` and `fileData` parts; undefined for other parts, and for videos of which only a section is meant. */
export function decodeMedia(part: JsonRecord): ImagePart | FilePart | AudioPart | undefined {
  const inline = pickRecord(part, 'inlineData');
  const file = pickRecord(part, 'fileData');
  if ((inline === undefined && file === undefined) || pick(part, 'videoMetadata') !== undefined) return undefined;
  const mime = pickText(inline ?? file, 'mimeType') ?? '';
  const source: Extract<MediaSource, { readonly kind: 'base64' | 'url' | 'id' }> = inline === undefined ? fileSource(pickText(file, 'fileUri') ?? '', mime) : { kind: 'base64', mime, data: pickText(inline, 'data') ?? '' };
  if (mime.startsWith('image/')) return { kind: 'image', source, detail: entryOf(details, pickText(pick(part, 'mediaResolution'), 'level')) };
  if (mime.startsWith('audio/') && source.kind !== 'id') return { kind: 'audio', source };
  return { kind: 'file', source, name: pickText(inline ?? file, 'displayName') };
}

/** What was uploaded to one of Google's stores is known there alone. */
function fileSource(uri: string, mime: string): Extract<MediaSource, { readonly kind: 'url' | 'id' }> {
  const isStored = !/^https?:\/\//i.test(uri) || /^https:\/\/[\w-]*generativelanguage\.googleapis\.com\//i.test(uri);
  return isStored ? { kind: 'id', id: uri, dialect } : { kind: 'url', url: uri, mime: mime === '' ? undefined : mime };
}

/** Refuses at `path` what Gemini does not take. Addresses are Google's to fetch. @see https://ai.google.dev/gemini-api/docs/file-input-methods */
export function encodeMedia(part: ImagePart | FilePart | AudioPart, path: string, losses: Losses): JsonRecord {
  const { source } = part;
  if (part.kind === 'file' && part.name !== undefined && source.kind !== 'text') losses.drop('fileName');
  switch (source.kind) {
    case 'base64':
      return { inlineData: { mimeType: source.mime, data: source.data } };
    case 'url':
      if (!/^https?:\/\//i.test(source.url)) return losses.refuse(path, 'only http(s) addresses are fetched there');
      return { fileData: { fileUri: source.url, mimeType: source.mime ?? mimeOf(source.url, part.kind, path, losses) } };
    case 'text':
      return { text: part.kind === 'file' && part.name !== undefined ? `${part.name}\n\n${source.text}` : source.text };
    case 'id':
      if (source.dialect !== dialect) return losses.refuse(path, 'the file was uploaded to another vendor');
      return { fileData: compact({ fileUri: source.id, mimeType: entryOf(mimeByEnding, endingOf(source.id)) }) };
  }
}

const mimeByEnding: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif', heic: 'image/heic', heif: 'image/heif', avif: 'image/avif',
  pdf: 'application/pdf', txt: 'text/plain', md: 'text/markdown', html: 'text/html', csv: 'text/csv', xml: 'text/xml', json: 'application/json',
  mp3: 'audio/mp3', wav: 'audio/wav', ogg: 'audio/ogg', flac: 'audio/flac', aac: 'audio/aac', aiff: 'audio/aiff', m4a: 'audio/mp4',
  mp4: 'video/mp4', mpeg: 'video/mpeg', mpg: 'video/mpeg', webm: 'video/webm', mov: 'video/mov', avi: 'video/avi', wmv: 'video/wmv', '3gp': 'video/3gpp',
};

function endingOf(url: string): string {
  return /\.(\w{2,5})(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? '';
}

/** The type must be stated, and nobody here asks the address (security rule 14). */
function mimeOf(url: string, kind: 'image' | 'file' | 'audio', path: string, losses: Losses): string {
  const known = entryOf(mimeByEnding, endingOf(url));
  if (known !== undefined) return known;
  if (/^https:\/\/(?:(?:www|m)\.)?(?:youtube\.com|youtu\.be)\//i.test(url)) return 'video/mp4';
  // The commonest of pictures.
  return kind === 'image' ? 'image/jpeg' : losses.refuse(path, 'it wants to be told what a file is, and its address does not say it');
}
