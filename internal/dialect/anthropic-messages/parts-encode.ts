import type { Party } from '../codec.ts';
import { wrapCustomInput } from '../ir/custom-tools.ts';
import { compact, isRecord, parseJson, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { Part, RawPart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import { signatureFor } from '../ir/signatures.ts';
import { writeMarker } from './markers.ts';
import { encodeFile, encodeImage } from './media.ts';
import { traitsOf } from './model-traits.ts';
import { redactedDataOf } from './redacted.ts';

/** Where a part stands and for whom it is written. */
export interface PartPlace {
  /** For refusals. */
  readonly path: string;
  readonly isAssistant: boolean;
  readonly target: Party;
  readonly losses: Losses;
}

/** A part as a content block; undefined for one that has nothing to say there. */
export function encodePart(part: Part, place: PartPlace): JsonRecord | undefined {
  const { path, isAssistant, target, losses } = place;
  switch (part.kind) {
    case 'text':
      return encodeText(part, losses);
    case 'refusal':
      return encodeText({ kind: 'text', text: part.text }, losses);
    case 'thinking':
      return encodeThinking(part, target);
    case 'image':
      return isAssistant ? losses.refuse(path, 'what the model said there is text') : encodeImage(part, path, losses);
    case 'file':
      return isAssistant ? losses.refuse(path, 'what the model said there is text') : encodeFile(part, path, losses);
    case 'audio':
      return losses.refuse(path, 'sound is not taken');
    case 'tool_call':
      return encodeCall(part);
    case 'tool_result':
      return encodeResult(part, place);
    case 'raw':
      return encodeRaw(part, place);
  }
}

/** Blank text is refused there, and says nothing. */
function encodeText({ text, annotations, cache }: TextPart, losses: Losses): JsonRecord | undefined {
  if (text.trim() === '') return undefined;
  const own = annotations?.flatMap((annotation) => (annotation.kind === 'raw' && annotation.dialect === 'anthropic-messages' ? [annotation.item] : []));
  // A citation of a search is good with the vendor's encrypted index alone.
  if (annotations !== undefined && annotations.length !== own?.length) losses.drop('annotations');
  return compact({ type: 'text', text, citations: own === undefined || own.length === 0 ? undefined : own, cache_control: writeMarker(cache) });
}

function encodeThinking({ text, signature }: ThinkingPart, target: Party): JsonRecord | undefined {
  const value = signatureFor(signature, target);
  if (value === undefined || (value === '' && traitsOf(target).isClaude)) return undefined;
  const data = redactedDataOf(value);
  return data === undefined ? { type: 'thinking', thinking: text, signature: value } : { type: 'redacted_thinking', data };
}

function encodeCall({ id, name, input, isCustom, cache }: ToolCallPart): JsonRecord {
  return compact({ type: 'tool_use', id, name, input: toInput(isCustom === true ? wrapCustomInput(input) : input), cache_control: writeMarker(cache) });
}

/** Arguments as the object they must be. Text that is no object stays readable to the model under one name. */
export function toInput(text: string): JsonRecord {
  if (text.trim() === '') return {};
  const value = parseJson(text);
  return isRecord(value) ? value : { input: value ?? text };
}

function encodeResult({ callId, parts, isError, cache }: ToolResultPart, place: PartPlace): JsonRecord {
  const content = parts.flatMap((part, index): readonly JsonRecord[] => {
    const block = encodePart(part, { ...place, isAssistant: false, path: `${place.path}.parts[${index}]` });
    return block === undefined ? [] : [block];
  });
  const isText = content.every(({ type }) => type === 'text');
  // An error that shows more than text is refused.
  if (isError === true && !isText) place.losses.drop('is_error');
  return compact({ type: 'tool_result', tool_use_id: callId, content: shorten(content), is_error: isError === true && isText ? true : undefined, cache_control: writeMarker(cache) });
}

/** One plain text is written as such, the form that every server of this dialect reads. */
function shorten(content: readonly JsonRecord[]): unknown {
  const [first] = content;
  if (first === undefined) return undefined;
  return content.length === 1 && first['type'] === 'text' && Object.keys(first).length === 2 ? first['text'] : content;
}

function encodeRaw({ dialect, item }: RawPart, { path, isAssistant, losses }: PartPlace): JsonRecord | undefined {
  if (dialect === 'anthropic-messages') return item;
  if (!isAssistant) return losses.refuse(path, `only the dialect ${dialect} knows this content`);
  losses.drop(path);
  return undefined;
}
