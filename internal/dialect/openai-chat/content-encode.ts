import type { Party } from '../codec.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, Part } from '../ir/parts.ts';
import { isOpenAi, takesBreakpoints } from './model-traits.ts';
import { dataUrl } from '../openai-file-data.ts';
import { audioFormat, writeAudio } from './media.ts';

const dialect = 'openai-chat';

/** A part with its place in the request, for messages about it. */
export interface Placed<P extends Part = Part> {
  readonly part: P;
  readonly path: string;
}

/** For whom, and where losses go. */
export interface Encoding {
  readonly target: Party;
  readonly losses: Losses;
}

/** The content of a message that is not the model's: text where there is nothing else, for imitations that take no list. */
export function encodeContent(placed: readonly Placed[], encoding: Encoding): string | readonly JsonRecord[] {
  return simplify(placed.map((each) => encodePart(each, encoding)), '\n\n', encoding.target);
}

/** One text where parts are only text. `separator` stands between texts that OpenAI would be given apart. */
export function simplify(parts: readonly JsonRecord[], separator: string, target: Party): string | readonly JsonRecord[] {
  const texts = parts.map(plainText);
  if (texts.some((text) => text === undefined) || (isOpenAi(target) && texts.length > 1)) return parts;
  return texts.join(separator);
}

function plainText(part: JsonRecord): string | undefined {
  const { type, text, ...rest } = part;
  return type === 'text' && typeof text === 'string' && Object.keys(rest).length === 0 ? text : undefined;
}

export function encodePart({ part, path }: Placed, encoding: Encoding): JsonRecord {
  const { losses } = encoding;
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text, ...encodeMarker(part.cache, encoding) };
    case 'image':
      return { ...encodeImage(part, path, losses), ...encodeMarker(part.cache, encoding) };
    case 'file':
      return { ...encodeFile(part, path, encoding), ...encodeMarker(part.cache, encoding) };
    case 'audio':
      return { ...encodeAudio(part, path, encoding), ...encodeMarker(part.cache, encoding) };
    case 'refusal':
    case 'thinking':
      return { type: 'text', text: part.text };
    case 'raw':
      if (part.dialect !== dialect) return losses.refuse(path, 'only its own vendor knows it');
      return part.item;
    case 'tool_call':
    case 'tool_result':
      throw new TypeError(`${path}: a ${part.kind} is no content of a message`);
  }
}

function encodeImage({ source, detail }: ImagePart, path: string, losses: Losses): JsonRecord {
  switch (source.kind) {
    case 'base64':
      return { type: 'image_url', image_url: compact({ url: dataUrl(source), detail }) };
    case 'url':
      return { type: 'image_url', image_url: compact({ url: source.url, detail }) };
    case 'id':
    case 'text':
      return losses.refuse(path, 'it knows no pictures uploaded to another vendor');
  }
}

function encodeFile({ source, name }: FilePart, path: string, { target, losses }: Encoding): JsonRecord {
  const isVideo = (source.kind === 'base64' || source.kind === 'url') && source.mime?.startsWith('video/') === true;
  if (isVideo) {
    if (isOpenAi(target)) return losses.refuse(path, 'it takes no videos');
    return { type: 'video_url', video_url: { url: source.kind === 'url' ? source.url : dataUrl(source) } };
  }
  switch (source.kind) {
    case 'base64':
      // The name is required beside data. https://developers.openai.com/api/docs/guides/pdf-files
      return { type: 'file', file: { filename: name ?? defaultName(source.mime), file_data: dataUrl(source) } };
    case 'text':
      return { type: 'text', text: name === undefined ? source.text : `${name}\n\n${source.text}` };
    case 'id':
      if (source.dialect !== dialect) return losses.refuse(path, 'it knows no files uploaded to another vendor');
      return { type: 'file', file: compact({ file_id: source.id, filename: name }) };
    case 'url':
      return losses.refuse(path, "it takes a file's bytes, not its address");
  }
}

function defaultName(mime: string): string {
  return mime === 'application/pdf' ? 'document.pdf' : 'document.txt';
}

function encodeAudio({ source }: AudioPart, path: string, { target, losses }: Encoding): JsonRecord {
  if (source.kind === 'url') return losses.refuse(path, "it takes a sound's bytes, not its address");
  const format = audioFormat(source.mime);
  if (isOpenAi(target) && format !== 'mp3' && format !== 'wav') return losses.refuse(path, 'it takes sounds as WAV or MP3');
  return { type: 'input_audio', input_audio: writeAudio(source) };
}

/** OpenAI caches by itself; newer models also take breakpoints. */
function encodeMarker(cache: CacheMarker | undefined, { target, losses }: Encoding): JsonRecord {
  if (cache === undefined) return {};
  if (!takesBreakpoints(target)) {
    losses.drop('cache_control');
    return {};
  }
  const ttl = cache.ttl === '30m' || cache.ttl === '12h' ? cache.ttl : undefined;
  return { prompt_cache_breakpoint: compact({ mode: 'explicit', ttl }) };
}
