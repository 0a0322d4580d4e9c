import { invalidMember, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { AudioPart, CacheMarker, FilePart, ImagePart, RawPart, RefusalPart, TextPart, ThinkingPart } from '../ir/parts.ts';
import { readAudio, readFile, readImage, readVideo } from './media.ts';

export type ContentPart = TextPart | ImagePart | FilePart | AudioPart | RefusalPart | ThinkingPart | RawPart;

/** The `content` of a message: text, or a list of parts. Empty text is no part. */
export function decodeContent(content: unknown, path: string): readonly ContentPart[] {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) throw invalidMember(path, 'a string or a list of parts');
  return listOf(content).map((part, index) => decodePart(part, `${path}[${index}]`));
}

function decodePart(part: unknown, path: string): ContentPart {
  if (typeof part === 'string') return { kind: 'text', text: part };
  if (!isRecord(part)) throw invalidMember(path, 'an object with "type"');
  const cache = readMarker(part);
  switch (part['type']) {
    case 'text':
      return { kind: 'text', text: requireText(part, 'text', path), cache };
    case 'refusal':
      return { kind: 'refusal', text: requireText(part, 'refusal', path) };
    case 'image_url':
      return readImage(part['image_url'], path, cache);
    case 'input_audio':
      return readAudio(part['input_audio'], path, cache);
    case 'file':
      return readFile(part['file'], path, cache);
    case 'video_url':
      return readVideo(part['video_url'], path);
    case 'thinking':
      return { kind: 'thinking', text: thinkingText(part) };
    default:
      if (textOf(part['type']) === undefined) throw invalidMember(`${path}.type`, 'a string');
      return { kind: 'raw', dialect: 'openai-chat', item: part };
  }
}

/** Reasoning among the content, as Mistral writes it. */
export function thinkingText(part: JsonRecord): string {
  const thinking = part['thinking'];
  return textOf(thinking) ?? listOf(thinking).map((piece) => textOf(memberOf(piece, 'text')) ?? '').join('');
}

function requireText(part: JsonRecord, name: string, path: string): string {
  const text = textOf(part[name]);
  if (text === undefined) throw invalidMember(`${path}.${name}`, 'a string');
  return text;
}

/** OpenAI's breakpoint, or Anthropic's marker, which imitations carry on. */
function readMarker(part: JsonRecord): CacheMarker | undefined {
  for (const name of ['prompt_cache_breakpoint', 'cache_control']) {
    const marker = part[name];
    if (isRecord(marker)) return { ttl: textOf(marker['ttl']) };
  }
  return undefined;
}
