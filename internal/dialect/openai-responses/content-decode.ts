import { invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, RefusalPart, TextPart } from '../ir/parts.ts';
import { readAnnotations } from './annotations.ts';
import { readAudio, readFile, readImage } from './media.ts';

export type ContentPart = TextPart | ImagePart | FilePart | AudioPart | RefusalPart;

/** The `content` of a message, or what a tool gave back: text, or a list of parts. Empty text is no part. */
export function decodeContent(content: unknown, path: string): readonly ContentPart[] {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw invalidMember(path, 'a string or a list of parts');
  return content.map((part, index) => {
    if (!isRecord(part)) throw invalidMember(`${path}[${index}]`, 'a part');
    return decodePart(part, `${path}[${index}]`);
  });
}

function decodePart(part: JsonRecord, path: string): ContentPart {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
    case 'reasoning_text':
      return { kind: 'text', text: requireText(part, 'text', path), annotations: readAnnotations(part['annotations']), cache: readBreakpoint(part) };
    case 'refusal':
      return { kind: 'refusal', text: requireText(part, 'refusal', path) };
    case 'input_image':
      return readImage(part, path, readBreakpoint(part));
    case 'input_file':
      return readFile(part, path, readBreakpoint(part));
    case 'input_audio': {
      const sound = part['input_audio'];
      return readAudio(isRecord(sound) ? sound : part, path);
    }
    default:
      throw invalidMember(`${path}.type`, 'a kind of content that is known here');
  }
}

function requireText(part: JsonRecord, member: string, path: string): string {
  const text = textOf(part[member]);
  if (text === undefined) throw invalidMember(`${path}.${member}`, 'a string');
  return text;
}

/** @see https://developers.openai.com/api/docs/guides/prompt-caching */
function readBreakpoint(part: JsonRecord): CacheMarker | undefined {
  const breakpoint = part['prompt_cache_breakpoint'];
  return isRecord(breakpoint) ? { ttl: textOf(breakpoint['ttl']) } : undefined;
}
