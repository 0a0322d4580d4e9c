import { invalidMember, isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { FilePart, ImagePart, Part, RawPart, Signature, TextPart, ThinkingPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import { readSignature, tagPrefix } from '../ir/signatures.ts';
import { readCitations } from './citations.ts';
import { readMarker } from './markers.ts';
import { readSource } from './media.ts';
import { markRedacted } from './redacted.ts';

/** Whose an untagged signature is, in a client of this dialect. */
export const native = 'anthropic';

type ContentPart = TextPart | ImagePart | FilePart | RawPart;

/** Content of a message as blocks; plain text is one. Error: `invalid_request`. */
export function blocksOf(content: unknown, path: string): readonly JsonRecord[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw invalidMember(path, 'text or a list of content blocks');
  return content.map((block: unknown, index) => {
    if (!isRecord(block) || typeof block['type'] !== 'string') throw invalidMember(`${path}[${index}]`, 'a content block with a "type"');
    return block;
  });
}

/** One block of a client's message; some documents are several parts. `note` is told what has no place in the internal form. */
export function decodeBlock(block: JsonRecord, path: string, note: (name: string) => void): readonly Part[] {
  switch (block['type']) {
    case 'thinking':
      return [decodeThinking(block, path)];
    case 'redacted_thinking':
      return [{ kind: 'thinking', text: '', signature: readRedacted(required(block, 'data', path)) }];
    case 'tool_use':
      return [decodeCall(block, path)];
    case 'tool_result':
      return [decodeResult(block, path, note)];
    default:
      return decodeContent(block, path, note);
  }
}

function decodeContent(block: JsonRecord, path: string, note: (name: string) => void): readonly ContentPart[] {
  const cache = readMarker(block);
  switch (block['type']) {
    case 'text': {
      const text = required(block, 'text', path);
      return [{ kind: 'text', text, annotations: readCitations(block['citations'], text.length), cache }];
    }
    case 'image': {
      const source = readSource(block['source']);
      if (source === undefined) throw invalidMember(`${path}.source`, 'a base64, url or file source');
      return [{ kind: 'image', source, cache }];
    }
    case 'document':
      return decodeDocument(block, path, note);
    case 'search_result':
      return [{ kind: 'text', text: searchResultText(block), cache }];
    case 'container_upload':
      return [{ kind: 'file', source: { kind: 'id', id: required(block, 'file_id', path), dialect: 'anthropic-messages' }, cache }];
    case 'tool_reference':
      // What a search for tools found; the tools themselves are all declared.
      return [{ kind: 'text', text: required(block, 'tool_name', path), cache }];
    case 'compaction':
      return typeof block['content'] === 'string' ? [{ kind: 'text', text: block['content'], cache }] : [raw(block)];
    default:
      return [raw(block)];
  }
}

function decodeDocument(block: JsonRecord, path: string, note: (name: string) => void): readonly ContentPart[] {
  const { source: stated } = block;
  const context = textOf(block['context']);
  const before: readonly ContentPart[] = context === undefined || context === '' ? [] : [{ kind: 'text', text: context }];
  if (isRecord(block['citations']) && block['citations']['enabled'] === true) note('documents.citations');
  const read = readSource(stated);
  // Only PDFs are taken by URL.
  const source = read?.kind === 'url' ? { ...read, mime: 'application/pdf' } : read;
  if (source !== undefined) return [...before, { kind: 'file', source, name: textOf(block['title']), cache: readMarker(block) }];
  if (!isRecord(stated) || stated['type'] !== 'content') throw invalidMember(`${path}.source`, 'a base64, text, url, content or file source');
  const blocks = blocksOf(stated['content'], `${path}.source.content`);
  return [...before, ...blocks.flatMap((inner, index) => decodeContent(inner, `${path}.source.content[${index}]`, note))];
}

function searchResultText(block: JsonRecord): string {
  const texts = listOf(block['content']).map((inner) => (isRecord(inner) ? textOf(inner['text']) : undefined));
  return [textOf(block['title']), textOf(block['source']), ...texts].filter((text) => text !== undefined && text !== '').join('\n');
}

/** A tagged value was marked by whoever tagged it. */
function readRedacted(data: string): Signature | undefined {
  if (data === '') return undefined;
  return data.startsWith(tagPrefix) ? readSignature(data, native) : readSignature(markRedacted(data), native);
}

function decodeThinking(block: JsonRecord, path: string): ThinkingPart {
  const signature = textOf(block['signature']) ?? '';
  return { kind: 'thinking', text: required(block, 'thinking', path), signature: signature === '' ? undefined : readSignature(signature, native) };
}

function decodeCall(block: JsonRecord, path: string): ToolCallPart {
  return { kind: 'tool_call', id: required(block, 'id', path), name: required(block, 'name', path), input: JSON.stringify(block['input'] ?? {}), cache: readMarker(block) };
}

function decodeResult(block: JsonRecord, path: string, note: (name: string) => void): ToolResultPart {
  const { content } = block;
  const blocks = content === undefined || content === null ? [] : blocksOf(content, `${path}.content`);
  return {
    kind: 'tool_result',
    callId: required(block, 'tool_use_id', path),
    parts: blocks.flatMap((inner, index) => decodeContent(inner, `${path}.content[${index}]`, note)),
    isError: block['is_error'] === true ? true : undefined,
    cache: readMarker(block),
  };
}

function raw(item: JsonRecord): RawPart {
  return { kind: 'raw', dialect: 'anthropic-messages', item };
}

function required(block: JsonRecord, name: string, path: string): string {
  const text = textOf(block[name]);
  if (text === undefined) throw invalidMember(`${path}.${name}`, 'a string');
  return text;
}
