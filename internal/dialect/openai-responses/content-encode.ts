import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { AudioPart, FilePart, ImagePart, MediaSource, TextPart } from '../ir/parts.ts';
import { writeAnnotation } from './annotations.ts';
import { dataUrl } from '../openai-file-data.ts';
import { audioFormat } from './media.ts';

const dialect = 'openai-responses';

/** Text of a user, of instructions or of a tool. */
export function encodeInputText({ text, cache }: TextPart, losses: Losses): JsonRecord {
  noteMarker(cache, losses);
  return { type: 'input_text', text };
}

/** Text of the model. A citation without a place in it, or of another dialect, stays behind: the model needs none. */
export function encodeOutputText({ text, annotations, cache }: TextPart, losses: Losses): JsonRecord {
  noteMarker(cache, losses);
  const placed = (annotations ?? []).filter((annotation) => annotation.kind === 'raw' || (annotation.start !== undefined && annotation.end !== undefined));
  const written = placed.map((annotation) => writeAnnotation(annotation, text.length)).filter((annotation) => annotation !== undefined);
  return compact({ type: 'output_text', text, annotations: written.length === 0 ? undefined : written });
}

export function encodeImage({ source, detail, cache }: ImagePart, path: string, losses: Losses): JsonRecord {
  noteMarker(cache, losses);
  switch (source.kind) {
    case 'base64':
      return compact({ type: 'input_image', image_url: dataUrl(source), detail });
    case 'url':
      return compact({ type: 'input_image', image_url: source.url, detail });
    case 'id':
      return compact({ type: 'input_image', file_id: ownId(source, path, losses), detail });
    case 'text':
      return losses.refuse(path, 'text is no image');
  }
}

export function encodeFile(part: FilePart, path: string, losses: Losses): JsonRecord {
  const { source, name, cache } = part;
  if (mimeOf(source)?.startsWith('image/') === true) return encodeImage({ kind: 'image', source, cache }, path, losses);
  noteMarker(cache, losses);
  switch (source.kind) {
    case 'base64':
      if (/^(?:video|audio)\//.test(source.mime)) return losses.refuse(path, `files of type ${source.mime} are not taken there`);
      return { type: 'input_file', filename: name ?? defaultName(source.mime), file_data: dataUrl(source) };
    case 'url':
      if (/^(?:video|audio)\//.test(source.mime ?? '')) return losses.refuse(path, `files of type ${source.mime ?? ''} are not taken there`);
      return { type: 'input_file', file_url: source.url };
    case 'text':
      return { type: 'input_text', text: name === undefined ? source.text : `${name}\n\n${source.text}` };
    case 'id':
      return { type: 'input_file', file_id: ownId(source, path, losses) };
  }
}

export function encodeAudio({ source, cache }: AudioPart, path: string, losses: Losses): JsonRecord {
  noteMarker(cache, losses);
  if (source.kind === 'url') return losses.refuse(path, 'sound is taken as bytes, not by URL');
  const format = audioFormat(source.mime);
  if (format === undefined) return losses.refuse(path, `sound is taken as MP3 or WAV, not as ${source.mime}`);
  return { type: 'input_audio', input_audio: { data: source.data, format } };
}

/** Prompts are cached without being asked; the marks mean something to newer models only. */
export function noteMarker(cache: object | undefined, losses: Losses): void {
  if (cache !== undefined) losses.drop('cache_control');
}

function mimeOf(source: MediaSource): string | undefined {
  return source.kind === 'base64' || source.kind === 'url' ? source.mime : undefined;
}

/** A file given as bytes must have a name. */
function defaultName(mime: string): string {
  return mime === 'application/pdf' ? 'document.pdf' : `document.${/^text\/plain\b/.test(mime) ? 'txt' : (/[a-z0-9]+$/i.exec(mime)?.[0] ?? 'bin')}`;
}

function ownId(source: Extract<MediaSource, { readonly kind: 'id' }>, path: string, losses: Losses): string {
  return source.dialect === dialect ? source.id : losses.refuse(path, 'the file was uploaded to another vendor');
}
