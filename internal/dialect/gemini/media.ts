import { compact, textOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { AudioPart, FilePart, ImagePart, MediaSource } from '../ir/parts.ts';
import { pick, pickRecord } from './members.ts';

const dialect = 'gemini';

/** `inlineData` and `fileData` parts; undefined for other parts. */
export function decodeMedia(part: JsonRecord): ImagePart | FilePart | AudioPart | undefined {
  const inline = pickRecord(part, 'inlineData');
  const file = pickRecord(part, 'fileData');
  if (inline === undefined && file === undefined) return undefined;
  const mime = textOf(pick(inline ?? file, 'mimeType')) ?? '';
  const source = inline === undefined ? fileSource(textOf(pick(file, 'fileUri')) ?? '', mime) : ({ kind: 'base64', mime, data: textOf(inline['data']) ?? '' } as const);
  const name = textOf(pick(inline ?? file, 'displayName'));
  if (mime.startsWith('image/')) return { kind: 'image', source };
  if (mime.startsWith('audio/') && source.kind !== 'id') return { kind: 'audio', source };
  return { kind: 'file', source, name };
}

/** What was uploaded to Google's own store is known there alone. */
function fileSource(uri: string, mime: string): Extract<MediaSource, { readonly kind: 'url' | 'id' }> {
  const isOwn = uri.startsWith('gs://') || uri.startsWith('https://generativelanguage.googleapis.com/') || !/^https?:/.test(uri);
  return isOwn ? { kind: 'id', id: JSON.stringify([uri, mime]), dialect } : { kind: 'url', url: uri, mime: mime === '' ? undefined : mime };
}

export function encodeMedia(part: ImagePart | FilePart | AudioPart, path: string, losses: Losses): JsonRecord {
  const { source } = part;
  switch (source.kind) {
    case 'base64':
      return { inlineData: { mimeType: source.mime, data: source.data } };
    case 'url':
      return { fileData: { fileUri: webUrl(source.url, path, losses), mimeType: source.mime ?? mimeOf(source.url, part.kind, path, losses) } };
    case 'text':
      return { text: source.text };
    case 'id':
      return encodeId(source, path, losses);
  }
}

function encodeId({ id, dialect: from }: Extract<MediaSource, { readonly kind: 'id' }>, path: string, losses: Losses): JsonRecord {
  if (from !== dialect) return losses.refuse(path, 'the file was uploaded to another vendor');
  const [fileUri, mimeType]: readonly unknown[] = JSON.parse(id);
  return { fileData: compact({ fileUri, mimeType: mimeType === '' ? undefined : mimeType }) };
}

function webUrl(url: string, path: string, losses: Losses): string {
  return /^https?:\/\//i.test(url) ? url : losses.refuse(path, 'only http(s) URLs are fetched there');
}

const mimeByEnding: Readonly<Record<string, string>> = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic', heif: 'image/heif',
  pdf: 'application/pdf', txt: 'text/plain', md: 'text/markdown', html: 'text/html', csv: 'text/csv', json: 'application/json',
  mp3: 'audio/mpeg', wav: 'audio/wav', ogg: 'audio/ogg', flac: 'audio/flac', m4a: 'audio/mp4', mp4: 'video/mp4', webm: 'video/webm', mov: 'video/mov',
};

/** The API wants to be told what it will find; nobody asks the URL (security rule 14). Pictures without an ending are taken for JPEGs, as the service looks at the bytes. */
function mimeOf(url: string, kind: 'image' | 'file' | 'audio', path: string, losses: Losses): string {
  const ending = /\.(\w{2,5})(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? '';
  return mimeByEnding[ending] ?? (kind === 'image' ? 'image/jpeg' : kind === 'file' ? 'application/pdf' : losses.refuse(path, 'the kind of sound cannot be told from its URL'));
}
