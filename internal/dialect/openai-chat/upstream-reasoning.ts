import type { Party } from '../codec.ts';
import { isRecord, listOf, memberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import type { ThinkingPart } from '../ir/parts.ts';
import { signatureFor } from '../ir/signatures.ts';
import { detailsText } from './client-reasoning.ts';
import { needsReasoningBack } from './model-traits.ts';

/*
 * Reasoning between Keyward and an upstream. Each has its own member for it, and several refuse another's, so that the
 * member it came in stands in the signature's value, with what OpenRouter and its like sign.
 */

/** How an upstream wrote a piece of reasoning. `thinking`: a part of the content, as Mistral has it. */
export interface ReasoningForm {
  readonly field: 'reasoning_content' | 'reasoning' | 'thinking';
  /** Entries of `reasoning_details`, whole. */
  readonly details: readonly JsonRecord[];
}

/** The value of a signature that brings the form back. Empty for plain `reasoning_content`, which most write. */
export function valueOfForm({ field, details }: ReasoningForm, text: string): string {
  if (field === 'reasoning_content' && details.length === 0) return '';
  const only = details.length === 1 ? details[0] : undefined;
  const isRepeated = only !== undefined && text !== '' && detailsText([only]) === text;
  return JSON.stringify({ field, details: isRepeated ? [withoutText(only)] : details });
}

function formOfValue(value: string): ReasoningForm | undefined {
  if (value === '') return { field: 'reasoning_content', details: [] };
  const form = parseJson(value);
  const field = memberOf(form, 'field');
  if (field !== 'reasoning_content' && field !== 'reasoning' && field !== 'thinking') return undefined;
  return { field, details: listOf(memberOf(form, 'details')).filter(isRecord) };
}

export interface WrittenReasoning {
  /** Of the message. */
  readonly members: JsonRecord;
  /** At the head of its content. */
  readonly content: readonly JsonRecord[];
}

/** What the target made of an assistant message's reasoning, as it made it; all else is left out. */
export function writeReasoning(parts: readonly ThinkingPart[], target: Party): WrittenReasoning {
  const texts = { reasoning_content: '', reasoning: '', thinking: '' };
  const details: JsonRecord[] = [];
  const content: JsonRecord[] = [];
  for (const { text, signature } of parts) {
    const value = signatureFor(signature, target);
    const form = value === undefined ? undefined : formOfValue(value);
    if (form === undefined) continue;
    if (form.field === 'thinking') content.push({ type: 'thinking', thinking: [{ type: 'text', text }] });
    else texts[form.field] += text;
    details.push(...form.details.map((detail) => withText(detail, text)));
  }
  const isMissing = texts.reasoning_content === '' && texts.reasoning === '' && needsReasoningBack(target);
  return {
    members: {
      // An empty text counts as none there; https://github.com/charmbracelet/crush/issues/2696
      ...(texts.reasoning_content !== '' || isMissing ? { reasoning_content: texts.reasoning_content || ' ' } : {}),
      ...(texts.reasoning === '' ? {} : { reasoning: texts.reasoning }),
      ...(details.length === 0 ? {} : { reasoning_details: details }),
    },
    content,
  };
}

function withoutText(detail: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(detail).filter(([name]) => name !== 'text' && name !== 'summary'));
}

function withText(detail: JsonRecord, text: string): JsonRecord {
  const name = detail['type'] === 'reasoning.text' ? 'text' : detail['type'] === 'reasoning.summary' ? 'summary' : undefined;
  return name === undefined || textOf(detail[name]) !== undefined ? detail : { ...detail, [name]: text };
}
