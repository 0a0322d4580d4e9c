import { isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { FilePart, ImagePart, MediaSource } from '../ir/parts.ts';
import { writeMarker } from './markers.ts';

const dialect = 'anthropic-messages';
const imageTypes: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const pdf = 'application/pdf';

/** Of an `image` or `document` block; undefined for a source that has another form. */
export function readSource(source: unknown): MediaSource | undefined {
  if (!isRecord(source)) return undefined;
  const data = textOf(source['data']);
  const mime = textOf(source['media_type']);
  const url = textOf(source['url']);
  const id = textOf(source['file_id']);
  switch (source['type']) {
    case 'base64':
      return data === undefined || mime === undefined ? undefined : { kind: 'base64', mime, data };
    case 'text':
      return data === undefined ? undefined : { kind: 'text', text: data };
    case 'url':
      return url === undefined ? undefined : { kind: 'url', url };
    case 'file':
      return id === undefined ? undefined : { kind: 'id', id, dialect };
    case 'content':
      return readContentSource(source['content']);
    default:
      return undefined;
  }
}

/** A document given as blocks is its text; one with pictures has none. */
function readContentSource(content: unknown): MediaSource | undefined {
  if (typeof content === 'string') return { kind: 'text', text: content };
  const texts = listOf(content).map((block) => (isRecord(block) && block['type'] === 'text' ? textOf(block['text']) : undefined));
  return texts.every((text) => text !== undefined) ? { kind: 'text', text: texts.join('\n\n') } : undefined;
}

/** Refuses at `path` what the Messages API does not take. */
export function encodeImage({ source, detail, cache }: ImagePart, path: string, losses: Losses): JsonRecord {
  if (detail !== undefined && detail !== 'auto') losses.drop('detail');
  return withMarker({ type: 'image', source: imageSource(source, path, losses) }, cache);
}

/** Files that are pictures become image blocks. */
export function encodeFile({ source, name, cache }: FilePart, path: string, losses: Losses): JsonRecord {
  if ((source.kind === 'base64' || source.kind === 'url') && source.mime?.startsWith('image/') === true) return withMarker({ type: 'image', source: imageSource(source, path, losses) }, cache);
  const document = { type: 'document', source: documentSource(source, path, losses) };
  return withMarker(name === undefined ? document : { ...document, title: name }, cache);
}

function withMarker(block: JsonRecord, cache: ImagePart['cache']): JsonRecord {
  return cache === undefined ? block : { ...block, cache_control: writeMarker(cache) };
}

function imageSource(source: MediaSource, path: string, losses: Losses): JsonRecord {
  switch (source.kind) {
    case 'base64':
      if (!imageTypes.has(source.mime)) return losses.refuse(path, `images are JPEG, PNG, GIF or WebP, not ${source.mime}`);
      return { type: 'base64', media_type: source.mime, data: source.data };
    case 'url':
      return { type: 'url', url: webUrl(source.url, path, losses) };
    case 'id':
      return { type: 'file', file_id: ownId(source, path, losses) };
    case 'text':
      return losses.refuse(path, 'text is no image');
  }
}

function documentSource(source: MediaSource, path: string, losses: Losses): JsonRecord {
  switch (source.kind) {
    case 'base64':
      if (source.mime === pdf) return { type: 'base64', media_type: pdf, data: source.data };
      if (!isTextType(source.mime)) return losses.refuse(path, `documents are PDF or text, not ${source.mime}`);
      return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') };
    case 'url':
      if (source.mime !== undefined && source.mime !== pdf) return losses.refuse(path, `only a PDF is taken by its URL, not ${source.mime}`);
      return { type: 'url', url: webUrl(source.url, path, losses) };
    case 'text':
      return { type: 'text', media_type: 'text/plain', data: source.text };
    case 'id':
      return { type: 'file', file_id: ownId(source, path, losses) };
  }
}

function isTextType(mime: string): boolean {
  return mime.startsWith('text/') || /^application\/(?:.+\+)?(?:json|xml|yaml|javascript|x-ndjson|toml)\b/.test(mime);
}

function webUrl(url: string, path: string, losses: Losses): string {
  return /^https?:\/\//i.test(url) ? url : losses.refuse(path, 'only http(s) URLs are fetched there');
}

function ownId(source: Extract<MediaSource, { readonly kind: 'id' }>, path: string, losses: Losses): string {
  return source.dialect === dialect ? source.id : losses.refuse(path, 'the file was uploaded to another vendor');
}
