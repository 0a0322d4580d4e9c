import type { AnswerContext } from '../codec.ts';
import type { AnswerPart, Choice, IrAnswer, MediaOutputPart } from '../ir/answer.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Signature, TextPart } from '../ir/parts.ts';
import type { IrRequest } from '../ir/request.ts';
import { tagSignature } from '../ir/signatures.ts';
import { withoutUnaskedThinking } from '../ir/unasked-thinking.ts';
import { writeCitation } from './citations.ts';
import { stopReasonOf } from './finish.ts';
import { toInput } from './parts-encode.ts';
import { writeUsage } from './usage.ts';

/** @see https://platform.claude.com/docs/en/api/messages/create */
export function encodeAnswer(answer: IrAnswer, context: AnswerContext): JsonRecord {
  const choice: Choice = answer.choices[0] ?? { index: 0, parts: [], finish: 'other' };
  return {
    ...messageHead(answer, context),
    content: shownParts(withSources(choice), context.request).flatMap((part) => encodePart(part)),
    stop_reason: stopReasonOf(choice.finish, { hasCalls: choice.parts.some(({ kind }) => kind === 'tool_call'), hasRefusal: choice.parts.some(({ kind }) => kind === 'refusal') }),
    stop_sequence: choice.finish === 'stop_sequence' ? (choice.stopSequence ?? null) : null,
    usage: writeUsage(answer.usage),
  };
}

export function messageHead({ id, model }: Pick<IrAnswer, 'id' | 'model'>, context: AnswerContext): JsonRecord {
  return { id: id?.startsWith('msg_') === true ? id : context.newId('msg_'), type: 'message', role: 'assistant', model: model ?? context.model, content: [], stop_reason: null, stop_sequence: null };
}

/** A client that said nothing of `thinking`, or `disabled`, reads its answers as text. `between_tools` is what such a client gets. */
export function wantsThinking({ reasoning }: IrRequest): boolean {
  return reasoning?.show !== undefined;
}

function shownParts(parts: readonly AnswerPart[], request: IrRequest): readonly AnswerPart[] {
  if (wantsThinking(request)) return parts;
  // Google does not ask for the signature of a text.
  return withoutUnaskedThinking(parts, request).map((part) => (part.kind === 'text' ? { ...part, signature: undefined } : part));
}

/** Links without a place in the text stand on the last of it. */
function withSources({ parts, sources }: Choice): readonly AnswerPart[] {
  const last = parts.findLastIndex(({ kind }) => kind === 'text');
  if (sources === undefined || last < 0) return parts;
  return parts.map((part, index) => (index === last && part.kind === 'text' ? { ...part, annotations: [...(part.annotations ?? []), ...sources] } : part));
}

/** Blank blocks are not written: sent back, the API would refuse the conversation for them. */
function encodePart(part: AnswerPart): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return [...signedBy(part.signature), ...(part.text === '' ? [] : [encodeText(part)])];
    case 'refusal':
      return part.text === '' ? [] : [{ type: 'text', text: part.text, citations: null }];
    case 'thinking':
      return part.text === '' && (part.signature?.value ?? '') === '' ? [] : [{ type: 'thinking', thinking: part.text, signature: part.signature === undefined ? '' : tagSignature(part.signature) }];
    case 'tool_call':
      return [...signedBy(part.signature), { type: 'tool_use', id: part.id, name: part.name, input: toInput(part.input) }];
    case 'media':
      return [...signedBy(part.signature), { type: 'text', text: mediaText(part), citations: null }];
    case 'raw':
      return part.dialect === 'anthropic-messages' ? [part.item] : [];
  }
}

function encodeText({ text, annotations }: TextPart): JsonRecord {
  const citations = (annotations ?? []).flatMap((annotation) => writeCitation(annotation, text) ?? []);
  return { type: 'text', text, citations: citations.length === 0 ? null : citations };
}

/** What another vendor signed a text or a call with stands before it, in the one block whose content no client looks into. */
export function signedBy(signature: Signature | undefined): readonly JsonRecord[] {
  return signature === undefined ? [] : [{ type: 'redacted_thinking', data: tagSignature(signature) }];
}

/** The dialect has no pictures or sounds in answers: a picture is shown as Markdown does, a sound by what is said in it. */
export function mediaText({ mime, data, transcript }: MediaOutputPart): string {
  return transcript ?? `![${mime}](data:${mime};base64,${data})`;
}
